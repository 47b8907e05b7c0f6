"""Request bodies of the OpenAI API, and what they ask the sampler for."""

from __future__ import annotations

import itertools
import math
import secrets
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError, field_validator

from inference.errors import InvalidRequestError
from inference.prompt.messages import plain_message
from inference.sampling import SamplingParams

if TYPE_CHECKING:
    from collections.abc import Iterable

    from inference.constraint.matcher import Constraint

_DEFAULTS = SamplingParams()
_MOST_CHOICES = 16
_MOST_INPUTS = 2048
_SEEDS = 0xFFFFFFFF
"""llama.cpp's seeds are below; this number itself would be no seed there, but ask for a random one."""
_LENGTH = AliasChoices("max_tokens", "n_predict")
Text = Annotated[str, Field(strict=True)]
Body = TypeVar("Body", bound=BaseModel)
Number = TypeVar("Number", int, float)
Tokens = list[Annotated[int, Field(strict=True, ge=0)]]


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class StreamOptions(_Body):
    """Of a streamed answer."""

    include_usage: bool = False


class JsonSchema(_Body):
    """The schema that an answer must follow."""

    name: str | None = None
    schema_: dict[str, Any] | bool | None = Field(default=None, alias="schema")
    strict: bool | None = None
    """Nothing depends on it: a schema is held, or refused, whatever this says."""


class ResponseFormat(_Body):
    """What form the answer takes."""

    type: Literal["text", "json_object", "json_schema"] = "text"
    json_schema: JsonSchema | None = None
    schema_: dict[str, Any] | bool | None = Field(default=None, alias="schema")
    """llama.cpp's place for it."""


class SampledBody(_Body):
    """What the endpoints that generate text have in common."""

    model: str | None = None
    stream: bool = False
    stream_options: StreamOptions | None = None
    n: int | None = Field(default=None, ge=1, le=_MOST_CHOICES)
    temperature: float | None = Field(default=None, ge=0, le=100)
    top_p: float | None = Field(default=None, ge=0, le=1)
    top_k: int | None = Field(default=None, ge=-1)
    """0 and -1: all tokens."""
    min_p: float | None = Field(default=None, ge=0, le=1)
    repeat_penalty: float | None = Field(
        default=None, gt=0, le=10, validation_alias=AliasChoices("repeat_penalty", "repetition_penalty")
    )
    frequency_penalty: float | None = Field(default=None, ge=-2, le=2)
    presence_penalty: float | None = Field(default=None, ge=-2, le=2)
    seed: int | None = None
    """Any integer, and the same one gives the same answer; none: another one each time."""
    ignore_eos: bool | None = None
    """Whether the answer goes on to its longest (llama.cpp's and vLLM's extension)."""
    stop: str | list[str] | None = None
    logit_bias: dict[int, Annotated[float, Field(ge=-100, le=100)]] | None = None
    response_format: ResponseFormat | None = None
    grammar: str | None = None
    """GBNF of the caller's own (llama.cpp's extension)."""
    json_schema: dict[str, Any] | bool | None = None
    """The same as a schema (llama.cpp's extension)."""

    @field_validator("stream", mode="before")
    @classmethod
    def _no_stream(cls, stream: object) -> object:
        return stream is not None and stream

    @field_validator("stop")
    @classmethod
    def _usable_stops(cls, stop: str | list[str] | None) -> str | list[str] | None:
        if isinstance(stop, list) and len(stop) > _MOST_CHOICES:
            raise ValueError(f"at most {_MOST_CHOICES} stop strings")
        return stop

    @property
    def stops(self) -> tuple[str, ...]:
        """Stop strings, empty ones left out."""
        stop = [self.stop] if isinstance(self.stop, str) else self.stop or []
        return tuple(text for text in stop if text)

    @property
    def include_usage(self) -> bool:
        """Whether a streamed answer ends with its usage."""
        return self.stream_options is not None and self.stream_options.include_usage

    def sampling(
        self, choice: int, constraint: Constraint | None, logprobs: int | None, end_tokens: Iterable[int] = ()
    ) -> SamplingParams:
        """The sampler's parameters for one choice; choices of one request differ by their seed."""
        biases = dict(self.logit_bias or {})
        if self.ignore_eos:
            biases |= dict.fromkeys(end_tokens, -math.inf)
        seed = secrets.randbelow(_SEEDS) if self.seed is None else (self.seed + choice) % _SEEDS
        return SamplingParams(
            temperature=_or(self.temperature, _DEFAULTS.temperature),
            top_k=max(0, _or(self.top_k, _DEFAULTS.top_k)),
            top_p=_or(self.top_p, _DEFAULTS.top_p),
            min_p=_or(self.min_p, _DEFAULTS.min_p),
            repeat_penalty=_or(self.repeat_penalty, _DEFAULTS.repeat_penalty),
            frequency_penalty=self.frequency_penalty or 0.0,
            presence_penalty=self.presence_penalty or 0.0,
            seed=seed,
            logit_bias=tuple(biases.items()),
            constraint=constraint,
            logprobs=logprobs,
        )


class ChatBody(SampledBody):
    """Of /v1/chat/completions."""

    messages: list[dict[str, Any]] = Field(min_length=1)
    max_tokens: int | None = Field(default=None, ge=0, validation_alias=_LENGTH)
    """0 reads the prompt, and leaves it in the cache."""
    max_completion_tokens: int | None = Field(default=None, ge=0)
    logprobs: bool | None = None
    top_logprobs: int | None = Field(default=None, ge=0, le=20)
    tools: list[Any] | None = None
    tool_choice: Any = None
    parallel_tool_calls: bool | None = None
    continue_final_message: bool | None = None
    """Whether a last message of the assistant's is continued; it is, unless this says no."""
    add_generation_prompt: bool | None = None
    """True begins a new answer after such a message."""
    chat_template_kwargs: dict[str, Any] | None = None
    """Further variables of the chat template, as `enable_thinking`."""
    reasoning_effort: str | None = None
    reasoning_format: Literal["auto", "none", "deepseek"] | None = None
    """`none` leaves thought in the text of the answer (llama.cpp's extension)."""

    @field_validator("messages")
    @classmethod
    def _texts(cls, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [plain_message(number, message) for number, message in enumerate(messages)]

    @property
    def continues(self) -> bool:
        """Whether the last message is the assistant's and goes on."""
        last = self.messages[-1]
        if last["role"] != "assistant" or "tool_calls" in last:
            return False
        return self.continue_final_message is not False and not self.add_generation_prompt

    @property
    def limit(self) -> int | None:
        """The answer's length, by the new name or the old."""
        return self.max_tokens if self.max_completion_tokens is None else self.max_completion_tokens

    @property
    def alternatives(self) -> int | None:
        """How many alternatives to report per token; None: no log probabilities."""
        return (self.top_logprobs or 0) if self.logprobs else None


class CompletionBody(SampledBody):
    """Of /v1/completions."""

    prompt: Text | Tokens | list[Text | Tokens] = Field(union_mode="left_to_right")
    max_tokens: int | None = Field(default=16, ge=0, validation_alias=_LENGTH)
    logprobs: int | None = Field(default=None, ge=0, le=20)

    @property
    def limit(self) -> int | None:
        """The answer's length."""
        return self.max_tokens


class InferBody(_Body):
    """Of /v1/infer: for services that know nothing of chat."""

    prompt: str = Field(min_length=1)
    model: str | None = None
    max_tokens: int | None = Field(default=None, ge=1)
    temperature: float | None = Field(default=None, ge=0, le=100)
    seed: int | None = None


class EmbeddingBody(_Body):
    """Of /v1/embeddings."""

    model: str | None = None
    input: Text | Tokens | list[Text | Tokens] = Field(union_mode="left_to_right")
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: int | None = Field(default=None, ge=1)

    @field_validator("input")
    @classmethod
    def _not_too_many(cls, value: str | list[Any]) -> str | list[Any]:
        if len(prompts_of(value)) > _MOST_INPUTS:
            raise ValueError(f"at most {_MOST_INPUTS} texts")
        return value


class Document(_Body):
    """A document that is more than its text."""

    text: Text


class RerankBody(_Body):
    """Of /v1/rerank, in Jina's and Cohere's shape."""

    model: str | None = None
    query: Text = Field(min_length=1)
    documents: list[Text | Document] = Field(min_length=1, max_length=_MOST_INPUTS)
    top_n: int | None = Field(default=None, ge=1)
    return_documents: bool | None = None

    @property
    def texts(self) -> list[str]:
        """The documents' texts."""
        return [one if isinstance(one, str) else one.text for one in self.documents]


class TokenizeBody(_Body):
    """Of /tokenize."""

    content: Text
    add_special: bool = False
    """Whether the tokens begin as a prompt does."""
    parse_special: bool = True
    """Whether the text of a control token is read as that token."""
    with_pieces: bool = False


class DetokenizeBody(_Body):
    """Of /detokenize."""

    tokens: Tokens


def read_body(kind: type[Body], value: object) -> Body:
    """Validate a JSON body; the first mistake is an InvalidRequestError that names its place, not its content."""
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        mistake = error.errors(include_input=False, include_url=False, include_context=False)[0]
        place = ".".join(itertools.takewhile(str.isidentifier, map(str, mistake["loc"])))
        for union in ("prompt", "input", "stop"):
            place = union if place.startswith(union + ".") else place
        raise InvalidRequestError(f"{place or 'body'}: {mistake['msg']}", param=place or None) from None


def prompts_of(value: str | list[Any]) -> list[str | list[int]]:
    """A prompt or input field as a list: of texts, or of lists of tokens."""
    if isinstance(value, str):
        return [value]
    if value and isinstance(value[0], int):
        return [value]
    return list(value)


def _or(value: Number | None, default: Number) -> Number:
    return default if value is None else value
