"""Whose tokens are good, in Istio's words: a RequestAuthentication for the pods that the filter is in.

It stands before the filter in their chain, lets requests without a token pass, and refuses those with a bad one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from extproc.render.envoy.identity import key_set

if TYPE_CHECKING:
    from extproc.config import Mesh

Data = dict[str, Any]


def request_authentication(mesh: Mesh, name: str, namespace: str, labels: dict[str, str]) -> list[Data]:
    """The object; none without `identity.jwt.providers`."""
    jwt = mesh.identity.jwt
    if jwt is None or not jwt.providers:
        return []
    rules = []
    for provider in jwt.providers.values():
        keys = {"jwksUri": provider.jwks_uri} if provider.jwks_uri else {"jwks": key_set(provider)}
        audiences = {"audiences": list(provider.audiences)} if provider.audiences else {}
        rules.append({"issuer": provider.issuer, **audiences, **keys})
    return [
        {
            "apiVersion": "security.istio.io/v1",
            "kind": "RequestAuthentication",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {**({"selector": {"matchLabels": labels}} if labels else {}), "jwtRules": rules},
        }
    ]
