"""Servers that others wrote, built from their Go modules: an OpenTelemetry collector, and envoyproxy/ratelimit.

    make mesh-servers

Needs Go and its module proxy, some five minutes of one core the first time; never run in CI. The tests that ask these servers are
skipped where they were not built.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
BUILT = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "intentmesh" / "servers"
PACKAGES = {"collector": ".", "ratelimit": "github.com/envoyproxy/ratelimit/src/service_cmd"}


def server(name: str) -> Path | None:
    """Its program; None: it was not built."""
    path = BUILT / name
    return path if path.exists() else None


def build() -> None:
    """Build all of them."""
    for name, package in PACKAGES.items():
        print(f"building {name}", flush=True)
        subprocess.run(["go", "build", "-mod=mod", "-o", str(BUILT / name), package], cwd=HERE / name, check=True)
