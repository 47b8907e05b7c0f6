"""The Dockerfile: linted where hadolint is at hand, and held to the house's own rules everywhere."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.requirements import requirements

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "Dockerfile").read_text()
TARGETS = ("extproc", "inference", "inference-cuda")


def stages():
    """Stage -> its base, and its instructions."""
    joined = re.sub(r"\\\n\s*", " ", "\n".join(line for line in TEXT.splitlines() if not line.startswith("#")))
    found = {}
    for block in re.split(r"^FROM ", joined, flags=re.MULTILINE)[1:]:
        first, *lines = block.splitlines()
        base, _, name = first.partition(" AS ")
        found[name] = (base, [line for line in lines if line.strip()])
    return found


HADOLINT = shutil.which("hadolint") or shutil.which("hadolint", path=Path(sys.executable).parent)


@pytest.mark.skipif(HADOLINT is None, reason="hadolint is not installed")
def test_hadolint():
    """The linter has nothing to say; what it is told to leave is told line by line."""
    done = subprocess.run([HADOLINT, ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert done.stdout + done.stderr == ""


def test_bases_are_exact():
    """Every base image is an argument with an exact version, or a stage above."""
    arguments = dict(re.findall(r"^ARG (\w+_IMAGE)=(\S+)", TEXT, re.MULTILINE))
    for image in arguments.values():
        assert re.fullmatch(r"[\w./-]+:\d+\.\d+\.\d+-[\w.-]+(@sha256:[0-9a-f]{64})?", image), image
    for base, _ in stages().values():
        assert base in stages() or base.strip("${}") in arguments


@pytest.mark.parametrize("target", TARGETS)
def test_final_stages(target):
    """Nobody is root, health is checked, the entry point is exact, and no compiler or pip is left."""
    _, lines = stages()[target]
    words = [line.split(" ", 1)[0] for line in lines]
    assert "USER 65532:65532" in lines
    assert lines.index("USER 65532:65532") < words.index("ENTRYPOINT")
    assert "HEALTHCHECK" in words
    assert next(line for line in lines if line.startswith("ENTRYPOINT")).startswith('ENTRYPOINT ["python", "-m", ')
    installed = " ".join(line for line in lines if line.startswith("RUN"))
    assert not re.search(r"build-essential|cmake|gcc|g\+\+|\bdev\b|pip", installed)
    assert not re.search(r"^(ADD|MAINTAINER) ", "\n".join(lines), re.MULTILINE)


@pytest.mark.parametrize("target", TARGETS)
def test_what_is_copied_is_in_the_context(target):
    """Nothing that the images copy is kept out by .dockerignore, and the model is among it."""
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for _, lines in stages().values():
        for line in lines:
            if line.startswith("COPY ") and "--from" not in line:
                for source in line.split()[1:-1]:
                    assert any(source == a or source.startswith(f"{a}/") for a in allowed), source
                    assert (ROOT / source).exists(), source


def test_requirements():
    """The inference image has llama.cpp and none of the processor's weight; the other one the other way round."""
    inference, extproc = (" ".join(requirements(image)) for image in ("inference", "extproc"))
    assert "llama-cpp-python==" in inference
    assert "onnxruntime" not in inference
    assert "onnxruntime" in extproc
    assert "llama" not in extproc
