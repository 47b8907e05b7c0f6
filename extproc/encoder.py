"""The embedding model: text -> token ids -> hidden states -> one vector. Loaded through fastembed, fetched from nowhere.

The classifier and the name model share one `Encoder` and its tokenisation: both read the hidden states of one pass.
An `Encoder` computes; who may call it, and on which thread, is the caller's business.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from extproc.errors import ConfigError
from extproc.model_folder import look_into, names_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from tokenizers import Tokenizer

BUNDLED = "bundled"
"""Name in `mesh.yaml` of the model that ships with the package."""
BUNDLED_FOLDER = Path(__file__).parent / "assets" / "all-MiniLM-L6-v2"
_REGISTERED = "intentmesh/all-MiniLM-L6-v2"
_CHARACTERS_PER_TOKEN = 6
"""Head and tail of a long text are cut at this many characters per token of their share, before they are tokenised:
the time must not grow with the text. English takes 4 to 5."""


class Encoder:
    """One loaded model. `run` is thread-safe, as onnxruntime's sessions are."""

    def __init__(self, model: Any, name: str) -> None:
        """`model` is the model inside a fastembed `TextEmbedding`."""
        self.name = name
        self._model = model
        self._session = model.model
        self.tokenizer: Tokenizer = model.tokenizer
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()
        probe = self.tokenizer.encode("a").ids
        bare = self.tokenizer.encode("a", add_special_tokens=False).ids
        at = probe.index(bare[0])
        self.prefix, self.suffix = probe[:at], probe[at + len(bare) :]
        """Ids that the model wants before and after a text, as [CLS] and [SEP]."""
        unknown = getattr(self.tokenizer.model, "unk_token", None)
        self.unknown = self.tokenizer.token_to_id(unknown) if unknown else None
        """Id of whatever the vocabulary has no word for, as an emoji; None where there is no such thing."""
        self.outputs = [node.name for node in self._session.get_outputs()]
        """Names of what `run` can return; the first one is what the embedding is made of."""
        self._inputs = {node.name for node in self._session.get_inputs()}
        self.hidden_layers = [name for name in self.outputs if name.startswith("hidden_")]
        """Outputs that are hidden states of earlier layers; the bundled model has 0, 2 and 4."""

    @classmethod
    def load(cls, name: str = BUNDLED, threads: int = 1) -> Encoder:
        """Load the bundled model (30 ms after the imports), one in a folder, or any that fastembed knows, from its cache or
        the network.

        Raises ConfigError with fastembed's own reason when there is no such model or it cannot be had.
        """
        from fastembed import TextEmbedding  # noqa: PLC0415 - 0.2 s that `check` and `--help` need not pay

        options: dict[str, Any] = {"threads": threads, "cuda": False}
        identity = name
        if name == BUNDLED:
            _register(_REGISTERED, "model.onnx", first_token=False, output="last_hidden_state")
            options |= {"model_name": _REGISTERED, "specific_model_path": str(BUNDLED_FOLDER)}
        elif names_folder(name):
            folder = look_into(name)
            identity = folder.fingerprint
            _register(identity, folder.model_file, first_token=folder.first_token)
            options |= {"model_name": identity, "specific_model_path": str(folder.path)}
        else:
            options["model_name"] = name
        try:
            return cls(TextEmbedding(**options).model, identity)
        except Exception as error:
            hint = "" if name == BUNDLED or names_folder(name) else "; a folder of your own needs no download"
            raise ConfigError(f"classifier.encoder: `{name}` cannot be loaded by fastembed: {error}{hint}") from error

    def tokenize(self, text: str, budget: int) -> list[int]:
        """At most `budget` ids, without the model's special ones: of a longer text, the head and the tail."""
        half = budget // 2
        cut = half * _CHARACTERS_PER_TOKEN
        if len(text) <= 2 * cut:
            ids = self._ids(text)
            return ids if len(ids) <= budget else ids[:half] + ids[-half:]
        return self._ids(text[:cut])[:half] + self._ids(text[-cut:])[-half:]

    def _ids(self, text: str) -> list[int]:
        try:
            ids: list[int] = self.tokenizer.encode(text, add_special_tokens=False).ids
        except TypeError:  # a lone surrogate, which JSON may hold and UTF-8 may not
            ids = self.tokenizer.encode(text.encode(errors="replace").decode(), add_special_tokens=False).ids
        return ids

    def run(
        self, batch: Sequence[Sequence[int]], outputs: Sequence[str] | None = None
    ) -> tuple[list[NDArray[np.float32]], NDArray[np.int64]]:
        """One pass: for every output asked for an array (text, token, width), and the attention mask.

        The rows of `batch` are what `tokenize` returned; the special ids are put around them here.
        """
        rows = [[*self.prefix, *ids, *self.suffix] for ids in batch]
        longest = max(map(len, rows))
        ids = np.zeros((len(rows), longest), np.int64)
        mask = np.zeros((len(rows), longest), np.int64)
        for i, row in enumerate(rows):
            ids[i, : len(row)] = row
            mask[i, : len(row)] = 1
        feed = {"input_ids": ids}
        if "attention_mask" in self._inputs:
            feed["attention_mask"] = mask
        if "token_type_ids" in self._inputs:
            feed["token_type_ids"] = np.zeros_like(ids)
        states: list[NDArray[np.float32]] = self._session.run(list(outputs or self.outputs[:1]), feed)
        return states, mask

    def embed(self, batch: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """Vectors of length one, pooled as the model's description in fastembed says."""
        from fastembed.common.onnx_model import OnnxOutputContext  # noqa: PLC0415 - see `load`

        (states,), mask = self.run(batch)
        context = OnnxOutputContext(model_output=states, attention_mask=mask)
        vectors: NDArray[np.float32] = np.array(list(self._model._post_process_onnx_output(context)), np.float32)  # noqa: SLF001 - fastembed's pooling has no other door
        return _unit(vectors)


def mean_pool(states: NDArray[np.float32], mask: NDArray[np.int64]) -> NDArray[np.float32]:
    """Mean over the tokens of each text, of length one."""
    weights = mask[:, None, :].astype(np.float32)
    sums: NDArray[np.float32] = np.matmul(weights, states)[:, 0]
    return _unit(sums)


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths: NDArray[np.float32] = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return vectors / lengths


def _register(name: str, model_file: str, *, first_token: bool, output: str | None = None) -> None:
    """Tell fastembed about a model that it does not know, once in a process."""
    from fastembed import TextEmbedding  # noqa: PLC0415 - see `Encoder.load`
    from fastembed.common.model_description import ModelSource, PoolingType  # noqa: PLC0415

    if any(model["model"] == name for model in TextEmbedding.list_supported_models()):
        return
    TextEmbedding.add_custom_model(
        model=name,
        pooling=PoolingType.CLS if first_token else PoolingType.MEAN,
        normalization=True,
        sources=ModelSource(url="file:///dev/null"),  # asked for by fastembed; never read, the path is given
        dim=384,  # asked for too, and used for nothing: the width is that of what the model returns
        model_file=model_file,
        license="apache-2.0",
        output_name=output,
    )
