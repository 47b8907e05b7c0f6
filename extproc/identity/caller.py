"""The caller of a request, known before its body is: the same one for telemetry, audit, caches, budgets and policy."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from extproc.identity.sender import sender_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from extproc.config.telemetry import ProjectSettings

UNKNOWN = "unknown"
"""The project of a caller that names none."""
_NO_CLAIMS: Final[Mapping[str, object]] = MappingProxyType({})
_NAME = re.compile(r"[\w.:/@+-]{1,128}")
_SPIFFE = re.compile(r"(?:^|[;,])URI=(spiffe://[^;,\"]{1,256})", re.IGNORECASE)


class Caller(NamedTuple):
    """Who sent a request."""

    id: str = ""
    """SPIFFE id of the certificate that the caller's side of a mesh has shown; empty: none, or none that is read."""
    project: str = UNKNOWN
    """Who pays."""
    claims: Mapping[str, object] = _NO_CLAIMS
    """Payloads of the JWTs that `jwt_authn` has verified, under the names that it keeps them by."""


ANONYMOUS = Caller()


def distinct(caller: Caller, headers: Mapping[str, str]) -> str:
    """What tells one caller from another: who it is, as far as that is known, else whose request it is. Not for logs."""
    if caller.id or caller.project != UNKNOWN:
        return f"{caller.id} {caller.project}"
    return sender_of(headers)


def caller_of(
    settings: ProjectSettings, headers: Mapping[str, str], claims: Mapping[str, object] | None = None
) -> Caller:
    """The caller, as these settings say where to look. A value that is not fit to be a name counts as none.

    `headers`: names in lower case. `claims`: as `Caller` has them.
    """
    identity = _spiffe_id(headers) if settings.spiffe else ""
    project = _named(_claim(settings.claim, claims)) if settings.claim is not None else ""
    project = project or identity
    if not project and settings.header is not None:
        project = _named(headers.get(settings.header.lower(), ""))
    if not project and not claims:
        return ANONYMOUS
    return Caller(identity, project or UNKNOWN, claims or _NO_CLAIMS)


def _named(value: str) -> str:
    return value if _NAME.fullmatch(value) else ""


def _spiffe_id(headers: Mapping[str, str]) -> str:
    """That of the last proxy's peer: each appends its own to what came."""
    found = _SPIFFE.findall(headers.get("x-forwarded-client-cert", ""))
    return _named(str(found[-1])) if found else ""


def _claim(path: str, claims: Mapping[str, object] | None) -> str:
    """Value of a claim, as `project` or nested as `realm.project`, in any of the verified payloads."""
    for payload in (claims or {}).values():
        value: object = payload
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        if isinstance(value, str):
            return value
    return ""
