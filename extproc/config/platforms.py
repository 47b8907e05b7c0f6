"""Clouds that serve a provider's API under paths, with keys and in frames of their own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pydantic import Field, model_validator

from extproc.config.section import Section

if TYPE_CHECKING:
    from collections.abc import Sequence


class Bedrock(Section):
    """Amazon's. Each request is signed by Envoy."""

    region: str = Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")
    credentials_file: Path | None = None
    """AWS's own file of keys. Default: what Envoy finds as AWS's tools do: its environment, the pod's or the machine's role."""
    profile: str = "default"
    """Which keys of that file."""


class Vertex(Section):
    """Google's. The endpoint's `credentials_file` holds `Bearer ` and an access token, which something keeps fresh."""

    project: str = Field(pattern=r"^[a-z][a-z0-9:.-]{1,99}$")
    location: str = Field(pattern=r"^[a-z0-9-]{2,40}$")


class Platform(Section):
    """One of them."""

    bedrock: Bedrock | None = None
    vertex: Vertex | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.bedrock is None) == (self.vertex is None):
            raise ValueError("give one of `bedrock` and `vertex`")
        return self

    @property
    def name(self) -> str:
        """Which."""
        return "bedrock" if self.bedrock is not None else "vertex"


SERVED = {"bedrock": ("openai", "anthropic"), "vertex": ("openai", "anthropic", "gemini")}
"""Platform -> the APIs that it serves."""


def unserved(platform: Platform, api: str | None, endpoints: Sequence[Any]) -> str | None:
    """Why a platform cannot serve a model of this API at these endpoints; None: it can."""
    name = platform.name
    if api not in SERVED[name]:
        return f"`platform: {name}` needs an `api` that it serves: {', '.join(SERVED[name])}"
    if any(not endpoint.tls for endpoint in endpoints):
        return f"`platform: {name}` needs `tls: true` at each endpoint"
    if name == "bedrock" and any(endpoint.credentials_file for endpoint in endpoints):
        return "Bedrock's requests are signed: give `platform.bedrock.credentials_file`, not an endpoint's"
    return None
