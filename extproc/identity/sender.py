"""Whose request it is, as far as what is remembered of requests has to tell callers apart.

What one caller sent is known sooner when it is sent again. Were that so for everybody, the time of an answer would tell one
caller what another has sent: so what is remembered is remembered for a caller, by its credential, its certificate or, with
neither of them, the peer that Envoy names. Where nothing of that is known, all are one caller.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

CREDENTIALS = ("authorization", "x-api-key", "api-key", "x-forwarded-client-cert")
"""Headers that tell callers apart. A rendered Envoy shows the processor the last one only."""
PEERS = "x-forwarded-for"


def sender_of(headers: Mapping[str, str]) -> str:
    """What tells this caller from others. Goes into keyed digests, and nowhere else."""
    told = [headers[name] for name in CREDENTIALS if name in headers]
    if told:
        return "\0".join(told)
    # the last one is what Envoy saw itself; what stands before, anybody may write
    return headers.get(PEERS, "").rpartition(",")[2].strip()
