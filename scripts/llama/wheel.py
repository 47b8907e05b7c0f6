"""Build a wheel of llama-cpp-python: its libraries alone, by all processors, with what is done so far in percent.

Of llama.cpp's targets the Python package loads `libllama` and `libggml*`; command lines, chat parsing, the HTTP server
and image models (mtmd) are three fifths of the work, and left out. The sources stay unpacked between two builds, so that
a safer one compiles ggml anew and nothing else. The wheel holds no code of Python's own: one serves every Python.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from scripts.llama.builds import Build


PARTS = Path(__file__).with_name("parts.cmake")
BACKEND = "scikit-build-core[pyproject]>=0.9.2"
OLDEST_CMAKE = (3, 21)
CMAKE = {
    "LLAVA_BUILD": "OFF",
    "CMAKE_PROJECT_INCLUDE": str(PARTS),
    # one file a library, and no copies by the names of its versions: wheels know no links
    "CMAKE_PLATFORM_NO_VERSIONED_SONAME": "ON",
}
EXCLUDED = ("bin/**", "lib/**", "include/**", "share/**")
"""What llama.cpp's own install rules add beside the package: headers, and the libraries once more."""
VARIANT = re.compile(r"^ *ggml_add_cpu_backend_variant\(([\w.]+)[ )].*\n", re.MULTILINE)
"""A line of llama.cpp's list of processors."""
STEP = re.compile(rb"^ *\[(\d+)/(\d+)\]|^ *\[ *(\d+)%\]", re.MULTILINE)


class BuildError(Exception):
    """A command failed: what it was for, and the end of what it said."""


def shares(output: bytes) -> int | None:
    """How far ninja or make says it is, in percent, at the end of some output."""
    if not (found := STEP.findall(output)):
        return None
    step, steps, percent = found[-1]
    return int(percent) if percent else 100 * int(step) // int(steps)


def keep_variants(path: Path, names: Iterable[str]) -> None:
    """Leave of llama.cpp's list of processors those that are named. Raises BuildError where one is not in it."""
    text = path.read_text()
    if unknown := set(names) - set(VARIANT.findall(text)):
        raise BuildError(
            f"building llama.cpp: its list of processors has no {', '.join(sorted(unknown))}; see {path}\n"
        )
    path.write_text(VARIANT.sub(lambda line: line[0] if line[1] in names else "", text))


class Builder:
    """Builds one version, once or again and safer, in a folder of its own."""

    def __init__(
        self, python: Path, requirement: str, folder: Path, log: Path, progress: Callable[[str], None]
    ) -> None:
        self._python = python
        self._requirement = requirement
        self._folder = folder
        self._log = log
        self._progress = progress
        self._source: Path | None = None

    def build(self, build: Build) -> Path:
        """The wheel, in a folder of its build's name. Raises BuildError."""
        if self._source is None:
            self._source = self._unpacked()
        if build.variants:
            keep_variants(self._source / "vendor/llama.cpp/ggml/src/CMakeLists.txt", build.variants)
        out = self._folder / build.name
        options = {**CMAKE, **build.cmake, "INTENTMESH_CPU_FLAGS": ";".join(build.flags)}
        own = shlex.split(os.environ.get("CMAKE_ARGS", ""))
        environment = {
            "CMAKE_ARGS": shlex.join([*(f"-D{key}={value}" for key, value in options.items()), *own]),
            "CMAKE_BUILD_PARALLEL_LEVEL": os.environ.get("CMAKE_BUILD_PARALLEL_LEVEL") or str(_processors()),
            "SKBUILD_BUILD_DIR": str(self._folder / "build"),
            "SKBUILD_WHEEL_EXCLUDE": ";".join(EXCLUDED),
        }
        command = (
            "wheel",
            "--verbose",
            "--no-deps",
            "--no-build-isolation",
            "--wheel-dir",
            str(out),
            str(self._source),
        )
        self._pip("building llama.cpp", command, environment)
        wheel = next(out.glob("llama_cpp_python-*.whl"))
        with zipfile.ZipFile(wheel) as archive:
            if missing := build.libraries - set(archive.namelist()):
                raise BuildError(f"building llama.cpp: {', '.join(sorted(missing))} is not in the wheel\n{self._log}")
        return wheel

    def _unpacked(self) -> Path:
        """The sources, and the tools that build them where this machine has none."""
        tools = [BACKEND, *([] if _has_cmake() else ["cmake"]), *([] if shutil.which("ninja") else ["ninja"])]
        self._progress("fetching what builds llama.cpp")
        self._pip("fetching the build tools", ("install", "--target", str(self._folder / "tools"), *tools), {})
        self._progress("fetching the sources of llama.cpp")
        options = ("--no-deps", "--no-build-isolation", "--no-binary", ":all:", "--dest", str(self._folder))
        self._pip("fetching the sources of llama.cpp", ("download", *options, self._requirement), {})
        with tarfile.open(next(self._folder.glob("llama_cpp_python-*.tar.gz"))) as archive:
            if hasattr(tarfile, "data_filter"):  # Python 3.11.4 has it, 3.11.0 not
                archive.extraction_filter = tarfile.data_filter
            archive.extractall(self._folder / "source")
        return next((self._folder / "source").iterdir())

    def _pip(self, title: str, arguments: Iterable[str], environment: dict[str, str]) -> None:
        tools = self._folder / "tools"
        paths = {
            "PYTHONPATH": os.pathsep.join(filter(None, (str(tools), os.environ.get("PYTHONPATH", "")))),
            "PATH": os.pathsep.join((str(tools / "bin"), os.environ.get("PATH", os.defpath))),
        }
        command = [str(self._python), "-m", "pip", "--disable-pip-version-check", *arguments]
        with self._log.open("ab") as log:
            started = log.tell()
            child = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **paths, **environment})
            while True:
                try:
                    code = child.wait(1)
                    break
                except subprocess.TimeoutExpired:
                    if (share := shares(_since(self._log, started))) is not None:
                        self._progress(f"{title} {share} %")
        if code:
            raise BuildError(
                f"{title}: failed (exit {code}); the whole log is {self._log}; its end:\n{_tail(self._log)}"
            )


def _has_cmake() -> bool:
    try:
        said = subprocess.run(["cmake", "--version"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return False
    found = re.search(r"(\d+)\.(\d+)", said)
    return found is not None and (int(found[1]), int(found[2])) >= OLDEST_CMAKE


def _since(path: Path, position: int) -> bytes:
    with path.open("rb") as file:
        file.seek(max(position, path.stat().st_size - (1 << 16)))
        return file.read()


def _tail(path: Path, lines: int = 15) -> str:
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
