"""The embedding model: text -> token ids -> hidden states -> one vector. Loaded through fastembed, fetched from nowhere.

The bundled model can stop after half of its layers, and go on from there for those texts that need it.
An `Encoder` computes; who may call it, and on which thread, is the caller's business.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import numpy as np

from extproc.embedding import model_hub
from extproc.embedding.model_folder import look_into, names_folder
from extproc.embedding.places import BUNDLED
from extproc.embedding.wordpiece import PlainWords
from extproc.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray
    from tokenizers import Tokenizer

BUNDLED_FOLDER = Path(__file__).parents[1] / "assets" / "all-MiniLM-L6-v2"
_REGISTERED = "intentmesh/all-MiniLM-L6-v2"
_CHARACTERS_PER_TOKEN = 6
"""Head and tail of a long text are cut at this many characters per token of their share, before they are tokenised:
the time must not grow with the text. English takes 4 to 5."""


_YES = np.array([True])


@dataclass(frozen=True, slots=True)
class Halfway:
    """Texts after the first half of the layers."""

    outputs: list[NDArray[np.float32]]
    """What was asked for, text by text."""
    states: NDArray[np.float32]
    """(text, token, width): what the second half goes on from."""
    feed: dict[str, NDArray[np.int64]]

    def only(self, chosen: Sequence[int]) -> tuple[NDArray[np.float32], dict[str, NDArray[np.int64]]]:
        """States and feed of some of the texts, no wider than their longest one."""
        if len(chosen) == len(self.states):
            return self.states, self.feed
        index = list(chosen)
        longest = int(self.feed["attention_mask"][index].sum(axis=1).max())
        return self.states[index, :longest], {name: array[index, :longest] for name, array in self.feed.items()}


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
        self._plain = PlainWords.of(self.tokenizer)
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
        self.has_halves = any(node.name == "resume_from" for node in self._session.get_overridable_initializers())
        """Whether `start` and `finish` are to be had, and the means of single layers as outputs of `run`."""

    @classmethod
    def load(cls, name: str = BUNDLED, threads: int = 1) -> Encoder:
        """Load the bundled model (30 ms after the imports), one in a folder, or any that fastembed knows, from its cache or
        the network.

        The bundled one is loaded once in a process, however many have a use for it.
        Raises ConfigError with fastembed's own reason when there is no such model or it cannot be had.
        """
        if name == BUNDLED and (known := _in_use.get(threads)) is not None:
            return known
        from fastembed import TextEmbedding  # noqa: PLC0415 - 0.2 s that `check` and `--help` need not pay

        options: dict[str, Any] = {"threads": threads, "cuda": False}
        identity = name
        local = name == BUNDLED or names_folder(name)
        if name == BUNDLED:
            _register(_REGISTERED, "model.onnx", first_token=False, output="last_hidden_state")
            options |= {"model_name": _REGISTERED, "specific_model_path": str(BUNDLED_FOLDER)}
        elif local:
            folder = look_into(name)
            identity = folder.fingerprint
            _register(identity, folder.model_file, first_token=folder.first_token)
            options |= {"model_name": identity, "specific_model_path": str(folder.path)}
        try:
            with _no_warnings():
                made = TextEmbedding(**options) if local else model_hub.load(name, **options)
                encoder = cls(made.model, identity)
        except ConfigError:
            raise
        except Exception as error:
            hint = "" if local else "; a folder of your own needs no download"
            raise ConfigError(f"classifier.encoder: `{name}` cannot be loaded by fastembed: {error}{hint}") from error
        if name == BUNDLED:
            _in_use[threads] = encoder
        return encoder

    def tokenize(self, text: str, budget: int) -> list[int]:
        """At most `budget` ids, without the model's special ones: of a longer text, the head and the tail."""
        half = budget // 2
        cut = half * _CHARACTERS_PER_TOKEN
        if len(text) <= 2 * cut:
            return self.shorten(self._ids(text), budget)
        return self._ids(text[:cut])[:half] + self._ids(text[-cut:])[-half:]

    def first_ids(self, words: Iterable[str]) -> frozenset[int] | None:
        """The ids that these words begin with, and have wherever they stand in printable ASCII; None: not with this tokenizer."""
        return frozenset(self._ids(word)[0] for word in words) if self._plain is not None else None

    @staticmethod
    def shorten(ids: list[int], budget: int) -> list[int]:
        """Head and tail of what `tokenize` returned."""
        return ids if len(ids) <= budget else ids[: budget // 2] + ids[-(budget // 2) :]

    def _ids(self, text: str) -> list[int]:
        ids = self._plain.ids(text) if self._plain is not None else None
        if ids is not None:
            return ids
        try:
            ids = self.tokenizer.encode(text, add_special_tokens=False).ids
        except TypeError:  # a lone surrogate, which JSON may hold and UTF-8 may not
            ids = self.tokenizer.encode(text.encode(errors="replace").decode(), add_special_tokens=False).ids
        return ids

    def run(
        self, batch: Sequence[Sequence[int]], outputs: Sequence[str] | None = None
    ) -> tuple[list[NDArray[np.float32]], NDArray[np.int64]]:
        """One pass: for every output asked for an array (text, token, width), and the attention mask.

        The rows of `batch` are what `tokenize` returned; the special ids are put around them here.
        """
        feed, mask = self._feed(batch)
        states: list[NDArray[np.float32]] = self._session.run(list(outputs or self.outputs[:1]), feed)
        return states, mask

    def start(self, batch: Sequence[Sequence[int]], outputs: Sequence[str]) -> Halfway:
        """The first half of the layers, in half the time. `outputs` are means of layers in it."""
        feed, _ = self._feed(batch)
        arrays: list[NDArray[np.float32]] = self._session.run([*outputs, "middle_state"], {**feed, "stop_early": _YES})
        return Halfway(arrays[:-1], arrays[-1], feed)

    def finish(self, halfway: Halfway, chosen: Sequence[int], outputs: Sequence[str]) -> list[NDArray[np.float32]]:
        """The second half for some of the texts. `outputs` are means of layers in it."""
        states, feed = halfway.only(chosen)
        arrays: list[NDArray[np.float32]] = self._session.run(
            list(outputs), {**feed, "resume": _YES, "resume_from": states}
        )
        return arrays

    def _feed(self, batch: Sequence[Sequence[int]]) -> tuple[dict[str, NDArray[np.int64]], NDArray[np.int64]]:
        """What the model takes, and which of the tokens are a text's own."""
        if len(batch) == 1:
            ids = np.array([[*self.prefix, *batch[0], *self.suffix]], np.int64)
            mask = np.ones_like(ids)
        else:
            rows = [[*self.prefix, *row, *self.suffix] for row in batch]
            longest = max(map(len, rows))
            ids = np.array([row + [0] * (longest - len(row)) for row in rows], np.int64)
            mask = np.array([[1] * len(row) + [0] * (longest - len(row)) for row in rows], np.int64)
        feed = {"input_ids": ids}
        if "attention_mask" in self._inputs:
            feed["attention_mask"] = mask
        if "token_type_ids" in self._inputs:
            feed["token_type_ids"] = np.zeros_like(ids)
        return feed, mask

    def embed(self, batch: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """Vectors of length one, pooled as the model's description in fastembed says."""
        from fastembed.common.onnx_model import OnnxOutputContext  # noqa: PLC0415 - see `load`

        (states,), mask = self.run(batch)
        context = OnnxOutputContext(model_output=states, attention_mask=mask)
        vectors: NDArray[np.float32] = np.array(list(self._model._post_process_onnx_output(context)), np.float32)  # noqa: SLF001 - fastembed's pooling has no other door
        return _unit(vectors)


_in_use: WeakValueDictionary[int, Encoder] = WeakValueDictionary()
"""The bundled model, by the threads of a pass."""


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths: NDArray[np.float32] = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return vectors / lengths


@contextmanager
def _no_warnings() -> Iterator[None]:
    """Keep onnxruntime from warning of inputs with defaults: the bundled model has them, so that fastembed can run it."""
    import onnxruntime  # noqa: PLC0415 - see `Encoder.load`

    onnxruntime.set_default_logger_severity(3)
    try:
        yield
    finally:
        onnxruntime.set_default_logger_severity(2)


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
