"""What clients write can never become a control token: such texts are marked before the template is rendered, and
tokenised as plain text after it, wherever they stand: in messages, in tools, in keys.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from inference.errors import InvalidRequestError

if TYPE_CHECKING:
    from inference.model import Model

_OPEN, _CLOSE = "\ufdd0", "\ufdd1"
"""Two code points that are never characters; they mark what is to stay plain text."""
END = "\ufdd2"
"""A third: where a message ends that is to be continued."""
_DROPPED = str.maketrans("", "", _OPEN + _CLOSE + END)


class Guard:
    """Marks the texts of a model's control tokens, and tokenises around the marks."""

    def __init__(self, model: Model) -> None:
        self._model = model
        texts = sorted({*model.control_tokens.values(), *model.turn_texts}, key=len, reverse=True)
        self._control = re.compile("|".join(map(re.escape, texts))) if texts else None
        self._bos = model.token_text("bos")

    def mark(self, value: Any) -> Any:
        """Mark whatever is a text in a value of a client's, keys too."""
        try:
            return self._mark(value)
        except RecursionError:
            raise InvalidRequestError("a tool or a message is nested too deeply", param="messages") from None

    def _mark(self, value: Any) -> Any:
        if isinstance(value, str):
            plain = value.translate(_DROPPED) if _holds_mark(value) else value
            return self._control.sub(rf"{_OPEN}\g<0>{_CLOSE}", plain) if self._control else plain
        if isinstance(value, dict):
            return {self._mark(key): self._mark(part) for key, part in value.items()}
        if isinstance(value, list):
            return [self._mark(part) for part in value]
        return value

    def tokenize(self, text: str) -> list[int]:
        """Tokens of a rendered prompt."""
        begin = self._model.adds_bos and not (self._bos and text.startswith(self._bos))
        if _OPEN not in text:
            return self._model.tokenize(text, special=True, begin=begin)
        tokens: list[int] = []
        for number, part in enumerate(re.split(f"{_OPEN}([^{_OPEN}{_CLOSE}]*){_CLOSE}", text)):
            # a template that cut a text may have left half a pair of marks
            for piece in self._pieces(part.translate(_DROPPED), plain=number % 2 == 1):
                tokens += self._model.tokenize(piece, special=number % 2 == 0, begin=begin and not tokens)
        return tokens

    def _pieces(self, text: str, *, plain: bool) -> list[str]:
        """A text as it is to be tokenised: what llama.cpp would read as a token in any text is cut behind its first letter."""
        if plain and text in self._model.turn_texts:
            return [text[:1], text[1:]]
        return [text] if text else []


def unmarked(text: str) -> str:
    """A rendered prompt as it reads; half a surrogate pair is no character."""
    return text.translate(_DROPPED).encode(errors="replace").decode()


def _holds_mark(text: str) -> bool:
    return _OPEN in text or _CLOSE in text or END in text
