"""JSON that passes in pieces, edited in place: the strings of an answer, and of the JSON that a model writes into a text.

Each string is a text of its own, whatever it is nested in: what is put into it is escaped once for every literal around
it. Nothing is held but what a string's editor holds back.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from extproc.edits import Edit, apply
from extproc.payload.channel import Spelled
from extproc.payload.literal import spell, unescape
from extproc.payload.logprobs import LogprobsEditor
from extproc.payload.scan import MAX_DEPTH
from extproc.payload.tree import Use
from extproc.payload.ways import SAYS_LITTLE
from extproc.slices import checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from collections.abc import Set as AbstractSet

    from extproc.payload.document import EditorFactory, TextEditor
    from extproc.payload.tree import Node

    MakesTextEditor = Callable[[EditorFactory, str | None, int, int], TextEditor]
    """Of a text under a key, of a use, and in how many texts it stands."""

_HIGH = r"\\u[dD][89abAB][0-9a-fA-F]{2}"
_ESCAPE = rf"\\[\"\\/bfnrt]|\\u(?![dD][89abAB])[0-9a-fA-F]{{4}}|{_HIGH}(?:\\u[0-9a-fA-F]{{4}}|(?=[^\\]|\\[^u]))"
_INSIDE = re.compile(rf"[^\"\\]*+(?:(?:{_ESCAPE})[^\"\\]*+)*+")
"""Whole characters of a literal's inside."""
_PLAIN = re.compile(r'[^"{}\[\],]*+')
_KEY = re.compile(r'"((?:[^"\\]|\\.)*+)"', re.DOTALL)
_NUMBER = re.compile(r"-?[0-9][0-9.eE+-]*+")
_TEXTS = Use.TEXT | Use.NESTED | Use.SETTING
_SHORTEST_NUMBER = 5
"""Characters: a number of fewer is nobody's."""
_SLICE = 0x3FF
"""Steps after which it is asked whether anybody still waits."""
_LONGEST_KEY = 4096
"""Characters of a key that is waited for; a longer one passes as it is."""
_LONGEST_UNIT = 12
"""Characters of the longest escape: a pair of surrogates."""
_MOST_KEYS = 10_000
"""Keys of one object that are told apart."""


class JsonEditor:
    """A TextEditor for JSON: one value or several, or what looks like it."""

    def __init__(
        self,
        editors: EditorFactory,
        tree: Node,
        depth: int = 0,
        left: AbstractSet[int] = frozenset(),
        *,
        text_editor: MakesTextEditor,
        loose: bool = False,
    ) -> None:
        """`depth`: in how many texts it stands. `loose`: what stands between its strings may be text too.

        `text_editor`: makes the editor of a string, in which JSON may stand again.
        `left`: where in the first piece values begin that are somebody else's: a string, after its quote.
        """
        self._text_editor = text_editor
        self._loose = loose or depth > 0
        self._editors = editors
        self._tree = tree
        self._depth = depth
        self._left = left
        self._text = ""
        """What is held back."""
        self._seen = 0
        """How much of it has been read."""
        self._edits: list[Edit] = []
        self._inner: TextEditor | None = None
        """Of the string that is open, or of what stands between two."""
        self._from = 0
        """Where what it holds begins."""
        self._inside = False
        self._logprobs: LogprobsEditor | None = None
        self._stack: list[tuple[bool, Node, str | None, dict[str, str], dict[str, int]]] = []
        self._deeper = bytearray()
        """Beyond MAX_DEPTH, where all places are alike: whether each container is an object."""
        self._in_object = False
        self._at_key = False
        self._node = tree
        self._value = tree
        self._key: str | None = None
        self._named: dict[str, str] = {}
        """Keys of this object, if they are texts: as they leave -> as they came."""
        self._counts: dict[str, int] = {}
        """How many keys of it would be this one."""
        self.closed_at: int | None = None
        """Within a text: where in the last piece, counted from what was held back before it, the value ended."""

    def advance(self, text: str, *, end: bool = False) -> tuple[Sequence[Edit], int]:
        """See TextEditor."""
        text = self._text + text if self._text else text
        edits = self._edits = []
        self.closed_at = None
        at = self._seen
        count = 0
        while at < len(text) and self.closed_at is None:
            count += 1
            if not count & _SLICE:
                checkpoint()
            if self._logprobs is not None:
                step = self._through_logprobs(text, at, end=end)
            elif self._inside:
                step = self._string(text, at, end=end)
            else:
                step = self._structure(text, at, end=end)
            if step == at:
                break
            at = step
        if end and self.closed_at is None:
            self._feed("", end=True)
            if self._logprobs is not None and not text[at:]:
                self._through_logprobs(text, len(text), end=True)
            self.__init__(  # type: ignore[misc]
                self._editors, self._tree, self._depth, text_editor=self._text_editor, loose=self._loose
            )
            return edits, len(text)
        gone = at if self._inner is None and self._logprobs is None else min(at, self._from)
        self._text = text[gone:]
        self._seen = at - gone
        self._from -= gone
        return edits, gone

    def _feed(self, text: str, *, end: bool) -> None:
        """Give the inner editor the next piece."""
        if self._inner is None:
            return
        edits, gone = self._inner.advance(text, end=end)
        base = self._from
        self._edits += ((base + start, base + stop, new) for start, stop, new in edits)
        self._from = base + gone
        if end:
            self._inner = None

    def _string(self, text: str, at: int, *, end: bool) -> int:
        """Edit the inside of a string as far as it goes."""
        match = _INSIDE.match(text, at)
        stop = at if match is None else match.end()
        closed = stop < len(text) and text[stop] == '"'
        if stop > at or closed:
            self._feed(text[at:stop], end=closed)
        if closed:
            self._inside = False
            return stop + 1
        if len(text) - stop > _LONGEST_UNIT or (end and stop < len(text)):  # an escape that JSON does not have
            again = self._inner
            self._feed("", end=True)
            self._inner = again
            self._from = stop + 1
            return stop + 1
        return stop

    def _structure(self, text: str, at: int, *, end: bool) -> int:
        """Pass what stands between strings, up to the next one."""
        match = _PLAIN.match(text, at)
        stop = at if match is None else match.end()
        free = self._node.use & Use.FREE
        if free and stop > at and self._editors.redacts:
            stop = self._numbers(text, at, stop, end=end)
            if stop == at:
                return at
        if stop == len(text) or (stop > at and text[stop] not in '"{}[],'):
            self._between(text[at:stop], at)
            return stop
        if text[stop] == '"':
            self._between(text[at:stop], at)
            self._feed("", end=True)
            return self._literal(text, stop, end=end)
        if text[stop] in "{[" and self._value.use & Use.LOGPROBS and stop not in self._left:
            self._logprobs = LogprobsEditor(lambda: self._text_editor(self._editors, None, Use.TEXT, 1))
            self._from = stop
            return self._through_logprobs(text, stop, end=end)
        self._between(text[at : stop + 1], at)
        self._note(text[stop])
        if self._depth and not self._stack and text[stop] in "}]":
            self._feed("", end=True)
            self.closed_at = stop + 1
        return stop + 1

    def _note(self, mark: str) -> None:
        """A container begins or ends, or goes on."""
        if mark in "{[":
            if len(self._stack) < MAX_DEPTH:
                self._stack.append((self._in_object, self._node, self._key, self._named, self._counts))
            else:
                self._deeper.append(self._in_object)
            self._node = self._value
            self._named, self._counts = {}, {}
            self._in_object = self._at_key = mark == "{"
            self._value = self._node.items
        elif mark in "}]":
            if self._deeper:
                self._in_object = bool(self._deeper.pop())
            elif self._stack:
                self._in_object, self._node, self._key, self._named, self._counts = self._stack.pop()
            self._at_key = False
            self._value = self._node.items
        else:
            self._at_key = self._in_object

    def _between(self, text: str, at: int) -> None:
        """What a model writes between strings may be a placeholder too, without the quotes that it should have."""
        if not self._loose or not text:
            return
        if self._inner is None:
            self._inner = self._editors(redact=False)
            self._from = at
        self._feed(text, end=False)

    def _numbers(self, text: str, at: int, stop: int, *, end: bool) -> int:
        """Redact numbers; return up to where there is none that may go on."""
        for match in _NUMBER.finditer(text, at, stop):
            if match.end() == len(text) and not end:
                return match.start()
            if match.end() - match.start() < _SHORTEST_NUMBER:
                continue
            edits, _ = self._editors(key=self._key).advance(match[0], end=True)
            if edits:
                self._edits.append((*match.span(), json.dumps(apply(match[0], edits), ensure_ascii=False)))
        return stop

    def _literal(self, text: str, at: int, *, end: bool) -> int:
        """A string begins: a key, or a value."""
        if self._at_key:
            match = _KEY.match(text, at)
            if match is not None:
                return self._take_key(match)
            if len(text) - at <= _LONGEST_KEY and not end:
                return at
        use = self._value.use
        if at + 1 in self._left:
            self._inside = True
            return at + 1
        if use & Use.FREE and self._editors.begins_number(""):
            stop = text.find('"', at + 1)
            raw = text[at + 1 : stop if stop >= 0 else len(text)]
            if stop >= 0 and (number := self._editors.number(raw)) is not None:
                self._edits.append((at, stop + 1, number))
                return stop + 1
            if stop < 0 and not end and self._editors.begins_number(raw):
                return at
        self._inside = True
        if use & _TEXTS:
            self._inner = Spelled(self._text_editor(self._editors, self._key, use, self._depth + 1))
            self._from = at + 1
        return at + 1

    def _take_key(self, match: re.Match[str]) -> int:
        raw = match[1]
        key = self._key = _unescaped(raw)
        step = key.encode(errors="replace")
        if step in SAYS_LITTLE and self._stack and (around := self._stack[-1][2]) is not None:
            self._key = f"{around} {key}"
        self._value = self._node.keys.get(step, self._node.other)
        self._at_key = False
        free = bool(self._node.use & Use.FREE)
        edits: Sequence[Edit] = ()
        if self._editors.concerns(key) and _INSIDE.fullmatch(raw):
            edits, _ = self._editors(redact=free).advance(key, end=True)
        if free:
            edits = self._apart(key, edits)
        if edits:
            first = match.start(1)
            self._edits += ((first + start, first + stop, new) for start, stop, new in spell(raw, edits))
        return match.end()

    def _apart(self, key: str, edits: Sequence[Edit]) -> Sequence[Edit]:
        """The edits of a key, so that no two keys of an object become one. Which are still to come is not known."""
        name = new = apply(key, edits) if edits else key
        if len(self._named) >= _MOST_KEYS:
            return edits
        while self._named.get(name, key) != key:
            self._counts[new] = count = self._counts.get(new, 1) + 1
            name = f"{new} ({count})"
        self._named[name] = key
        return edits if name == new else [(0, len(key), name)]

    def _through_logprobs(self, text: str, at: int, *, end: bool) -> int:
        assert self._logprobs is not None
        edits, gone, stop = self._logprobs.advance(text[at:], end=end)
        base = self._from
        self._edits += ((base + start, base + stopped, new) for start, stopped, new in edits)
        self._from = base + gone
        if stop is None:
            return len(text)
        self._logprobs = None
        return at + stop


def _unescaped(key: str) -> str:
    try:
        return unescape(key) if "\\" in key else key
    except ValueError:
        return key
