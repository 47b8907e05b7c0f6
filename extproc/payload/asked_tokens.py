"""How many tokens a request lets the model write at most, as it says itself, by the names of every API that is read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from extproc.payload.document import Document

_LIMIT: Final = re.compile(
    rb'(?<!\\)"(?:max_(?:completion_|output_)?tokens|max_tokens_to_sample|n_predict|num_predict)"\s*:\s*(\d{1,9})(?![\d.eE])'
)
_ANSWERS: Final = re.compile(rb'(?<!\\)"(?:n|best_of)"\s*:\s*(\d{1,7})(?![\d.eE])')
_MOST_ANSWERS: Final = 1024
"""OpenAI's API gives 128 at most: what asks for more will be refused there, and sets no more aside than this."""


class AskedTokens(NamedTuple):
    """What a request asks for."""

    limit: int | None
    """Of each answer; None: it names none."""
    answers: int
    """That are to be written."""


_NOTHING_SAID: Final = AskedTokens(None, 1)


def asked_tokens(document: Document) -> AskedTokens:
    """The limit and the number of the answers that a body asks for.

    A quote inside a string of JSON is escaped, so a text that talks of a limit is none. Of several the largest counts.
    """
    body = document.body
    # what is looked for first is looked for fast, and few bodies hold any of it
    if b'"max_' not in body and b'_predict"' not in body and b'"n"' not in body and b'"best_of"' not in body:
        return _NOTHING_SAID
    limit = max((int(match[1]) for match in _LIMIT.finditer(body)), default=None)
    answers = max((int(match[1]) for match in _ANSWERS.finditer(body)), default=1)
    return AskedTokens(limit, min(max(answers, 1), _MOST_ANSWERS))
