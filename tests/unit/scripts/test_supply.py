"""What the images install is written down, file by file, and is what the project asks for."""

import json
import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from scripts.requirements import requirements
from scripts.supply import IMAGES, locked

ROOT = Path(__file__).parents[3]


def pins(image):
    """Name -> version and number of hashes."""
    text = locked(image).read_text().replace("\\\n", " ")
    found = {}
    for line in text.splitlines():
        match = re.match(r"([\w.-]+)==([\w.!+]+)", line)
        assert match, line
        found[match[1].lower().replace("_", "-")] = match[2], line.count("--hash=sha256:")
    return found


@pytest.mark.parametrize("image", IMAGES)
def test_all_is_locked(image):
    """Every requirement of an image is met by a version that is pinned, with the hashes of its files: else `make lock`."""
    locks = pins(image)
    assert all(hashes for _, hashes in locks.values())
    for wanted in map(Requirement, requirements(image)):
        name = wanted.name.lower().replace("_", "-")
        if name in IMAGES[image]:
            continue
        assert locks[name][0] in wanted.specifier, f"{wanted}: {locks[name][0]} is locked; run `make lock`"


@pytest.mark.parametrize("image", IMAGES)
def test_the_sbom_lists_what_is_locked(image):
    """And what is built; else `make sbom`."""
    bom = json.loads((ROOT / "sbom" / f"{image}.cdx.json").read_text())
    listed = {component["name"].lower().replace("_", "-"): component["version"] for component in bom["components"]}
    expected = {name: version for name, (version, _) in pins(image).items()}
    for built in IMAGES[image]:
        expected[built] = next(r for r in requirements(image) if r.startswith(built)).partition("==")[2]
    assert listed == expected
