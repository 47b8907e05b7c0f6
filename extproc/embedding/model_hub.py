"""Models that fastembed fetches from a hub: from its cache where they are there, and no long wait where there is no hub."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from extproc.errors import ConfigError

if TYPE_CHECKING:
    from fastembed import TextEmbedding

HUB = "https://huggingface.co"
PATIENCE_S = 3.0
"""For a connection to the hub. fastembed itself tries for some 40 seconds."""


def load(name: str, **options: Any) -> TextEmbedding:
    """A model by fastembed's name. Raises ConfigError when it is not in the cache and cannot be fetched."""
    from fastembed import TextEmbedding  # noqa: PLC0415 - 0.2 s, see `Encoder.load`
    from loguru import logger  # noqa: PLC0415 - fastembed's

    known = any(model["model"].lower() == name.lower() for model in TextEmbedding.list_supported_models())
    if known:
        logger.disable("fastembed")  # that a model is not in the cache yet is no error
        try:
            return TextEmbedding(name, local_files_only=True, **options)
        except Exception as error:
            hub = unreachable()
            if hub is not None:
                raise ConfigError(
                    f"classifier.encoder: `{name}` is not in fastembed's cache (FASTEMBED_CACHE_PATH), and {hub}; "
                    "give the path of a folder with the model, or a cache that holds it"
                ) from error
        finally:
            logger.enable("fastembed")
    return TextEmbedding(name, **options)


def unreachable() -> str | None:
    """Why the hub cannot be asked, or None."""
    if os.environ.get("HF_HUB_OFFLINE", "").strip().upper() in {"1", "TRUE", "YES", "ON"}:
        return "HF_HUB_OFFLINE is set"
    address = urlsplit(os.environ.get("HF_ENDPOINT") or HUB)
    host = address.hostname or ""
    proxy = None if proxy_bypass(host) else getproxies().get(address.scheme)
    reached = urlsplit(proxy if proxy is None or "//" in proxy else f"//{proxy}") if proxy else address
    port = reached.port or (443 if reached.scheme == "https" else 80)
    try:
        with socket.create_connection((reached.hostname or host, port), PATIENCE_S):
            return None
    except OSError as error:
        return f"{host} cannot be reached ({error})"
