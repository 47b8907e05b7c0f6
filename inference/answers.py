"""Answers in OpenAI's shapes: whole, and as server-sent events. Builds JSON, does no I/O."""

from __future__ import annotations

import base64
import functools
import json
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from inference.errors import InferenceError
    from inference.generation import Piece, Usage, Vector
    from inference.protocol import EmbeddingBody
    from inference.said import Said
    from inference.sampling import TokenLogprob

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
"""Kept, because `json.dumps` would make one for every token."""
DONE = b"data: [DONE]\n\n"


def error_body(error: InferenceError) -> dict[str, Any]:
    """An error in OpenAI's shape."""
    return {"error": {"message": str(error), "type": error.error_type, "param": error.param, "code": error.code}}


def usage_body(usages: Sequence[Usage], prompts: int) -> dict[str, Any]:
    """Usage of a request: each prompt counts once, however many choices it has."""
    per_prompt = len(usages) // max(1, prompts)
    prompt = sum(usage.prompt_tokens for usage in usages[:: max(1, per_prompt)])
    completion = sum(usage.completion_tokens for usage in usages)
    cached = sum(usage.cached_tokens for usage in usages[:: max(1, per_prompt)])
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": cached},
    }


@dataclass(frozen=True)
class Shape:
    """One answer's constant parts. `chat` tells the two APIs apart."""

    chat: bool
    model: str
    fingerprint: str
    piece_text: Callable[[int], bytes]
    include_usage: bool = False
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    created: int = field(default_factory=lambda: int(time.time()))

    def whole(self, choices: list[dict[str, Any]], usage: dict[str, Any]) -> dict[str, Any]:
        """The answer to a request that is not streamed."""
        return {**self._head(self._object), "choices": choices, "usage": usage}

    def choice(self, index: int, said: Said, pieces: Sequence[Piece]) -> dict[str, Any]:
        """One choice of a whole answer."""
        logprobs = [entry for piece in pieces for entry in piece.logprobs]
        finish = pieces[-1].finish
        shaped = self._logprobs(logprobs) if logprobs else None
        if self.chat:
            reason = "tool_calls" if said.calls and finish == "stop" else finish
            return {"index": index, "message": message(said), "logprobs": shaped, "finish_reason": reason}
        return {"index": index, "text": said.content, "logprobs": shaped, "finish_reason": finish}

    def begin(self, index: int, content: str | None = "") -> bytes:
        """The first event of a choice: who speaks. Plain completions have none."""
        if not self.chat:
            return b""
        return self._event({"index": index, "delta": {"role": "assistant", "content": content}, "logprobs": None})

    def text(self, index: int, piece: Piece) -> bytes:
        """A piece of text."""
        logprobs = self._logprobs(piece.logprobs) if piece.logprobs else None
        content: dict[str, Any] = {"delta": {"content": piece.text}} if self.chat else {"text": piece.text}
        return self._event({"index": index, **content, "logprobs": logprobs})

    def delta(self, index: int, delta: dict[str, Any], logprobs: Sequence[TokenLogprob]) -> bytes:
        """A piece of a chat's answer: text, thought or a call."""
        return self._event({"index": index, "delta": delta, "logprobs": self._logprobs(logprobs) if logprobs else None})

    def end(self, index: int, reason: str) -> bytes:
        """The last event of a choice: why it ended."""
        content: dict[str, Any] = {"delta": {}} if self.chat else {"text": ""}
        return self._event({"index": index, **content, "logprobs": None, "finish_reason": reason})

    def usage(self, usage: dict[str, Any]) -> bytes:
        """The event after all choices, if usage was asked for."""
        return _data({**self._head(self._chunk_object), "choices": [], "usage": usage})

    def _event(self, choice: dict[str, Any]) -> bytes:
        choice.setdefault("finish_reason", None)
        return self._frame[0] + _json(choice) + self._frame[1]

    @functools.cached_property
    def _frame(self) -> tuple[bytes, bytes]:
        """What stands before and after the choice, the same in every event of an answer."""
        body = {**self._head(self._chunk_object), "choices": []} | ({"usage": None} if self.include_usage else {})
        start, _, end = _data(body).rpartition(b"[]")
        return start + b"[", b"]" + end

    @property
    def _object(self) -> str:
        return "chat.completion" if self.chat else "text_completion"

    @property
    def _chunk_object(self) -> str:
        return "chat.completion.chunk" if self.chat else "text_completion"

    def _head(self, kind: str) -> dict[str, Any]:
        prefix = "chatcmpl-" if self.chat else "cmpl-"
        return {
            "id": prefix + self.id,
            "object": kind,
            "created": self.created,
            "model": self.model,
            "system_fingerprint": self.fingerprint,
        }

    def _logprobs(self, entries: Sequence[TokenLogprob]) -> dict[str, Any]:
        if self.chat:
            return {
                "content": [
                    {
                        **self._token(entry.token, entry.logprob),
                        "top_logprobs": [self._token(token, logprob) for token, logprob in entry.top],
                    }
                    for entry in entries
                ],
                "refusal": None,
            }
        return {
            "tokens": [self._string(entry.token) for entry in entries],
            "token_logprobs": [entry.logprob for entry in entries],
            "top_logprobs": [{self._string(token): logprob for token, logprob in entry.top} for entry in entries],
            "text_offset": [entry.offset for entry in entries],
        }

    def _token(self, token: int, logprob: float) -> dict[str, Any]:
        return {"token": self._string(token), "logprob": logprob, "bytes": list(self.piece_text(token))}

    def _string(self, token: int) -> str:
        return self.piece_text(token).decode(errors="replace")


def message(said: Said) -> dict[str, Any]:
    """A chat's answer; its text is null where it is calls alone."""
    shaped: dict[str, Any] = {"role": "assistant", "content": said.content, "refusal": None}
    if said.reasoning:
        shaped["reasoning_content"] = said.reasoning
    if said.calls:
        shaped["content"] = said.content or None
        shaped["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in said.calls
        ]
    return shaped


def embedding(index: int, vector: Vector, body: EmbeddingBody) -> dict[str, Any]:
    """One vector: as numbers, or as base64 of little-endian float32, which the OpenAI client asks for."""
    values = vector.values
    if body.dimensions is not None and body.dimensions < len(values):
        values = values[: body.dimensions]
        values = values / np.linalg.norm(values)
    shaped: Any = values.tolist()
    if body.encoding_format == "base64":
        shaped = base64.b64encode(values.astype("<f4").tobytes()).decode()
    return {"object": "embedding", "index": index, "embedding": shaped}


def embeddings(model: str, data: list[dict[str, Any]], vectors: Iterable[Vector]) -> dict[str, Any]:
    """The answer of /v1/embeddings."""
    tokens = sum(vector.tokens for vector in vectors)
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": data, "model": model, "usage": usage}


def token_piece(token: int, piece: bytes) -> dict[str, Any]:
    """A token with what it is in a text: bytes, where that is no whole character."""
    try:
        return {"id": token, "piece": piece.decode()}
    except UnicodeDecodeError:
        return {"id": token, "piece": list(piece)}


def error_event(error: InferenceError) -> bytes:
    """An error in the middle of a stream, as the OpenAI client reads it."""
    return _data(error_body(error))


def _data(value: dict[str, Any]) -> bytes:
    return b"data: " + _json(value) + b"\n\n"


def _json(value: dict[str, Any]) -> bytes:
    return _ENCODER.encode(value).encode()
