"""Encrypted endpoints: whose certificate is believed, and the credentials that they want."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from envoy_data_plane.envoy.config.core.v3 import DataSource, TransportSocket
from envoy_data_plane.envoy.extensions.filters.http.credential_injector.v3 import CredentialInjector
from envoy_data_plane.envoy.extensions.filters.http.upstream_codec.v3 import UpstreamCodec
from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager.v3 import HttpFilter
from envoy_data_plane.envoy.extensions.http.injected_credentials.generic.v3 import Generic
from envoy_data_plane.envoy.extensions.transport_sockets.tls.v3 import (
    CertificateValidationContext,
    CommonTlsContext,
    GenericSecret,
    SdsSecretConfig,
    Secret,
    SubjectAltNameMatcher,
    SubjectAltNameMatcherSanType,
    UpstreamTlsContext,
)
from envoy_data_plane.envoy.type.matcher.v3 import StringMatcher

from extproc.render.envoy.extension import extension, packed

if TYPE_CHECKING:
    from pathlib import Path

    from extproc.config import Mesh
    from extproc.config.models import Endpoint

SYSTEM_CA_FILE = "/etc/ssl/certs/ca-certificates.crt"


def transport_socket(endpoint: Endpoint) -> TransportSocket:
    """TLS towards an endpoint, its certificate verified by CA and by name."""
    name = endpoint.server_name
    is_address = _is_address(name)
    san = SubjectAltNameMatcher(
        san_type=SubjectAltNameMatcherSanType.IP_ADDRESS if is_address else SubjectAltNameMatcherSanType.DNS,
        matcher=StringMatcher(exact=name),
    )
    context = UpstreamTlsContext(
        sni="" if is_address else name,
        common_tls_context=CommonTlsContext(
            validation_context=CertificateValidationContext(
                trusted_ca=DataSource(filename=str(endpoint.ca_file or SYSTEM_CA_FILE)),
                match_typed_subject_alt_names=[san],
            )
        ),
    )
    return TransportSocket(name="envoy.transport_sockets.tls", typed_config=packed(context))


def credential_filters(endpoint: Endpoint) -> list[HttpFilter]:
    """Filters of a cluster that put the endpoint's own credential in place of the caller's."""
    assert endpoint.credentials_file is not None
    injector = CredentialInjector(
        overwrite=True,
        credential=extension(
            "envoy.http.injected_credentials.generic",
            Generic(credential=SdsSecretConfig(name=_secret_name(endpoint.credentials_file)), header="authorization"),
        ),
    )
    return [
        HttpFilter(name="envoy.filters.http.credential_injector", typed_config=packed(injector)),
        HttpFilter(name="envoy.filters.http.upstream_codec", typed_config=packed(UpstreamCodec())),
    ]


def secrets(mesh: Mesh) -> list[Secret]:
    """The credentials, each read by Envoy from its file: no configuration holds one."""
    files = {
        endpoint.credentials_file
        for model in mesh.models.values()
        for endpoint in model.every_endpoint()
        if endpoint.credentials_file
    }
    return [
        Secret(name=_secret_name(file), generic_secret=GenericSecret(secret=DataSource(filename=str(file))))
        for file in sorted(files)
    ]


def _secret_name(file: Path) -> str:
    return str(file)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
