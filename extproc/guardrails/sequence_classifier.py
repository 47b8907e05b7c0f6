"""A sequence classifier of the user's own, as ONNX: each text in windows of its length, in a thread of its own."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from extproc.errors import ConfigError
from extproc.guardrails.check import Finding
from extproc.slices import Lease, checkpoint

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from numpy.typing import NDArray

    from extproc.config.guardrails import OnnxGuard
    from extproc.guardrails.check import Question


class OnnxCheck:
    """One entry of the section."""

    masked = False

    def __init__(self, guard: OnnxGuard) -> None:
        """Raises ConfigError where the folder's files are not what they should be."""
        self.places = frozenset(guard.look_at)
        self._guard = guard
        import onnxruntime  # noqa: PLC0415 - loaded where somebody has a model
        from tokenizers import Tokenizer  # noqa: PLC0415 - as above

        try:
            config = json.loads((guard.folder / "config.json").read_text(encoding="utf-8"))
            self._labels = _labels(config, guard.labels)
            self._apart = config.get("problem_type") == "multi_label_classification"
            """Each label is there or not, whatever the others are: one text may be toxic and a threat."""
            self._tokenizer = Tokenizer.from_file(str(guard.folder / "tokenizer.json"))
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = options.inter_op_num_threads = 1
            self._session = onnxruntime.InferenceSession(str(guard.folder / "model.onnx"), options)
        except ConfigError:
            raise
        except Exception as error:
            raise ConfigError(f"guardrails: the classifier in {guard.folder} cannot be loaded: {error}") from error
        self._inputs = {node.name for node in self._session.get_inputs()}
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(guard.max_tokens, stride=min(32, guard.max_tokens // 4))
        self._pool: ThreadPoolExecutor | None = None
        """Begun with the first request: threads do not outlive the fork of a worker."""

    def look(self, question: Question, deadline: float) -> Finding | Awaitable[Finding]:
        """See Check."""
        texts = [passage.text for passage in question.passages if passage.text.strip()]
        return self._in_thread(texts, deadline) if texts else Finding(0.0, False)

    def close(self) -> None:
        """End the thread."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    async def _in_thread(self, texts: list[str], deadline: float) -> Finding:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, thread_name_prefix="classifier")
        lease = Lease(deadline)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, lease.run, self._found, texts)
        finally:
            lease.end()

    def _found(self, texts: list[str]) -> Finding:
        best, name = 0.0, ""
        windows = [window for text in texts for window in self._windows(text)]
        for window in windows[: self._guard.most_windows]:
            checkpoint()
            probabilities = self._probabilities(window)
            for at, label in self._labels:
                if probabilities[at] > best:
                    best, name = float(probabilities[at]), label
        bound = "classifier_bound" if len(windows) > self._guard.most_windows else ""
        return Finding(best, best >= self._guard.threshold, name, bound)

    def _windows(self, text: str) -> list[list[int]]:
        first = self._tokenizer.encode(text.encode(errors="replace").decode())
        return [encoding.ids for encoding in (first, *first.overflowing)]

    def _probabilities(self, ids: Sequence[int]) -> NDArray[np.float64]:
        row = np.array([ids], np.int64)
        feed: dict[str, Any] = {"input_ids": row}
        if "attention_mask" in self._inputs:
            feed["attention_mask"] = np.ones_like(row)
        if "token_type_ids" in self._inputs:
            feed["token_type_ids"] = np.zeros_like(row)
        logits = np.asarray(self._session.run(None, feed)[0], np.float64)[0]
        if not np.isfinite(logits).all():
            raise ValueError("the classifier gives what is no number")
        if self._apart or len(logits) == 1:  # one number says how likely the one label is
            alone: NDArray[np.float64] = 1 / (1 + np.exp(-np.clip(logits, -60.0, 60.0)))
            return alone
        powers = np.exp(logits - logits.max())
        shares: NDArray[np.float64] = powers / powers.sum()
        return shares


def _labels(config: dict[str, Any], wanted: Sequence[str]) -> list[tuple[int, str]]:
    """Number and name of the labels that count."""
    names = {str(name): int(at) for at, name in (config.get("id2label") or {}).items()}
    labels = []
    for label in wanted:
        at = names.get(label, int(label) if label.isdigit() and not names else None)
        if at is None:
            raise ConfigError(
                f"guardrails: the classifier has no label `{label}`; there are: {', '.join(names) or 'numbers'}"
            )
        labels.append((at, label))
    return labels
