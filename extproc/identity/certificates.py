"""Whose certificate a caller has shown, as the proxies tell it."""

from __future__ import annotations

import os
import re

from extproc.errors import ConfigError

_SIGNS = re.compile(r'(?P<escapes>\\*)(?P<sign>[",])')
_FIELDS = re.compile(r"""(?:[^;"]|"(?:[^"\\]|\\.)*+(?:"|\\?\Z))+""")
"""Of one element; a value may be quoted."""
_SPIFFE = re.compile(r"spiffe://[\w.-]{1,255}(/[\w.-]+)*")
LONGEST = 2048
"""Characters of a SPIFFE id, by its standard."""


def spiffe_id(value: str) -> str:
    """The value, if it is a SPIFFE id; else empty."""
    return value if len(value) <= LONGEST and _SPIFFE.fullmatch(value) else ""


def forwarded_id(header: str) -> str:
    """The SPIFFE id of the last proxy's peer in `x-forwarded-client-cert`: each appends its own to what came before.

    Empty where it has none, or names several: a certificate with more than one has no SPIFFE id.
    """
    fields = _FIELDS.findall(_last(header))
    uris = [field[4:].strip('"') for field in fields if field[:4].lower() == "uri="]
    return spiffe_id(uris[0]) if len(uris) == 1 else ""


def _last(header: str) -> str:
    """The last element, read from its end: what stands before it is not the proxy's own, and may open quotes as it likes."""
    quoted = False
    for sign in reversed(list(_SIGNS.finditer(header))):
        if sign["sign"] == '"':
            quoted ^= not len(sign["escapes"]) % 2
        elif not quoted:
            return header[sign.end() :]
    return header


def own_workload(template: str) -> str:
    """The SPIFFE id of the workload beside us, `$(NAMESPACE)` and `$(SERVICE_ACCOUNT)` those of its pod. Raises ConfigError."""
    name = template
    for variable in ("NAMESPACE", "SERVICE_ACCOUNT"):
        if f"$({variable})" in name:
            value = os.environ.get(f"INTENTMESH_{variable}", "")
            if not value:
                raise ConfigError(f"identity.workload: $({variable}) has no value: set INTENTMESH_{variable}")
            name = name.replace(f"$({variable})", value)
    if not spiffe_id(name):
        raise ConfigError(f"identity.workload: `{name}` is no SPIFFE id")
    return name
