"""What llama.cpp says while it loads: kept to name the reason of a failure, printed only if asked for."""

from __future__ import annotations

import ctypes
import re
import sys
from collections import deque
from typing import Any

import llama_cpp.llama_cpp as llama

_WARNING, _ERROR, _CONTINUED = 3, 4, 5
_lines: deque[str] = deque(maxlen=400)
_complaints: deque[str] = deque(maxlen=20)
_state = {"verbose": False, "level": 0}


@llama.llama_log_callback  # type: ignore[untyped-decorator, unused-ignore]
def _receive(level: int, text: bytes, _: Any) -> None:
    line = text.decode(errors="replace")
    if level != _CONTINUED:
        _state["level"] = level
    if line.strip(".\n "):
        _lines.append(line.strip())
        if _state["level"] == _ERROR:
            _complaints.append(line.strip())
    if _state["verbose"]:
        sys.stderr.write(line)


def listen(*, verbose: bool) -> None:
    """Take llama.cpp's log from now on."""
    _state["verbose"] = verbose
    _lines.clear()
    _complaints.clear()
    llama.llama_log_set(_receive, ctypes.c_void_p(0))


def last_complaint() -> str:
    """The first error of the last failure, which names the cause; the later ones follow from it."""
    return _complaints[0] if _complaints else "no reason given (try --verbose)"


def offloaded_layers() -> int:
    """Layers that llama.cpp says it has put on a GPU (the output layer counts as one)."""
    for line in _lines:
        if found := re.search(r"offloaded (\d+)/(\d+) layers to GPU", line):
            return int(found[1])
    return 0
