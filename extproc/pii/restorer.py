"""Placeholders -> originals, in whole texts and in texts that arrive in pieces cut anywhere.

Two ways of reading: to the letter, or with the small slips that small models make: another case, a space or a hyphen
for the underscore, Markdown's backslashes, a bracket lost. A slip is restored only where it can mean nothing else, and
the vault gives no number to a value whose slips already stand in the request.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

from extproc.pii.urls import UrlWatch

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from extproc.edits import Edit

LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
"""Of the keyed hash in a placeholder: without vowels they make no word, without digits no number."""
HASHED = 6
"""Letters of it."""
_COUNT = rf"(?:[0-9]+[A-Z]?|[{LETTERS}]{{{HASHED}}})"
_EXACT = re.compile(rf"\[[A-Z][A-Z0-9_]*_{_COUNT}\]")
_BARE = re.compile(
    rf"([A-Z](?<![A-Za-z0-9_\\][A-Z])[A-Z0-9]*(?:\\?_[A-Z0-9]+)*\\?_{_COUNT})(?![A-Za-z0-9_]|\\_[A-Z0-9])(\])?"
)  # begins with a character, not with what stands before it: the search then skips what cannot begin one
_BRACKETED = re.compile(r"\[ ?([A-Za-z](?:[A-Za-z0-9 _-]|\\[_-]){1,60})(\\?)\]")
TOKEN = re.compile(r"\[[A-Z][A-Z0-9_]*:[A-Z2-7]{16,}\]")
"""What the operator `encrypt` writes. It is read to the letter: a slip in it could not be decrypted."""
_START = re.compile(r"\\?\[|(?<![A-Za-z0-9_\\])[A-Z]|\\\Z")
_BARE_PART = re.compile(r"(?:[A-Z0-9_]|\\_)*\\?")
_BRACKETED_PART = re.compile(r"\\?(?:\[ ?(?:[A-Za-z](?:[A-Za-z0-9 _-]|\\[_-])*)?\\?)?")
_SEPARATORS = re.compile(r"[\\\[ _-]+")
_ANY = re.compile(r"[\[\]\\]|[A-Z](?<![A-Za-z0-9_][A-Z])[A-Z0-9]*(?:_|\Z)|_[A-Z0-9]")
_ESCAPED = re.compile(r'["\\\x00-\x1f]|[\ud800-\udfff]')
"""What a string of JSON holds as an escape only."""
_LIST = (",", ";", "/", "|")
"""What follows the first of several placeholders in one pair of brackets: then the bracket is not the placeholder's."""


Found = tuple[int, int, str]
"""Start and end of a placeholder in a text, and which one it is."""


class Brackets:
    """Whether a bracket is open in this line that is no placeholder's."""

    def __init__(self) -> None:
        self.open = False

    def note(self, text: str) -> None:
        """What goes on in the text."""
        self.open = self.is_open_after(text)

    def is_open_after(self, text: str) -> bool:
        """Whether one would be open after this."""
        line = text.rfind("\n")
        opened, closed = text.rfind("[", line + 1), text.rfind("]", line + 1)
        return opened > closed if opened != closed else self.open and line < 0


class Placeholders:
    """Finds the placeholders of one vault in any text, and where a text's end could be the start of one.

    Built once for all texts of an answer. Texts are read from `at` on; what stands before is context that has left already.
    """

    def __init__(self, originals: Mapping[str, str], *, tolerant: bool = True) -> None:
        self._originals = originals
        self._tolerant = tolerant
        self._sorted = sorted(originals)
        short = [placeholder for placeholder in originals if ":" not in placeholder]
        self._has_tokens = len(short) < len(originals)
        self._slips = slips(short) if tolerant else {}
        self._sorted_slips = sorted(self._slips)
        self._words = {tuple(placeholder[1:].partition(":")[0].split("_")[:-1]) for placeholder in short}
        self._words |= {tuple(p[1:].partition(":")[0].split("_")) for p in originals if ":" in p}
        self._longest = 2 * max(map(len, short), default=0)
        self._longest_token = max((len(p) for p in originals if ":" in p), default=0)

    def __bool__(self) -> bool:
        return bool(self._originals)

    def hold_from(self, text: str, at: int = 0) -> int:
        """Where the longest end of a text begins that could be the start of a placeholder; its length when there is none."""
        end = len(text)
        start = end
        if self._has_tokens:
            opened = text.rfind("[", max(at, end - self._longest_token))
            if opened >= 0 and self._begins(text[opened:]):
                start = opened
        floor = max(at, end - self._longest)
        if not self._tolerant:
            opened = text.rfind("[", floor)
            return min(start, opened) if opened >= 0 and self._begins(text[opened:]) else start
        for match in _START.finditer(text, floor):
            if match.start() >= start:
                break
            if self._could_begin(text[match.start() :]):
                return match.start()
        return start

    def find(self, text: str, at: int = 0, brackets: Brackets | None = None) -> list[Found]:
        """The placeholders in a text."""
        if not self._tolerant:
            return [
                (m.start(), m.end(), m[0])
                for pattern in ((_EXACT, TOKEN) if self._has_tokens else (_EXACT,))
                for m in pattern.finditer(text, at)
                if m[0] in self._originals
            ]
        found: list[Found] = []
        brackets = brackets or Brackets()
        if not self.may_stand_in(text):
            brackets.note(text[at:])
            return found
        bracketed, bare = _BRACKETED.search(text, at), _BARE.search(text, at)
        token = TOKEN.search(text, at) if self._has_tokens else None
        while (
            match := _first(bracketed, bare) if token is None else _first(_first(bracketed, bare), token)
        ) is not None:
            if match is bracketed:
                placeholder = self._bracketed(match, at)
            elif match is bare:
                placeholder = self._bare(match, at, brackets)
            else:
                placeholder = (*match.span(), match[0]) if match[0] in self._originals else None
            next_at = match.start() + 1
            if placeholder is not None:
                brackets.note(text[at : placeholder[0]])
                found.append(placeholder)
                at = next_at = placeholder[1]
            if bracketed is not None and bracketed.start() < next_at:
                bracketed = _BRACKETED.search(text, next_at)
            if bare is not None and bare.start() < next_at:
                bare = _BARE.search(text, next_at)
            if token is not None and token.start() < next_at:
                token = TOKEN.search(text, next_at)
        brackets.note(text[at:])
        return found

    def may_stand_in(self, text: str) -> bool:
        """A first look in C: hardly any text holds all the words of a type's name."""
        large = text.upper()
        return any(all(word in large for word in words) for words in self._words)

    def absent(self, text: str, brackets: Brackets) -> bool:
        """Whether nothing in a text can be, or begin, a placeholder; where that is cheap to tell."""
        if not self._tolerant:
            return "[" not in text
        return _ANY.search(text) is None and not (brackets.open and "\n" in text)

    def _bracketed(self, match: re.Match[str], at: int) -> Found | None:
        placeholder = match[0] if match[0] in self._originals else self._slip(match[1])
        if placeholder is None:
            return None
        # `\[A\_1\]` is Markdown for `[A_1]`; a backslash without its counterpart is no part of it
        start = match.start()
        if match[2] and start > at and match.string[start - 1] == "\\":
            start -= 1
        return start, match.end(), placeholder

    def _bare(self, match: re.Match[str], at: int, brackets: Brackets) -> Found | None:
        placeholder = self._slip(match[1])
        if placeholder is None:
            return None
        start, end = match.span(1)
        text = match.string
        opened_here = start > at and text[start - 1] == "["
        if opened_here and not match[2] and not text.startswith(_LIST, end):
            start -= 1
        elif match[2] and not opened_here:
            end = end if brackets.is_open_after(text[at:start]) else match.end()
        return start, end, placeholder

    def _slip(self, name: str) -> str | None:
        """The placeholder of a name with slips between its words. Within a word there may be none, as `may_stand_in` has it."""
        placeholder = self._slips.get(squeezed(name))
        return placeholder if placeholder is not None and self.may_stand_in(name) else None

    def _begins(self, part: str) -> bool:
        place = bisect_right(self._sorted, part)
        return place < len(self._sorted) and self._sorted[place].startswith(part)

    def _could_begin(self, part: str) -> bool:
        if not (_BRACKETED_PART if part[0] in "\\[" else _BARE_PART).fullmatch(part):
            return False
        core = squeezed(part)
        place = bisect_left(self._sorted_slips, core)
        return place < len(self._sorted_slips) and self._sorted_slips[place].startswith(core)


class Originals:
    """What all texts of one answer are restored with: the placeholders, their values, and where a value may not go."""

    def __init__(
        self,
        values: Mapping[str, str],
        *,
        tolerant: bool = True,
        numbers: AbstractSet[str] = frozenset(),
        hosts: Mapping[str, AbstractSet[str]] | None = None,
    ) -> None:
        """`numbers`: placeholders of what was a number of JSON. `hosts`: in URLs of which hosts a placeholder stood in the
        request; None: a value goes into any URL.
        """
        self.placeholders = Placeholders(values, tolerant=tolerant)
        self._values = values
        self._numbers = numbers
        self.escapes = bool(numbers) or any(map(_ESCAPED.search, values.values()))
        """Whether it matters where in JSON a value is put."""
        self._sorted_numbers = sorted(numbers)
        self._hosts = hosts

    def restorer(self, *, key: str | None = None, redact: bool = True) -> Restorer:
        """A restorer for one text."""
        del key, redact
        return Restorer(self)

    __call__ = restorer

    def concerns(self, text: str) -> bool:
        """Whether anything in a whole text may have to change; where that is cheap to tell."""
        return self.placeholders.may_stand_in(text)

    def number(self, text: str) -> str | None:
        """The number for which a string of JSON stands that is its placeholder and nothing else."""
        return self._values[text] if text in self._numbers else None

    def begins_number(self, text: str) -> bool:
        """Whether a string that begins like this may come to be such a placeholder."""
        place = bisect_left(self._sorted_numbers, text)
        return place < len(self._sorted_numbers) and self._sorted_numbers[place].startswith(text)

    redacts = False
    """Nothing changes but placeholders."""

    def edits(
        self, text: str, found: Iterable[Found], watch: UrlWatch | None, at: int, cut: int, *, end: bool
    ) -> tuple[list[Edit], int]:
        """What the placeholders in a text become that is read from `at` to `cut`, or to where that cannot be told yet."""
        if watch is None:
            return [(start, stop, self._values[placeholder]) for start, stop, placeholder in found], cut
        edits: list[Edit] = []
        text = text[at:]
        for start, stop, placeholder in found:
            hosts = watch.hosts(text, start - at, stop - at, end=end)
            if hosts is None:
                return edits, start
            if not hosts or hosts <= (self._hosts or {}).get(placeholder, frozenset()):
                edits.append((start, stop, self._values[placeholder]))
        return edits, cut

    def watch(self) -> UrlWatch | None:
        """What tells where in a text URLs are; None: it does not matter."""
        return None if self._hosts is None else UrlWatch()


class Restorer:
    """Restores one text that arrives in pieces. Holds back only what could still become a placeholder."""

    _context = 1
    """Characters that have left and still matter to what follows."""

    def __init__(self, originals: Originals) -> None:
        self._originals = originals
        self._placeholders = originals.placeholders
        self._brackets = Brackets()
        self._watch = originals.watch()
        self._before = ""
        self._held = ""

    def advance(self, text: str, *, end: bool = False) -> tuple[Sequence[Edit], int]:
        """Take the next piece: the edits of what can leave now, and how many characters of it there are.

        Both count from the first character that was held back before. With `end` all of it leaves, and the next piece
        begins another text.
        """
        if not self._held and self._passes(text):
            self._before = "" if end else text[-self._context :] or self._before
            self._left(text, end=end)
            return (), len(text)
        at = len(self._before)
        text = self._before + self._held + text
        edits, cut = self._decide(text, at, end=end)
        self._held = text[cut:]
        self._before = text[max(0, cut - self._context) : cut]
        self._left(text[at:cut], end=end)
        if end:
            self._before = ""
            self._brackets.open = False
        return [(start - at, stop - at, new) for start, stop, new in edits], cut - at

    def _passes(self, text: str) -> bool:
        """Whether a piece, with nothing held, leaves at once and unchanged; where that is cheap to tell."""
        return self._placeholders.absent(text, self._brackets)

    def _left(self, text: str, *, end: bool) -> None:
        if self._watch is not None:
            self._watch.note(text, end=end)

    def _decide(self, text: str, at: int, *, end: bool) -> tuple[list[Edit], int]:
        """Edits of a text from `at` on, and where what has to wait begins."""
        cut = len(text) if end else self._placeholders.hold_from(text, at)
        return self._restored(text, at, cut, end=end)

    def _restored(self, text: str, at: int, cut: int, *, end: bool) -> tuple[list[Edit], int]:
        """Edits that restore a text from `at` to `cut`, or to where it cannot be told yet."""
        was_open = self._brackets.open
        found = self._placeholders.find(text[:cut], at, self._brackets)
        if not found:
            return [], cut
        edits, sure = self._originals.edits(text, found, self._watch, at, cut, end=end)
        if sure < cut:
            self._brackets.open = was_open
            self._brackets.note(text[at:sure])
        return edits, sure


def slips(placeholders: Iterable[str]) -> dict[str, str]:
    """Squeezed placeholder -> placeholder, without those that two placeholders share."""
    found: dict[str, str] = {}
    twice = set()
    for placeholder in placeholders:
        core = squeezed(placeholder[1:-1])
        if core in found:
            twice.add(core)
        found[core] = placeholder
    return {core: placeholder for core, placeholder in found.items() if core not in twice}


def squeezed(written: str) -> str:
    r"""What is left of a placeholder's writing without case and separators: `EMAILADDRESS1` of `Email\_address 1`."""
    return _SEPARATORS.sub("", written).upper()


def _first(a: re.Match[str] | None, b: re.Match[str] | None) -> re.Match[str] | None:
    if a is None or b is None:
        return a or b
    return a if a.start() <= b.start() else b
