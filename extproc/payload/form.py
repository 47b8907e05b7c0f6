"""Forms and URL queries: the values are texts, the names their labels, and texts too."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus, unquote_to_bytes

from extproc.edits import Edit, apply
from extproc.errors import UnreadableBodyError
from extproc.payload.conversation import Conversation, said_once
from extproc.payload.document import filled
from extproc.payload.layers import Whole
from extproc.payload.texts import Texts
from extproc.slices import in_slices

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from extproc.payload.document import Change, Region
    from extproc.payload.layers import Layer

MAX_FIELDS = 10_000
"""Of one form: each is a text to be searched by itself."""
_UNIT = re.compile(r"[^%+]+|(?:%[0-9A-Fa-f]{2})+|\+|%")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z_.\[\]-]{0,63}")
"""Names of fields as programs have them: words without a digit or a sign of an address are searched only as labels."""


class _Form:
    """Named values in a text, percent-encoded."""

    model = None
    stream = False

    def __init__(
        self, text: str, at: int, end: int, names: Sequence[str], intent_from: str | None, spelled: Callable[[str], str]
    ) -> None:
        self._text = text
        self._spelled = spelled
        self._intent_from = intent_from
        self._named: dict[str, str] = {}
        self._fields: list[tuple[int, int, Layer]] = []
        texts = Texts()
        for start, stop, name, layer in _fields(text, at, end, names, texts):
            self._fields.append((start, stop, layer))
            if name is not None:
                self._named.setdefault(name, layer.said)
            if len(self._fields) > MAX_FIELDS:
                raise UnreadableBodyError(f"the form has more than {MAX_FIELDS} fields")
        self.segments = texts.segments()
        self.unsearched: Mapping[str, int] = texts.unsearched
        self._chosen = bool(names)

    @property
    def intent_text(self) -> str:
        """The field that `intent_from` names, else the first."""
        if self._intent_from is not None:
            return self._named.get(self._intent_from, "")
        return next(iter(self._named.values()), "")

    @property
    def conversation(self) -> Conversation:
        """See Document."""
        return said_once(self.intent_text)

    def regions(self) -> list[Region]:
        """See Document."""
        regions = []
        for start, stop, layer in self._fields:
            raw = self._text[start:stop]
            inner = [*layer.regions()]
            spelled = _spell(raw, [(a, b, "") for a, b, _ in inner], str)
            regions += [(start + a, start + b, what) for (a, b, _), (_, _, what) in zip(spelled, inner, strict=True)]
        if not self._text.isascii():
            regions = list(self._in_bytes(regions))
        return filled(regions, len(self._text.encode()), "not selected" if self._chosen else "syntax")

    def _in_bytes(self, regions: Sequence[Region]) -> Iterator[Region]:
        at = byte = 0
        for start, end, what in regions:
            byte += len(self._text[at:start].encode())
            size = len(self._text[start:end].encode())
            yield byte, byte + size, what
            at, byte = end, byte + size

    def replace(self, changes: Sequence[Change | None], model: str | None = None) -> bytes:
        """See Document."""
        del model
        edits: list[Edit] = []
        for start, stop, layer in self._fields:
            own = layer.edits(changes)
            if own:
                edits += [
                    (start + a, start + b, new) for a, b, new in _spell(self._text[start:stop], own, self._spelled)
                ]
        return apply(self._text, edits).encode() if edits else self.body

    @property
    def body(self) -> bytes:
        """See Document."""
        raise NotImplementedError


class FormDocument(_Form):
    """application/x-www-form-urlencoded."""

    def __init__(self, body: bytes, names: Sequence[str] = (), intent_from: str | None = None) -> None:
        self._body = body
        try:
            text = body.decode()
        except UnicodeDecodeError as error:
            raise UnreadableBodyError(f"the form is not UTF-8 (byte {error.start})") from None
        super().__init__(text, 0, len(text), names, intent_from, quote_plus)

    @property
    def body(self) -> bytes:
        """See Document."""
        return self._body


class QueryDocument(_Form):
    """The query of a request target. `replace` gives the target's bytes."""

    def __init__(self, target: str, names: Sequence[str] = (), intent_from: str | None = None) -> None:
        at = target.find("?") + 1
        end = target.find("#", at) if at else 0
        super().__init__(
            target, at, end if end >= 0 else len(target), names, intent_from, lambda new: quote(new, safe="")
        )

    @property
    def body(self) -> bytes:
        """See Document."""
        return self._text.encode()


def _fields(
    text: str, at: int, end: int, names: Sequence[str], texts: Texts
) -> Iterator[tuple[int, int, str | None, Layer]]:
    """Start and end of each name and value, the name for a value, and what stands there.

    Every character is looked at once, whatever stands where a name was expected.
    """
    while at < end:
        stop = text.find("&", at, end)
        stop = end if stop < 0 else stop
        sign = text.find("=", at, stop)
        sign = stop if sign < 0 else sign
        name = _plain(text[at:sign])
        if not names or name in names:
            way = (None, name.encode(errors="replace"))
            if name and _IDENTIFIER.fullmatch(name) is None:
                yield at, sign, None, Whole(texts.add(name, way, "key"), name, "key")
            if sign + 1 < stop:
                yield sign + 1, stop, name, texts.read(_plain(text[sign + 1 : stop]), way)
        at = stop + 1


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
