"""What an image installs: `requirements.py extproc`, `multilingual` or `inference`, from pyproject.toml. `multilingual` is the
stage that makes the encoder; nothing of it but the encoder stands in the image.

`requirements.py --strip FOLDER` takes out of a virtual environment what only those need who change it. Standard library
only: this runs before anything is installed.
"""

from __future__ import annotations

import re
import shutil
import sys
import tomllib
from pathlib import Path

INFERENCE = ("click", "prometheus-client", "pydantic", "uvloop")
"""What `inference` imports of the project's dependencies, besides its own extra."""
NEEDLESS = ("tests", "test", "testing", "benchmarks")
KEPT = ("numpy/testing", "numpy/_core/tests", "sympy/testing")
"""Folders of these names that are imported all the same."""


def requirements(image: str) -> list[str]:
    """The requirements of an image."""
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    if image == "extproc":
        return list(project["dependencies"])
    if image == "multilingual":
        return [*project["dependencies"], *project["optional-dependencies"]["multilingual"]]
    own = [r for r in project["dependencies"] if re.split(r"[<>=!~\[; ]", r)[0] in INFERENCE]
    return [*project["optional-dependencies"]["inference"], *own]


def strip(venv: Path) -> int:
    """Remove tests, headers and type stubs; returns the bytes saved."""
    saved = 0
    for path in sorted(venv.rglob("*"), key=lambda p: len(p.parts)):
        if not path.exists() or path.is_symlink():
            continue
        needless = path.name in NEEDLESS and not any(kept in str(path) for kept in KEPT)
        if path.is_dir() and (needless or path.name == "include"):
            saved += sum(f.stat().st_size for f in path.rglob("*") if f.is_file())
            shutil.rmtree(path)
        elif path.is_file() and path.suffix in (".pyi", ".pxd", ".a"):
            saved += path.stat().st_size
            path.unlink()
    return saved


def main() -> None:
    """Print an image's requirements, or strip a folder."""
    if sys.argv[1] == "--strip":
        print(f"{strip(Path(sys.argv[2])) / 1e6:.0f} MB removed", file=sys.stderr)
    else:
        print("\n".join(requirements(sys.argv[1])))


if __name__ == "__main__":
    main()
