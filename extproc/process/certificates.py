"""The certificates of a processor that serves over TCP: read at its start, and again when their files are replaced."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from extproc.errors import ConfigError
from extproc.http2 import Certificates
from extproc.logs import logger

if TYPE_CHECKING:
    from extproc.config.processor import TlsSettings

log = logger()


def configured(settings: TlsSettings | None) -> Certificates | None:
    """Raises ConfigError."""
    if settings is None:
        return None
    try:
        return Certificates(settings.certificate_file, settings.key_file, settings.client_ca_file)
    except (OSError, ssl.SSLError) as error:
        files = ", ".join(str(f) for f in (settings.certificate_file, settings.key_file, settings.client_ca_file) if f)
        raise ConfigError(f"processor.tls: {_reason(error)} ({files})") from None


def _reason(error: OSError) -> str:
    return error.reason if isinstance(error, ssl.SSLError) and error.reason else error.strerror or str(error)


def renew(certificates: Certificates) -> None:
    """Take files that have been replaced; those that are no certificates leave the old ones in use."""
    try:
        if certificates.renew():
            log.info("certificates_renewed")
    except (OSError, ssl.SSLError) as error:
        log.error("certificates_refused", error=type(error).__name__, reason=_reason(error))  # noqa: TRY400
