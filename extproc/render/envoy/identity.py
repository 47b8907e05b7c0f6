"""Who calls, as this Envoy verifies it: `jwt_authn` before the processor's filter."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from envoy_data_plane.envoy.config.core.v3 import DataSource, HttpUri
from envoy_data_plane.envoy.config.route.v3 import RouteMatch
from envoy_data_plane.envoy.extensions.filters.http.jwt_authn.v3 import (
    JwtAuthentication,
    JwtProvider,
    JwtRequirement,
    JwtRequirementOrList,
    RemoteJwks,
    RequirementRule,
)
from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager.v3 import HttpFilter
from envoy_data_plane.google.protobuf import Empty

from extproc.config.wire_names import CLAIMS_NAMESPACE
from extproc.errors import ConfigError
from extproc.render.document import Note
from extproc.render.envoy import clusters, tls
from extproc.render.envoy.extension import packed, seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envoy_data_plane.envoy.config.cluster.v3 import Cluster

    from extproc.config import Mesh
    from extproc.config.identity import IdentitySettings
    from extproc.config.identity import JwtProvider as Provider

PORTS = {"http": 80, "https": 443}
KEYS_FOR_S = 300.0
"""How long the keys of an issuer are taken for current."""
NOTES = (
    Note(
        "JwtAuthentication.providers", "Whose tokens are verified; the claims go to the processor and to nobody else."
    ),
    Note("providers.payload_in_metadata", "The processor reads verified claims from here, and no header."),
    Note(
        "JwtAuthentication.rules", "Where the processor reads requests. A request without a token goes on as anonymous."
    ),
)


def filters(mesh: Mesh) -> list[HttpFilter]:
    """What stands before the processor's filter; nothing without `identity.jwt.providers`."""
    jwt = mesh.identity.jwt
    if jwt is None or not jwt.providers:
        return []
    names = [JwtRequirement(provider_name=name) for name in jwt.providers]
    requirement = JwtRequirement(requires_any=JwtRequirementOrList(requirements=[*names, _otherwise(mesh.identity)]))
    matches = [RouteMatch(prefix=rule.path_prefix, path=rule.path) for rule in mesh.intercept]
    unique = {(match.prefix, match.path): match for match in matches}
    config = JwtAuthentication(
        providers={name: _provider(name, provider) for name, provider in jwt.providers.items()},
        rules=[RequirementRule(match=match, requires=requirement) for match in unique.values()],
    )
    return [HttpFilter(name=CLAIMS_NAMESPACE, typed_config=packed(config))]


def _otherwise(identity: IdentitySettings) -> JwtRequirement:
    """What becomes of a request without a token that is good: one with a bad token is refused, unless the same header may bring
    something else.
    """
    if identity.keys is not None and identity.keys.header == "authorization":
        return JwtRequirement(allow_missing_or_failed=Empty())
    return JwtRequirement(allow_missing=Empty())


def _provider(name: str, provider: Provider) -> JwtProvider:
    jwt = JwtProvider(
        issuer=provider.issuer, audiences=list(provider.audiences), payload_in_metadata=name, forward=False
    )
    if provider.jwks_uri is not None:
        uri = HttpUri(uri=provider.jwks_uri, cluster=_cluster_name(name), timeout=seconds(5))
        jwt.remote_jwks = RemoteJwks(http_uri=uri, cache_duration=seconds(KEYS_FOR_S))
    else:
        jwt.local_jwks = DataSource(inline_string=key_set(provider))
    return jwt


def key_set(provider: Provider) -> str:
    """The keys of a provider that has them in a file. Raises ConfigError."""
    assert provider.jwks_file is not None
    try:
        return provider.jwks_file.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"jwks_file: {provider.jwks_file} cannot be read: {error}") from None


def jwks_places(mesh: Mesh) -> list[tuple[str, int]]:
    """Host and port of each place where keys of issuers are told."""
    jwt = mesh.identity.jwt
    uris = [urlsplit(p.jwks_uri) for p in (jwt.providers if jwt else {}).values() if p.jwks_uri is not None]
    return [(uri.hostname or "", uri.port or PORTS[uri.scheme]) for uri in uris]


def jwks_clusters(mesh: Mesh) -> Iterator[Cluster]:
    """Where the keys of issuers are told."""
    jwt = mesh.identity.jwt
    for name, provider in (jwt.providers if jwt else {}).items():
        if provider.jwks_uri is None:
            continue
        uri = urlsplit(provider.jwks_uri)
        host = uri.hostname or ""
        cluster = clusters.plain_cluster(_cluster_name(name), f"{host}:{uri.port or PORTS[uri.scheme]}")
        if uri.scheme == "https":
            cluster.transport_socket = tls.verified(host)
        yield cluster


def _cluster_name(provider: str) -> str:
    return f"intentmesh-jwks-{provider}"
