"""What tests of every kind need."""

import gc
import os

import pytest
from hypothesis import settings

settings.register_profile("busy", deadline=None)  # a test that fails where others work is no test
settings.load_profile("busy")

for _library in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):  # a core for each process of tests, as for each worker
    os.environ.setdefault(_library, "1")

from scripts.make_gguf import PRESETS, make_gguf  # noqa: E402 - numpy reads them once


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """A GGUF of 0.4 million random weights."""
    path = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    make_gguf(path, PRESETS["tiny"])
    return path


def pytest_collection():
    """All that is made while tests are collected stays: the garbage collector would look through it in vain."""
    gc.disable()


def pytest_collection_finish():
    """Nor does it look through that while the tests run."""
    gc.freeze()
    gc.enable()
