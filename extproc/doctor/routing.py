"""Rules on routes: what is matched, what is missing, what is not applied again after the route has been picked anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from extproc.config.wire_names import MODEL_HEADER, RESIDENCY_HEADER
from extproc.doctor.modes import mode
from extproc.doctor.rule import Trouble, rule
from extproc.doctor.source import items, part
from extproc.doctor.upstream import addresses

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extproc.doctor.source import Data, Path, Subject


def routes(subject: Subject) -> Iterator[tuple[Path, Data]]:
    """Every route, of virtual hosts and of patches."""
    for path, host in subject.virtual_hosts:
        listed = host.get("routes")
        for i, route in enumerate(listed if isinstance(listed, list) else ()):
            if isinstance(route, dict):
                yield (*path, "routes", i), route
    for patch in subject.patches:
        if patch.apply_to == "HTTP_ROUTE" and "match" in patch.value:
            yield (*patch.path, "patch", "value"), patch.value


def headers_of(route: Data) -> list[str]:
    """Names of the headers that a route matches on."""
    return [str(matcher.get("name", "")).lower() for matcher in items(part(route, "match"), "headers")]


def action_of(route: Data) -> dict[str, Any]:
    """Where a route forwards to; empty: it does not."""
    return part(route, "route")


@rule("no-model-route", "warning", "Add routes that match on x-intentmesh-model: see envoy/snippets/routes.yaml.")
def _no_route(subject: Subject) -> Iterator[Trouble]:
    ours = [ext_proc.manager for ext_proc in subject.filters if ext_proc.manager and ext_proc.manager.whole]
    elsewhere = any("rds" in manager.config for manager in ours) and not _has_own_routes(subject)
    inline = [manager for manager in ours if isinstance(manager.config.get("route_config"), dict)]
    if inline and not elsewhere and not any(MODEL_HEADER in headers_of(r) for _, r in routes(subject)):
        yield inline[0].path, "no route matches on x-intentmesh-model: decisions have no effect"


def _has_own_routes(subject: Subject) -> bool:
    """Whether the file has routes that stand in no connection manager, as a dump of RDS has."""
    inline = {id(host) for m in subject.managers for host in items(part(m.config, "route_config"), "virtual_hosts")}
    return any(id(host) not in inline for _, host in subject.virtual_hosts)


@rule("enabled-nowhere", "error", "Turn it on in the virtual host's (or a route's) typed_per_filter_config.")
def _nowhere(subject: Subject) -> Iterator[Trouble]:
    off = [ext_proc for ext_proc in subject.filters if ext_proc.disabled]
    if not off:
        return
    # A listeners dump shows no routes that come by RDS: what turns the filter on may stand there.
    if any(ext_proc.manager and "rds" in ext_proc.manager.config for ext_proc in off) and not _has_own_routes(subject):
        return
    places = [host for _, host in subject.virtual_hosts] + [route for _, route in routes(subject)]
    places += [patch.value for patch in subject.patches if patch.apply_to in ("VIRTUAL_HOST", "HTTP_ROUTE")]
    on = {name for place in places for name in part(place, "typed_per_filter_config")}
    for ext_proc in off:
        if ext_proc.name not in on:
            yield (
                ext_proc.path[:-1],
                "it is off (`disabled`), and nothing turns it on: bodies go on unmasked, and nobody is told",
            )


@rule("route-overrides", "error", "Leave `failure_mode_allow` and `processing_mode` out of the overrides.")
def _overrides(subject: Subject) -> Iterator[Trouble]:
    places: list[tuple[Path, Data]] = [*subject.virtual_hosts, *routes(subject)]
    for path, place in places:
        for ext_proc in subject.filters:
            changed = part(place, "typed_per_filter_config", ext_proc.name, "overrides")
            for key in ("failure_mode_allow", "processing_mode", "grpc_service"):
                value = changed.get(key)
                if value not in (None, False, {}) and value != ext_proc.config.get(key):
                    yield (
                        (*path, "typed_per_filter_config", ext_proc.name, "overrides", key),
                        f"{key} is another here than in the filter: what holds for the filter does not hold for these requests",
                    )


@rule("catch-all", "warning", "End the virtual host with a route for the prefix /.")
def _catch_all(subject: Subject) -> Iterator[Trouble]:
    for path, host in subject.virtual_hosts:
        own = items(host, "routes")
        if not any(MODEL_HEADER in headers_of(r) for r in own):
            continue
        if not any(part(r, "match").get("prefix") == "/" and not headers_of(r) for r in own):
            yield path, "a request that no route matches gets 404 before the processor can decide on it"


@rule("residency-ignored", "warning", "Match on x-intentmesh-residency too, as rendered routes do.")
def _residency(subject: Subject) -> Iterator[Trouble]:
    every = list(routes(subject))
    if any(RESIDENCY_HEADER in headers_of(route) for _, route in every):
        return
    for path, route in every:
        if MODEL_HEADER in headers_of(route) and action_of(route) and not _stays(subject, route):
            yield path, "it sends requests that are bound to a zone wherever this cluster reaches"


def _stays(subject: Subject, route: Data) -> bool:
    """Whether a route's cluster has endpoints on loopback alone."""
    _, cluster = subject.clusters.get(str(action_of(route).get("cluster")), ((), {}))
    hosts = [part(address, "socket_address").get("address") for address in addresses(cluster)]
    return bool(hosts) and all(host in ("127.0.0.1", "::1", "localhost") for host in hosts)


@rule("route-timeout", "warning", "Set the route's timeout to the longest answer, or 0s.")
def _timeout(subject: Subject) -> Iterator[Trouble]:
    for path, route in routes(subject):
        if MODEL_HEADER in headers_of(route) and action_of(route) and "timeout" not in action_of(route):
            yield path, "no timeout is set: Envoy ends every answer after 15 s, streamed ones in their middle"


@rule("streamed-retries", "error", "Buffer the request body, or take the retry policy away.")
def _retries(subject: Subject) -> Iterator[Trouble]:
    if not any(mode(f, "request_body_mode") == "STREAMED" for f in subject.filters):
        return
    for path, route in routes(subject):
        if action_of(route).get("retry_policy"):
            yield path, "a retry sends a body that ext_proc streams twice over"
    for path, host in subject.virtual_hosts:
        if host.get("retry_policy"):
            yield path, "a retry sends a body that ext_proc streams twice over"


@rule("per-route-config", "warning", "Put such filters behind ours, or key them on its dynamic metadata.")
def _per_route(subject: Subject) -> Iterator[Trouble]:
    ours = {ext_proc.name for ext_proc in subject.filters}
    for path, route in routes(subject):
        names = set(part(route, "typed_per_filter_config"))
        if MODEL_HEADER in headers_of(route) and names:
            what = "ours" if names & ours else ", ".join(sorted(names))
            yield (
                (*path, "typed_per_filter_config"),
                (
                    f"this route is chosen after the filters before ours have run: its settings for {what} are not applied "
                    "to them again"
                ),
            )


@rule("envoy-headers", "error", "Route on a header that does not begin with x-envoy-.")
def _envoy_headers(subject: Subject) -> Iterator[Trouble]:
    if not subject.filters:
        return
    for path, route in routes(subject):
        for name in headers_of(route):
            if name.startswith("x-envoy-"):
                yield path, f"it matches on {name}: what a processor writes into x-envoy-* headers is dropped"


@rule("nothing-excluded", "info", "Disable the filter on routes for uploads and WebSockets (ExtProcPerRoute).")
def _excluded(subject: Subject) -> Iterator[Trouble]:
    buffered = [
        f for f in subject.filters if mode(f, "request_body_mode") == "BUFFERED" and f.manager and not f.disabled
    ]
    for ext_proc in buffered:
        assert ext_proc.manager is not None
        inline = ext_proc.manager.config.get("route_config")
        every = [r for _, r in routes(subject)] + [h for _, h in subject.virtual_hosts]
        if inline and not any(ext_proc.name in part(each, "typed_per_filter_config") for each in every):
            yield (
                ext_proc.path[:-1],
                "no route is left out: the processor is asked about every request, uploads included",
            )
