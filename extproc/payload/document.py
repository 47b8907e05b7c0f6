"""What a body is to the rest of the house: the texts in it, and a way to write them back with nothing else touched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from extproc.edits import Edit

if TYPE_CHECKING:
    from extproc.payload.conversation import Conversation

Change = str | Sequence[Edit]
"""A whole new text, or the edits that make it (in order, apart from each other): only these spans are rewritten."""
Kind = Literal["text", "key", "identifier", "number"]
"""What a segment is in its body. Programs agree on keys and identifiers (names of tools, ids of calls), so only what is
beyond doubt is masked in them. A number that is masked becomes a string."""
Region = tuple[int, int, str]
"""Start and end of some bytes of a body, and what they are: a Kind, `syntax`, or why they were not searched."""
SYNTAX = "syntax"
"""Punctuation, and words and numbers of the closed lists of `request_schemas.py`: they hold nothing of anybody's."""


Way = tuple["Way", bytes | int] | None
"""The last step to a place, after the way to its container: shared by all that stands there. None is the root."""


class Segment(NamedTuple):
    """One text in a body. Characters of `text` are what edits count in, whatever the body's own escapes are."""

    text: str
    key: str | None = None
    """The JSON key or form field under which the text stands: a label for the recognizers."""
    role: str | None = None
    """Role of the message that it belongs to, where there is one: system, user, assistant, tool..."""
    way: Way = None
    """How it is reached. Written out only for whoever asks: deep down, each of many texts would take the whole depth."""
    kind: Kind = "text"

    @property
    def number(self) -> bool:
        """Whether it stands in JSON as a number: masked, it becomes a string."""
        return self.kind == "number"

    @property
    def steps(self) -> tuple[bytes | int, ...]:
        """Keys (as they are spelled in the body) and indices that lead to it."""
        return steps(self.way)

    @property
    def path(self) -> str:
        """The way to the text, as `$.messages[0].content`. Keys may be the user's own words: not for logs."""
        return "$" + "".join(f"[{step}]" if isinstance(step, int) else "." + step.decode() for step in self.steps)


def steps(way: Way) -> tuple[bytes | int, ...]:
    """All steps of a way, from the root on."""
    out = []
    while way is not None:
        way, step = way
        out.append(step)
    return tuple(reversed(out))


def edits_of(change: Change, text: str) -> Sequence[Edit]:
    """The change of a text as edits."""
    return [(0, len(text), change)] if isinstance(change, str) else change


def filled(regions: Iterable[Region], size: int, between: str = SYNTAX) -> list[Region]:
    """These regions, in order and apart, with all that lies between them."""
    whole: list[Region] = []
    at = 0
    for start, end, what in regions:
        if at < start:
            whole.append((at, start, between))
        if start < end:
            whole.append((start, end, what))
        at = end
    if at < size:
        whole.append((at, size, between))
    return whole


def coverage(regions: Iterable[Region]) -> dict[str, int]:
    """Bytes by what they are. Together they are the body's length."""
    sizes: Counter[str] = Counter()
    for start, end, what in regions:
        sizes[what] += end - start
    return dict(sizes)


class Document(Protocol):
    """A body that has been read."""

    @property
    def body(self) -> bytes:
        """All of the body, decompressed: what else the upstream sees beside the segments."""

    @property
    def segments(self) -> Sequence[Segment]:
        """Every text that may hold personal data, in the order of the body."""

    @property
    def unsearched(self) -> Mapping[str, int]:
        """Why some of the body is no segment though it is no syntax, and how many bytes: image, audio, not selected..."""

    def regions(self) -> list[Region]:
        """The body (decompressed) cut up without a gap, in order: what was searched, what not, and why."""

    @property
    def intent_text(self) -> str:
        """The text that says what the request is about; empty when there is none."""

    @property
    def conversation(self) -> Conversation:
        """That text, and what is known of the conversation that it ends."""

    @property
    def model(self) -> str | None:
        """The model that the body asks for."""

    @property
    def stream(self) -> bool:
        """Whether the body asks for a streamed answer."""

    def replace(self, changes: Sequence[Change | None], model: str | None = None) -> bytes:
        """Body with one change per segment (None: as it was) and, if given, another `model`.

        Every other byte stays, and so does the content-encoding; with nothing to change it is the very body.
        """


class TextEditor(Protocol):
    """Edits one text that arrives in pieces, cut anywhere."""

    def advance(self, text: str, *, end: bool = False) -> tuple[Sequence[Edit], int]:
        """Take the next piece: the edits of what can leave now, and how many characters of it there are.

        Both count from the first character that was held back before. With `end` all of it leaves, and the next piece
        begins another text.
        """


class EditorFactory(Protocol):
    """Makes the TextEditors of one answer.

    One that holds texts to their end says so by an attribute `holds` that is true.
    """

    def __call__(self, *, key: str | None = None, redact: bool = True) -> TextEditor:
        """A new editor for one text, under this key of JSON.

        `redact`: what the model utters here may be masked; False for names, ids and settings.
        """

    @property
    def redacts(self) -> bool:
        """Whether anything that a text says may have to change, and not only placeholders."""

    @property
    def escapes(self) -> bool:
        """Whether it matters where in JSON something is put: as it stands, or escaped, or in the place of a string."""

    def concerns(self, text: str) -> bool:
        """Whether anything in a whole text may have to change; where that is cheap to tell."""

    def number(self, text: str) -> str | None:
        """The number for which a string of JSON stands that is its placeholder and nothing else."""

    def begins_number(self, text: str) -> bool:
        """Whether a string that begins like this may come to be such a placeholder."""


class ResponseEditor(Protocol):
    """Rewrites the texts of one answer that arrives in chunks, cut anywhere."""

    def feed(self, chunk: bytes, *, end: bool = False) -> bytes:
        """Take the next chunk; return the bytes that can leave. With `end`, all of them."""
