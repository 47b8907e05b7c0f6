"""Where things are kept that are made once: tables, heads, the multilingual encoder."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

BUNDLED = "bundled"
"""Name in `mesh.yaml` of the model that ships with the package."""
AUTO = "auto"
"""Name in `mesh.yaml` of the bundled encoder, and the multilingual one beside it where that is there."""
MULTILINGUAL = "multilingual"
"""The same, and the multilingual one has to be there."""
MISSING = "the multilingual encoder is not there; make it: pip install 'intentmesh[multilingual]' && intentmesh encoder"
_FOLDER = "multilingual-e5-small"
_ASSETS = Path(__file__).parents[1] / "assets"


def cache_folder() -> Path:
    """Where tables and heads are kept between starts: INTENTMESH_CACHE, else the user's cache directory."""
    given = os.environ.get("INTENTMESH_CACHE")
    if given:
        return Path(given)
    try:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:  # a container's user without a home
        home = Path(tempfile.gettempdir())
    return home / "intentmesh"


def multilingual_folder() -> Path | None:
    """Of the multilingual encoder: in the package, as in an image that was built with it, or in the cache; None: nowhere."""
    return next((folder for folder in (_ASSETS / _FOLDER, made_folder()) if (folder / "model.onnx").is_file()), None)


def made_folder() -> Path:
    """Where `intentmesh encoder` puts it."""
    return cache_folder() / _FOLDER
