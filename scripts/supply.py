"""What the images are made of: `supply.py lock`, `sbom` and `audit`.

`lock` resolves the requirements of each image anew and writes them with the hashes of every file that may be installed
(requirements/), `sbom` lists them in CycloneDX (sbom/), `audit` asks whether any has a known vulnerability. The tools are
installed in an environment of their own, beside `.venv`; nothing that is installed in an image comes from there.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from scripts.requirements import requirements

ROOT = Path(__file__).parents[1]
TOOLS = ROOT / ".venv" / "supply"
NEEDED = ("uv>=0.5", "cyclonedx-bom>=5", "pip-audit>=2.7")
IMAGES = {"extproc": (), "multilingual": (), "inference": ("llama-cpp-python",)}
"""Image -> what of it is no file of an index: llama-cpp-python is built where the image is, from its pinned source."""
UNREACHABLE = ("ConnectionError", "ServiceError", "Max retries", "ProxyError", "SSLError", "timed out", "HTTPError: 40")


def tool(name: str) -> str:
    """A tool, installed when it is first needed."""
    if not (TOOLS / "bin" / name).exists():
        venv.create(TOOLS, with_pip=True)
        subprocess.run([TOOLS / "bin" / "python", "-m", "pip", "install", "--quiet", *NEEDED], check=True)
    return str(TOOLS / "bin" / name)


def locked(image: str) -> Path:
    """The lock of an image."""
    return ROOT / "requirements" / f"{image}.txt"


def lock(image: str) -> None:
    """Resolve anew: for every Python from 3.11 on, every Linux and processor."""
    with tempfile.NamedTemporaryFile("w", suffix=".in") as wanted:
        wanted.write("\n".join(requirements(image)))
        wanted.flush()
        command = [
            tool("uv"),
            "pip",
            "compile",
            "--quiet",
            "--universal",
            "--python-version",
            "3.11",
            "--generate-hashes",
        ]
        command += [
            "--no-header",
            "--no-annotate",
            "--no-emit-index-url",
            "--upgrade",
            "--output-file",
            str(locked(image)),
        ]
        command += [part for package in IMAGES[image] for part in ("--no-emit-package", package)]
        subprocess.run([*command, wanted.name], check=True)


def sbom(image: str) -> None:
    """List what is locked, and what is built."""
    built = [r for r in requirements(image) if r.startswith(IMAGES[image] or ("\0",))]
    path = ROOT / "sbom" / f"{image}.cdx.json"
    path.parent.mkdir(exist_ok=True)
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as everything:
        everything.write("\n".join([locked(image).read_text(), *built, ""]))
        everything.flush()
        command = [tool("cyclonedx-py"), "requirements", "--output-reproducible", "--of", "JSON", "-o", str(path)]
        subprocess.run([*command, everything.name], check=True, stderr=subprocess.DEVNULL)
    bom = json.loads(path.read_text().replace(everything.name, f"requirements/{image}.txt"))
    for component in bom["components"]:
        del component["description"]  # the line of the lock, hashes and all, once more
    path.write_text(json.dumps(bom, indent=1, sort_keys=True) + "\n")


def audit(image: str) -> bool:
    """Whether nothing is known against what is locked. Where the service cannot be asked, nothing is."""
    command = [tool("pip-audit"), "--require-hashes", "--disable-pip", "--progress-spinner", "off", "--timeout", "20"]
    done = subprocess.run([*command, "-r", str(locked(image))], capture_output=True, text=True, check=False)
    if done.returncode and any(sign in done.stderr for sign in UNREACHABLE):
        print(f"{image}: not audited, the service cannot be reached from here")
        return True
    print(f"{image}: {'no known vulnerabilities' if not done.returncode else done.stdout + done.stderr}")
    return not done.returncode


def main() -> int:
    """Do what is named for each image."""
    what = {"lock": lock, "sbom": sbom, "audit": audit}.get(sys.argv[1] if len(sys.argv) == 2 else "")
    if what is None:
        sys.stderr.write("usage: python -m scripts.supply lock | sbom | audit\n")
        return 2
    return int(any(what(image) is False for image in IMAGES))


if __name__ == "__main__":
    sys.exit(main())
