"""`python -m scripts.llama FOLDER`: a wheel of llama-cpp-python for every processor of this architecture, as an image needs it.

`CMAKE_ARGS` are added to llama.cpp's own, as `-DGGML_CUDA=ON`.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
import tomllib
from pathlib import Path

from scripts.llama.builds import portable
from scripts.llama.wheel import Builder, BuildError


def main() -> None:
    """Build it with this Python's pip; what it does goes to standard output."""
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    requirement = next(r for r in project["optional-dependencies"]["inference"] if r.startswith("llama-cpp-python=="))
    build, reasons = portable(platform.machine(), os.environ.get("CC") or "cc")
    for line in (f"building {requirement} {build.what}: {', '.join(build.variants)}", *reasons):
        print(line, flush=True)
    said = {""}

    def progress(text: str) -> None:
        if text not in said:
            said.add(text)
            print(text, flush=True)

    with tempfile.TemporaryDirectory(prefix="intentmesh-llama-") as name:
        folder = Path(name)
        try:
            wheel = Builder(Path(sys.executable), requirement, folder, folder / "log", progress).build(build)
        except BuildError as error:
            sys.exit(str(error))
        print(shutil.copy2(wheel, target), flush=True)


if __name__ == "__main__":
    main()
