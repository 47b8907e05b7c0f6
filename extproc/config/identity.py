"""Who calls: which of the things that Envoy has verified say it, and which headers may."""

from __future__ import annotations

from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from extproc.config.fields import MeshPath
from extproc.config.models import ModelName
from extproc.config.section import Section


class JwtProvider(Section):
    """Who issues tokens, and with which keys they are verified."""

    issuer: str = Field(min_length=1)
    audiences: tuple[str, ...] = ()
    """A token has to be meant for one of these. Without any, tokens for others are taken too."""
    jwks_uri: str | None = None
    """Where its keys are told, as `https://login.example.com/jwks.json`."""
    jwks_file: MeshPath | None = None
    """The same in a file, relative to `mesh.yaml`: it is put into what is rendered."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.jwks_uri is None) == (self.jwks_file is None):
            raise ValueError("give one of `jwks_uri` and `jwks_file`")
        return self

    @field_validator("jwks_uri")
    @classmethod
    def _is_uri(cls, uri: str | None) -> str | None:
        if uri is not None and (urlsplit(uri).scheme not in ("http", "https") or not urlsplit(uri).hostname):
            raise ValueError(f"`{uri}` is no address that begins with https:// or http://")
        return uri


class JwtSettings(Section):
    """Claims of the JWT that Envoy's `jwt_authn` has verified. A name is dotted for a nested claim, as `realm.project`."""

    providers: dict[ModelName, JwtProvider] = Field(default_factory=dict)
    """Whose tokens Envoy verifies; rendered as `jwt_authn`, or as what each mesh has in its place. Without any, yours does it
    before the processor is asked."""
    id: str = "sub"
    """The claim that says who calls."""
    project: str | None = None
    """The claim that says who pays."""
    team: str | None = None
    """The claim that says to which team the caller belongs."""


class TrustedHeaders(Section):
    """Headers that are believed as they come: your gateway sets each of them, and takes off what callers send by that name."""

    id: str | None = None
    project: str | None = None
    team: str | None = None

    @field_validator("id", "project", "team")
    @classmethod
    def _lower(cls, name: str | None) -> str | None:
        return name.lower() if name else None

    def names(self) -> tuple[str, ...]:
        """Those that are named, in lower case."""
        return tuple(name for name in (self.id, self.project, self.team) if name)


class KeySettings(Section):
    """API keys of your own, as `intentmesh keys new` makes them. The file holds their digests only."""

    file: MeshPath
    """Relative to `mesh.yaml`. It is read again when it changes."""
    header: str = "authorization"
    """The header that brings the key, with or without `Bearer`. It is taken off before the request goes on."""

    @field_validator("header")
    @classmethod
    def _lower(cls, name: str) -> str:
        return name.lower()


class Member(Section):
    """What is known of callers by their id."""

    id: str = Field(min_length=1)
    """A whole id, or the beginning of one and `*`: `spiffe://cluster.local/ns/research/*`."""
    project: str | None = None
    team: str | None = None

    @field_validator("id")
    @classmethod
    def _star_ends_it(cls, pattern: str) -> str:
        if "*" in pattern[:-1]:
            raise ValueError(f"`{pattern}`: a `*` stands at the end only")
        return pattern


class IdentitySettings(Section):
    """The `identity` section. Without one, every caller is anonymous."""

    certificate: bool | Literal["linkerd"] = False
    """The SPIFFE id of the caller's certificate, as Envoy has verified it on its own connection or, in a mesh, as the proxy
    before it tells in `x-forwarded-client-cert`. `linkerd`: as Linkerd's proxy tells in `l5d-client-id`."""
    jwt: JwtSettings | None = None
    keys: KeySettings | None = None
    workload: str | None = None
    """In a caller's own sidecar: its SPIFFE id, which counts for what it sends out. `$(NAMESPACE)` and `$(SERVICE_ACCOUNT)` are
    those of the pod, as in `spiffe://cluster.local/ns/$(NAMESPACE)/sa/$(SERVICE_ACCOUNT)`."""
    anonymous: Literal["allow", "deny"] = "allow"
    """`deny`: who cannot be told gets 401."""
    headers: TrustedHeaders = Field(default_factory=TrustedHeaders)
    """Believed where nothing that is verified says it."""
    callers: tuple[Member, ...] = ()
    """Project and team of callers whose certificate, token or key does not tell them. The first that matches counts."""

    @field_validator("workload")
    @classmethod
    def _is_spiffe(cls, name: str | None) -> str | None:
        if name is not None and not name.startswith("spiffe://"):
            raise ValueError(f"`{name}` is no SPIFFE id: it begins with spiffe://")
        return name

    @model_validator(mode="after")
    def _somebody_can_be_told(self) -> Self:
        sources = (self.certificate, self.jwt, self.keys, self.workload, self.headers.id)
        if self.anonymous == "deny" and not any(sources):
            raise ValueError("`anonymous: deny` refuses everybody: nothing here tells who calls")
        return self

    @property
    def is_checked(self) -> bool:
        """Whether a request may be refused for who sends it."""
        return self.anonymous == "deny" or self.keys is not None

    @property
    def names_projects(self) -> bool:
        """Whether anything here can tell one project from another."""
        return bool(
            self.certificate
            or self.keys
            or self.workload
            or self.headers.project
            or (self.jwt and self.jwt.project)
            or any(member.project for member in self.callers)
        )

    def read_headers(self) -> tuple[str, ...]:
        """The headers that the processor has to be shown, in lower case."""
        certificate = {False: (), True: ("x-forwarded-client-cert",), "linkerd": ("l5d-client-id",)}[self.certificate]
        keys = (self.keys.header,) if self.keys else ()
        return (*certificate, *keys, *self.headers.names())
