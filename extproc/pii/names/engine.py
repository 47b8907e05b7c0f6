"""Another name finder by configuration: any token classifier in ONNX with its `tokenizer.json`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime as ort
from tokenizers import Tokenizer

from extproc.errors import ConfigError
from extproc.pii.names.spans import Span, clean, decode, words_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from extproc.config.names import TokenClassifierSettings
    from extproc.pii.names.cues import Window

INPUTS = {"input_ids", "attention_mask", "token_type_ids"}


class TokenClassifier:
    """Reads windows with a model of the user's own; its labels become our types."""

    def __init__(self, settings: TokenClassifierSettings) -> None:
        graph = settings.model / "model.onnx" if settings.model.is_dir() else settings.model
        self._session = _session(graph)
        self._inputs = {node.name for node in self._session.get_inputs()}
        if "input_ids" not in self._inputs or self._inputs - INPUTS:
            raise ConfigError(
                f"{graph}: inputs {sorted(self._inputs)}; a token classifier has input_ids, attention_mask, token_type_ids"
            )
        self._tokenizer = _tokenizer(settings.tokenizer or graph.parent / "tokenizer.json")
        special = self._tokenizer.num_special_tokens_to_add(is_pair=False)
        self._tokenizer.enable_truncation(settings.max_tokens, stride=min(32, (settings.max_tokens - special) // 4))
        names = settings.label_names or _label_names(graph.parent / "config.json")
        self._labels = [_our_label(name, settings.labels) for name in names]
        outputs = self._session.get_outputs()[0].shape[-1]
        if isinstance(outputs, int) and outputs != len(names):
            raise ConfigError(
                f"{graph}: {outputs} labels per token, but {len(names)} label names are known: give `label_names` in full"
            )
        missing = sorted(set(settings.labels) - {name.partition("-")[2] or name for name in names})
        if missing:
            raise ConfigError(f"{graph}: no label {', '.join(missing)}; it has {', '.join(names)}")

    def read(self, text: str, windows: Sequence[Window], budget: int | None = None) -> tuple[list[Span], int]:
        """Names inside the windows, and how many windows were read before `budget` tokens were used up."""
        found: list[Span] = []
        done = used = 0
        for start, end in windows:
            encoding = self._tokenizer.encode(text[start:end])
            parts = [encoding, *encoding.overflowing]
            used += sum(len(part) for part in parts)
            if budget is not None and used > budget:
                break
            done += 1
            for part in parts:
                found.extend(
                    s for s in self._spans(part, start) if not any(f.start < s.end and s.start < f.end for f in found)
                )
        return clean(text, sorted(found, key=lambda span: span.start)), done

    def _spans(self, encoding: Any, offset: int) -> list[Span]:
        feeds = {
            "input_ids": np.array([encoding.ids], dtype=np.int64),
            "attention_mask": np.array([encoding.attention_mask], dtype=np.int64),
            "token_type_ids": np.array([encoding.type_ids], dtype=np.int64),
        }
        logits = self._session.run(None, {name: feeds[name] for name in self._inputs})[0][0]
        first, words = words_of(encoding, offset)
        return decode(np.asarray(logits, dtype=np.float32)[first], words, self._labels)


def _session(graph: Path) -> ort.InferenceSession:
    if not graph.is_file():
        raise ConfigError(
            f"{graph}: no such file; `pii.names.engine.model` is an .onnx file or a folder with model.onnx"
        )
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return ort.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises a class of its own for each reason
        raise ConfigError(f"{graph}: not a model that onnxruntime can load ({type(error).__name__})") from error


def _tokenizer(path: Path) -> Tokenizer:
    if not path.is_file():
        raise ConfigError(
            f"{path}: no such file; `pii.names.engine.tokenizer` is the tokenizer.json that belongs to the model"
        )
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises plain Exception
        raise ConfigError(f"{path}: not a tokenizer.json that can be read") from error
    tokenizer.no_padding()
    return tokenizer


def _label_names(path: Path) -> tuple[str, ...]:
    try:
        names = json.loads(path.read_text(encoding="utf-8"))["id2label"]
        return tuple(names[key] for key in sorted(names, key=int))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path}: no `id2label` there; give `label_names` in `pii.names.engine` instead") from error


def _our_label(name: str, ours: dict[str, str]) -> str:
    """`B-PER` as `B-PERSON`; a label without prefix continues what stands before it; a label that is not mapped is `O`."""
    prefix, _, kind = name.partition("-") if name[:2] in {"B-", "I-"} else ("I", "-", name)
    return f"{prefix}-{ours[kind]}" if kind in ours else "O"
