"""Whose request it is, as far as what is remembered of requests has to tell callers apart.

What one caller sent is known sooner when it is sent again. Were that so for everybody, the time of an answer would tell one
caller what another has sent: so what is remembered is remembered for a caller, by who it is, by its credential or its
certificate or, with none of them, the peer that Envoy names. Where nothing of that is known, all are one caller.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from extproc.identity.caller import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from extproc.identity.caller import Caller

CREDENTIALS = ("authorization", "x-api-key", "api-key", "x-forwarded-client-cert")
"""Headers that tell callers apart. A rendered Envoy shows the processor the last one only."""
PEERS = "x-forwarded-for"


def distinct(caller: Caller, headers: Mapping[str, str]) -> str:
    """What tells one caller from another, and stays the same from one request of its to the next. Not for logs."""
    if caller.id or caller.project != UNKNOWN:
        return f"{caller.id} {caller.project}"
    return sender_of(caller, headers)


def sender_of(caller: Caller, headers: Mapping[str, str]) -> str:
    """What tells this caller from others, of one project too. Goes into keyed digests, and nowhere else."""
    if caller.id:
        return f"{caller.id} {caller.project}"
    shown = [headers[name] for name in CREDENTIALS if name in headers]
    if shown:
        return "\0".join(shown)
    # the last one is what Envoy saw itself; what stands before, anybody may write
    return headers.get(PEERS, "").rpartition(",")[2].strip()
