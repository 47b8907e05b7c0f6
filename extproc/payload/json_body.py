"""JSON bodies, edited in place: only the literals that change are written anew, and of those only the edited spans."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from extproc.edits import apply
from extproc.errors import PersonalNumberError, UnreadableBodyError
from extproc.payload.conversation import HUMANS, Conversation, conversation, said_once
from extproc.payload.document import SYNTAX, coverage, filled, steps
from extproc.payload.layers import Place, edits_by_place, regions_of
from extproc.payload.literal import escape, unescape
from extproc.payload.request_schemas import ROLES, SEARCHED_NUMBERS
from extproc.payload.scan import check_utf8, end_of_space, unescape_key, walk
from extproc.payload.shapes import Outline
from extproc.payload.texts import Texts, take_apart
from extproc.payload.tree import Use
from extproc.payload.ways import Ways, is_one_of
from extproc.slices import STEPS, checkpoint, in_slices

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from extproc.payload.document import Change, Region, Way
    from extproc.payload.scan import Found
    from extproc.payload.shapes import Shapes
    from extproc.payload.tree import Node

_BOM = b"\xef\xbb\xbf"
_OPAQUE = re.compile(rb"(?=[^a-z]*+[a-z])(?=[^A-Z]*+[A-Z])(?![A-Za-z0-9+/_=-]*?[0-9]{12})[A-Za-z0-9+/_-]{40,}+={0,2}")
"""What only its issuer can read, as issuers spell it."""
_SETTINGS = Use.MODEL | Use.STREAM | Use.ROLE
_TEXT, _INTENT, _OPAQUE_USE = Use.TEXT, Use.INTENT, Use.OPAQUE
_INDEX_PLACE = 2  # messages, 3, ...


class JsonDocument:
    """One JSON value, or one per line."""

    def __init__(
        self, body: bytes, tree: Node, *, lines: bool = False, chosen: bool = False, shapes: Shapes | None = None
    ) -> None:
        """`chosen`: the tree leaves out what the user's rule does. `shapes`: of bodies that this tree has read."""
        self.body = body
        self._between = "not selected" if chosen else SYNTAX
        self._texts = Texts()
        self._places: list[Place] = []
        self._left: list[Region] = []
        self._models: list[tuple[int, int]] = []
        self._chosen: list[str] = []
        self._spoken: list[tuple[str, Way]] = []
        self._conversation: Conversation | None = None
        self.model: str | None = None
        self.stream = False
        check_utf8(body)
        outline = Outline.of(body, shapes) if shapes is not None else None
        if outline is not None and (shape := outline.shape) is not None:
            self._ways, self.stream = Ways(shape.ways), shape.streams
            self._take(outline.found(shape))
        else:
            self._ways = Ways()
            found = self._read(body, tree, lines=lines)
            if outline is not None:
                outline.learn(found, streams=self.stream)
        self.segments = self._texts.segments(self._ways)

    @property
    def unsearched(self) -> Mapping[str, int]:
        """See Document."""
        if self._between == SYNTAX:
            return self._texts.unsearched
        left = coverage(self.regions())
        return {
            reason: size for reason, size in left.items() if reason in self._texts.unsearched or reason == self._between
        }

    def regions(self) -> list[Region]:
        """See Document."""
        found = list(self._left)
        for place in self._places:
            raw = self._raw(place)
            at, byte = 0, place.start
            for start, end, what in regions_of(place, raw):
                byte += len(raw[at:start].encode())
                size = len(raw[start:end].encode())
                found.append((byte, byte + size, what))
                at, byte = end, byte + size
        return filled(sorted(found), len(self.body), self._between)

    @property
    def intent_text(self) -> str:
        """See Document."""
        return self.conversation.text

    @property
    def conversation(self) -> Conversation:
        """See Document."""
        if self._conversation is None:
            self._conversation = self._what_is_said()
        return self._conversation

    @conversation.setter
    def conversation(self, conversation: Conversation) -> None:
        self._conversation = conversation

    def _what_is_said(self) -> Conversation:
        """What `intent_from` names, else the last turn of the user, else, where nobody has a turn, the prompt or input, else
        the first text.
        """
        if self._chosen:
            return said_once("\n".join(self._chosen), self.body)
        ways = self._ways
        turns = [*self._turns()]
        if turns or ways.anybody(HUMANS):
            return conversation(turns, self.body)
        for text, way in self._spoken:
            if ways.place(way)[:1] in ((b"prompt",), (b"input",)):
                return said_once(text, self.body)
        return said_once(self._spoken[0][0] if self._spoken else "", self.body)

    def _turns(self) -> Iterator[tuple[object, str]]:
        """The user's words with the turn that they stand in, the last ones first."""
        known = self._ways.turns
        for text, way in reversed(self._spoken):
            found = known.get(id(way))
            turn = self._turn(way) if found is None else found[1]
            if turn is not None:
                yield turn, text

    def _turn(self, way: Way) -> tuple[bytes | int, ...] | None:
        ways = self._ways
        role = ways.role(way)
        turn = None
        if role is not None and is_one_of(role, HUMANS) and _said(place := ways.place(way)):
            turn = place[:_INDEX_PLACE]
        ways.turns[id(way)] = way, turn
        return turn

    def replace(self, changes: Sequence[Change | None], model: str | None = None) -> bytes:
        """See Document. Raises PersonalNumberError."""
        renamed = self._models if model is not None and model != self.model else ()
        if not renamed and not any(changes):
            return self.body
        new = [(start, end, spelling.encode()) for start, end, spelling in self._rewritten(changes)]
        if renamed:
            assert model is not None
            new = [edit for edit in new if edit[:2] not in renamed]
            new += [(start, end, escape(model).encode()) for start, end in renamed]
        if self._models:
            new.sort()
        if not new:
            return self.body
        pieces: list[bytes | memoryview] = []
        at = 0
        with memoryview(self.body) as body:
            for start, end, spelling in new:
                pieces += (body[at:start], spelling)
                at = end
            pieces.append(body[at:])
            return b"".join(pieces)

    def _rewritten(self, changes: Sequence[Change | None]) -> Iterator[tuple[int, int, str]]:
        for place, edits in edits_by_place(self._places, changes, self._raw):
            if place.use & Use.NUMBER and place.use & Use.TYPED:
                raise PersonalNumberError(_name(place.owner))
            yield place.start, place.end, apply(self._raw(place), edits)

    def _raw(self, place: Place) -> str:
        return self.body[place.start : place.end].decode()

    def _read(self, body: bytes, tree: Node, *, lines: bool) -> list[Found]:
        """Take apart the one value of a body, or each of its lines; what was found in it, or in the last of them."""
        at = len(_BOM) if body.startswith(_BOM) else 0
        line = 0
        while True:
            found, at = walk(body, at, tree, (None, line) if lines else None)
            self._take(found)
            at = end_of_space(body, at)
            if at == len(body):
                return found
            if not lines:
                raise UnreadableBodyError(f"the body goes on after its JSON (byte {at})")
            line += 1
            if not line % STEPS:
                checkpoint()

    def _take(self, every: list[Found]) -> None:
        body, texts, places, spoken = self.body, self._texts, self._places, self._spoken
        for found in in_slices(every):
            start, end, use, way = found
            if use & _SETTINGS and not self._take_setting(found):
                continue
            if start == end:
                continue
            if use & _OPAQUE_USE and _OPAQUE.fullmatch(body, start, end):
                self._leave(start, end, "opaque")
                continue
            raw = body[start:end].decode()
            if use & _INTENT:
                self._chosen.append(unescape(raw))
                if use == _INTENT:
                    self._leave(start, end, "not selected")
                    continue
            place = take_apart(found, raw, texts)
            places.append(place)
            if use & _TEXT and (said := place.layer.said):
                spoken.append((said, way))

    def _leave(self, start: int, end: int, reason: str) -> None:
        self._left.append((start, end, reason))
        self._texts.leave(reason, end - start)

    def _take_setting(self, found: Found) -> bool:
        """Note a setting; whether what stands there is to be searched all the same."""
        start, end, use, way = found
        if use & Use.STREAM:
            self.stream = b"true" in self.body[start:end]
            return self.body[start - 1 : start] == b'"'
        value = unescape(self.body[start:end].decode())
        if use & Use.MODEL:
            self.model = value
            self._models.append((start, end))
            return True
        if way is not None:
            self._ways.take_role(way[0], value)
        return value not in ROLES


def _name(way: Way) -> str:
    """The key of a known API under which a number stands, whatever else the caller put in between."""
    keys = (unescape_key(step).decode() for step in reversed(steps(way)) if isinstance(step, bytes))
    return next(key for key in keys if key in SEARCHED_NUMBERS)


def _said(place: tuple[bytes | int, ...]) -> bool:
    """Whether a text of a message is what was said, not the result of a tool: `content`, or the `text` of a part."""
    return place[2:] in ((b"content",), (b"text",)) or (place[2:3] == (b"content",) and place[4:] == (b"text",))
