"""The caller of a request, known before its body is: the same one for telemetry, audit, caches, budgets and policy.

What is verified says who it is: an API key, a JWT, a certificate or, for what leaves a workload through its own sidecar, the
workload. Headers are believed where `mesh.yaml` says so, for what nothing verified tells. Where nothing does, the caller is
anonymous.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from extproc.errors import UnauthorizedError
from extproc.identity.certificates import forwarded_id, own_workload, spiffe_id
from extproc.identity.keys import Keys

if TYPE_CHECKING:
    from collections.abc import Mapping

    from extproc.config.identity import IdentitySettings

UNKNOWN = "unknown"
"""The project of a caller that names none."""
_NO_CLAIMS: Final[Mapping[str, Any]] = MappingProxyType({})
_NAME = re.compile(r"[\w.:/@+-]{1,128}")
"""What a header may say: it is believed, and yet nobody has verified it."""
_TOLD = re.compile(r'[^\x00-\x1f"\\\x7f-\x9f]{1,256}')
"""What a claim may say."""

Source = Literal["", "key", "jwt", "certificate", "workload", "header"]


class Caller(NamedTuple):
    """Who sent a request."""

    id: str = ""
    """Owner of its key, subject of its JWT, SPIFFE id of its certificate or workload, or what a trusted header says, the first
    that is there; empty: anonymous."""
    project: str = UNKNOWN
    """Who pays."""
    team: str = ""
    claims: Mapping[str, Any] = _NO_CLAIMS
    """Of the JWTs that `jwt_authn` has verified."""
    source: Source = ""
    """What says who it is."""


ANONYMOUS = Caller()


class Callers:
    """Tells callers, as the section `identity` says where to look. A value that is not fit to be a name counts as none."""

    def __init__(self, settings: IdentitySettings) -> None:
        """Reads the file of keys. Raises ConfigError."""
        self._settings = settings
        self._whole = {m.id: m for m in reversed(settings.callers) if not m.id.endswith("*")}
        self._members = settings.callers
        self._keys = Keys(settings.keys) if settings.keys else None
        self._workload = own_workload(settings.workload) if settings.workload else ""
        self._looks = bool(
            settings.certificate or settings.jwt or settings.keys or settings.workload or settings.headers.names()
        )
        self.secret_header = settings.keys.header if settings.keys else ""
        """Brings keys of ours, which no upstream is to see; empty: none does."""

    def caller(
        self,
        headers: Mapping[str, str],
        metadata: Mapping[str, Any] | None = None,
        certificate: str = "",
        *,
        outbound: bool = False,
    ) -> Caller:
        """The caller of a request.

        `headers`: names in lower case. `metadata`: what `jwt_authn` has verified, the payload of each JWT under a name.
        `certificate`: the SPIFFE id that Envoy's own connection has shown. `outbound`: it leaves the workload beside us.

        Raises UnauthorizedError for a key that is none of ours or no longer good, and for who is not to be anonymous.
        """
        if not self._looks:
            return ANONYMOUS
        caller = self._caller(headers, metadata, certificate, outbound=outbound)
        if not caller.id and self._settings.anonymous == "deny":
            raise UnauthorizedError("the caller is not known")
        return caller

    def _caller(
        self, headers: Mapping[str, str], metadata: Mapping[str, Any] | None, certificate: str, *, outbound: bool
    ) -> Caller:
        settings = self._settings
        claims: Mapping[str, Any] = _NO_CLAIMS
        name, project, team = "", "", ""
        source: Source = ""
        if self._keys is not None and (key := self._keys.find(headers)) is not None:
            name, project, team, source = key.owner, key.project or "", key.team or "", "key"
        if settings.jwt is not None and metadata:
            claims = merged(metadata)
            if not name:
                jwt = settings.jwt
                name, project, team = (claim(claims, path) for path in (jwt.id, jwt.project, jwt.team))
                source = "jwt" if name else ""
        shown = self._workload if outbound else ""
        if shown:
            proved: Source = "workload"
        else:
            proved = "certificate"
            shown = self._certificate(headers, certificate) if settings.certificate and not outbound else ""
        if shown and not name:
            name, source = shown, proved
        return self._with_headers(headers, Caller(name, project, team, claims, source), shown)

    def _with_headers(self, headers: Mapping[str, str], proved: Caller, shown: str) -> Caller:
        """What the section and trusted headers add to what was proved."""
        name, project, team, claims, source = proved
        trusted = self._settings.headers
        if trusted.id and not name:
            name = _named(headers.get(trusted.id, ""))
            source = "header" if name else ""
        if self._members and name and not (project and team):
            known_project, known_team = self._known(name)
            project, team = project or known_project, team or known_team
        project = project or (shown if source in ("certificate", "workload") else "")
        if trusted.project and not project:
            project = _named(headers.get(trusted.project, ""))
        if trusted.team and not team:
            team = _named(headers.get(trusted.team, ""))
        if not (name or project or team or claims):
            return ANONYMOUS
        return Caller(name, project or UNKNOWN, team, claims, source)

    def _certificate(self, headers: Mapping[str, str], certificate: str) -> str:
        if self._settings.certificate == "linkerd":
            return _named(headers.get("l5d-client-id", ""))
        return spiffe_id(certificate) or forwarded_id(headers.get("x-forwarded-client-cert", ""))

    def _known(self, name: str) -> tuple[str, str]:
        """Project and team of an id, where the section tells them."""
        member = self._whole.get(name)
        if member is None:
            member = next((m for m in self._members if m.id.endswith("*") and name.startswith(m.id[:-1])), None)
        return (member.project or "", member.team or "") if member else ("", "")


def merged(metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    """The claims of all verified JWTs; of two that say different things, the one whose name comes first counts."""
    payloads = [metadata[name] for name in sorted(metadata, reverse=True) if isinstance(metadata[name], dict)]
    if len(payloads) == 1:
        return payloads[0]  # type: ignore[no-any-return]
    return {claim: value for payload in payloads for claim, value in payload.items()}


def claim(claims: Mapping[str, Any], path: str | None) -> str:
    """Value of a claim, as `project` or nested as `realm.project`; empty where it has none that is a name.

    Names of claims may hold dots themselves, as `https://example.com/team` does.
    """
    if path is None:
        return ""
    value = claims.get(path)
    if value is None and "." in path:
        value = claims
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, str) and _TOLD.fullmatch(value) else ""


def _named(value: str) -> str:
    return value if _NAME.fullmatch(value) else ""
