"""An embedding model in a folder of one's own: what has to be in it, and how its token vectors become one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from extproc.errors import ConfigError

MODEL_FILES = ("model.onnx", "onnx/model.onnx")
"""Where the graph is looked for, in this order."""
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")
POOLING_FILE = "1_Pooling/config.json"
"""Written by sentence-transformers; without it, or if it says nothing, the mean over the tokens is taken."""


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A folder that can be loaded."""

    path: Path
    model_file: str
    """Relative to `path`."""
    first_token: bool
    """The vector of the first token stands for the text; else the mean over all of them."""

    @property
    def fingerprint(self) -> str:
        """Changes with the model, so that nothing that was kept of another one is used."""
        stat = (self.path / self.model_file).stat()
        return f"{self.path} {stat.st_size} {stat.st_mtime_ns}"


def names_folder(name: str) -> bool:
    """Whether a model's name is a path: `./model`, `/models/bge`, `~/model`."""
    return name.startswith((".", "/", "~"))


def look_into(name: str) -> ModelFolder:
    """Raises ConfigError with what is missing."""
    path = Path(name).expanduser()
    if not path.is_dir():
        raise ConfigError(f"there is no folder {path}; give one with model.onnx, tokenizer.json, tokenizer_config.json")
    model_file = next((file for file in MODEL_FILES if (path / file).is_file()), None)
    missing = [file for file in TOKENIZER_FILES if not (path / file).is_file()]
    if model_file is None:
        missing.insert(0, " or ".join(MODEL_FILES))
    if model_file is None or missing:
        raise ConfigError(f"{path}: has no {', no '.join(missing)}")
    return ModelFolder(path.resolve(), model_file, _pools_first_token(path / POOLING_FILE))


def _pools_first_token(file: Path) -> bool:
    try:
        settings = json.loads(file.read_text())
    except OSError:
        return False
    except ValueError as error:
        raise ConfigError(f"{file}: is not JSON") from error
    return isinstance(settings, dict) and bool(settings.get("pooling_mode_cls_token"))
