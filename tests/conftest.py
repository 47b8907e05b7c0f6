"""What tests of every kind need."""

import pytest

from scripts.make_gguf import PRESETS, make_gguf


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """A GGUF of 0.4 million random weights."""
    path = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    make_gguf(path, PRESETS["tiny"])
    return path
