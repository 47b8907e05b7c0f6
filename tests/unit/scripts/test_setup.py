"""Set-up: what is kept where, and what is installed beside llama.cpp."""

import tomllib
from pathlib import Path

import pytest

from scripts import setup
from scripts.llama.builds import Processor

PROJECT = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
PLAIN, WIDE = Processor("x86_64", frozenset({"avx2"})), Processor("x86_64", frozenset({"avx2", "avx512f"}))


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch):
    """Nothing that the machine of the test adds to a build."""
    for name in ("CMAKE_ARGS", "CFLAGS", "CXXFLAGS"):
        monkeypatch.delenv(name, raising=False)


def test_a_wheel_is_kept_by_what_it_depends_on(monkeypatch):
    """Version, processor and what the user adds; the order of the processor's flags says nothing, Python's version neither."""
    folder = setup.cache_folder("llama-cpp-python==1.2", PLAIN)
    assert folder.name.startswith("1.2-x86_64-")
    assert folder == setup.cache_folder("llama-cpp-python==1.2", Processor("x86_64", frozenset(["avx2"])))
    others = [setup.cache_folder("llama-cpp-python==1.2", WIDE), setup.cache_folder("llama-cpp-python==1.3", PLAIN)]
    for name, value in (("CMAKE_ARGS", "-DGGML_CUDA=ON"), ("CFLAGS", "-O1"), ("CXXFLAGS", "-O1")):
        monkeypatch.setenv(name, value)
        others.append(setup.cache_folder("llama-cpp-python==1.2", PLAIN))
    assert len({folder, *others}) == len(others) + 1


def test_the_rest_is_everything_but_llama():
    """What is installed while llama.cpp is built, so that pip does not build it a second time."""
    rest = setup.rest_of(PROJECT)
    wanted = [each for extra in setup.EXTRAS for each in PROJECT["optional-dependencies"][extra]]
    assert set(wanted) - set(rest) == {setup.llama_requirement(PROJECT)}
    assert not any(each.startswith("llama-cpp-python") for each in PROJECT["dependencies"])


def test_an_unknown_build_is_one_message(monkeypatch):
    """With those that there are for this processor."""
    monkeypatch.setenv(setup.WANTED, "fastest")
    with pytest.raises(
        setup.SetupError, match=r"INTENTMESH_LLAMA=fastest: there is no such build[\s\S]*one of: .*baseline"
    ):
        setup.choose_llama("llama-cpp-python==1.2", None, None)
