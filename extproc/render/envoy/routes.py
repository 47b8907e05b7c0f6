"""Envoy's routes: one for each model and residency, and what becomes of everything else.

Their order is their meaning: first what the processor has decided, then what it has to decide, then the rest.
"""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING

from envoy_data_plane.envoy.config.route.v3 import (
    HeaderMatcher,
    RetryPolicy,
    Route,
    RouteAction,
    RouteMatch,
    VirtualHost,
)
from envoy_data_plane.envoy.type.matcher.v3 import RegexMatcher, StringMatcher

from extproc.config.wire_names import MODEL_HEADER
from extproc.errors import ConfigError
from extproc.render.document import Note
from extproc.render.envoy import fallback
from extproc.render.envoy.clusters import FALLBACK_CLUSTER
from extproc.render.envoy.extension import packed, seconds
from extproc.render.envoy.model_routes import action_to, error, model_routes, refusal, retry_policy
from extproc.render.envoy.processor import FILTER_NAME, disabled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envoy_data_plane.envoy.config.listener.v3 import Listener

    from extproc.config import Mesh

DISGUISED_PATH = r"[^?]*([%;\\]|//|\.(/|$)).*"
"""`/%761/chat`, `//v1/chat` and `/v1;x=1/chat` are `/v1/chat` to many an upstream. The processor knows; Envoy's matching does
not."""
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
    shared = retry_policy(mesh.models[mesh.default_model].retries)
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
    return [*routes, refusal("refused", match)]


def attempts(mesh: Mesh) -> list[Listener]:
    """The internal listeners before models that others stand in for, and before those others."""
    original = mesh.envoy.upstream is not None
    match = RouteMatch(prefix="/")
    return [
        fallback.listener(
            mesh, name, [*model_routes(name, mesh.models[name], original=original), refusal("refused", match)]
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
    route = error(name, match, status, message, "invalid_request_error", code)
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


def _fallback(mesh: Mesh) -> RouteAction:
    """Where requests go on which nothing was decided."""
    if mesh.envoy.upstream:
        return RouteAction(cluster=FALLBACK_CLUSTER, timeout=seconds(0))
    action = action_to(mesh.default_model, mesh.models[mesh.default_model], mesh.default_residency, None)
    if action is None:
        raise ConfigError(
            f"the default model `{mesh.default_model}` has no endpoint within `default_residency: {mesh.default_residency}`"
        )
    return action
