"""Which of llama.cpp's code computes, where a build holds code for several processors (`GGML_BACKEND_DL`).

An image is built on one machine and runs on others, so it holds the same code for processors of several generations,
each in a library of its own. llama_cpp loads none of them. Here the best that this processor has every instruction of
is loaded, after a child has decoded with it (`inference.proof`): a processor may lack, under a hypervisor, what it
says it has, and a compiler may be wrong. A build for one processor has its code built in, and nothing is done.
"""

from __future__ import annotations

import _ctypes
import ctypes
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import llama_cpp.llama_cpp as llama

from inference import proof
from inference.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

FOLDER = Path(llama.__file__).parent / "lib"
PREFIX, CPU_PREFIX = "libggml-", "libggml-cpu-"
_PARTS = ("libggml-base",)
"""Libraries of that prefix which are no backends."""


def _library() -> Any:
    """llama.cpp and what it is linked with: the registry that it looks at, and no second copy of it."""
    library = llama._lib  # noqa: SLF001 - the handle; the package offers no function for this
    library.ggml_backend_reg_count.restype = ctypes.c_size_t
    library.ggml_backend_load.restype = ctypes.c_void_p
    library.ggml_backend_load.argtypes = [ctypes.c_char_p]
    return library


def load(say: Callable[[str], None] | None = None) -> None:
    """Make the backends known to llama.cpp, once in a process. Raises BackendError when none computes here."""
    if _library().ggml_backend_reg_count():
        return
    for path in sorted(FOLDER.glob(f"{PREFIX}*.so")):
        if not path.name.startswith((CPU_PREFIX, *_PARTS)):
            _library().ggml_backend_load(str(path).encode())  # a GPU's; without its driver it is left out
    register(choose(ranked(FOLDER.glob(f"{CPU_PREFIX}*.so")), lambda p: proof.complaint(backend=p), say or _say))


def register(path: Path) -> None:
    """Load one backend. Raises BackendError where it cannot be."""
    if not _library().ggml_backend_load(str(path).encode()):
        raise BackendError(f"{path}: llama.cpp cannot load it")


def choose(paths: Iterable[Path], complaint: Callable[[Path], str | None], say: Callable[[str], None]) -> Path:
    """The first that a child computes with; of those before it is said what became of them."""
    tried = []
    for path in paths:
        if (wrong := complaint(path)) is None:
            say(f"computing with {path.stem}")
            return path
        tried.append(f"{path.stem} {wrong}")
        say(f"{path.stem} {wrong}; not used")
    raise BackendError(
        "none of llama.cpp's code for processors computes on this one: "
        + ("; ".join(tried) or f"there is none in {FOLDER}")
    )


def ranked(paths: Iterable[Path]) -> list[Path]:
    """Those whose every instruction this processor says it has, the best first: each library scores itself."""
    scores = {}
    for path in paths:
        try:
            library = ctypes.CDLL(str(path))
        except OSError:
            continue
        scores[path] = int(library.ggml_backend_score())
        _ctypes.dlclose(library._handle)  # noqa: SLF001 - what is not used is not kept
    return sorted((path for path in scores if scores[path] > 0), key=lambda path: (-scores[path], path.name))


def description() -> str:
    """What llama.cpp says it computes with: `CPU : AVX2 = 1 | ...`."""
    return str(llama.llama_print_system_info().decode(errors="replace").strip())


def _say(text: str) -> None:
    sys.stderr.write(f"inference: {text}\n")
    sys.stderr.flush()
