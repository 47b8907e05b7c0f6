"""TLS towards an Envoy on another machine; with a CA for clients, only those that it has signed get in (mTLS)."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class Certificates:
    """The server's certificate and key, and who may call. Read again when their files change: certificates are short-lived."""

    def __init__(self, certificate: Path, key: Path, client_ca: Path | None = None) -> None:
        """Raises OSError and ssl.SSLError."""
        self.certificate, self.key, self.client_ca = certificate, key, client_ca
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.context.set_alpn_protocols(["h2"])  # RFC 9113, 3.2
        self.context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION  # RFC 9113, 9.2.1
        if client_ca is not None:
            self.context.verify_mode = ssl.CERT_REQUIRED
        self._stamp = self._files()
        self._load()

    def renew(self) -> bool:
        """Whether new ones are in use, for connections from here on. Raises OSError and ssl.SSLError; then the old ones stay."""
        stamp = self._files()
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        self._load()
        return True

    def _load(self) -> None:
        # tried on a context of its own first: a certificate without its key must not replace half of what is in use
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(self.certificate, self.key)
        if self.client_ca is not None:
            self.context.load_verify_locations(self.client_ca)
        self.context.load_cert_chain(self.certificate, self.key)

    def _files(self) -> tuple[int, ...]:
        return tuple(f.stat().st_mtime_ns for f in (self.certificate, self.key, self.client_ca) if f is not None)
