#!/usr/bin/env python3
"""Make `.venv` ready to run and test everything; needs Python, a C++ compiler and the package registries.

llama-cpp-python comes as source and takes minutes to build, so its wheel is kept in the user's cache, by version, Python
and processor (it is built for the processor it is built on). Standard library only: this runs before anything is installed.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import threading
import time
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOG = VENV / "setup.log"
STAMP = VENV / "ready"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "intentmesh" / "wheels"
EXTRAS = "inference,mesh,dev"


def fail(what: str, remedy: str) -> None:
    """End with one message."""
    sys.exit(f"setup: {what}\n       {remedy}")


def run(title: str, *command: str) -> None:
    """Run a command with its output in the log and its elapsed time on the terminal."""
    started, done, live = time.monotonic(), threading.Event(), sys.stdout.isatty()

    def tick() -> None:
        while not done.wait(1 if live else 30):
            line = f"{title} ... {time.monotonic() - started:.0f} s"
            print(f"\r{line}" if live else line, end="" if live else "\n", flush=True)

    print(title, end="" if live else "\n", flush=True)
    ticker = threading.Thread(target=tick, daemon=True)
    ticker.start()
    with LOG.open("ab") as log:
        code = subprocess.run(command, stdout=log, stderr=log, cwd=ROOT, check=False).returncode
    done.set()
    ticker.join()
    if code:
        tail = LOG.read_text(errors="replace").splitlines()[-15:]
        fail(f"{title}: failed (exit {code}); the whole log is {LOG}; its end:", "\n       ".join(tail))
    print(f"{chr(13) if live else ''}{title}: done in {time.monotonic() - started:.0f} s", flush=True)


def processor() -> str:
    """Digest of what the compiler may use on this processor."""
    info = Path("/proc/cpuinfo")
    flags = re.search(r"^(?:flags|Features)\s*:(.*)$", info.read_text(), re.MULTILINE) if info.exists() else None
    return hashlib.sha256((flags[1] if flags else platform.processor()).encode()).hexdigest()[:8]


def llama_requirement(project: dict) -> str:
    """The pinned llama-cpp-python of pyproject.toml."""
    return next(r for r in project["optional-dependencies"]["inference"] if r.startswith("llama-cpp-python=="))


def llama_wheel(requirement: str) -> Path:
    """The built wheel, from the cache or built now."""
    python = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    folder = CACHE / f"{requirement.partition('==')[2]}-{python}-{platform.machine()}-{processor()}"
    if found := sorted(folder.glob("llama_cpp_python-*.whl")):
        return found[0]
    if not (os.environ.get("CXX") or shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")):
        fail(
            "no C++ compiler: llama-cpp-python is built from source",
            "install one (Debian, Ubuntu: apt-get install build-essential cmake; Fedora: dnf install gcc-c++ cmake)",
        )
    building = folder.with_name(f"{folder.name}.{os.getpid()}")
    building.mkdir(parents=True)
    try:
        run(
            f"building {requirement} (once; about 5 minutes on 2 cores; the wheel is kept in {CACHE})",
            *(str(PYTHON), "-m", "pip", "wheel", "--no-deps", "--wheel-dir", str(building), requirement),
        )
        if not folder.exists():
            building.rename(folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return next(folder.glob("llama_cpp_python-*.whl"))


def main() -> None:
    """Set up, or find that all is set up already."""
    if sys.version_info < (3, 11):  # noqa: UP036 - this file runs under whatever `python3` is
        fail(f"Python {platform.python_version()} is too old", "use 3.11 or newer: make PYTHON=python3.12 ...")
    text = (ROOT / "pyproject.toml").read_bytes()
    digest = hashlib.sha256(text + sys.version.encode()).hexdigest()
    if STAMP.exists() and STAMP.read_text() == digest:
        return
    project = tomllib.loads(text.decode())["project"]
    if not PYTHON.exists():
        try:
            venv.create(VENV, with_pip=True)
        except (OSError, subprocess.CalledProcessError) as error:
            fail(f"no virtual environment could be made: {error}", "Debian, Ubuntu: apt-get install python3-venv")
    wheel = llama_wheel(llama_requirement(project))
    run("installing llama-cpp-python", str(PYTHON), "-m", "pip", "install", str(wheel))
    run("installing everything else", str(PYTHON), "-m", "pip", "install", "-e", f".[{EXTRAS}]")
    STAMP.write_text(digest)


if __name__ == "__main__":
    main()
