"""Encrypted endpoints: whose certificate is believed, and the credentials that they want."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from envoy_data_plane.envoy.config.core.v3 import (
    ApiVersion,
    ConfigSource,
    DataSource,
    PathConfigSource,
    TransportSocket,
)
from envoy_data_plane.envoy.extensions.filters.http.credential_injector.v3 import CredentialInjector
from envoy_data_plane.envoy.extensions.filters.http.upstream_codec.v3 import UpstreamCodec
from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager.v3 import HttpFilter
from envoy_data_plane.envoy.extensions.http.injected_credentials.generic.v3 import Generic
from envoy_data_plane.envoy.extensions.transport_sockets.tls.v3 import (
    CertificateValidationContext,
    CommonTlsContext,
    DownstreamTlsContext,
    GenericSecret,
    SdsSecretConfig,
    Secret,
    SubjectAltNameMatcher,
    SubjectAltNameMatcherSanType,
    TlsCertificate,
    UpstreamTlsContext,
)
from envoy_data_plane.envoy.type.matcher.v3 import StringMatcher

from extproc.config.addresses import is_ip_address, split_address
from extproc.errors import ConfigError
from extproc.render.document import plain
from extproc.render.envoy.extension import extension, packed

if TYPE_CHECKING:
    from pathlib import Path

    from extproc.config import Mesh
    from extproc.config.envoy import ListenerTls
    from extproc.config.models import Endpoint
    from extproc.config.processor import ProcessorSettings

SYSTEM_CA_FILE = "/etc/ssl/certs/ca-certificates.crt"


def transport_socket(endpoint: Endpoint) -> TransportSocket:
    """TLS towards an endpoint, its certificate verified by CA and by name."""
    return verified(endpoint.server_name, endpoint.ca_file)


def verified(name: str, ca_file: Path | None = None) -> TransportSocket:
    """TLS towards whoever proves to have this name; by default, to a certificate authority that this machine knows."""
    context = UpstreamTlsContext(
        sni="" if is_ip_address(name) else name,
        common_tls_context=CommonTlsContext(validation_context=_validation(name, ca_file or SYSTEM_CA_FILE)),
    )
    return TransportSocket(name="envoy.transport_sockets.tls", typed_config=packed(context))


def towards_callers(settings: ListenerTls | None) -> TransportSocket | None:
    """TLS for callers, where `envoy.tls` wants it; with a CA of theirs, their certificates are verified."""
    if settings is None:
        return None
    own = TlsCertificate(
        certificate_chain=DataSource(filename=str(settings.certificate_file)),
        private_key=DataSource(filename=str(settings.key_file)),
    )
    ca = settings.client_ca_file
    trusted = CertificateValidationContext(trusted_ca=DataSource(filename=str(ca))) if ca else None
    context = DownstreamTlsContext(
        common_tls_context=CommonTlsContext(
            alpn_protocols=["h2", "http/1.1"], tls_certificates=[own], validation_context=trusted
        ),
        require_client_certificate=settings.require_client_certificate if ca else None,
    )
    return TransportSocket(name="envoy.transport_sockets.tls", typed_config=packed(context))


def towards_processor(processor: ProcessorSettings) -> TransportSocket | None:
    """TLS towards the processor, where it listens so and `mesh.yaml` says how Envoy knows it."""
    if processor.tls is None or processor.address is None:
        return None
    envoy = processor.tls.envoy
    if envoy is None:
        raise ConfigError(
            "processor.tls.envoy: say how Envoy knows the processor (ca_file), or nothing can be rendered"
        )
    name = envoy.server_name or split_address(processor.address)[0]
    own = []
    if envoy.certificate_file is not None and envoy.key_file is not None:
        own.append(
            TlsCertificate(
                certificate_chain=DataSource(filename=str(envoy.certificate_file)),
                private_key=DataSource(filename=str(envoy.key_file)),
            )
        )
    context = UpstreamTlsContext(
        sni="" if is_ip_address(name) else name,
        common_tls_context=CommonTlsContext(
            alpn_protocols=["h2"], tls_certificates=own, validation_context=_validation(name, envoy.ca_file)
        ),
    )
    return TransportSocket(name="envoy.transport_sockets.tls", typed_config=packed(context))


def _validation(name: str, ca_file: Path | str) -> CertificateValidationContext:
    """Whose certificate is believed: by CA and by name."""
    is_address = is_ip_address(name)
    san = SubjectAltNameMatcher(
        san_type=SubjectAltNameMatcherSanType.IP_ADDRESS if is_address else SubjectAltNameMatcherSanType.DNS,
        matcher=StringMatcher(exact=name),
    )
    return CertificateValidationContext(
        trusted_ca=DataSource(filename=str(ca_file)), match_typed_subject_alt_names=[san]
    )


def credential_filters(endpoint: Endpoint, header: str, secrets_file: Path | None) -> list[HttpFilter]:
    """Filters of a cluster that put the endpoint's own credential in place of the caller's.

    `secrets_file`: where Envoy finds the secrets, and is told when one changes; None: in its bootstrap.
    """
    assert endpoint.credentials_file is not None
    source = None
    if secrets_file is not None:
        path = PathConfigSource(path=str(secrets_file))
        source = ConfigSource(path_config_source=path, resource_api_version=ApiVersion.V3)
    injector = CredentialInjector(
        overwrite=True,
        credential=extension(
            "envoy.http.injected_credentials.generic",
            Generic(
                credential=SdsSecretConfig(name=_secret_name(endpoint.credentials_file), sds_config=source),
                header=header,
            ),
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


def secrets_resource(mesh: Mesh) -> dict[str, Any]:
    """The secrets as Envoy reads them from a file of their own. It watches what they name, and takes what is moved there."""
    kind = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"
    return {"resources": [{"@type": kind, **plain(secret)} for secret in secrets(mesh)]}


def _secret_name(file: Path) -> str:
    return str(file)
