"""Forms and URL queries: the values are texts, the names their labels."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus, unquote_to_bytes

from extproc.errors import UnreadableBodyError
from extproc.payload.document import Segment, edits_of, is_change
from extproc.payload.literal import apply
from extproc.slices import in_slices

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from extproc.payload.document import Change, Edit

MAX_FIELDS = 10_000
_UNIT = re.compile(r"[^%+]+|(?:%[0-9A-Fa-f]{2})+|\+|%")
_DISPOSITION = re.compile(rb"content-disposition[ \t]*:[ \t]*form-data([^\r\n]*)", re.IGNORECASE)
_NAME = re.compile(rb';[ \t]*name[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))', re.IGNORECASE)
_FILENAME = re.compile(rb";[ \t]*filename\*?[ \t]*=", re.IGNORECASE)
_PART_TYPE = re.compile(rb"content-type[ \t]*:[ \t]*([^;\r\n]*)", re.IGNORECASE)
_TEXT_TYPES = (b"text/", b"application/json")


class _Fields:
    """Named values at known places of a body."""

    model = None
    stream = False

    def __init__(self, body: str, found: Iterable[tuple[int, int, Segment]], intent_from: str | None) -> None:
        fields = list(islice(found, MAX_FIELDS + 1))
        if len(fields) > MAX_FIELDS:
            raise UnreadableBodyError(f"the form has more than {MAX_FIELDS} fields")
        self._body = body
        self._places = [(start, end) for start, end, _ in fields]
        self._intent_from = intent_from
        self.segments = [segment for _, _, segment in fields]

    @property
    def intent_text(self) -> str:
        """The field that `intent_from` names, else the first."""
        for segment in self.segments:
            if self._intent_from in (None, segment.key):
                return segment.text
        return ""

    def _replaced(
        self, changes: Sequence[Change | None], spell: Callable[[str, Sequence[Edit]], list[Edit]]
    ) -> str | None:
        edits: list[Edit] = []
        for (start, end), segment, change in zip(self._places, self.segments, changes, strict=True):
            if change is not None and is_change(change):
                spelled = spell(self._body[start:end], edits_of(change, segment.text))
                edits += [(start + a, start + b, new) for a, b, new in spelled]
        return apply(self._body, edits) if edits else None


class FormDocument(_Fields):
    """application/x-www-form-urlencoded."""

    def __init__(self, body: bytes, names: Sequence[str] = (), intent_from: str | None = None) -> None:
        self.body = body
        try:
            text = body.decode()
        except UnicodeDecodeError as error:
            raise UnreadableBodyError(f"the form is not UTF-8 (byte {error.start})") from None
        super().__init__(text, _fields(text, 0, names), intent_from)

    def replace(self, changes: Sequence[Change | None], model: str | None = None) -> bytes:
        """See Document."""
        del model
        replaced = self._replaced(changes, lambda raw, edits: _spell(raw, edits, quote_plus))
        return self.body if replaced is None else replaced.encode()


class QueryDocument(_Fields):
    """The query of a request target."""

    def __init__(self, target: str, names: Sequence[str] = (), intent_from: str | None = None) -> None:
        self.body = target.encode()
        target_end = target.find("?")
        fields = _fields(target, target_end + 1, names) if target_end >= 0 else ()
        super().__init__(target, fields, intent_from)

    def replace(self, changes: Sequence[Change | None], model: str | None = None) -> bytes:
        """The target's bytes, with one change per segment."""
        del model
        replaced = self._replaced(changes, lambda raw, edits: _spell(raw, edits, lambda new: quote(new, safe="")))
        return (self._body if replaced is None else replaced).encode()


class MultipartDocument(_Fields):
    """multipart/form-data: the fields that are no files. Files pass as they are."""

    def __init__(self, body: bytes, boundary: str, names: Sequence[str] = (), intent_from: str | None = None) -> None:
        if not boundary:
            raise UnreadableBodyError("the multipart body has no boundary in its content type")
        self.body = body
        # one character per byte: offsets are the same, and files need not be text
        fields = (field for field in _parts(body, boundary) if not names or field[2].key in names)
        super().__init__(body.decode("latin-1"), fields, intent_from)

    def replace(self, changes: Sequence[Change | None], model: str | None = None) -> bytes:
        """See Document."""
        del model
        replaced = self._replaced(changes, _spell_in_bytes)
        return self.body if replaced is None else replaced.encode("latin-1")


def _fields(text: str, at: int, names: Sequence[str]) -> Iterator[tuple[int, int, Segment]]:
    """Fields from `at` on: every character is looked at once, whatever stands where a name was expected."""
    end = text.find("#", at) if at else -1
    end = len(text) if end < 0 else end
    while at < end:
        stop = text.find("&", at, end)
        stop = end if stop < 0 else stop
        sign = text.find("=", at, stop)
        if 0 <= sign < stop - 1:
            name = _plain(text[at:sign])
            if not names or name in names:
                yield sign + 1, stop, _segment(_plain(text[sign + 1 : stop]), name)
        at = stop + 1


def _segment(text: str, name: str) -> Segment:
    return Segment(text, name, None, (None, name.encode(errors="replace")))


def _plain(raw: str) -> str:
    """What a value says. Octets that are no UTF-8 read as U+FFFD, one each."""
    return "".join(_unit_text(match[0]) for match in in_slices(_UNIT.finditer(raw)))


def _unit_text(unit: str) -> str:
    if unit == "+":
        return " "
    if unit[0] != "%" or len(unit) == 1:
        return unit
    return unquote_to_bytes(unit).decode(errors="surrogateescape").translate(_ESCAPED_BYTES)


_ESCAPED_BYTES = dict.fromkeys(range(0xDC80, 0xDD00), "\ufffd")


def _spell(raw: str, edits: Sequence[Edit], spelled: Callable[[str], str]) -> list[Edit]:
    """Edits of a value's spelling that make these edits of its text."""
    places = [0]
    for match in in_slices(_UNIT.finditer(raw)):
        unit, start = match[0], match.start()
        if unit[0] == "%" and len(unit) > 1:
            for character in unquote_to_bytes(unit).decode(errors="surrogateescape"):
                start += 3 * len(character.encode(errors="surrogateescape"))
                places.append(start)
        else:
            places += range(start + 1, match.end() + 1)
    return [(places[start], places[end], spelled(new)) for start, end, new in edits]


def _parts(body: bytes, boundary: str) -> Iterator[tuple[int, int, Segment]]:
    """Places and texts of the parts that are form fields. Raises UnreadableBodyError."""
    delimiter = b"--" + boundary.encode()
    at = 0 if body.startswith(delimiter) else body.find(b"\r\n" + delimiter) + 2
    if at == 1:
        raise UnreadableBodyError("the multipart body does not hold its boundary")
    while True:
        at += len(delimiter)
        if body.startswith(b"--", at):
            return
        head_end = body.find(b"\r\n\r\n", at)
        stop = body.find(b"\r\n" + delimiter, head_end + 2 if head_end >= 0 else at)
        if head_end < 0 or stop < 0:
            raise UnreadableBodyError(f"the multipart body ends within a part (byte {at})")
        start = head_end + 4
        name = _field_name(body[at : head_end + 2])
        if name is not None and start < stop:
            try:
                text = body[start:stop].decode()
            except UnicodeDecodeError:
                raise UnreadableBodyError(f"a field of the multipart body is not UTF-8 (byte {start})") from None
            yield start, stop, _segment(text, name)
        at = stop + 2


def _field_name(head: bytes) -> str | None:
    """Name of a form field; None for a file or data of another kind."""
    disposition = _DISPOSITION.search(head)
    media = _PART_TYPE.search(head)
    if disposition is None or _FILENAME.search(disposition[1]):
        return None
    if media is not None and not media[1].strip().lower().startswith(_TEXT_TYPES):
        return None
    name = _NAME.search(disposition[1])
    return (name[1] or name[2] or b"").decode(errors="replace") if name else ""


def _spell_in_bytes(raw: str, edits: Sequence[Edit]) -> list[Edit]:
    """The same for UTF-8 text whose bytes stand here as one character each."""
    text = raw.encode("latin-1").decode()
    spelled: list[Edit] = []
    at = place = 0
    for start, end, new in edits:
        place += len(text[at:start].encode())
        size = len(text[start:end].encode())
        spelled.append((place, place + size, new.encode().decode("latin-1")))
        at, place = end, place + size
    return spelled
