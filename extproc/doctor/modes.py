"""Rules on the filter itself: what Envoy sends to the processor, how long it waits, what it takes back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from extproc.config.wire_names import MODEL_HEADER
from extproc.doctor.rule import Trouble, rule
from extproc.doctor.source import items, part

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extproc.doctor.source import Data, ExtProc, Subject

SLOW_S = 60.0


def mode(ext_proc: ExtProc, key: str) -> str:
    """One of the filter's processing modes, Envoy's default filled in."""
    modes = part(ext_proc.config, "processing_mode")
    return str(modes.get(key) or ("NONE" if "body" in key else "SKIP" if "trailer" in key else "SEND"))


def seconds(value: Any) -> float | None:
    """A duration as Envoy writes it; None: not one."""
    try:
        return float(str(value).removesuffix("s"))
    except ValueError:
        return None


@rule("request-body-mode", "error", "Set processing_mode.request_body_mode: BUFFERED.")
def _request_body(subject: Subject) -> Iterator[Trouble]:
    why = {
        "NONE": "the processor never sees a body: nothing is masked, and no text decides the route",
        "STREAMED": "the headers have left before the body comes: no route can be chosen by it, and answers to a "
        "streamed body that change headers are dropped without a word",
        "BUFFERED_PARTIAL": "of a large body only the beginning is shown: the rest would pass unmasked",
        "GRPC": "this mode is for gRPC messages, not for HTTP bodies",
    }
    for ext_proc in subject.filters:
        if reason := why.get(mode(ext_proc, "request_body_mode")):
            yield (
                (*ext_proc.path, "processing_mode"),
                f"request_body_mode is {mode(ext_proc, 'request_body_mode')}: {reason}",
            )


@rule("full-duplex", "warning", "Prefer BUFFERED for requests and STREAMED for answers.")
def _full_duplex(subject: Subject) -> Iterator[Trouble]:
    for ext_proc in subject.filters:
        for key in ("request_body_mode", "response_body_mode"):
            if mode(ext_proc, key) == "FULL_DUPLEX_STREAMED":
                yield (
                    (*ext_proc.path, "processing_mode"),
                    (
                        f"{key} is FULL_DUPLEX_STREAMED: Envoy's memory grows if the processor is slow, bodies lose their "
                        "content-length, and Envoy 1.35 to 1.37 may send the last chunk twice"
                    ),
                )


@rule("full-duplex-trailers", "error", "Set the trailer mode to SEND, or the body mode to another.")
def _full_duplex_trailers(subject: Subject) -> Iterator[Trouble]:
    for ext_proc in subject.filters:
        for side in ("request", "response"):
            duplex = mode(ext_proc, f"{side}_body_mode") == "FULL_DUPLEX_STREAMED"
            if duplex and mode(ext_proc, f"{side}_trailer_mode") != "SEND":
                yield (*ext_proc.path, "processing_mode"), f"FULL_DUPLEX_STREAMED needs {side}_trailer_mode: SEND"


@rule("header-modes", "error", "Leave request_header_mode and response_header_mode at SEND.")
def _headers(subject: Subject) -> Iterator[Trouble]:
    for ext_proc in subject.filters:
        if mode(ext_proc, "request_header_mode") == "SKIP":
            yield (
                (*ext_proc.path, "processing_mode"),
                (
                    "request_header_mode is SKIP: the processor knows neither path nor content type, and Envoy takes the "
                    "content-length off every request"
                ),
            )
        if mode(ext_proc, "response_header_mode") == "SKIP" and mode(ext_proc, "response_body_mode") == "NONE":
            yield (
                (*ext_proc.path, "processing_mode"),
                "the processor never hears of an answer: nothing masked is restored",
            )


@rule("response-buffered", "error", "Set response_body_mode: NONE with allow_mode_override, or STREAMED.")
def _response_buffered(subject: Subject) -> Iterator[Trouble]:
    for ext_proc in subject.filters:
        if mode(ext_proc, "response_body_mode") in ("BUFFERED", "BUFFERED_PARTIAL"):
            yield (
                (*ext_proc.path, "processing_mode"),
                (
                    f"response_body_mode is {mode(ext_proc, 'response_body_mode')}: streamed answers arrive at once at their "
                    "end, and those over the buffer limit fail"
                ),
            )


@rule("mode-override", "error", "Set allow_mode_override: true.")
def _override(subject: Subject) -> Iterator[Trouble]:
    for ext_proc in subject.filters:
        if mode(ext_proc, "response_body_mode") == "NONE" and not ext_proc.config.get("allow_mode_override"):
            yield (
                (*ext_proc.path, "processing_mode"),
                "response_body_mode is NONE and the processor may not ask for more: what was masked is never restored",
            )


@rule("allowed-override-modes", "error", "List the three modes of `intentmesh render envoy`, or drop the list.")
def _allowed(subject: Subject) -> Iterator[Trouble]:
    edit = {"response_header_mode": "SEND", "request_body_mode": "BUFFERED", "response_body_mode": "STREAMED"}
    for ext_proc in subject.filters:
        listed = items(ext_proc.config, "allowed_override_modes")
        if listed and not any(edit.items() <= item.items() for item in listed):
            yield (
                (*ext_proc.path, "allowed_override_modes"),
                "request BUFFERED with response STREAMED is not in the list: answers cannot be restored",
            )


@rule("fail-open", "error", "Set failure_mode_allow: false wherever personal data is masked.")
def _fail_open(subject: Subject) -> Iterator[Trouble]:
    for ext_proc in subject.filters:
        if ext_proc.config.get("failure_mode_allow"):
            yield (
                (*ext_proc.path, "failure_mode_allow"),
                "failure_mode_allow is true: whenever the processor fails or is late, the body goes on unmasked",
            )


@rule("message-timeout-unset", "error", "Set message_timeout to limits.deadline_ms and a margin, as 1.5s.")
def _timeout_unset(subject: Subject) -> Iterator[Trouble]:
    for ext_proc in subject.filters:
        if "message_timeout" not in ext_proc.config:
            yield ext_proc.path, "message_timeout is not set: Envoy gives up after 200 ms, and the client gets 504"


@rule("message-timeout", "warning", "A second or two: the processor's own limits.deadline_ms and a margin.")
def _timeout(subject: Subject) -> Iterator[Trouble]:
    for ext_proc in subject.filters:
        value = seconds(ext_proc.config.get("message_timeout", "1s"))
        if value is not None and value > SLOW_S:
            yield (
                (*ext_proc.path, "message_timeout"),
                f"message_timeout is {value:g} s: a stuck processor holds requests so long",
            )
        elif value is not None and value <= 0.2:
            yield (*ext_proc.path, "message_timeout"), f"message_timeout is {value * 1000:g} ms: a long text takes more"


@rule("google-grpc", "warning", "Use envoy_grpc with a cluster.")
def _google_grpc(subject: Subject) -> Iterator[Trouble]:
    for ext_proc in subject.filters:
        if "google_grpc" in part(ext_proc.config, "grpc_service"):
            yield (
                (*ext_proc.path, "grpc_service"),
                "google_grpc has no health checks, no balancing over the workers, and counts no bytes",
            )


@rule("route-cache", "error", "Remove disable_clear_route_cache, and leave route_cache_action at DEFAULT.")
def _route_cache(subject: Subject) -> Iterator[Trouble]:
    for ext_proc in subject.filters:
        if ext_proc.config.get("disable_clear_route_cache"):
            yield (
                (*ext_proc.path, "disable_clear_route_cache"),
                "the route is never picked again: no decision has any effect",
            )
        if ext_proc.config.get("route_cache_action") == "RETAIN":
            yield (*ext_proc.path, "route_cache_action"), "RETAIN keeps the first route: no decision has any effect"


@rule("route-cache-clear", "warning", "Leave route_cache_action at DEFAULT: the processor says when.")
def _route_cache_clear(subject: Subject) -> Iterator[Trouble]:
    for ext_proc in subject.filters:
        if ext_proc.config.get("route_cache_action") == "CLEAR":
            yield (
                (*ext_proc.path, "route_cache_action"),
                "CLEAR picks the route again after every reply that changes a header, also where nothing was decided",
            )


@rule(
    "observability-mode", "error", "Remove observability_mode; `shadow: true` in mesh.yaml decides and changes nothing."
)
def _observability(subject: Subject) -> Iterator[Trouble]:
    for ext_proc in subject.filters:
        if ext_proc.config.get("observability_mode"):
            yield (
                (*ext_proc.path, "observability_mode"),
                "Envoy reads no reply in observability_mode: nothing is masked or routed",
            )


@rule("forward-rules", "warning", "List in forward_rules.allowed_headers what the processor reads, and no more.")
def _forward(subject: Subject) -> Iterator[Trouble]:
    for ext_proc in subject.filters:
        rules = part(ext_proc.config, "forward_rules")
        disallowed = [_matcher_text(m) for m in items(part(rules, "disallowed_headers"), "patterns")]
        if not rules.get("allowed_headers") and not {"authorization", "cookie"} <= set(disallowed):
            yield ext_proc.path, "the processor is shown every header, credentials and cookies among them"


@rule("mutation-rules", "error", "Allow what the processor changes, as `intentmesh render envoy` does.")
def _mutation(subject: Subject) -> Iterator[Trouble]:
    for ext_proc in subject.filters:
        rules = part(ext_proc.config, "mutation_rules")
        for header in (MODEL_HEADER, "content-length"):
            if _forbidden(rules, header):
                yield (
                    (*ext_proc.path, "mutation_rules"),
                    f"the processor may not set {header}: Envoy drops its decision without a word",
                )


@rule("mutation-rules-open", "info", "Set mutation_rules: disallow_all with an allow_expression.")
def _mutation_open(subject: Subject) -> Iterator[Trouble]:
    for ext_proc in subject.filters:
        if "mutation_rules" not in ext_proc.config:
            yield ext_proc.path, "the processor may change any header that is not `:`-something, host or x-envoy-*"


@rule("metadata", "warning", "Set metadata_options.receiving_namespaces.untyped: [intentmesh].")
def _metadata(subject: Subject) -> Iterator[Trouble]:
    for ext_proc in subject.filters:
        spaces = part(ext_proc.config, "metadata_options", "receiving_namespaces").get("untyped")
        if "intentmesh" not in (spaces if isinstance(spaces, list) else ()):
            yield (
                ext_proc.path,
                "Envoy drops the processor's dynamic metadata: %DYNAMIC_METADATA(intentmesh:…)% stays empty",
            )


@rule("stat-prefix", "info", "Set stat_prefix: intentmesh.")
def _stat_prefix(subject: Subject) -> Iterator[Trouble]:
    for ext_proc in subject.filters:
        if not ext_proc.config.get("stat_prefix"):
            yield ext_proc.path, "without stat_prefix the counters of several ext_proc filters are one"


def _matcher_text(matcher: Data) -> str:
    return str(matcher.get("exact") or matcher.get("prefix") or "").lower()


def _forbidden(rules: Data, header: str) -> bool:
    """As Envoy decides: disallow_expression, then allow_expression, then disallow_all."""
    if _matches(rules.get("disallow_expression"), header):
        return True
    return bool(rules.get("disallow_all")) and not _matches(rules.get("allow_expression"), header)


def _matches(expression: Any, header: str) -> bool:
    pattern = expression.get("regex") if isinstance(expression, dict) else None
    try:
        return isinstance(pattern, str) and re.fullmatch(pattern, header) is not None
    except re.error:
        return False
