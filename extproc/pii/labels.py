"""What the labels beside a value say of it.

The nearest one before the value on its line counts most; then one right after it,
the head of its column, the JSON key. A negative label (order, invoice, version) ends the reach of what is farther away.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

from extproc.pii.beside import PAIRED, is_paired
from extproc.pii.tables import unquoted
from extproc.pii.vocabulary import NEGATIVE, WORD

if TYPE_CHECKING:
    from extproc.pii.tables import Table
    from extproc.pii.vocabulary import Label

ADJACENT, NEAR, FAR = 3, 2, 1
"""How near a label is: right beside its value, in the same phrase, in the same line."""
_REACH, _REACH_AFTER = 72, 28
"""Characters before and after a value in which its label is looked for. With more, the number of one sentence is taken for what
another is about; with fewer, a value is missed whose label begins the sentence. Few labels stand after their value."""
_BESIDE = 24
"""Characters between two labels of one value, as in `passport or ID card`: also the most punctuation between label and value."""
_SHORT_TEXT = 160
"""Up to so many characters, all of a text is what its JSON key says."""
_FIRST = 24
"""Of a longer text, what begins so early."""
_PHRASE_WORDS, _PHRASE = 6, 40
"""Words about a value, and characters of other words, that one phrase holds between a label and its value."""
_ONE_NUMBER, _SHORT_NUMBER = 20, 4
"""Digits between a label and a value: another value of the same label, as in a list; a quantity or a year in a phrase."""
SAID = "number"
"""Kind of the labels that call a value a number and say no more of it (`words.SAID`): beside them the others count as ever."""
_SAID = frozenset({SAID})
_FILLER = frozenset(
    "number numbers no nr num n is was are the a an my his her their our your of for to at on as id code value and or by in it s "
    "ist war der die das den nummer lautet mit unter est le la les de du numéro un une es el número mi su il numero del è "
    "o os da do meu minha número nummer het mijn er min mitt på pod on numero numer to jest mój nasz wynosi om numarası "
    "following found listed given also here that this which with please under be can reached them us me him directly "
    "currently registered recorded valid new old current personal private primary secondary main card details".split()
)
_STOP = re.compile(r"[^\W\d_]{3,}[.!?]\s|[.!?]\s+[A-Z][a-z]+ ")
_ANSWERED = re.compile(
    r"(?: (?:please|pls|again|then|on file|of birth))?(?:[?.! ]{0,4}(?: ?(?:please|thanks|thank you)[?.! ]{0,3})?\r?\n[ \t>]{0,4}"
    r"(?:[\[(<]?[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?[\])>]? )?[\[(<*]{0,2}[^\W\d_][^\n:]{0,24}[\])>*]{0,2}:[ \t*]{0,3}"
    r"|[?][ \t]{0,2}(?:\r?\n){1,2}[ \t>*-]{0,4}(?:it['’]?s |it is |that['’]?s )?)"
)
"""A question for a value at the end of a line, and on the next one who answers: `what is your SSN?`, `Customer: `."""
_NOTHING_BETWEEN = re.compile(rf"[^\w\n]{{0,{_BESIDE}}}")
_ANNOUNCED = re.compile(r"""[,;"'{}|\[\]][^:=]*[^\W\d_][^:=]*[:=]["' \t]*$""")
"""Another name has been given between a label and a value: `"text": 1, "created": 1759118173`."""
_IN_BRACKETS = re.compile(r"[ \t]?[(\[]")
"""What stands between a value and a label in brackets after it: `4539375395179284 (card number)`."""
_HINT = re.compile(r"\([^()\n0-9]{1,40}\)|\[[^\[\]\n0-9]{1,40}\]|\{[^{}\n0-9:\"]{1,40}\}")


_HEADED = re.compile(
    r" (?!(?:numbers?|nos?|nr|num|ids?|codes?|keys?|refs?|lines?|values?)\b)[a-z]{3,}: ?", re.IGNORECASE
)
"""Another noun, which is what the colon belongs to: in "reference record:" the record is announced, and no reference."""


_SAID_OF = re.compile(r" (?:is|was|reads?|says|would be|should be)[ :]{1,3}")
_STANDS_ON = re.compile(r"\b(?:on|in|from|for|of|with|at) (?:the|my|his|her|our|their|this|that|your) \Z")
"""`the card number on the invoice is`: of the invoice it is only said where the number stands."""


class Context:
    """What the labels beside one value say: kind -> how near (`ADJACENT`, `NEAR`, `FAR`), and from where."""

    __slots__ = ("kinds", "negative")

    def __init__(self, kinds: dict[str, tuple[int, str]], *, negative: bool) -> None:
        self.kinds = kinds
        self.negative = negative
        """A label that speaks against it is the nearest."""

    @property
    def names_another(self) -> bool:
        """Whether a label right beside the value says what it is; asked for a type that none names."""
        return any(grade == ADJACENT for grade, _ in self.kinds.values())


NOTHING = Context({}, negative=False)


class Labels:
    """The labels of one text, in its order."""

    __slots__ = (
        "_below",
        "_ends",
        "_key",
        "_labels",
        "_last",
        "_starts",
        "_tables",
        "_text",
        "present",
    )

    def __init__(self, text: str, found: list[Label], key: frozenset[str], found_tables: list[Table]) -> None:
        self._text = text
        self._labels = found
        self._starts = [label.start for label in found]
        self._ends = [label.end for label in found]
        self._key = key
        self.present = key.union(*(label.kinds for label in found))
        """All kinds that any label of the text names."""
        self._last: tuple[tuple[int, int], Context] = ((-1, -1), NOTHING)
        self._tables = found_tables
        self._below = [table.start for table in found_tables]

    def around(self, start: int, end: int) -> Context:
        """The context of a value."""
        i = bisect_right(self._ends, start) - 1
        ends, starts = self._ends, self._starts
        far = (i < 0 or start - ends[i] > _REACH) and (i + 1 >= len(starts) or starts[i + 1] - end > _REACH_AFTER)
        if far and not self._key and not self._tables:
            return NOTHING
        if self._last[0] == (start, end):
            return self._last[1]
        context = self._weigh(i, start, end)
        self._last = ((start, end), context)
        return context

    def _weigh(self, i: int, start: int, end: int) -> Context:  # noqa: C901, PLR0912 - the order of what counts, in one place
        kinds: dict[str, tuple[int, str]] = {}
        negative = False
        limit = start - _REACH
        said = 0
        for label in self._labels[i : max(i - 3, -1) : -1] if i > 2 else self._labels[i::-1] if i >= 0 else ():
            if label.end < limit:
                break
            between = self._text[label.end : start]
            grade = self._grade(between)
            if not grade:
                break
            if NEGATIVE in label.kinds:
                if (
                    not kinds
                    and _SAID_OF.fullmatch(between)
                    and _STANDS_ON.search(self._text, max(0, limit), label.start)
                ):
                    continue
                negative = not kinds and not _HEADED.fullmatch(between)
                break
            if label.kinds == _SAID:
                said = said or grade
                continue
            if kinds:
                grade = max(grade - 1, FAR)
            elif grade == ADJACENT:
                limit = label.start - _BESIDE  # what stands farther away announced something else
            for kind in label.kinds:
                kinds.setdefault(kind, (grade, "label before"))
        if not any(grade == ADJACENT for grade, _ in kinds.values()):
            negative = self._after(end, kinds) or negative
            if self._tables and (column := self._column(start)):
                negative = False
                for kind in column:
                    kinds[kind] = (ADJACENT, "head of its column")
        if said:
            kinds[SAID] = (said, "label before")
        return self._with_key(start, end, kinds, negative=negative)

    def _with_key(self, start: int, end: int, kinds: dict[str, tuple[int, str]], *, negative: bool) -> Context:
        if self._key and end <= _SHORT_TEXT:
            grade = ADJACENT if start < _FIRST or len(self._text) <= _SHORT_TEXT else NEAR
            for kind in self._key:
                if kind != NEGATIVE:
                    kinds.setdefault(kind, (grade, "JSON key"))
            negative = negative or (NEGATIVE in self._key and not kinds)
        if not kinds and not negative:
            return NOTHING
        return Context(kinds, negative=negative)

    def _grade(self, between: str) -> int:  # noqa: PLR0911 - a list of reasons
        """How near a label is, by what stands between it and the value."""
        if "(" in between or "[" in between or "{" in between:
            between = _HINT.sub("", between)
        if _NOTHING_BETWEEN.fullmatch(between):
            return ADJACENT
        if "\n" in between and _ANSWERED.fullmatch(between):
            return ADJACENT
        paired = is_paired(between)
        if "\n" in between and not paired and (between.count("\n") > 1 or WORD.search(between)):
            return 0
        if paired and PAIRED.fullmatch(between):
            return ADJACENT
        if _ANNOUNCED.search(between):
            return 0
        words = WORD.findall(between)
        if not words:
            digits = sum(map(str.isdigit, between))
            return ADJACENT if digits == 0 and len(between) <= _BESIDE else NEAR if digits <= _ONE_NUMBER else FAR
        if _STOP.search(between):
            return 0
        if (
            len(words) <= _PHRASE_WORDS
            and all(w.lower() in _FILLER for w in words)
            and not any(map(str.isdigit, between))
        ):
            return ADJACENT
        return NEAR if len(between) <= _PHRASE and sum(map(str.isdigit, between)) <= _SHORT_NUMBER else FAR

    def _after(self, end: int, kinds: dict[str, tuple[int, str]]) -> bool:  # noqa: PLR0911 - a list of reasons against
        i = bisect_left(self._starts, end)
        if i == len(self._labels):
            return False
        label = self._labels[i]
        if label.start - end > _REACH_AFTER:
            return False
        between = self._text[end : label.start]
        if "\n" in between or any(map(str.isdigit, between)) or _STOP.search(between) or ", " in between:
            return False
        if (
            ":" in self._text[label.end : label.end + 2]
            or "|" in between
            or "=" in self._text[label.end : label.end + 2]
        ):
            return False  # that label announces what follows it
        words = WORD.findall(between)
        if len(words) > 5:
            return False
        if _IN_BRACKETS.fullmatch(between) and NEGATIVE not in label.kinds:
            grade = ADJACENT
        else:
            grade = NEAR if not words or all(w.lower() in _FILLER for w in words) else FAR
        if NEGATIVE in label.kinds:
            return grade == NEAR and not kinds
        for kind in label.kinds:
            if kinds.get(kind, (0, ""))[0] < grade:
                kinds[kind] = (grade, "label after")
        return False

    def _column(self, start: int) -> frozenset[str]:
        """Kinds that the head of the column of a value names, if it stands in a table."""
        i = bisect_right(self._below, start) - 1
        if i < 0 or start >= self._tables[i].end:
            return frozenset()
        table = self._tables[i]
        line_start = max(self._text.rfind("\n", table.start, start) + 1, table.start)
        cell = unquoted(self._text[line_start:start], table.delimiter).count(table.delimiter)
        return table.columns[cell] if cell < len(table.columns) else frozenset()
