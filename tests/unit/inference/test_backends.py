"""Code of llama.cpp's for several processors: the best that computes is used, and what dies is found out by a child."""

import shutil
import subprocess
from itertools import permutations
from pathlib import Path

import pytest

from inference import proof
from inference.backends import choose, ranked, register
from inference.errors import BackendError

GCC = shutil.which("gcc")
GOOD, LAME, ILL = (Path(f"libggml-cpu-{name}.so") for name in ("good", "lame", "ill"))


def library(folder, name, score):
    """A library that scores itself so, and dies of an illegal instruction when it is asked to begin."""
    source, path = folder / f"{name}.c", folder / f"libggml-cpu-{name}.so"
    code = (
        f"int ggml_backend_score(void) {{ return {score}; }}\nvoid *ggml_backend_init(void) {{ raise(4); return 0; }}\n"
    )
    source.write_text("#include <signal.h>\n" + code)
    subprocess.run([GCC, "-shared", "-fPIC", str(source), "-o", str(path)], check=True)
    return path


@pytest.mark.parametrize("order", list(permutations((GOOD, LAME, ILL))))
def test_the_first_that_computes_is_chosen(order):
    """What comes before it is named with what became of it; what comes after it is not tried."""
    wrong = {LAME: "ended with exit code 1: proof: no number", ILL: "died of SIGILL (illegal instruction)"}
    tried, said = [], []

    def complaint(path):
        tried.append(path)
        return wrong.get(path)

    assert choose(order, complaint, said.append) == GOOD
    before = order[: order.index(GOOD)]
    assert tuple(tried) == (*before, GOOD)
    assert said == [*(f"{path.stem} {wrong[path]}; not used" for path in before), "computing with libggml-cpu-good"]


def test_where_nothing_computes_all_are_named():
    """The server ends with one message, which names each and what became of it."""
    with pytest.raises(BackendError, match=r"libggml-cpu-ill died; libggml-cpu-lame died"):
        choose([ILL, LAME], lambda _: "died", lambda _: None)
    with pytest.raises(BackendError, match="there is none in"):
        choose([], lambda _: None, lambda _: None)


@pytest.mark.skipif(GCC is None, reason="gcc is not installed")
def test_libraries_are_ranked_by_their_own_score(tmp_path):
    """The highest first; what this processor has not every instruction of, or what is no library, not at all."""
    paths = {name: library(tmp_path, name, score) for name, score in (("low", 1), ("high", 900), ("unfit", 0))}
    broken = tmp_path / "libggml-cpu-broken.so"
    broken.write_bytes(b"no library")
    assert ranked([paths["unfit"], paths["low"], broken, paths["high"]]) == [paths["high"], paths["low"]]


@pytest.mark.skipif(GCC is None, reason="gcc is not installed")
def test_a_library_that_dies_dies_in_a_child(tmp_path):
    """The proof of a library that begins with an illegal instruction is its signal, and this process lives."""
    assert "died of SIGILL (illegal instruction)" in proof.complaint(backend=library(tmp_path, "ill", 1))


def test_what_cannot_be_loaded_is_one_message(tmp_path):
    """A library that is none is named."""
    with pytest.raises(BackendError, match="cannot load it"):
        register(tmp_path / "libggml-cpu-none.so")
