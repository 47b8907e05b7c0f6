"""Prove that llama.cpp computes on this processor: `python -m inference.proof` decodes with a bundled model, or dies of it.

Code that was built wrong, or for another processor, ends its process by a signal at its first token, and nothing in that
process can catch it. So whoever wants to know asks a child: set-up, before it keeps a build; a server whose build holds
code for several processors, before it uses one of them.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from inference.demo import model_path
from inference.exits import in_words

MODEL = "general"
"""Of the bundled demo models; 8 bits a weight. The formats that most models come in are made of it."""
FORMATS = {"q4_0": 2, "q4_k_m": 15}
"""llama.cpp's numbers of these file types. Each format has kernels of its own."""
TOKENS = 48
LIMIT_S = 120.0
LEAST_COSINE = 0.99
"""Between the logits of a prompt read at once and read token by token: other kernels, which round differently."""


def complaint(python: str = sys.executable, *, backend: Path | None = None) -> str | None:
    """What is wrong with the llama.cpp of that Python, found out by a child; None: it computes."""
    command = [python, "-m", "inference.proof", *([str(backend)] if backend else [])]
    path = str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path))}
    try:
        done = subprocess.run(  # noqa: S603 - ourselves
            command, capture_output=True, text=True, errors="replace", timeout=LIMIT_S, env=environment, check=False
        )
    except subprocess.TimeoutExpired:
        return f"did not end within {LIMIT_S:.0f} s"
    if done.returncode == 0:
        return None
    last = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()][-1:]
    return in_words(done.returncode) + "".join(f": {line.strip()}" for line in last)


def decode() -> list[str]:
    """Decode with the bundled model in each format. Raises InferenceError where the numbers are wrong; may die."""
    source = model_path(MODEL)
    proved = []
    with tempfile.TemporaryDirectory(prefix="intentmesh-proof-") as folder:
        _compare(source)
        proved.append("q8_0")
        for name, number in FORMATS.items():
            _compare(_requantized(source, Path(folder) / f"{name}.gguf", number))
            proved.append(name)
    return proved


def _compare(path: Path) -> None:
    """Read a prompt at once and token by token; the logits are numbers, and the same ones but for rounding."""
    import numpy as np  # noqa: PLC0415 - set-up imports this module before it is installed

    from inference.engine import Batch, Engine  # noqa: PLC0415
    from inference.errors import EngineError  # noqa: PLC0415
    from inference.model import Model  # noqa: PLC0415
    from inference.settings import Settings  # noqa: PLC0415

    settings = Settings(model=path, threads=1, batch_tokens=64)
    model = Model(settings, lambda _: True)
    engine, batch = Engine(model, settings, context_tokens=2 * TOKENS, slots=2), Batch(TOKENS)
    prompt = [token % model.vocabulary_size for token in range(300, 300 + TOKENS)]
    at = batch.add_run(prompt, 0, 0, output=True)
    engine.decode(batch)
    whole = engine.logits(at).astype(np.float64)
    for position, token in enumerate(prompt):
        batch.clear()
        at = batch.add(token, position, 1)
        engine.decode(batch)
    single = engine.logits(at).astype(np.float64)
    engine.close()
    model.close()
    if not (np.isfinite(whole).all() and np.isfinite(single).all()):
        raise EngineError(f"{path.name}: llama.cpp computes what is no number")
    cosine = float(whole @ single / (np.linalg.norm(whole) * np.linalg.norm(single)))
    if not cosine > LEAST_COSINE:
        raise EngineError(
            f"{path.name}: a prompt read at once and token by token give different answers (cosine {cosine:.3f})"
        )


def _requantized(source: Path, target: Path, file_type: int) -> Path:
    import ctypes  # noqa: PLC0415

    import llama_cpp.llama_cpp as llama  # noqa: PLC0415

    from inference.errors import EngineError  # noqa: PLC0415

    parameters = llama.llama_model_quantize_default_params()
    parameters.ftype, parameters.nthread, parameters.allow_requantize = file_type, 1, True
    if llama.llama_model_quantize(str(source).encode(), str(target).encode(), ctypes.byref(parameters)):
        raise EngineError(f"{target.name}: llama.cpp cannot write it")
    return target


def main() -> None:
    """In the child: with the code of llama.cpp that is named, or that which is built in."""
    from inference import backends  # noqa: PLC0415
    from inference.errors import InferenceError  # noqa: PLC0415

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a death is an answer here, and leaves no file
    try:
        if sys.argv[1:]:
            backends.register(Path(sys.argv[1]))
        proved = decode()
    except InferenceError as error:
        sys.exit(f"proof: {error}")
    print(f"decoded {', '.join(proved)}; {backends.description()}")  # noqa: T201


if __name__ == "__main__":
    main()
