"""Hosts and ports, as `mesh.yaml` writes them."""

from __future__ import annotations

import ipaddress


def split_address(address: str) -> tuple[str, int]:
    """`host:port` -> host without the brackets of IPv6, and port. Raises ValueError."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or not 0 <= int(port) < 65536:
        raise ValueError(f"`{address}` is not host:port (as 127.0.0.1:8080)")
    return host.strip("[]"), int(port)


def is_ip_address(host: str) -> bool:
    """Whether a host is an IP address, and no name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
