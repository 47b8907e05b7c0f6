"""What is looked for in answers beside links: the system prompt said again, code where none is wanted."""

from __future__ import annotations

import re
from collections import deque
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from extproc.guardrails.injection.spelling import readings
from extproc.payload.conversation import code_share

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from extproc.config.guardrails import CodeGuard, EchoGuard
    from extproc.guardrails.answers import Span

_WORD: Final = re.compile(r"[^\W\d_]+")
"""Without numbers: lines of a list may bear them, or not."""
_RUN: Final = 6
"""Words of a run that is compared."""
_TELLING: Final = 4
"""Letters of a word that says what a text is about."""
_SPREAD: Final = 4
"""Over so many times as many telling words, pairs of them are counted."""
_NO_LETTERS: Final = re.compile(r"[\W\d_]+")
_LETTERS: Final = 6
"""Bytes of letters, without what stands between them, that count as a word of those in a row."""
_SAMPLED: Final = 8
"""Of the runs of letters in instructions, one in so many is kept."""
_FENCE: Final = re.compile("```|~~~")
_TAGS: Final = re.compile(
    r"</?(?:pre|code|script|style|!doctype|html|head|body|main|div|span|form|input|button|iframe|svg|table|t[rdh]|[uo]l|li)\b[^<>]{0,500}>",
    re.IGNORECASE,
)
"""Of what is more than a link, an image or a line's end in Markdown."""
_STATEMENT: Final = re.compile(
    r"\b(?:SELECT\s[^;\n]{1,300}\sFROM\s+[\w\"`\[]|INSERT\s+INTO\s+[\w\"`\[]|UPDATE\s+[\w.\"`\[\]]{1,80}\s+SET\s+[\w.\"`\[\]]{1,80}\s*="
    r"|DELETE\s+FROM\s+[\w\"`\[]|(?:CREATE|DROP|ALTER|TRUNCATE)\s+(?:TABLE|VIEW|INDEX|DATABASE)\s+[\w\"`\[])"
)
"""SQL within a line, as it is mostly written: `select one from the list` may be anybody's English."""
_LEAST_CODE: Final = 0.5


class Echo:
    """What the request held as instructions, said again: as many words in a row as are no accident, or as many pairs of telling
    words close together, where words between them were changed.
    """

    def __init__(self, guard: EchoGuard, system: Iterable[str], user: Iterable[str]) -> None:
        """`user`: what the caller said anyhow is no secret."""
        self.words = guard.words
        system, user = list(system), list(user)
        said, known = [_words(text) for text in system], [_words(text) for text in user]
        self.runs = _runs(said) - _runs(known)
        self.pairs = _pairs(said) - _pairs(known)
        self.letters = guard.words * _LETTERS - _SAMPLED + 1
        """Bytes of a run of letters: in any run that is as long as it takes, one that was kept begins."""
        heard = {hash(run) for text in user for run in self.letter_runs(_letters(text), 1)}
        self.spelled = {hash(run) for text in system for run in self.letter_runs(_letters(text), _SAMPLED)} - heard

    def letter_runs(self, letters: bytes, step: int) -> Iterator[bytes]:
        """Every run, or one in so many."""
        return (letters[at : at + self.letters] for at in range(0, len(letters) - self.letters + 1, step))

    def inspector(self) -> _EchoInspector:
        """See Inspects."""
        return _EchoInspector(self)


class _EchoInspector:
    def __init__(self, echo: Echo) -> None:
        self._echo = echo
        self._before: list[str] = []
        """The last words of the sentences before."""
        self._in_row = 0
        """How many of the words so far, at the end, are in the instructions in this order."""
        self._spelled = b""
        """The last letters."""
        self._last = ""
        """The last telling word."""
        self._recent: deque[int] = deque(maxlen=_SPREAD * echo.words)
        """Pairs of the last telling words, by their hash where they are the instructions' own, else 0."""

    def look(self, sentence: str) -> Sequence[Span]:
        """See Inspector."""
        if not self._echo.runs and not self._echo.spelled:
            return ()
        words = _words(sentence)
        told = [self._tells(words), self._tells_apart(words), self._spells(_letters(sentence))]
        return [(0, len(sentence))] if any(told) or any(map(self._says, _hidden(sentence))) else ()

    def _tells(self, words: list[str]) -> bool:
        said = self._before + words
        most = 0
        for at in range(max(_RUN - 1, len(self._before)), len(said)):
            run = hash(tuple(said[at - _RUN + 1 : at + 1]))
            self._in_row = (self._in_row + 1 if self._in_row else _RUN) if run in self._echo.runs else 0
            most = max(most, self._in_row)
        self._before = said[-(_RUN - 1) :]
        return most >= self._echo.words

    def _tells_apart(self, words: list[str]) -> bool:
        told = False
        for word in words:
            if len(word) < _TELLING:
                continue
            pair = hash((self._last, word))
            self._last = word
            own = pair in self._echo.pairs
            self._recent.append(pair if own else 0)
            if own and len(set(self._recent) - {0}) >= self._echo.words:
                told = True
        return told

    def _spells(self, letters: bytes) -> bool:
        said = self._spelled + letters
        self._spelled = said[-(self._echo.letters - 1) :]
        return any(hash(run) in self._echo.spelled for run in self._echo.letter_runs(said, 1))

    def _says(self, text: str) -> bool:
        """Whether a text says the instructions all by itself."""
        return any(hash(run) in self._echo.spelled for run in self._echo.letter_runs(_letters(text), 1))


def _hidden(sentence: str) -> Iterator[str]:
    """What a sentence says to who knows how to read it: encoded, backwards."""
    for reading in readings(sentence)[1:]:
        yield reading.text
    yield sentence[::-1]


def _words(text: str) -> list[str]:
    return [match[0].casefold() for match in _WORD.finditer(text)]


def _letters(text: str) -> bytes:
    return _NO_LETTERS.sub("", text).casefold().encode(errors="replace")


def _runs(texts: Iterable[list[str]]) -> frozenset[int]:
    return frozenset(hash(tuple(words[at : at + _RUN])) for words in texts for at in range(len(words) - _RUN + 1))


def _pairs(texts: Iterable[list[str]]) -> frozenset[int]:
    found: set[int] = set()
    for words in texts:
        telling = [word for word in words if len(word) >= _TELLING]
        found.update(map(hash, pairwise(telling)))
    return frozenset(found)


class Code:
    """Code, fenced or not."""

    def __init__(self, _guard: CodeGuard) -> None:
        return

    def inspector(self) -> _CodeInspector:
        """See Inspects."""
        return _CodeInspector()


class _CodeInspector:
    def __init__(self) -> None:
        self._fence = ""
        """That has begun, and not ended."""

    def look(self, sentence: str) -> Sequence[Span]:
        """See Inspector."""
        code = bool(self._fence)
        for match in _FENCE.finditer(sentence):
            code = True
            if not self._fence:
                self._fence = match[0]
            elif match[0] == self._fence:
                self._fence = ""
        code = code or any(one.search(sentence) for one in (_TAGS, _STATEMENT)) or code_share(sentence) > _LEAST_CODE
        return [(0, len(sentence))] if code and sentence.strip() else ()
