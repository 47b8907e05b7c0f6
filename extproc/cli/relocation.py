"""Ports and sockets of a rendered Envoy configuration, put where they are free on this machine."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

LOOPBACK = ("127.0.0.1", "localhost", "::1")
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - compared with, not listened on


def relocate(config: Any, ports: dict[int, int], folder: Path) -> Any:
    """An Envoy configuration with other ports on this machine and its sockets in another folder, and nothing else changed.

    `localhost` becomes 127.0.0.1, where what we start listens: Envoy would take it for ::1.
    """
    if isinstance(config, list):
        return [relocate(value, ports, folder) for value in config]
    if not isinstance(config, dict):
        return config
    if "port_value" in config:
        host, port = config.get("address"), int(config["port_value"])
        if port not in ports or host not in (*LOOPBACK, *EVERYWHERE):
            return config
        return {**config, "address": "127.0.0.1" if host == "localhost" else host, "port_value": ports[port]}
    return {
        key: {**value, "path": str(folder / Path(value["path"]).name)}
        if key == "pipe"
        else relocate(value, ports, folder)
        for key, value in config.items()
    }


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether nobody listens on a port of this machine."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
