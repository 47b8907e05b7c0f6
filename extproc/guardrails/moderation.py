"""A classifier elsewhere, asked over HTTP in the shape of OpenAI's moderation API. It sees texts as the upstream gets them."""

from __future__ import annotations

import json
import os
from math import isfinite
from time import monotonic
from typing import TYPE_CHECKING, Any

import httpx

from extproc.errors import ConfigError
from extproc.guardrails.check import Finding

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from extproc.config.guardrails import ModerationGuard
    from extproc.guardrails.check import Question

_MOST_BYTES = 2**20
"""Of an answer."""


class ModerationCheck:
    """One entry of the section."""

    masked = True

    def __init__(self, guard: ModerationGuard) -> None:
        self.places = frozenset(guard.look_at)
        self._guard = guard
        self._client: httpx.AsyncClient | None = None
        """Made with the first request: connections do not outlive the fork of a worker."""
        self._headers = {}
        if guard.key_env is not None:
            key = os.environ.get(guard.key_env)
            if not key:
                raise ConfigError(f"guardrails: the variable {guard.key_env}, which `key_env` names, is not set")
            self._headers["authorization"] = f"Bearer {key}"

    def look(self, question: Question, deadline: float) -> Finding | Awaitable[Finding]:
        """See Check."""
        texts = [passage.text for passage in question.passages if passage.text.strip()]
        return self._ask(texts, deadline) if texts else Finding(0.0, False)

    def close(self) -> None:
        """What is open is closed by who reads last: the loop that it belongs to may be gone."""
        self._client = None

    async def _ask(self, texts: list[str], deadline: float) -> Finding:
        if self._client is None:
            self._client = httpx.AsyncClient(timeout=None)  # noqa: S113 - each request has its deadline
        question: dict[str, Any] = {"input": texts}
        if self._guard.model is not None:
            question["model"] = self._guard.model
        left = max(0.001, deadline - monotonic())
        received = bytearray()
        ask = self._client.stream("POST", self._guard.url, json=question, headers=self._headers, timeout=left)
        try:
            async with ask as answer:
                answer.raise_for_status()
                async for piece in answer.aiter_bytes():
                    received += piece
                    if len(received) > _MOST_BYTES:
                        raise ValueError("an answer that is too long")
        except httpx.TimeoutException as error:
            raise TimeoutError from error
        return self._finding(json.loads(received), len(texts))

    def _finding(self, answer: Any, count: int) -> Finding:
        """Raises TypeError, KeyError or ValueError for an answer that is none."""
        results = answer["results"]
        if len(results) != count:
            raise ValueError("not one result for each text")
        best = Finding(0.0, False)
        for result in results:
            for name, score, flagged in self._categories(result):
                if (flagged, score) > (best.fires, best.score):
                    best = Finding(score, flagged, name)
        return best

    def _categories(self, result: dict[str, Any]) -> list[tuple[str, float, bool]]:
        """Name, score and whether it counts; names of the configuration's only."""
        guard = self._guard
        flags, scores = result["categories"], result.get("category_scores") or {}
        if not guard.categories:
            top = max(map(_score, scores.values()), default=_score(result["flagged"]))
            return [("", top, top >= guard.threshold if guard.threshold else _flag(result["flagged"]))]
        categories = []
        for name in guard.categories:  # one that the classifier does not have is a KeyError: it would never count
            score = _score(scores[name] if name in scores else flags[name])
            categories.append((name, score, score >= guard.threshold if guard.threshold else _flag(flags[name])))
        return categories


def _flag(value: Any) -> bool:
    """Raises TypeError for what says neither: the word `false` is not nothing."""
    if not isinstance(value, bool):
        raise TypeError("a flag that is neither true nor false")
    return value


def _score(value: Any) -> float:
    """Raises ValueError for a number that is compared with nothing."""
    score = float(value)
    if not isfinite(score):
        raise ValueError("a score that is no number")
    return min(1.0, max(0.0, score))
