r"""Texts in which characters are spelled in another way, read as what they say: `\n` and `\u00fc` in logs, `%40` in URLs,
`&#64;` in HTML, `=40` in mail, base64 of words. With a way back to the text as it was given.

A text is searched as it stands and as it reads, for it is not known who reads it how; what both find is one finding.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from html import unescape
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_to_bytes

from extproc.pii.coded import all_runs, rare, runs
from extproc.pii.results import RecognizerResult
from extproc.slices import in_slices

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_LEVELS: Final = 4
"""Of one spelling within another: `\\\\n` in a log of a log."""
_AROUND: Final = 160
"""Characters beside what is spelled otherwise that are read with it: the labels of a value."""
_ESCAPE = (
    r"\\(?:U000[0-9a-fA-F]{5}|x\{[0-9a-fA-F]{1,6}\}|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|u\{[0-9a-fA-F]{1,6}\}|x[0-9a-fA-F]{2}"
    r"""|[0-3]?[0-7]{2}|[nrtbf"'\\/])"""
)
_BYTES = r"\\x[c-fC-F][0-9a-fA-F](?:\\x[89abAB][0-9a-fA-F]){1,3}|\\3[0-7]{2}(?:\\2[0-7]{2}){1,3}"
"""A character of several bytes."""
_PERCENT = r"%[0-9A-Fa-f]{2}(?:%[0-9A-Fa-f]{2})*|%u[0-9A-Fa-f]{4}"
_ENTITY = (
    r"&(?:(?:\#[0-9]{1,7}|\#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,31}[0-9]{0,2});|\#[0-9]{2,6}(?![0-9;])|\#[xX][0-9a-fA-F]{2,4}(?![0-9a-fA-F;])|"
    r"(?:nbsp|amp|quot|lt|gt)(?![a-zA-Z=;]))"
)
"""Readers of HTML take numbers, and these names, for a character without the semicolon too."""
_PLUS = r"\+(?<=[\w%]\+)(?=[\w(%])"
_WORD = r"=\?[\w-]{1,40}\?[Qq]\?[!->@-~]{1,75}\?="
_QUOTED = rf"{_WORD}|=[0-9A-F]{{2}}(?:=[0-9A-F]{{2}})*|=\r?\n"
"""Each alternative begins with a sign of its own: so `re` goes from sign to sign rather than from character to character."""
_SIGN: Final = re.compile(rf"{_ESCAPE}|%u?[0-9A-Fa-f]{{2}}|{_ENTITY}")
_TOKENS: Final = re.compile(f"{_BYTES}|{_ESCAPE}|{_PERCENT}|{_ENTITY}")
_TOKENS_IN_QUERY: Final = re.compile(f"{_BYTES}|{_ESCAPE}|{_PERCENT}|{_ENTITY}|{_PLUS}")
_TOKENS_IN_MAIL: Final = re.compile(f"{_BYTES}|{_ESCAPE}|{_PERCENT}|{_ENTITY}|{_QUOTED}")
_IN_QUERY: Final = re.compile(r"[?&][\w.\[\]-]{1,64}=[^\s&#+]{0,200}\+[\w(%]")
_IS_QUERY: Final = re.compile(r"[\w.\[\]-]{1,64}=[^\s&#+]{0,200}\+[\w(%]")
_IN_MAIL: Final = re.compile(
    r"=(?:\r?\n\S|\?[\w-]{1,40}\?[Qq]\?|3D[\"'\w]|40[A-Za-z0-9-]{1,63}\.|[CD][0-9A-F]=[89AB][0-9A-F]|E[0-9A-F](?:=[89AB][0-9A-F]){2})"
)
_SIMPLE: Final = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}

Token = tuple[int, int, str]
"""Start, end, and what is spelled there."""


class Reading:
    """A text, or a part of it, as it reads."""

    __slots__ = ("_places", "_tokens", "start", "text", "whole")

    def __init__(self, text: str, start: int, tokens: Sequence[Token], places: Sequence[int], *, whole: bool) -> None:
        self.text = text
        self.whole = whole
        """All of the text is read."""
        self.start = start
        """Where the part begins."""
        self._tokens = tokens
        self._places = places
        """Where in the reading each token begins."""

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """The span of the text that a span of the reading stands for: all of the spelling of its first and last character."""
        return self._at(start)[0], self._at(end - 1)[1]

    def _at(self, position: int) -> tuple[int, int]:
        i = bisect_right(self._places, position) - 1
        if i < 0:
            at = position + self.start
        else:
            start, end, said = self._tokens[i]
            beyond = position - self._places[i] - len(said)
            if beyond < 0:
                return start, end
            at = end + beyond
        return at, at + 1

    def results(self, read: Iterable[RecognizerResult]) -> Iterator[RecognizerResult]:
        """What was found in the reading, where it is spelled."""
        for result in read:
            yield _moved(result, *self.origin(result.start, result.end))


class Level:
    """What is spelled in another way in a text, at first sight or within what that spells."""

    def __init__(self, text: str, tokens: Sequence[Token]) -> None:
        self._text, self._tokens = text, tokens
        self._starts = [token[0] for token in tokens]

    def parts(self) -> Iterator[Reading]:
        """The parts of the text that read otherwise than they stand, far enough from each other."""
        tokens, first = self._tokens, 0
        for i in range(1, len(tokens) + 1):
            if i == len(tokens) or tokens[i][0] - tokens[i - 1][1] > 2 * _AROUND:
                yield _part(self._text, tokens[first:i])
                first = i

    def holds(self, start: int, end: int) -> bool:
        """Whether something between these positions is spelled in another way."""
        i = bisect_left(self._starts, start)
        return i < len(self._starts) and self._starts[i] < end

    def within(self, result: RecognizerResult) -> RecognizerResult:
        """A finding without the parts of tokens that it begins and ends in."""
        left, right = self._around(result.start), self._around(result.end)
        if left is None and right is None:
            return result
        return _moved(result, left[1] if left else result.start, right[0] if right else result.end)

    def _around(self, position: int) -> Token | None:
        """The token that a position of the text is in the middle of."""
        i = bisect_right(self._starts, position) - 1
        return self._tokens[i] if i >= 0 and self._starts[i] < position < self._tokens[i][1] else None


def levels(text: str) -> Iterable[Level]:
    """How a text reads otherwise than it stands. Next to nothing for a text that does not.

    What is spelled in a spelling is read at each level: a quote with backslashes before it may be one of a value, or its end.
    """
    tokens = _tokens(text)
    if tokens:
        return (Level(text, level) for level in _levels(text, tokens))
    coded = all_runs(text)
    return (Level(text, coded),) if coded else ()


def _moved(result: RecognizerResult, start: int, end: int) -> RecognizerResult:
    return RecognizerResult(result.entity_type, start, end, result.score, result.evidence)


def _part(text: str, tokens: Sequence[Token], around: int = _AROUND) -> Reading:
    """What stands around these tokens, as it reads."""
    start = max(0, tokens[0][0] - around)
    end = min(len(text), tokens[-1][1] + around)
    pieces: list[str] = []
    places: list[int] = []
    at, length = start, 0
    for begun, ended, said in tokens:
        pieces += (text[at:begun], said)
        length += begun - at
        places.append(length)
        length += len(said)
        at = ended
    pieces.append(text[at:end])
    return Reading("".join(pieces), start, tokens, places, whole=start == 0 and end == len(text))


def _levels(text: str, first: list[Token]) -> Iterator[list[Token]]:
    """What is spelled in another way, in order and apart: at first sight, and then what that spells."""
    tokens: list[Token] | None = first
    coded = rare(text)
    if any(not said for _, _, said in first):
        coded = all_runs(text)  # the end of a line of mail was the last sign of base64
    if coded:
        yield coded
    for _ in range(_LEVELS):
        if tokens is None:
            break
        whole = _part(text, tokens, len(text))
        coded = [(*whole.origin(start, end), said) for start, end, said in runs(whole.text)]
        yield _merged(tokens, coded) if coded else tokens
        tokens = _once_more(text, tokens)


def _tokens(text: str) -> list[Token]:
    """Escapes, percent-encoding and entities, as they stand."""
    found: list[Token] = []
    mail = "=" in text and (_IN_MAIL.search(text) is not None or "uoted-printable" in text)
    query = "+" in text and "=" in text and (_IS_QUERY.match(text) or _IN_QUERY.search(text)) is not None
    if mail or query or (("\\" in text or "%" in text or "&" in text) and _SIGN.search(text)):
        pattern = _TOKENS_IN_MAIL if mail else _TOKENS_IN_QUERY if query else _TOKENS
        for match in in_slices(pattern.finditer(text)):
            said = _said(match[0])
            if said is not None and said != match[0]:
                found.append((*match.span(), said))
    return found


def _said(token: str) -> str | None:  # noqa: PLR0911 - one for each spelling
    """What a token says; None: nothing that could be told."""
    sign = token[0]
    if sign == "\\":
        kind = token[1]
        if kind == "u" and len(token) == 12:
            return token.encode().decode("unicode_escape").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        if token.rfind("\\") > 1:
            return _utf8(
                bytes(int(code[-2:], 16) if code[0] == "x" else int(code, 8) for code in token[1:].split("\\"))
            )
        if kind in "uxU":
            code = int(token[2:].strip("{}"), 16)
            return chr(code) if code <= 0x10FFFF and not 0xD800 <= code < 0xE000 else None
        return chr(int(token[1:], 8)) if kind.isdigit() else _SIMPLE.get(kind, kind)
    if sign == "%":
        return chr(int(token[-4:], base=16)) if token[1] == "u" else _utf8(unquote_to_bytes(token))
    if sign == "&":
        said = unescape(token)
        return None if said == token else said
    if token.startswith("=?"):
        return _word(token)
    if sign == "=":
        return "" if token[1] in "\r\n" else _utf8(bytes.fromhex(token.replace("=", "")))
    return " "


def _word(token: str) -> str | None:
    """An encoded word of a mail's header (RFC 2047), in which a space is an underscore."""
    _, charset, _, said, _ = token.split("?")
    try:
        return unquote_to_bytes(said.replace("_", " ").replace("%", "%25").replace("=", "%")).decode(charset)
    except (LookupError, UnicodeError):
        return None


def _utf8(data: bytes) -> str | None:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _once_more(text: str, tokens: list[Token]) -> list[Token] | None:
    r"""Tokens that say a part of another token: `\\u00fc`, `%2540`, `&amp;#64;`. None: no more."""
    joined: list[Token] = []
    changed = False
    i = 0
    while i < len(tokens):
        start, end, said = tokens[i]
        i += 1
        if said not in ("\\", "%", "&", "="):
            joined.append((start, end, said))
            continue
        spelled, ends = said, [end]
        at, j = end, i
        while len(spelled) < 12 and at < len(text):
            if j < len(tokens) and tokens[j][0] == at:
                more, at = tokens[j][2], tokens[j][1]
                j += 1
            else:
                more, at = text[at], at + 1
            spelled += more
            ends += [at] * len(more)
        match = _TOKENS.match(spelled)
        again = _said(match[0]) if match is not None else None
        if match is None or again is None:
            joined.append((start, end, said))
            continue
        changed = True
        end = ends[match.end() - 1]
        joined.append((start, end, again))
        while i < len(tokens) and tokens[i][0] < end:
            i += 1
    return joined if changed else None


def _merged(tokens: list[Token], runs: list[Token]) -> list[Token]:
    """Both, in order; of what overlaps the base64."""
    starts = [run[0] for run in runs]
    kept = list(runs)
    for token in tokens:
        i = bisect_right(starts, token[0]) - 1
        over = (i >= 0 and runs[i][1] > token[0]) or (i + 1 < len(runs) and runs[i + 1][0] < token[1])
        if not over:
            kept.append(token)
    return sorted(kept)


def united(standing: list[RecognizerResult], read: list[RecognizerResult], level: Level) -> list[RecognizerResult]:
    r"""What was found in a text as it stands and as it reads (`read`, by positions of the text), apart and in order.

    Where both find something, nothing of either is left: a password with `\n` in it, which may be two letters of it, goes on, and
    so does a number that a part of the text began within. Only of what is spelled in another way the reading alone is right.
    """
    grown = sorted(read, key=lambda result: result.start)
    starts = [result.start for result in grown]
    alone = []
    for result in map(level.within, standing):
        if result.start >= result.end:
            continue
        i = max(0, bisect_right(starts, result.start) - 1)
        touched = False
        while i < len(grown) and grown[i].start < result.end:
            here = grown[i]
            if here.end > result.start:
                touched = True
                if here.entity_type == result.entity_type or not level.holds(here.start, here.end):
                    left = max(min(here.start, result.start), grown[i - 1].end if i else 0)
                    right = max(here.end, result.end)
                    if i + 1 < len(grown):
                        right = min(right, max(here.end, grown[i + 1].start))
                    longer = here if here.end - here.start >= result.end - result.start else result
                    grown[i] = _moved(longer, left, right)
            i += 1
        if not touched:
            alone.append(result)
    return sorted([*grown, *alone], key=lambda result: result.start)
