"""Token ids of plain English in a fifth of the tokenizer's time: most words are one token, and a dictionary knows it.

It gives what the tokenizer gives, or nothing: for another kind of tokenizer, for other letters than ASCII's, for control
characters, and where one of the special tokens may be spelt out, the tokenizer itself has to be asked.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_WORDS = re.compile(r"[a-z0-9]+|[!-/:-@\[-`{-~]").findall
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]").search
_NORMALIZER = {"type": "BertNormalizer", "clean_text": True, "lowercase": True}
_SPECIAL = "["
"""Every special token of such a vocabulary begins with it."""


class PlainWords:
    """The ids of plain texts, word by word."""

    def __init__(self, tokenizer: Tokenizer, known: dict[str, int]) -> None:
        self._model = tokenizer.model
        self._known = known

    @classmethod
    def of(cls, tokenizer: Tokenizer) -> PlainWords | None:
        """None where the tokenizer is not of the kind that is meant: lower-case WordPiece, as BERT's."""
        made: dict[str, Any] = json.loads(tokenizer.to_str())
        normalizer, splitter, model = (made.get(part) or {} for part in ("normalizer", "pre_tokenizer", "model"))
        alike = all(normalizer.get(key) == value for key, value in _NORMALIZER.items())
        plain = splitter.get("type") == "BertPreTokenizer" and model.get("type") == "WordPiece"
        special = all(token["content"].startswith(_SPECIAL) for token in made.get("added_tokens") or ())
        return cls(tokenizer, model["vocab"]) if alike and plain and special else None

    def ids(self, text: str) -> list[int] | None:
        """None: ask the tokenizer."""
        if not text.isascii() or _SPECIAL in text or (not text.isprintable() and _CONTROL(text)):
            return None
        words = _WORDS(text.lower())
        known_ids = list(map(self._known.get, words))
        if None not in known_ids:
            return known_ids  # type: ignore[return-value]
        ids: list[int] = []
        for word, known in zip(words, known_ids, strict=True):
            if known is None:
                ids.extend(token.id for token in self._model.tokenize(word))
            else:
                ids.append(known)
        return ids
