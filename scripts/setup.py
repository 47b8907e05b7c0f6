#!/usr/bin/env python3
"""Make `.venv` ready to run and test everything; needs Python, a C++ compiler and the package registries.

llama-cpp-python comes as source and takes minutes to build: everything else is installed meanwhile, and its wheel is kept
in the user's cache by version and processor, for every Python. No wheel is kept, or taken from the cache, with which a
child has not decoded on this processor. Standard library only: this runs before anything is installed.

`INTENTMESH_LLAMA=avx2` begins with a safer build (docs/setup.md has their names); `CMAKE_ARGS` are added to llama.cpp's own.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
import venv
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from inference import proof  # noqa: E402 - found by the line above; so is the next
from scripts.llama.builds import Processor, suitable, this_processor  # noqa: E402
from scripts.llama.choice import Choice, Chosen, NothingComputesError  # noqa: E402
from scripts.llama.wheel import Builder, BuildError  # noqa: E402

VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOG = VENV / "setup.log"
LLAMA_LOG = VENV / "llama.log"
STAMP = VENV / "ready"
INSTALLED = VENV / "llama"
"""Says which wheel of llama-cpp-python is installed."""
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "intentmesh" / "wheels"
EXTRAS = ("inference", "mesh", "dev")
LLAMA = "llama-cpp-python"
WANTED = "INTENTMESH_LLAMA"


class SetupError(Exception):
    """What went wrong, and what to do."""


def fail(what: str, remedy: str) -> NoReturn:
    """End with one message."""
    raise SetupError(f"setup: {what}\n       " + remedy.replace("\n", "\n       "))


class Line:
    """The one line on a terminal that says how far it is; in a log, a line every half minute."""

    def __init__(self) -> None:
        self._live = sys.stdout.isatty()
        self._parts: dict[str, str] = {}
        self._started = time.monotonic()
        self._done = threading.Event()
        self._lock = threading.Lock()
        self._ticker = threading.Thread(target=self._tick, daemon=True)
        self._ticker.start()

    def set(self, part: str, what: str | None) -> None:
        """What a part of the work does now; None: it is done."""
        with self._lock:
            self._parts.pop(part, None)
            if what:
                self._parts[part] = what

    def say(self, text: str) -> None:
        """Print a line that stays."""
        with self._lock:
            print(f"\r\033[K{text}" if self._live else text, flush=True)

    def close(self) -> None:
        """Stop ticking."""
        self._done.set()
        self._ticker.join()
        if self._live:
            print("\r\033[K", end="", flush=True)

    def _tick(self) -> None:
        while not self._done.wait(1 if self._live else 30):
            with self._lock:
                text = f"{'; '.join(self._parts.values())} ... {time.monotonic() - self._started:.0f} s"
                if self._parts:
                    print(f"\r\033[K{text}" if self._live else text, end="" if self._live else "\n", flush=True)


def pip(title: str, *arguments: str) -> None:
    """Run pip with its output in the log."""
    with LOG.open("ab") as log:
        command = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "install", *arguments]
        code = subprocess.run(command, stdout=log, stderr=log, cwd=ROOT, check=False).returncode
    if code:
        tail = LOG.read_text(errors="replace").splitlines()[-15:]
        fail(f"{title}: failed (exit {code}); the whole log is {LOG}; its end:", "\n".join(tail))


def rest_of(project: dict) -> list[str]:
    """What the extras want, without llama-cpp-python."""
    optional = project["optional-dependencies"]
    return [each for extra in EXTRAS for each in optional[extra] if not each.startswith(LLAMA)]


class Rest(threading.Thread):
    """Installs everything but llama-cpp-python, while that is being built."""

    def __init__(self, project: dict, line: Line) -> None:
        super().__init__(daemon=True)
        self._wanted = rest_of(project)
        self._line = line
        self._error: SetupError | None = None
        self.start()

    def run(self) -> None:
        """In the thread."""
        started = time.monotonic()
        self._line.set("rest", "installing everything else")
        try:
            pip("installing everything else", "--editable", ".", *self._wanted)
            self._line.say(f"everything else: installed in {time.monotonic() - started:.0f} s")
        except SetupError as error:
            self._error = error
        self._line.set("rest", None)

    def wait(self) -> None:
        """Until it is installed. Raises SetupError."""
        self.join()
        if self._error:
            raise self._error


def llama_requirement(project: dict) -> str:
    """The pinned llama-cpp-python of pyproject.toml."""
    return next(r for r in project["optional-dependencies"]["inference"] if r.startswith(f"{LLAMA}=="))


def cache_folder(requirement: str, processor: Processor) -> Path:
    """Where a wheel is kept: by version and processor, and by what the user added to the build."""
    own = "".join(f"{name}={value}" for name in ("CMAKE_ARGS", "CFLAGS", "CXXFLAGS") if (value := os.environ.get(name)))
    digest = hashlib.sha256((" ".join(sorted(processor.flags)) + own).encode()).hexdigest()[:8]
    return CACHE / f"{requirement.partition('==')[2]}-{processor.machine}-{digest}"


def compiler() -> str:
    """The C compiler that CMake will take."""
    cc = os.environ.get("CC") or next((name for name in ("cc", "gcc", "clang") if shutil.which(name)), None)
    if cc is None or not (os.environ.get("CXX") or any(shutil.which(name) for name in ("c++", "g++", "clang++"))):
        fail(
            "no C++ compiler: llama-cpp-python is built from source",
            "install one (Debian, Ubuntu: apt-get install build-essential; Fedora: dnf install gcc-c++)",
        )
    return cc


def install_llama(wheel: Path) -> None:
    """Install a wheel in the place of another of the same version, unless it is the one that is there."""
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if INSTALLED.exists() and INSTALLED.read_text() == digest:
        return
    INSTALLED.unlink(missing_ok=True)
    if any(VENV.glob("lib/python*/site-packages/llama_cpp")):
        pip("installing llama-cpp-python", "--force-reinstall", "--no-deps", str(wheel))
    pip("installing llama-cpp-python", str(wheel))
    INSTALLED.write_text(digest)


def choose_llama(requirement: str, rest: Rest, line: Line) -> Chosen:
    """The wheel of llama-cpp-python that computes on this processor: installed, proved and kept."""
    processor = this_processor()
    builds, reasons = suitable(processor, os.environ.get("CC") or "cc")
    names = [build.name for build in builds]
    if (wanted := os.environ.get(WANTED)) and wanted not in names:
        fail(f"{WANTED}={wanted}: there is no such build for this processor", f"one of: {', '.join(names)}")

    def complaint(wheel: Path) -> str | None:
        rest.wait()  # a wheel that is tried is installed, and what it needs comes with the rest
        line.set("llama", "proving llama.cpp")
        install_llama(wheel)
        return proof.complaint(str(PYTHON))

    with tempfile.TemporaryDirectory(prefix="intentmesh-llama-") as name:
        builder = Builder(PYTHON, requirement, Path(name), LLAMA_LOG, lambda text: line.set("llama", text))

        def make(build):
            compiler()
            if build is builds[0]:
                for reason in reasons:
                    line.say(reason)
            line.say(f"building {requirement} {build.what}: once, some minutes; the wheel is kept in {CACHE}")
            return builder.build(build)

        return Choice(cache_folder(requirement, processor), make, complaint, line.say).choose(builds, wanted)


def set_up(project: dict) -> None:
    """Install everything, llama-cpp-python built and proved."""
    line = Line()
    started = time.monotonic()
    try:
        rest = Rest(project, line)
        chosen = choose_llama(llama_requirement(project), rest, line)
        rest.wait()
        source = "from the cache" if chosen.kept else "built"
        line.say(f"llama.cpp: {source} ({chosen.name}), and has decoded on this processor")
        line.say(f"ready in {time.monotonic() - started:.0f} s")
    except BuildError as error:
        fail(*str(error).split("\n", 1))
    except NothingComputesError as error:
        fail(
            f"no build of llama.cpp computes on this processor: {error}",
            "another compiler may help: CC=clang CXX=clang++ make setup",
        )
    finally:
        line.close()


def main() -> None:
    """Set up, or find that all is set up already."""
    if sys.version_info < (3, 11):  # noqa: UP036 - this file runs under whatever `python3` is
        fail(f"Python {platform.python_version()} is too old", "use 3.11 or newer: make PYTHON=python3.12 ...")
    text = (ROOT / "pyproject.toml").read_bytes()
    project = tomllib.loads(text.decode())["project"]
    folder = cache_folder(llama_requirement(project), this_processor())
    digest = hashlib.sha256(text + sys.version.encode() + folder.name.encode()).hexdigest()
    if STAMP.exists() and STAMP.read_text() == digest and not os.environ.get(WANTED):
        return
    STAMP.unlink(missing_ok=True)
    if not usable():
        try:
            venv.create(VENV, with_pip=True, clear=True)
        except (OSError, subprocess.CalledProcessError) as error:
            fail(f"no virtual environment could be made: {error}", "Debian, Ubuntu: apt-get install python3-venv")
    set_up(project)
    STAMP.write_text(digest)


def usable() -> bool:
    """Whether `.venv` is whole, and of the Python that runs this: `make PYTHON=python3.13` makes it anew."""
    config = VENV / "pyvenv.cfg"
    if not (PYTHON.exists() and (VENV / "bin" / "pip").exists() and config.exists()):
        return False
    found = re.search(r"^version\s*=\s*(\d+\.\d+)", config.read_text(), re.MULTILINE)
    return found is not None and found[1] == f"{sys.version_info[0]}.{sys.version_info[1]}"


if __name__ == "__main__":
    try:
        main()
    except SetupError as error:
        sys.exit(str(error))
