"""Placeholders -> originals, in whole texts and in texts that arrive in pieces cut anywhere.

Two ways of reading: to the letter, or with the small slips that small models make: another case, a space or a hyphen
for the underscore, Markdown's backslashes, a bracket lost. A slip is restored only where it can mean nothing else, and
the vault gives no number to a value whose slips already stand in the request.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Edit = tuple[int, int, str]

_EXACT = re.compile(r"\[[A-Z][A-Z0-9_]*_[0-9]+[A-Z]?\]")
_BARE = re.compile(
    r"([A-Z](?<![A-Za-z0-9_\\][A-Z])[A-Z0-9]*(?:\\?_[A-Z0-9]+)*\\?_[0-9]+[A-Z]?)(?![A-Za-z0-9_]|\\_[A-Z0-9])(\])?"
)  # begins with a character, not with what stands before it: the search then skips what cannot begin one
_BRACKETED = re.compile(r"\[ ?([A-Za-z](?:[A-Za-z0-9 _-]|\\[_-]){1,60})(\\?)\]")
_START = re.compile(r"\\?\[|(?<![A-Za-z0-9_\\])[A-Z]|\\\Z")
_BARE_PART = re.compile(r"(?:[A-Z0-9_]|\\_)*\\?")
_BRACKETED_PART = re.compile(r"\\?(?:\[ ?(?:[A-Za-z](?:[A-Za-z0-9 _-]|\\[_-])*)?\\?)?")
_SEPARATORS = re.compile(r"[\\\[ _-]+")
_ANY = re.compile(r"[\[\]\\]|[A-Z](?<![A-Za-z0-9_][A-Z])[A-Z0-9]*(?:_|\Z)|_[A-Z0-9]")
_LIST = (",", ";", "/", "|")
"""What follows the first of several placeholders in one pair of brackets: then the bracket is not the placeholder's."""


class Spellings:
    """How the placeholders of one exchange may be written. Made once for it: an answer has as many texts as it has tokens."""

    __slots__ = ("_ordered", "longest", "originals", "slips", "tolerant", "words")

    def __init__(self, originals: Mapping[str, str], *, tolerant: bool = True) -> None:
        self.originals = originals
        self.tolerant = tolerant
        self.slips = slips(originals) if tolerant else {}
        self.words = {tuple(placeholder[1:-1].split("_")[:-1]) for placeholder in originals} if tolerant else set()
        self.longest = 2 * max(map(len, originals), default=0)
        self._ordered = sorted(self.slips if tolerant else originals)

    def begin(self, part: str) -> bool:
        """Whether one of them goes on, or is, as this part does: a squeezed one where slips are read, else to the letter."""
        at = bisect_left(self._ordered, part)
        return at < len(self._ordered) and self._ordered[at].startswith(part)


class Placeholders:
    """Finds the placeholders of one text, and where its end could be the start of one.

    Texts are read from `at` on; what stands before is context that has left already.
    """

    def __init__(self, spellings: Spellings, *, nested: bool = False) -> None:
        self._spellings = spellings
        self._originals = spellings.originals
        self._tolerant = spellings.tolerant
        self._nested = nested
        self._slips, self._words = spellings.slips, spellings.words
        self._longest = spellings.longest
        self._open = False

    def hold_from(self, text: str, at: int = 0) -> int:
        """Where the longest end of a text begins that could be the start of a placeholder; its length when there is none."""
        end = len(text)
        floor = max(at, end - self._longest)
        if not self._tolerant:
            start = text.rfind("[", floor)
            return start if start >= 0 and self._begins(text[start:]) else end
        for match in _START.finditer(text, floor):
            if self._could_begin(text[match.start() :]):
                return match.start()
        return end

    def edits(self, text: str, at: int = 0) -> list[Edit]:
        """The edits that restore a text."""
        if not self._tolerant:
            found = ((m.start(), m.end(), self._originals.get(m[0])) for m in _EXACT.finditer(text, at))
            return [(start, end, self._spelled(value)) for start, end, value in found if value is not None]
        edits: list[Edit] = []
        if not self._may_hold(text):
            self._note_brackets(text[at:])
            return edits
        bracketed, bare = _BRACKETED.search(text, at), _BARE.search(text, at)
        while (match := _first(bracketed, bare)) is not None:
            edit = self._bracketed(match, at) if match is bracketed else self._bare(match, at)
            next_at = match.start() + 1
            if edit is not None:
                self._note_brackets(text[at : edit[0]])
                edits.append(edit)
                at = next_at = edit[1]
            if bracketed is not None and bracketed.start() < next_at:
                bracketed = _BRACKETED.search(text, next_at)
            if bare is not None and bare.start() < next_at:
                bare = _BARE.search(text, next_at)
        self._note_brackets(text[at:])
        return edits

    def _may_hold(self, text: str) -> bool:
        """A first look in C: hardly any text holds all the words of a type's name."""
        large = text.upper()
        return any(all(word in large for word in words) for words in self._words)

    def absent(self, text: str) -> bool:
        """Whether nothing in a text can be, or begin, a placeholder; where that is cheap to tell."""
        if not self._tolerant:
            return "[" not in text
        return _ANY.search(text) is None and not (self._open and "\n" in text)

    def begin(self) -> None:
        """Another text begins."""
        self._open = False

    def _note_brackets(self, text: str) -> None:
        """Keep track of whether a bracket is open in this line that is no placeholder's."""
        self._open = self._is_open_after(text)

    def _is_open_after(self, text: str) -> bool:
        line = text.rfind("\n")
        opened, closed = text.rfind("[", line + 1), text.rfind("]", line + 1)
        return opened > closed if opened != closed else self._open and line < 0

    def _bracketed(self, match: re.Match[str], at: int) -> Edit | None:
        value = self._originals.get(match[0]) or self._slip(match[1])
        if value is None:
            return None
        # `\[A\_1\]` is Markdown for `[A_1]`; a backslash without its counterpart is no part of it
        start = match.start()
        if match[2] and start > at and match.string[start - 1] == "\\":
            start -= 1
        return start, match.end(), self._spelled(value)

    def _bare(self, match: re.Match[str], at: int) -> Edit | None:
        value = self._slip(match[1])
        if value is None:
            return None
        start, end = match.span(1)
        text = match.string
        opened_here = start > at and text[start - 1] == "["
        if opened_here and not match[2] and not text.startswith(_LIST, end):
            start -= 1
        elif match[2] and not opened_here:
            end = end if self._is_open_after(text[at:start]) else match.end()
        return start, end, self._spelled(value)

    def _slip(self, name: str) -> str | None:
        """The original of a name with slips between its words. Within a word there may be none, as `_may_hold` has it."""
        value = self._slips.get(squeezed(name))
        return value if value is not None and self._may_hold(name) else None

    def _spelled(self, value: str) -> str:
        return json.dumps(value, ensure_ascii=False)[1:-1] if self._nested else value

    def _begins(self, part: str) -> bool:
        return part not in self._originals and self._spellings.begin(part)

    def _could_begin(self, part: str) -> bool:
        if not (_BRACKETED_PART if part[0] in "\\[" else _BARE_PART).fullmatch(part):
            return False
        return self._spellings.begin(squeezed(part))


class Restorer:
    """Restores one text that arrives in pieces. Holds back only what could still become a placeholder."""

    _context = 1
    """Characters that have left and still matter to what follows."""

    def __init__(self, placeholders: Placeholders) -> None:
        self._placeholders = placeholders
        self._before = ""
        self._held = ""

    @property
    def held(self) -> int:
        """How many characters are held back."""
        return len(self._held)

    def advance(self, text: str, *, end: bool = False) -> tuple[Sequence[Edit], int]:
        """Take the next piece: the edits of what can leave now, and how many characters of it there are.

        Both count from the first character that was held back before. With `end` all of it leaves, and the next piece
        begins another text.
        """
        if not self._held and self._passes(text):
            self._before = "" if end else text[-self._context :] or self._before
            return (), len(text)
        at = len(self._before)
        text = self._before + self._held + text
        edits, cut = self._decide(text, at, end=end)
        self._held = text[cut:]
        self._before = text[max(0, cut - self._context) : cut]
        if end:
            self._before = ""
            self._placeholders.begin()
        return [(start - at, stop - at, new) for start, stop, new in edits], cut - at

    def feed(self, text: str, *, end: bool = False) -> str:
        """Take the next piece; return what can leave of the text."""
        text = self._held + text
        edits, gone = self.advance(text[len(self._held) :], end=end)
        return edited(text[:gone], edits)

    def close(self) -> str:
        """Return the rest."""
        return self.feed("", end=True)

    def _passes(self, text: str) -> bool:
        """Whether a piece, with nothing held, leaves at once and unchanged; where that is cheap to tell."""
        return self._placeholders.absent(text)

    def _decide(self, text: str, at: int, *, end: bool) -> tuple[list[Edit], int]:
        """Edits of a text from `at` on, and where what has to wait begins."""
        cut = len(text) if end else self._placeholders.hold_from(text, at)
        return self._placeholders.edits(text[:cut], at), cut


def edited(text: str, edits: Iterable[Edit]) -> str:
    """A text with edits made, which come in order and apart from each other."""
    if not edits:
        return text
    pieces: list[str] = []
    at = 0
    for start, end, new in edits:
        pieces += (text[at:start], new)
        at = end
    return "".join((*pieces, text[at:]))


def slips(originals: Mapping[str, str]) -> dict[str, str]:
    """Squeezed placeholder -> value, without those that two placeholders share."""
    found: dict[str, str] = {}
    twice = set()
    for placeholder, value in originals.items():
        core = squeezed(placeholder[1:-1])
        if core in found:
            twice.add(core)
        found[core] = value
    return {core: value for core, value in found.items() if core not in twice}


def squeezed(written: str) -> str:
    r"""What is left of a placeholder's writing without case and separators: `EMAILADDRESS1` of `Email\_address 1`."""
    return _SEPARATORS.sub("", written).upper()


def _first(a: re.Match[str] | None, b: re.Match[str] | None) -> re.Match[str] | None:
    if a is None or b is None:
        return a or b
    return a if a.start() <= b.start() else b
