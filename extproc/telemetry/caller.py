"""Who sent a request, as far as it is known without reading the request: the project that pays for it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from extproc.config.telemetry import ProjectSettings

UNKNOWN = "unknown"
OTHER = "other"

_NAME = re.compile(r"[\w.:/@+-]{1,128}")
_SPIFFE = re.compile(r"(?:^|[;,])URI=(spiffe://[^;,\"]{1,256})", re.IGNORECASE)


def project_of(
    settings: ProjectSettings, headers: Mapping[str, str], claims: Mapping[str, object] | None = None
) -> str:
    """The project's name, `unknown` where none is told or the value is not fit to be a name.

    `claims`: the payload of the verified JWT, under the names that `jwt_authn` keeps it by.
    """
    if settings.claim is not None and (found := _NAME.fullmatch(_claim(settings.claim, claims))):
        return found[0]
    if settings.spiffe and (certificate := headers.get("x-forwarded-client-cert")):
        identities = _SPIFFE.findall(certificate)
        if identities and _NAME.fullmatch(identities[-1]):
            return str(identities[-1])
    if settings.header is not None and (found := _NAME.fullmatch(headers.get(settings.header.lower(), ""))):
        return found[0]
    return UNKNOWN


def _claim(path: str, claims: Mapping[str, object] | None) -> str:
    """Value of a claim, as `project` or nested as `realm.project`, in any of the verified payloads."""
    for payload in (claims or {}).values():
        value: object = payload
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        if isinstance(value, str):
            return value
    return ""


def label_of(settings: ProjectSettings, project: str) -> str:
    """The project as a metric's label: only names that the configuration knows, so that labels stay few."""
    return project if project == UNKNOWN or project in settings.known else OTHER
