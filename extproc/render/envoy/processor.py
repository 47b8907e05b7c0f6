"""The filter itself: how Envoy calls the processor, what it shows it, and what it lets it change."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from envoy_data_plane.envoy.config.common.mutation_rules.v3 import (
    HeaderMutation,
    HeaderMutationRemoveOnMatch,
    HeaderMutationRules,
)
from envoy_data_plane.envoy.config.core.v3 import (
    BackoffStrategy,
    GrpcService,
    GrpcServiceEnvoyGrpc,
    HeaderValue,
    RetryPolicy,
    TypedExtensionConfig,
)
from envoy_data_plane.envoy.extensions.filters.http.ext_proc.v3 import (
    ExternalProcessor,
    ExtProcPerRoute,
    HeaderForwardingRules,
    MetadataOptions,
    MetadataOptionsMetadataNamespaces,
    ProcessingMode,
    ProcessingModeBodySendMode,
    ProcessingModeHeaderSendMode,
)
from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager.v3 import HttpFilter
from envoy_data_plane.envoy.extensions.http.early_header_mutation.header_mutation.v3 import (
    HeaderMutation as EarlyHeaderMutation,
)
from envoy_data_plane.envoy.type.matcher.v3 import ListStringMatcher, RegexMatcher, StringMatcher

from extproc.config.policy_facts import header_names
from extproc.config.wire_names import (
    ATTEMPT,
    CERTIFICATE_ATTRIBUTE,
    CLAIMS_NAMESPACE,
    DIRECTION_ATTRIBUTE,
    HEADER_PREFIX,
    LOGS_USAGE,
    METADATA_NAMESPACE,
    MODEL_HEADER,
    RESIDENCY_HEADER,
)
from extproc.render.document import Note
from extproc.render.envoy.extension import extension, packed, seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extproc.config import Mesh

FILTER_NAME = "intentmesh.ext_proc"
"""A name of our own, so that a route's `typed_per_filter_config` never meets another ext_proc filter's."""
PROCESSOR_CLUSTER = "intentmesh"
READ_HEADERS = (
    ":method", ":path", ":status", "accept-encoding", "content-encoding", "content-length", "content-type",
    "traceparent", "tracestate", "x-forwarded-client-cert", "x-forwarded-for", "x-request-id",
)  # fmt: skip
"""What the processor reads of every exchange; intents and routes that match on headers add theirs."""
CHANGED_HEADERS = (":path", "acc", "cont", "dig", "repr-d", "etag", "trac", "retry", "x-(sho|ratel|intentmesh-)")
"""What the processor changes or removes, by how it begins: Envoys before 1.37 bound the size of the expression."""

_NONE, _STREAMED, _BUFFERED = (
    ProcessingModeBodySendMode.NONE,
    ProcessingModeBodySendMode.STREAMED,
    ProcessingModeBodySendMode.BUFFERED,
)
_SEND, _SKIP = ProcessingModeHeaderSendMode.SEND, ProcessingModeHeaderSendMode.SKIP

NOTES = (
    Note(
        "ExternalProcessor.grpc_service",
        "No `timeout` here: it would bound the whole exchange, and cut long streamed answers.",
    ),
    Note(
        "ExternalProcessor.grpc_service.retry_policy",
        "A worker that dies takes along only what it has begun to answer: the rest is asked again, once, lest a request "
        "that ends workers end them all.",
    ),
    Note(
        "ExternalProcessor.failure_mode_allow",
        "Closed: when the processor cannot be asked, the request gets an error. Open would send it on unmasked, and farther than "
        "a route with a `residency` lets it go.",
        shown=False,
    ),
    Note(
        "processing_mode",
        "The decision needs the whole request body, and Envoy can re-route only while it holds it: BUFFERED. The other "
        "way round (NONE, and BUFFERED by override) an override that is ignored would let bodies pass unmasked.",
    ),
    Note(
        "processing_mode.response_body_mode",
        "STREAMED by override, where there is something to restore: otherwise answers never leave Envoy.",
        shown="NONE",
    ),
    Note(
        "allow_mode_override", "Lets the processor leave out what it need not read, and read an answer that it edits."
    ),
    Note("allowed_override_modes", "The only modes it may ask for: nothing, the request alone, request and answer."),
    Note("allowed_override_modes.request_body_mode", "", shown="NONE"),
    Note("allowed_override_modes.response_body_mode", "", shown="NONE"),
    Note("message_timeout", "limits.deadline_ms and a margin: the processor answers first. Envoy's default is 200 ms."),
    Note("ExternalProcessor.stat_prefix", "Counters are http.<listener>.ext_proc.intentmesh.*"),
    Note(
        "request_attributes",
        "Tells the processor whose certificate the caller has shown, and which way a request goes.",
    ),
    Note(
        "response_attributes", "Tells the processor which version of a model answered, for metrics and the audit trail."
    ),
    Note("forward_rules", "What the processor is shown. Credentials and cookies never leave Envoy."),
    Note(
        "mutation_rules",
        "What it may change. Anything else it tried would be dropped and counted in rejected_header_mutations.",
    ),
    Note("metadata_options", "Without this, Envoy drops the processor's dynamic metadata: access logs would be empty."),
)


def masks(mesh: Mesh) -> bool:
    """Whether any personal data is changed or refused, so that a request must not pass unseen."""
    operators = {operator.operator for operator in (mesh.pii.default_operator, *mesh.pii.entities.values())}
    return mesh.pii.enabled and not mesh.shadow and not operators <= {"keep", "flag"}


def confines(mesh: Mesh) -> bool:
    """Whether a request may be kept nearer, or refused, for what is in it, which an Envoy that cannot ask would not know."""
    ruled = mesh.identity.is_checked or any(mesh.policy.enforces(rule) for rule in mesh.policy.rules)
    return not mesh.shadow and (ruled or any(route.residency != "external" for route in mesh.routes))


def fails_open(mesh: Mesh) -> bool:
    """Whether a request goes on when the processor cannot be asked: only where nothing but its model is to be chosen."""
    return not masks(mesh) and not confines(mesh)


def filter_config(
    mesh: Mesh, cluster: str = PROCESSOR_CLUSTER, *, logs_usage: bool = False, attempt: str | None = None
) -> ExternalProcessor:
    """The ext_proc filter's configuration. `logs_usage`: this Envoy reads usage itself (see `usage.py`), and says so.
    `attempt`: it stands before this model, one of those that a request may try.
    """
    metadata = {LOGS_USAGE: "true"} if logs_usage else {}
    metadata |= {ATTEMPT: attempt} if attempt else {}
    return ExternalProcessor(
        grpc_service=GrpcService(
            envoy_grpc=GrpcServiceEnvoyGrpc(cluster_name=cluster),
            initial_metadata=[HeaderValue(key=key, value=value) for key, value in metadata.items()],
            retry_policy=RetryPolicy(
                retry_on="reset",
                num_retries=1,
                # Envoy's own default is a second here
                retry_back_off=BackoffStrategy(base_interval=seconds(0.025), max_interval=seconds(0.25)),
            ),
        ),
        failure_mode_allow=fails_open(mesh) and attempt is None,
        processing_mode=ProcessingMode(
            request_header_mode=_SEND,
            request_body_mode=_BUFFERED,
            response_header_mode=_SEND,
            response_body_mode=_NONE,
            request_trailer_mode=_SKIP,
            response_trailer_mode=_SKIP,
        ),
        allow_mode_override=True,
        allowed_override_modes=[
            _override(request_body_mode=_NONE, response_header_mode=_SKIP, response_body_mode=_NONE),
            _override(request_body_mode=_BUFFERED, response_header_mode=_SKIP, response_body_mode=_NONE),
            _override(request_body_mode=_BUFFERED, response_header_mode=_SEND, response_body_mode=_STREAMED),
        ],
        message_timeout=seconds((mesh.limits.deadline_ms + mesh.envoy.margin_ms) / 1000),
        stat_prefix="intentmesh",
        request_attributes=connection_attributes(mesh),
        response_attributes=["xds.cluster_name"] if any(model.versions for model in mesh.models.values()) else [],
        forward_rules=HeaderForwardingRules(
            allowed_headers=ListStringMatcher(
                patterns=[
                    *(StringMatcher(exact=name) for name in sorted({*READ_HEADERS, *_configured_headers(mesh)})),
                    StringMatcher(prefix=HEADER_PREFIX),
                ]
            )
        ),
        mutation_rules=HeaderMutationRules(
            disallow_all=True,
            allow_expression=RegexMatcher(regex=changed_headers(mesh)),
        ),
        metadata_options=MetadataOptions(
            forwarding_namespaces=(
                MetadataOptionsMetadataNamespaces(untyped=[CLAIMS_NAMESPACE]) if mesh.identity.jwt else None
            ),
            receiving_namespaces=MetadataOptionsMetadataNamespaces(untyped=[METADATA_NAMESPACE]),
        ),
    )


def changed_headers(mesh: Mesh) -> str:
    """What the processor may change, as one regular expression; the headers of the APIs too, where it translates between them.

    Envoys before 1.37 refuse a program of more than a hundred steps, of which each `.*` takes five.
    """
    # a key of ours goes no farther, and who is refused for want of one is told what is wanted
    more = [re.escape(mesh.identity.keys.header)] if mesh.identity.keys else []
    more += ["www-a"] if mesh.identity.is_checked else []
    more += ["anthr", "opena"] if any(model.api for model in mesh.models.values()) else []
    return f"({'|'.join((*CHANGED_HEADERS, *more))}).*"


def connection_attributes(mesh: Mesh) -> list[str]:
    """What the processor is told of a connection: whose certificate the caller has shown, and which way it goes."""
    identity = mesh.identity
    names = [CERTIFICATE_ATTRIBUTE] if identity.certificate is True else []
    return [*names, DIRECTION_ATTRIBUTE] if identity.workload else names


def _override(**modes: Any) -> ProcessingMode:
    """A mode that may be asked for. Envoy compares all of it: the trailer modes must be those that the filter has."""
    return ProcessingMode(request_trailer_mode=_SKIP, response_trailer_mode=_SKIP, **modes)


def http_filter(mesh: Mesh, cluster: str = PROCESSOR_CLUSTER, *, logs_usage: bool = False) -> HttpFilter:
    """The filter as it stands in a chain of HTTP filters."""
    return HttpFilter(name=FILTER_NAME, typed_config=packed(filter_config(mesh, cluster, logs_usage=logs_usage)))


def disabled() -> ExtProcPerRoute:
    """Per-route configuration of a route whose requests the processor never sees."""
    return ExtProcPerRoute(disabled=True)


def early_header_mutation(*, by_prefix: bool = True) -> TypedExtensionConfig:
    """Removes the headers that are ours from what a client sent, before any filter or route reads them.

    With underscores too, which many an upstream takes for hyphens. `by_prefix` takes all of them off, and needs Envoy 1.36;
    without it, those go that routes match.
    """
    names = (MODEL_HEADER, RESIDENCY_HEADER)
    mutations = [HeaderMutation(remove=name) for name in (*names, *(name.replace("-", "_") for name in names))]
    if by_prefix:
        ours = StringMatcher(prefix=HEADER_PREFIX, ignore_case=True)
        underscored = StringMatcher(safe_regex=RegexMatcher(regex=f"(?i){HEADER_PREFIX.replace('-', '[-_]')}.*"))
        mutations = [
            HeaderMutation(remove_on_match=HeaderMutationRemoveOnMatch(key_matcher=matcher))
            for matcher in (ours, underscored)
        ]
    return extension("envoy.http.early_header_mutation.header_mutation", EarlyHeaderMutation(mutations=mutations))


EARLY_NOTE = Note(
    "early_header_mutation_extensions",
    "A client must not choose its model: the headers that are ours are taken off before a route is matched.",
)


def _configured_headers(mesh: Mesh) -> Iterator[str]:
    """Headers on which intents and routes of this mesh match, and those that rules read or that tell who calls."""
    yield from mesh.identity.read_headers()
    yield from header_names(mesh)
    for headers in (*(i.headers for i in mesh.intents.values()), *(r.headers for r in mesh.routes)):
        for name in headers:
            yield name.lower()
