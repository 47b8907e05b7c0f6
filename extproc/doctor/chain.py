"""Rules on where the filter stands: its neighbours, the listener around it, what is done to headers before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extproc.config.wire_names import MODEL_HEADER
from extproc.doctor.modes import mode
from extproc.doctor.rule import Trouble, rule
from extproc.doctor.source import is_message, items, part

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extproc.doctor.source import Data, ExtProc, Manager, Path, Subject

AUTHENTICATION = ("JwtAuthentication", "RBAC", "ExtAuthz", "OAuth2", "BasicAuth", "ApiKeyAuth")
LIMITS = ("RateLimit", "LocalRateLimit", "RateLimitQuotaFilterConfig")


def neighbours(ext_proc: ExtProc) -> tuple[list[Data], int] | None:
    """The chain of filters that a filter stands in, and its place there; None: the file does not show it."""
    if ext_proc.manager is None:
        return None
    chain = items(ext_proc.manager.config, "http_filters")
    at = next((i for i, f in enumerate(chain) if f.get("typed_config") is ext_proc.config), None)
    return None if at is None else (chain, at)


def kind(http_filter: Data) -> str:
    """The message of a filter's configuration."""
    config = http_filter.get("typed_config")
    return str(config.get("@type", "")).rpartition(".")[2] if isinstance(config, dict) else ""


def chain_path(ext_proc: ExtProc) -> Path:
    """Where the filter itself is, and not its configuration."""
    return ext_proc.path[:-1]


@rule("after-authentication", "error", "Put the filter behind authentication and authorization.")
def _authentication(subject: Subject) -> Iterator[Trouble]:
    for ext_proc in subject.filters:
        if (place := neighbours(ext_proc)) is None:
            continue
        chain, at = place
        for later in chain[at + 1 :]:
            if kind(later) in AUTHENTICATION:
                yield (
                    chain_path(ext_proc),
                    f"it stands before {later.get('name')}: bodies of callers who may not call are read, and cost time",
                )


@rule("before-rate-limits", "info", "Put limits that count by model behind the filter, or key them on its metadata.")
def _limits(subject: Subject) -> Iterator[Trouble]:
    for ext_proc in subject.filters:
        if (place := neighbours(ext_proc)) is None:
            continue
        chain, at = place
        for earlier in chain[:at]:
            if kind(earlier) in LIMITS:
                yield (
                    chain_path(ext_proc),
                    f"{earlier.get('name')} stands before it: limits are counted on the route of before the decision",
                )


@rule("buffer-filter", "error", "Put the buffer filter before the filter, or remove it.")
def _buffer(subject: Subject) -> Iterator[Trouble]:
    for ext_proc in subject.filters:
        if (place := neighbours(ext_proc)) is None:
            continue
        chain, at = place
        for later in chain[at + 1 :]:
            if kind(later) == "Buffer":
                yield (
                    chain_path(ext_proc),
                    "the buffer filter stands behind it: large requests get 413 from the one or the other",
                )


@rule("compressor", "warning", "Put compressors before the filter in the list: answers pass it in the other order.")
def _compressor(subject: Subject) -> Iterator[Trouble]:
    for ext_proc in subject.filters:
        if (place := neighbours(ext_proc)) is None:
            continue
        chain, at = place
        for later in chain[at + 1 :]:
            if kind(later) in ("Compressor", "Decompressor"):
                yield (
                    chain_path(ext_proc),
                    (
                        f"{later.get('name')} stands behind it: the processor meets bodies that are compressed, where it "
                        "could have them plain"
                    ),
                )


@rule("several-processors", "warning", "Ours first, under a name of its own; several need Envoy 1.39.")
def _several(subject: Subject) -> Iterator[Trouble]:
    for manager in subject.managers:
        own = [ext_proc for ext_proc in subject.processors if ext_proc.manager is manager]
        for extra in own[1:]:
            yield (
                chain_path(extra),
                f"{len(own)} ext_proc filters in one chain: before Envoy 1.38, bodies of chained ones stall or are cut",
            )


@rule("endpoint-picker", "error", "Put the filter before the other processor.")
def _picker(subject: Subject) -> Iterator[Trouble]:
    for ext_proc in subject.filters:
        before = [p for p in subject.processors if p.manager and p.manager is ext_proc.manager and not p.is_ours]
        if ext_proc.is_ours and before and subject.processors.index(before[0]) < subject.processors.index(ext_proc):
            yield (
                chain_path(ext_proc),
                f"{before[0].name} reads the request before it: an endpoint is picked, and a body seen, before it is masked",
            )


@rule("filter-name-twice", "error", "Give each filter a name of its own.")
def _names(subject: Subject) -> Iterator[Trouble]:
    for manager in subject.managers:
        own = [ext_proc for ext_proc in subject.processors if ext_proc.manager is manager]
        names = [ext_proc.name for ext_proc in own]
        for ext_proc in own[1:]:
            if names.count(ext_proc.name) > 1:
                yield (
                    chain_path(ext_proc),
                    f"two filters are named `{ext_proc.name}`: a route's typed_per_filter_config hits both",
                )


@rule("buffer-limit", "warning", "Set request_body_buffer_limit on the route, or per_connection_buffer_limit_bytes.")
def _buffer_limit(subject: Subject) -> Iterator[Trouble]:
    if _raises_limit(subject):
        return
    for ext_proc in subject.filters:
        if mode(ext_proc, "request_body_mode") != "BUFFERED":
            continue
        if ext_proc.patch or (ext_proc.manager and ext_proc.manager.listener):
            yield (
                chain_path(ext_proc),
                "bodies are buffered up to 1 MiB (Envoy, Istio) or 32 KiB (Envoy Gateway); larger ones get 413",
            )


def _raises_limit(subject: Subject) -> bool:
    limits = [listener.get("per_connection_buffer_limit_bytes") for _, listener in subject.listeners]
    limits += [p.value.get("per_connection_buffer_limit_bytes") for p in subject.patches if p.apply_to == "LISTENER"]
    for _, host in subject.virtual_hosts:
        routes = items(host, "routes")
        limits += [part.get("request_body_buffer_limit") for part in (host, *routes)]
    return any(limits)


@rule("spoofed-headers", "error", "Remove x-intentmesh-* in early_header_mutation_extensions.")
def _spoofed(subject: Subject) -> Iterator[Trouble]:
    if not subject.filters:
        return
    patched = [m for m in subject.managers if not m.whole]
    if any(_removes_ours(manager) for manager in patched):
        return
    for manager in subject.managers:
        has_ours = any(ext_proc.manager is manager for ext_proc in subject.filters)
        if manager.whole and has_ours and not _removes_ours(manager):
            yield manager.path, "a client can send x-intentmesh-model, and is routed by it before any filter has run"
    for ext_proc in subject.filters:
        if ext_proc.patch:
            yield (
                ext_proc.path,
                "nothing here removes x-intentmesh-model from what clients send: they could choose their model",
            )


def _removes_ours(manager: Manager) -> bool:
    extensions = items(manager.config, "early_header_mutation_extensions")
    configs = [
        part(item, "typed_config") for item in extensions if is_message(item.get("typed_config"), "HeaderMutation")
    ]
    return any(_removes(mutation, MODEL_HEADER) for config in configs for mutation in items(config, "mutations"))


def _removes(mutation: Data, header: str) -> bool:
    matcher = part(mutation, "remove_on_match", "key_matcher")
    return (
        str(mutation.get("remove", "")).lower() == header
        or str(matcher.get("exact", "")).lower() == header
        or (bool(matcher.get("prefix")) and header.startswith(str(matcher["prefix"]).lower()))
    )


@rule("upstream-filter", "error", "Put the filter into the listener's chain.")
def _upstream_filter(subject: Subject) -> Iterator[Trouble]:
    for ext_proc in subject.filters:
        if ext_proc.manager is None and ext_proc.patch is None and "typed_extension_protocol_options" in ext_proc.path:
            yield chain_path(ext_proc), "it stands among a cluster's filters: there the route is chosen already"
