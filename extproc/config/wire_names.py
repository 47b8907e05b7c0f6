"""What the processor and every rendered Envoy call the same by: headers that the one writes and the other matches on.

x-intentmesh-model: phi-telemetry     a name in the registry
x-intentmesh-residency: cluster       the farthest zone that the request may reach; left out: any
"""

from __future__ import annotations

from typing import Final

HEADER_PREFIX: Final = "x-intentmesh-"
"""Headers with this prefix are ours: removed from what clients send, before anything reads them."""
MODEL_HEADER: Final = "x-intentmesh-model"
"""The header that Envoy's routes match on."""
RESIDENCY_HEADER: Final = "x-intentmesh-residency"
"""How far the request may travel: one of the zones."""
FALLBACK_HEADER: Final = "x-intentmesh-fallback"
"""The models that may stand in for that one, joined by commas."""
ANSWERED_HEADER: Final = "x-intentmesh-answered-by"
"""Of an answer: the model that has given it, where others could have."""
PROMPT_HEADER: Final = "x-intentmesh-prompt"
"""Of a request: the prompt that it wants, as `NAME`, `NAME@VERSION` or `NAME@LABEL`; of an answer: the one that it got."""
TOLD_HEADERS: Final = tuple(
    f"{HEADER_PREFIX}{name}"
    for name in (
        "intent",
        "intents",
        "best",
        "runner-up",
        "score",
        "threshold",
        "stage",
        "reason",
        "language",
        "prompt",
    )
)
"""Of an answer: how its request was decided, where `classifier.explain_headers` wants it told."""
ATTEMPT: Final = "x-intentmesh-attempt"
"""In the metadata of a gRPC stream: the model before which it is asked, of those that a request may try."""
METADATA_NAMESPACE: Final = "intentmesh"
"""Of Envoy's dynamic metadata, as `%DYNAMIC_METADATA(intentmesh:model)%` reads it in an access log."""
CALLER_API: Final = "caller_api"
"""In it, where a request was translated: whose API its caller speaks, of which the path tells no more."""
LOGS_USAGE: Final = "x-intentmesh-logs-usage"
"""In the metadata of a gRPC stream: the Envoy that opened it reads token usage itself, and tells it in its access log."""
CLAIMS_NAMESPACE: Final = "envoy.filters.http.jwt_authn"
"""Of Envoy's dynamic metadata: where it keeps the payload of a JWT that it has verified."""
CERTIFICATE_ATTRIBUTE: Final = "connection.uri_san_peer_certificate"
"""The URI in the certificate that the caller has shown Envoy."""
DIRECTION_ATTRIBUTE: Final = "xds.listener_direction"
"""Whether a request comes into a workload, or leaves it."""
OUTBOUND: Final = 2
"""Its value for what leaves."""
