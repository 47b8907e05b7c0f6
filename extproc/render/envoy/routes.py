"""Envoy's routes: one for each model and residency, and what becomes of everything else.

Their order is their meaning: first what the processor has decided, then what it has to decide, then the rest.
"""

from __future__ import annotations

import dataclasses
import json
import re
from typing import TYPE_CHECKING

from envoy_data_plane.envoy.config.core.v3 import DataSource, HeaderValue, HeaderValueOption, RuntimeFractionalPercent
from envoy_data_plane.envoy.config.route.v3 import (
    DirectResponseAction,
    HeaderMatcher,
    RetryPolicy,
    RetryPolicyRetryHostPredicate,
    RetryPolicyRetryPriority,
    Route,
    RouteAction,
    RouteActionHashPolicy,
    RouteActionHashPolicyHeader,
    RouteActionRequestMirrorPolicy,
    RouteMatch,
    VirtualHost,
    WeightedCluster,
    WeightedClusterClusterWeight,
)
from envoy_data_plane.envoy.extensions.retry.host.previous_hosts.v3 import PreviousHostsPredicate
from envoy_data_plane.envoy.extensions.retry.priority.previous_priorities.v3 import PreviousPrioritiesConfig
from envoy_data_plane.envoy.type.matcher.v3 import RegexMatcher, StringMatcher
from envoy_data_plane.envoy.type.v3 import FractionalPercent, FractionalPercentDenominatorType

from extproc.config.models import ZONES
from extproc.config.wire_names import MODEL_HEADER, RESIDENCY_HEADER
from extproc.errors import ConfigError
from extproc.render.document import Note
from extproc.render.envoy import fallback
from extproc.render.envoy.clusters import FALLBACK_CLUSTER
from extproc.render.envoy.extension import packed, seconds
from extproc.render.envoy.groups import parts
from extproc.render.envoy.processor import FILTER_NAME, disabled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from envoy_data_plane.envoy.config.listener.v3 import Listener

    from extproc.config import Mesh
    from extproc.config.models import Model, Version, Zone
    from extproc.config.traffic import Retries

CALLER_CREDENTIALS = ("authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie")
"""What a caller shows to the host that it calls, and no other is to see."""
DISGUISED_PATH = r"[^?]*([%;\\]|//|\.(/|$)).*"
"""`/%761/chat`, `//v1/chat` and `/v1;x=1/chat` are `/v1/chat` to many an upstream. The processor knows; Envoy's matching does
not."""
PICKS = 32
"""How often a retry picks anew where it picked an endpoint that has failed this request already. Of two endpoints the one that
fails at once has the fewest requests and is picked three times in four: after 3 picks one retry in three would still go to it."""

NOTES = (
    Note(
        "virtual_hosts.routes",
        "In this order: what the processor has decided; its decisions that no route knows, which are refused; what it "
        "has to decide; the rest.",
    ),
    Note("routes.request_body_buffer_limit", "limits.max_body_bytes: Envoy's own limit, 1 MiB, would answer 413."),
    Note("routes.typed_per_filter_config", "Not intercepted: the processor never hears of these requests."),
    Note("request_headers_to_remove", "The caller's credentials were meant for another host (`forward_credentials`)."),
    Note("retry_policy.retry_priority", "A second attempt goes to the next group of endpoints, if there is one."),
    Note("use_hash_policy", "Callers with the same value of the hashed header keep their version."),
    Note("request_mirror_policies", "A copy; its answer is thrown away, and nobody waits for it."),
    Note("routes.direct_response", "Refused rather than sent farther than it may go."),
)


def virtual_host(
    mesh: Mesh, name: str = "intentmesh", domains: Sequence[str] = ("*",), onward: RouteAction | None = None
) -> VirtualHost:
    """All routes, for these host names; the retry policy of the default model is written once, for all that share it.

    `onward`: where a request goes on which nothing was decided, if the caller called another host than the models.
    """
    shared = _retry_policy(mesh.models[mesh.default_model].retries)
    routes = [*decided(mesh, original=True if onward else None), *undecided(mesh, onward)]
    for route in routes:
        if route.route is not None:
            own = route.route.retry_policy
            policy = None if own == shared else own or RetryPolicy()
            route.route = dataclasses.replace(route.route, retry_policy=policy)
    return VirtualHost(name=name, domains=list(domains), routes=routes, retry_policy=shared)


def decided(mesh: Mesh, *, original: bool | None = None) -> list[Route]:
    """Routes for requests that the processor has decided on; the last one refuses what no other knows.

    `original`: the caller called another host than the models; by default, where `envoy.upstream` is one.
    """
    if original is None:
        original = mesh.envoy.upstream is not None
    routes: list[Route] = []
    for name, model in mesh.models.items():
        if model.fallback:
            routes += fallback.routes(mesh, name, model)
        else:
            routes += model_routes(name, model, original=original)
    match = RouteMatch(prefix="/", headers=[HeaderMatcher(name=MODEL_HEADER, present_match=True)])
    return [*routes, _refusal("refused", match)]


def attempts(mesh: Mesh) -> list[Listener]:
    """The internal listeners before models that others stand in for, and before those others."""
    original = mesh.envoy.upstream is not None
    match = RouteMatch(prefix="/")
    return [
        fallback.listener(
            mesh, name, [*model_routes(name, mesh.models[name], original=original), _refusal("refused", match)]
        )
        for name in fallback.models(mesh)
    ]


def undecided(mesh: Mesh, onward: RouteAction | None = None) -> list[Route]:
    """Routes for requests as they come in: those that the processor reads, and all others."""
    action = onward or _fallback(mesh)
    paths = [RouteMatch(prefix=rule.path_prefix, path=rule.path) for rule in mesh.intercept]
    unique = {(match.prefix, match.path): match for match in paths}
    listed = mesh.catalogue.path
    if mesh.lists_models and not any(listed.startswith(prefix) for prefix, _ in unique if prefix):
        unique |= {(None, listed): RouteMatch(path=listed), (f"{listed}/", None): RouteMatch(prefix=f"{listed}/")}
    upgrades = [_no_upgrade(f"upgrade of {p or q}", match) for (p, q), match in unique.items()]
    intercepted = [_intercepted(mesh, f"intercept {p or q}", m, action) for (p, q), m in unique.items()]
    if intercepted:
        cased = [f"{re.escape(p)}.*" if p else f"{re.escape(q or '')}/?" for p, q in unique]
        regex = f"{DISGUISED_PATH}|(?i:{'|'.join(cased)})"
        disguised = RouteMatch(safe_regex=RegexMatcher(regex=regex))
        intercepted.append(_intercepted(mesh, "disguised paths", disguised, action))
        upgrades.append(_no_upgrade("upgrade of disguised paths", disguised))
    return [*upgrades, *intercepted, passed("rest", RouteMatch(prefix="/"), action)]


def passed(name: str, match: RouteMatch, action: RouteAction) -> Route:
    """A route of which the processor never hears."""
    return Route(name=name, match=match, route=action, typed_per_filter_config={FILTER_NAME: packed(disabled())})


def refused(name: str, match: RouteMatch, status: int, message: str, code: str) -> Route:
    """A route that answers with an error, and of which the processor never hears."""
    route = _error(name, match, status, message, "invalid_request_error", code)
    return dataclasses.replace(route, typed_per_filter_config={FILTER_NAME: packed(disabled())})


def _no_upgrade(name: str, match: RouteMatch) -> Route:
    """A body that asks to become a pipe: Envoy would wait for the end of it before it asks the processor, and wait for ever."""
    headers = [
        HeaderMatcher(name="upgrade", present_match=True),
        HeaderMatcher(name=":method", string_match=StringMatcher(exact="GET"), invert_match=True),
    ]
    message = "A request with a body cannot be upgraded here: send it without the header upgrade."
    return refused(name, dataclasses.replace(match, headers=headers), 400, message, "upgrade")


def _intercepted(mesh: Mesh, name: str, match: RouteMatch, action: RouteAction) -> Route:
    return Route(name=name, match=match, route=action, request_body_buffer_limit=mesh.limits.max_body_bytes)


def model_routes(name: str, model: Model, *, original: bool) -> Iterator[Route]:
    """The routes of one model: for each distinct reach, for each header override, for each path rewrite."""
    removed = () if model.takes_credentials(original=original) else CALLER_CREDENTIALS
    for bounds in _reaches(name, model):
        reach = [HeaderMatcher(name=MODEL_HEADER, string_match=StringMatcher(exact=name)), *_residency(bounds)]
        label = name if "external" in bounds else f"{name} within {bounds[-1]}"
        for version in (v for v in model.versions.values() if v.headers):
            override = [_equals(header, value) for header, value in version.headers.items()]
            action = _action(name, model, bounds[-1], version)
            yield from _per_path(f"{label}, asked for", name, model, action, [*reach, *override], removed)
        yield from _per_path(label, name, model, _action(name, model, bounds[-1], None), reach, removed)


def _per_path(
    label: str,
    name: str,
    model: Model,
    action: RouteAction | None,
    headers: list[HeaderMatcher],
    removed: tuple[str, ...],
) -> Iterator[Route]:
    if action is None:
        yield _refusal(label, RouteMatch(prefix="/", headers=headers))
        return
    for rewrite in sorted(model.rewrite, key=lambda r: -len(r.prefix)):
        yield Route(
            name=f"{label} {rewrite.prefix}",
            match=RouteMatch(prefix=rewrite.prefix, headers=headers),
            route=dataclasses.replace(action, prefix_rewrite=rewrite.to),
            stat_prefix=name,
            request_headers_to_remove=list(removed),
        )
    yield Route(
        name=label,
        match=RouteMatch(prefix="/", headers=headers),
        route=action,
        stat_prefix=name,
        request_headers_to_remove=list(removed),
    )


def _action(name: str, model: Model, bound: Zone, version: Version | None) -> RouteAction | None:
    """Where a request for a model goes that may travel up to a zone; None: nowhere."""
    by_version = parts(name, model)
    clusters = {
        key: cluster
        for key, part in by_version.items()
        if (version is None or model.versions[key] is version) and (cluster := part.cluster(bound))
    }
    if version is None and model.versions:
        clusters = {key: cluster for key, cluster in clusters.items() if model.versions[key].weight}
    if not clusters:
        return None
    action = RouteAction(timeout=seconds(model.timeout_s), retry_policy=_retry_policy(model.retries))
    if len(clusters) == 1:
        action.cluster = next(iter(clusters.values()))
    else:
        weights = [
            WeightedClusterClusterWeight(name=cluster, weight=model.versions[key].weight)
            for key, cluster in clusters.items()
        ]
        action.weighted_clusters = WeightedCluster(clusters=weights, use_hash_policy=True if model.sticky else None)
    if model.sticky:
        header = RouteActionHashPolicyHeader(header_name=model.sticky.header)
        action.hash_policy = [RouteActionHashPolicy(header=header)]
    if any(e.tls or e.host for e in model.every_endpoint()):
        action.auto_host_rewrite = True
    if model.mirror and (mirror := by_version[model.mirror.version].cluster(bound)):
        action.request_mirror_policies = [_mirror(mirror, model.mirror.percent)]
    return action


def _reaches(name: str, model: Model) -> Iterator[tuple[Zone, ...]]:
    """The residencies, those together that reach the same endpoints; from the farthest to the nearest."""
    zones: dict[tuple[str | None, ...], list[Zone]] = {}
    for bound in ZONES:
        key = tuple(part.cluster(bound) for part in parts(name, model).values())
        zones.setdefault(key, []).append(bound)
    yield from (tuple(bounds) for bounds in reversed(zones.values()))


def _residency(bounds: tuple[Zone, ...]) -> list[HeaderMatcher]:
    """Matches requests that may travel as far as one of these zones; without the header, a request may go anywhere."""
    if len(bounds) == len(ZONES):
        return []
    anywhere = "external" in bounds
    if len(bounds) == 1 and not anywhere:
        match = StringMatcher(exact=bounds[0])
    else:
        match = StringMatcher(safe_regex=RegexMatcher(regex=f"({'|'.join(bounds)}){'?' if anywhere else ''}"))
    return [HeaderMatcher(name=RESIDENCY_HEADER, string_match=match, treat_missing_header_as_empty=anywhere)]


def _equals(header: str, value: str) -> HeaderMatcher:
    return HeaderMatcher(name=header.lower(), string_match=StringMatcher(exact=value))


def _refusal(name: str, match: RouteMatch) -> Route:
    return _error(name, match, 503, "No model may take this request.", "unavailable", "no_model")


def _error(name: str, match: RouteMatch, status: int, message: str, kind: str, code: str) -> Route:
    error = {"error": {"message": message, "type": kind, "code": code}}
    return Route(
        name=name,
        match=match,
        direct_response=DirectResponseAction(status=status, body=DataSource(inline_string=json.dumps(error))),
        response_headers_to_add=[HeaderValueOption(header=HeaderValue(key="content-type", value="application/json"))],
    )


def _fallback(mesh: Mesh) -> RouteAction:
    """Where requests go on which nothing was decided."""
    if mesh.envoy.upstream:
        return RouteAction(cluster=FALLBACK_CLUSTER, timeout=seconds(0))
    action = _action(mesh.default_model, mesh.models[mesh.default_model], mesh.default_residency, None)
    if action is None:
        raise ConfigError(
            f"the default model `{mesh.default_model}` has no endpoint within `default_residency: {mesh.default_residency}`"
        )
    return action


def _retry_policy(retries: Retries) -> RetryPolicy | None:
    if not retries.attempts or not (retries.on or retries.statuses):
        return None
    words = [*retries.on, *(["retriable-status-codes"] if retries.statuses else [])]
    return RetryPolicy(
        retry_on=",".join(words),
        num_retries=retries.attempts,
        per_try_timeout=seconds(retries.per_try_timeout_s) if retries.per_try_timeout_s else None,
        retriable_status_codes=list(retries.statuses),
        retry_host_predicate=[
            RetryPolicyRetryHostPredicate(
                name="envoy.retry_host_predicates.previous_hosts", typed_config=packed(PreviousHostsPredicate())
            )
        ],
        host_selection_retry_max_attempts=PICKS,
        retry_priority=RetryPolicyRetryPriority(
            name="envoy.retry_priorities.previous_priorities",
            typed_config=packed(PreviousPrioritiesConfig(update_frequency=1)),
        ),
    )


def _mirror(cluster: str, percent: float) -> RouteActionRequestMirrorPolicy:
    share = FractionalPercent(numerator=round(percent * 10_000), denominator=FractionalPercentDenominatorType.MILLION)
    return RouteActionRequestMirrorPolicy(
        cluster=cluster, runtime_fraction=RuntimeFractionalPercent(default_value=share)
    )
