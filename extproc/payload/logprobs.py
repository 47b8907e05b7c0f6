"""Log-probabilities of an answer's tokens: together the tokens are the text once more, and must say the same.

Two layouts: a list of `{token, bytes, top_logprobs}`, and (of completions) lists of tokens, offsets and alternatives
side by side. A token that changes has no alternatives any more: they would spell the value.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from extproc.edits import Edit, apply
from extproc.payload.track import Track

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from extproc.payload.document import TextEditor

_VALUE = re.compile(r'(?<!\\)"logprobs"[ \t\r\n]*+:[ \t\r\n]*+(?=[{\[])')
_STEP = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|(\\?\Z))|[{}\[\]]', re.DOTALL)
_LISTS = ("content", "refusal")
_LONGEST = 4 * 2**20
"""Characters of log-probabilities that are held to be edited. Of more, none are left."""


class Token:
    """One token of a list: a piece of the text."""

    __slots__ = ("_edits", "_key", "_settled", "_value", "size")

    def __init__(self, value: dict[str, Any], key: int | None, text: str, settled: Callable[[], None]) -> None:
        """`value` holds the token under `token` or, with a `key`, in the list `tokens`."""
        self.size = len(text)
        self._value = value
        self._key = key
        self._settled = settled
        self._edits: list[Edit] = []

    def edit(self, start: int, end: int, new: str) -> None:
        """See Piece."""
        self._edits.append((start, end, new))

    def settle(self) -> None:
        """See Piece."""
        self._settled()

    def write(self, shift: int) -> tuple[bool, int]:
        """Write the new text: whether anything changed, and how much longer the text is up to here than it was."""
        value = self._value
        if self._key is None:
            if self._edits:
                token = value["token"] = apply(value["token"], self._edits)
                if value.get("bytes") is not None:
                    value["bytes"] = list(token.encode(errors="replace"))
                if "top_logprobs" in value:
                    value["top_logprobs"] = []
            return bool(self._edits), shift
        moved = _set(value.get("text_offset"), self._key, shift) if shift else False
        if self._edits:
            old = value["tokens"][self._key]
            token = value["tokens"][self._key] = apply(old, self._edits)
            shift += len(token) - len(old)
            alternatives = value.get("top_logprobs")
            if isinstance(alternatives, list) and self._key < len(alternatives):
                alternatives[self._key] = {}
        return moved or bool(self._edits), shift


def _set(offsets: Any, place: int, shift: int) -> bool:
    if not isinstance(offsets, list) or place >= len(offsets) or not isinstance(offsets[place], int):
        return False
    offsets[place] += shift
    return True


class Logprobs:
    """The log-probabilities that stand at one place of a JSON text."""

    def __init__(self, start: int, end: int, value: Any, settled: Callable[[], None]) -> None:
        self.start = start
        self.end = end
        self._value = value
        self.lists = list(_lists(value, settled))
        """Name, tokens and texts of each list."""

    def written(self, shifts: dict[str, int]) -> str | None:
        """Its spelling now; None: nothing has changed. `shifts`: how much longer each text has become so far."""
        changed = False
        for name, tokens, _ in self.lists:
            shift = shifts.get(name, 0)
            for token in tokens:
                differs, shift = token.write(shift)
                changed = changed or differs
            shifts[name] = shift
        if not changed:
            return None
        spelled = json.dumps(self._value, ensure_ascii=False, separators=(",", ":"))
        return spelled.encode(errors="replace").decode()


def _lists(value: Any, settled: Callable[[], None]) -> Iterator[tuple[str, list[Token], list[str]]]:
    lists = {"": value} if isinstance(value, list) else {}
    if isinstance(value, dict):
        lists = {name: value[name] for name in _LISTS if isinstance(value.get(name), list)}
        side_by_side = value.get("tokens")
        if isinstance(side_by_side, list) and all(isinstance(token, str) for token in side_by_side):
            yield "tokens", [Token(value, i, text, settled) for i, text in enumerate(side_by_side)], side_by_side[:]
    for name, items in lists.items():
        entries = [item for item in items if isinstance(item, dict) and isinstance(item.get("token"), str)]
        yield name, [Token(item, None, item["token"], settled) for item in entries], [item["token"] for item in entries]


def logprobs(text: str, settled: Callable[[], None]) -> Iterator[Logprobs]:
    """All log-probabilities in a JSON text. `settled` is called for each token that no edit will change any more."""
    decoder = json.JSONDecoder()
    at = 0
    while (match := _VALUE.search(text, at)) is not None:
        try:
            value, at = decoder.raw_decode(text, match.end())
        except (ValueError, RecursionError):
            return
        yield Logprobs(match.end(), at, value, settled)


class LogprobsEditor:
    """Edits the log-probabilities of a whole answer, which are held until they are complete."""

    def __init__(self, editor: Callable[[], TextEditor]) -> None:
        self._editor = editor
        self._pieces: list[str] = []
        self._size = 0
        self._depth = 0
        self._open = ""
        self._too_long = False

    def advance(self, text: str, *, end: bool) -> tuple[Sequence[Edit], int, int | None]:
        """Take the next piece: edits and how much can leave, both counted from what is held; and where in this piece the
        value ended.
        """
        stop = self._end_in(text)
        piece = text if stop is None else text[:stop]
        self._pieces.append(piece)
        self._size += len(piece)
        if stop is None and not end and self._size <= _LONGEST:
            return (), 0, None
        size, whole = self._size, "".join(self._pieces)
        self._pieces, self._size = [], 0
        if stop is None and not end:
            self._too_long = True
        if self._too_long:  # what was held, and what follows, is taken out
            new = "" if stop is None else "null"
            return [(0, size, new)], size, stop
        return self._edits(whole), size, stop

    def _end_in(self, text: str) -> int | None:
        """Where the value ends, if in this piece. A string that the piece cuts is looked at with the next one."""
        piece = self._open + text
        shift = len(self._open)
        self._open = ""
        for match in _STEP.finditer(piece):
            if match[1] is not None:
                self._open = match[0]
            self._depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(match[0], 0)
            if self._depth == 0 and match[0][0] != '"':
                return match.end() - shift
        return None

    def _edits(self, whole: str) -> list[Edit]:
        try:
            value = json.loads(whole)
        except (ValueError, RecursionError):
            return []
        whole_value = Logprobs(0, len(whole), value, lambda: None)
        for _, tokens, texts in whole_value.lists:
            track = Track(self._editor())
            for token, text in zip(tokens, texts, strict=True):
                track.feed(token, text)
            track.close()
        new = whole_value.written({})
        return [] if new is None else [(0, len(whole), new)]
