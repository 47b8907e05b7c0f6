"""Requests that AWS wants signed: a filter of the cluster does it, when all else has been written into them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envoy_data_plane.envoy.config.core.v3 import DataSource
from envoy_data_plane.envoy.extensions.common.aws.v3 import AwsCredentialProvider, CredentialsFileCredentialProvider
from envoy_data_plane.envoy.extensions.filters.http.aws_request_signing.v3 import AwsRequestSigning
from envoy_data_plane.envoy.extensions.filters.http.upstream_codec.v3 import UpstreamCodec
from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager.v3 import HttpFilter
from envoy_data_plane.envoy.type.matcher.v3 import StringMatcher

from extproc.config.wire_names import HEADER_PREFIX
from extproc.render.envoy.extension import packed

if TYPE_CHECKING:
    from extproc.config.models import Endpoint
    from extproc.config.platforms import Bedrock

SERVICE = "bedrock"
"""As AWS's signatures call `bedrock-runtime`."""
UNSIGNED = (
    "x-envoy-",
    "x-forwarded-",
    "x-request-id",
    HEADER_PREFIX,
    "x-stainless-",
    "accept",
    "trace",
    "user-agent",
)
"""How headers begin that say nothing to AWS, and that a proxy on the way may change after the signature."""


def filters(bedrock: Bedrock, endpoint: Endpoint) -> list[HttpFilter]:
    """Filters of the endpoint's cluster."""
    provider = None
    if bedrock.credentials_file is not None:
        file = CredentialsFileCredentialProvider(
            credentials_data_source=DataSource(filename=str(bedrock.credentials_file)), profile=bedrock.profile
        )
        # without the environment and the machine's role, which Envoy would ask first
        provider = AwsCredentialProvider(credentials_file_provider=file, custom_credential_provider_chain=True)
    signed = AwsRequestSigning(
        service_name=SERVICE,
        region=bedrock.region,
        host_rewrite=endpoint.server_name,
        credential_provider=provider,
        match_excluded_headers=[StringMatcher(prefix=name) for name in UNSIGNED],
    )
    return [
        HttpFilter(name="envoy.filters.http.aws_request_signing", typed_config=packed(signed)),
        HttpFilter(name="envoy.filters.http.upstream_codec", typed_config=packed(UpstreamCodec())),
    ]
