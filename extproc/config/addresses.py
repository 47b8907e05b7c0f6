"""`host:port`, as `mesh.yaml` writes it."""

from __future__ import annotations


def split_address(address: str) -> tuple[str, int]:
    """`host:port` -> host without the brackets of IPv6, and port. Raises ValueError."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or not 0 <= int(port) < 65536:
        raise ValueError(f"`{address}` is not host:port (as 127.0.0.1:8080)")
    return host.strip("[]"), int(port)
