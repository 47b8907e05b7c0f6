"""Who calls: which of the things that Envoy has verified say it, and which headers may."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from extproc.config.section import Section


class JwtSettings(Section):
    """Claims of the JWT that Envoy's `jwt_authn` has verified. A name is dotted for a nested claim, as `realm.project`."""

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
    headers: TrustedHeaders = Field(default_factory=TrustedHeaders)
    """Believed where nothing that is verified says it."""
    callers: tuple[Member, ...] = ()
    """Project and team of callers whose certificate, token or key does not tell them. The first that matches counts."""

    @property
    def names_projects(self) -> bool:
        """Whether anything here can tell one project from another."""
        return bool(
            self.certificate
            or self.headers.project
            or (self.jwt and self.jwt.project)
            or any(member.project for member in self.callers)
        )

    def read_headers(self) -> tuple[str, ...]:
        """The headers that the processor has to be shown, in lower case."""
        certificate = {False: (), True: ("x-forwarded-client-cert",), "linkerd": ("l5d-client-id",)}[self.certificate]
        return (*certificate, *self.headers.names())
