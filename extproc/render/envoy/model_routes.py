"""The routes to one model: by how far a request may travel, which version it asks for, and which path is rewritten."""

from __future__ import annotations

import dataclasses
import json
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
    WeightedCluster,
    WeightedClusterClusterWeight,
)
from envoy_data_plane.envoy.extensions.retry.host.previous_hosts.v3 import PreviousHostsPredicate
from envoy_data_plane.envoy.extensions.retry.priority.previous_priorities.v3 import PreviousPrioritiesConfig
from envoy_data_plane.envoy.type.matcher.v3 import RegexMatcher, StringMatcher
from envoy_data_plane.envoy.type.v3 import FractionalPercent, FractionalPercentDenominatorType

from extproc.config.models import ZONES
from extproc.config.wire_names import MODEL_HEADER, RESIDENCY_HEADER
from extproc.render.envoy.extension import packed, seconds
from extproc.render.envoy.groups import parts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extproc.config.models import Model, Version, Zone
    from extproc.config.traffic import Retries

CALLER_CREDENTIALS = ("authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie")
"""What a caller shows to the host that it calls, and no other is to see."""
PICKS = 32
"""How often a retry picks anew where it picked an endpoint that has failed this request already. Of two endpoints the one that
fails at once has the fewest requests and is picked three times in four: after 3 picks one retry in three would still go to it."""


def model_routes(name: str, model: Model, *, original: bool) -> Iterator[Route]:
    """The routes of one model: for each distinct reach, for each header override, for each path rewrite."""
    removed = () if model.takes_credentials(original=original) else CALLER_CREDENTIALS
    for bounds in _reaches(name, model):
        reach = [HeaderMatcher(name=MODEL_HEADER, string_match=StringMatcher(exact=name)), *_residency(bounds)]
        label = name if "external" in bounds else f"{name} within {bounds[-1]}"
        for version in (v for v in model.versions.values() if v.headers):
            override = [_equals(header, value) for header, value in version.headers.items()]
            action = action_to(name, model, bounds[-1], version)
            yield from _per_path(f"{label}, asked for", name, model, action, [*reach, *override], removed)
        yield from _per_path(label, name, model, action_to(name, model, bounds[-1], None), reach, removed)


def _per_path(
    label: str,
    name: str,
    model: Model,
    action: RouteAction | None,
    headers: list[HeaderMatcher],
    removed: tuple[str, ...],
) -> Iterator[Route]:
    if action is None:
        yield refusal(label, RouteMatch(prefix="/", headers=headers))
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


def action_to(name: str, model: Model, bound: Zone, version: Version | None) -> RouteAction | None:
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
    action = RouteAction(timeout=seconds(model.timeout_s), retry_policy=retry_policy(model.retries))
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


def refusal(name: str, match: RouteMatch) -> Route:
    """A route for a request that no endpoint may take."""
    return error(name, match, 503, "No model may take this request.", "unavailable", "no_model")


def error(name: str, match: RouteMatch, status: int, message: str, kind: str, code: str) -> Route:
    """A route by which Envoy itself answers, with an error as OpenAI words it."""
    body = {"error": {"message": message, "type": kind, "code": code}}
    return Route(
        name=name,
        match=match,
        direct_response=DirectResponseAction(status=status, body=DataSource(inline_string=json.dumps(body))),
        response_headers_to_add=[HeaderValueOption(header=HeaderValue(key="content-type", value="application/json"))],
    )


def retry_policy(retries: Retries) -> RetryPolicy | None:
    """When and where a request is tried again; None: never."""
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
