"""Messages to tokens, by the chat template that the GGUF carries.

What users write can never become a control token: such texts in a message are marked while the template is rendered
and tokenised as plain text after it.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import TYPE_CHECKING, Any, NoReturn

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from inference.errors import InvalidRequestError, ModelFileError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from inference.model import Model

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""For a model that brings no template."""
_OPEN, _CLOSE = "\ufdd0", "\ufdd1"
"""Two code points that are never characters; they mark what is to stay plain text."""


class TemplateError(jinja2.TemplateError):
    """The template itself refuses these messages (`raise_exception`)."""


class ChatTemplate:
    """A compiled template with the tokenizer it belongs to."""

    def __init__(self, model: Model, source: str | None) -> None:
        self._model = model
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
        )
        environment.filters["tojson"] = _to_json
        environment.globals["raise_exception"] = _raise
        environment.globals["strftime_now"] = _now
        try:
            self._template = environment.from_string(source or CHATML)
        except jinja2.TemplateSyntaxError as error:
            raise ModelFileError(f"the chat template cannot be read: line {error.lineno}: {error.message}") from None
        self._constants = {"bos_token": model.token_text("bos"), "eos_token": model.token_text("eos")}
        texts = sorted(model.control_texts(), key=len, reverse=True)
        self._control = re.compile("|".join(map(re.escape, texts))) if texts else None

    def tokens(self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]] | None) -> list[int]:
        """The prompt for these messages, up to where the assistant speaks."""
        guarded = [self._guard(dict(message)) for message in messages]
        try:
            text = self._template.render(
                messages=guarded, tools=tools or None, add_generation_prompt=True, **self._constants
            )
        except jinja2.TemplateError as error:
            reason = str(error) if isinstance(error, TemplateError) else type(error).__name__
            raise InvalidRequestError(
                f"the model's chat template does not take these messages: {reason}", param="messages"
            ) from None
        except (TypeError, ValueError, KeyError, AttributeError, RecursionError) as error:
            raise InvalidRequestError(
                f"the model's chat template does not take these messages ({type(error).__name__})", param="messages"
            ) from None
        return self._tokenize(text)

    def _guard(self, value: Any) -> Any:
        """Mark the texts of control tokens in whatever the client sent."""
        if isinstance(value, str):
            plain = value.replace(_OPEN, "").replace(_CLOSE, "")
            return self._control.sub(rf"{_OPEN}\g<0>{_CLOSE}", plain) if self._control else plain
        if isinstance(value, dict):
            return {key: self._guard(part) for key, part in value.items()}
        if isinstance(value, list):
            return [self._guard(part) for part in value]
        return value

    def _tokenize(self, text: str) -> list[int]:
        bos = self._constants["bos_token"]
        begin = self._model.adds_bos and not (bos and text.startswith(bos))
        if _OPEN not in text:
            return self._model.tokenize(text, special=True, begin=begin)
        tokens: list[int] = []
        for number, part in enumerate(re.split(f"{_OPEN}(.*?){_CLOSE}", text, flags=re.DOTALL)):
            if part:
                plain = number % 2 == 1
                tokens += self._model.tokenize(part, special=not plain, begin=begin and not tokens)
        return tokens


def _raise(message: str) -> NoReturn:
    raise TemplateError(message)


def _to_json(value: Any, indent: int | None = None, **_: Any) -> str:
    """Plain JSON: Jinja's own filter escapes for HTML."""
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _now(layout: str) -> str:
    return dt.datetime.now(tz=dt.UTC).strftime(layout)
