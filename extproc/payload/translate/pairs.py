"""Each API with what reads and writes it, and a pair of them put together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from extproc.errors import UntranslatableError
from extproc.payload.answer import Recoded
from extproc.payload.coding import codings
from extproc.payload.translate import chat, gemini, messages, responses
from extproc.payload.translate.answers import count
from extproc.payload.translate.editor import AnswerTranslator, CountTranslator, StreamReader, StreamWriter
from extproc.payload.translate.fields import Losses, encoded, parsed

if TYPE_CHECKING:
    from collections.abc import Callable

    from extproc.payload.document import ResponseEditor
    from extproc.payload.translate.conversation import Answer, Failure, Request
    from extproc.payload.translate.dialects import Dialect, Spoken


class Caller(NamedTuple):
    """What a caller's API needs."""

    read: Callable[[Any, Losses], Request]
    write: Callable[[Answer, Asked], dict[str, Any]]
    write_failure: Callable[[Failure], dict[str, Any]]
    writer: Callable[[Asked], StreamWriter]
    write_count: Callable[[int], dict[str, Any]] | None = None


class Upstream(NamedTuple):
    """What an upstream's API needs."""

    label: str
    """For messages."""
    write: Callable[[Request, Losses], dict[str, Any]]
    read: Callable[[dict[str, Any]], Answer | None]
    reader: Callable[[], StreamReader]
    path: Callable[[Request], str]
    headers: dict[str, str]
    write_count: Callable[[Request, Losses], dict[str, Any]] | None = None
    read_count: Callable[[dict[str, Any]], int | None] = lambda _: None
    count_path: Callable[[Request], str] = lambda _: ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What an answer repeats, or goes by, of its request."""

    usage: bool
    """A stream is to say at its end what was used."""
    body: dict[str, Any]
    """The caller's own, as the upstream got its texts."""


def _input_tokens(body: dict[str, Any]) -> int | None:
    return count(body.get("input_tokens")) if isinstance(body.get("input_tokens"), int) else None


CALLERS: Final[dict[Dialect, Caller]] = {
    "openai": Caller(
        chat.request_reader.read,
        lambda answer, _: chat.answer.write(answer),
        chat.answer.write_failure,
        lambda asked: chat.stream.Writer(usage=asked.usage),
    ),
    "anthropic": Caller(
        messages.request_reader.read,
        lambda answer, _: messages.answer.write(answer),
        messages.answer.write_failure,
        lambda _: messages.stream.Writer(),
        lambda tokens: {"input_tokens": tokens},
    ),
    "openai-responses": Caller(
        responses.request_reader.read,
        lambda answer, asked: responses.answer.write(answer, asked.body),
        chat.answer.write_failure,
        lambda asked: responses.stream.Writer(asked.body),
        lambda tokens: {"object": "response.input_tokens", "input_tokens": tokens},
    ),
}
VERSION: Final = "2023-06-01"
"""Of Anthropic's API. The next one, 2026-10-21, refuses temperature, top_p and top_k, which callers of OpenAI's APIs send."""
UPSTREAMS: Final[dict[Dialect, Upstream]] = {
    "openai": Upstream(
        "OpenAI's chat completions",
        chat.request_writer.write,
        chat.answer.read,
        chat.stream.Reader,
        lambda _: "/v1/chat/completions",
        {},
    ),
    "anthropic": Upstream(
        "Anthropic's messages",
        messages.request_writer.write,
        messages.answer.read,
        messages.stream.Reader,
        lambda _: "/v1/messages",
        {"anthropic-version": VERSION},
        messages.request_writer.write_count,
        _input_tokens,
        lambda _: "/v1/messages/count_tokens",
    ),
    "openai-responses": Upstream(
        "OpenAI's responses",
        responses.request_writer.write,
        responses.answer.read,
        responses.stream.Reader,
        lambda _: "/v1/responses",
        {},
        responses.request_writer.write_count,
        _input_tokens,
        lambda _: "/v1/responses/input_tokens",
    ),
    "gemini": Upstream(
        "Gemini's generateContent",
        gemini.request_writer.write,
        gemini.answer.read,
        gemini.stream.Reader,
        gemini.request_writer.path,
        {},
        gemini.request_writer.write_count,
        gemini.answer.read_count,
        gemini.request_writer.count_path,
    ),
}
LABELS: Final[dict[Dialect, str]] = {dialect: upstream.label for dialect, upstream in UPSTREAMS.items()}


@dataclass(frozen=True, slots=True)
class AnswerTranslation:
    """What the answer to a translated request passes through, before anything else reads it."""

    caller: Caller
    upstream: Upstream
    asked: Asked
    counts: bool

    @property
    def streamed(self) -> bool:
        """Whether the caller has asked for a stream."""
        return not self.counts and self.asked.body.get("stream") is True

    def editor(self, *, status: int, media: str, content_encoding: str) -> ResponseEditor:
        """Its editor. Raises UnreadableBodyError for a content-encoding that nobody knows."""
        caller, upstream = self.caller, self.upstream
        editor: ResponseEditor
        if self.counts:
            assert caller.write_count is not None
            editor = CountTranslator(upstream.read_count, caller.write_count, caller.write_failure, status=status)
        else:
            editor = AnswerTranslator(
                upstream.read,
                lambda answer: caller.write(answer, self.asked),
                caller.write_failure,
                (upstream.reader(), caller.writer(self.asked)),
                status=status,
                media=media,
                streamed=self.streamed,
            )
        names = codings(content_encoding)
        return Recoded(editor, names) if names else editor


@dataclass(frozen=True, slots=True)
class Translated:
    """A request as the upstream gets it."""

    body: bytes
    target: str
    headers: dict[str, str]
    dropped: tuple[str, ...]
    """Names of what could not be carried, and was to be dropped."""
    answer: AnswerTranslation


def request(caller: Spoken, upstream: Dialect, body: bytes, *, model: str | None, drop: bool) -> Translated:
    """Bring a request to another API. `model`: as the upstream calls it; None: as the caller does.

    Raises UntranslatableError for what is no request of the caller's API, and for what the other cannot carry.
    """
    reads, writes = CALLERS[caller.dialect], UPSTREAMS[upstream]
    value = parsed(body)
    if not isinstance(value, dict):
        raise UntranslatableError("the body must be an object of JSON: the model that gets it speaks another API")
    losses = Losses(writes.label, drop=drop)
    conversation = reads.read(value, losses)
    if model is not None:
        conversation.model = model
    if caller.counts:
        if writes.write_count is None:
            raise UntranslatableError(
                f"the model that gets this request speaks {writes.label}, which cannot count tokens"
            )
        path, new = writes.count_path(conversation), writes.write_count(conversation, losses)
    else:
        path, new = writes.path(conversation), writes.write(conversation, losses)
    for setting in conversation.settings.values():
        losses.lose(setting.name)
    losses.settle()
    answer = AnswerTranslation(reads, writes, Asked(conversation.usage, value), caller.counts)
    headers = {**writes.headers, "content-type": "application/json"}
    return Translated(encoded(new), path, headers, losses.told, answer)
