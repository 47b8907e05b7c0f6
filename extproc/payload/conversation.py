"""What people said in a body: the last thing they ask for, and what came before it.

Neither a system prompt, nor the result of a tool, nor what a program put between people's words is something that they said.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

HUMANS: Final = frozenset({"user", "human"})
REMEMBERED: Final = 2
"""Turns before the last one that are kept: what a short answer refers to stands there."""
_NOISE: Final = (
    "system-reminder|system_reminder|environment_details|environment_context|local-command-stdout|local-command-stderr"
    "|local-command-caveat|command-stdout|command-stderr|command-name|command-message|bash-stdout|bash-stderr"
    "|ide_selection|ide_opened_file|ide_diagnostics|tool_result|tool_response|tool_output|function_results"
)
"""What agents (Claude Code, Codex, Cline, Cursor) wrap what their own programs say in, within a turn of the user."""
_PASTED: Final = "document|documents|document_content|attachment|attachments|attached_file|attached_files|file_content"
"""What is handed in to be read, by the names that vendors recommend for it."""
_ASKED: Final = "user_query|user_request"
"""What agents wrap the person's own words in, when they put anything around them."""
_TAG: Final = re.compile(rf"<(/?)({_NOISE}|{_PASTED})(?:\s[^<>]{{0,500}})?>", re.IGNORECASE)
_QUERY: Final = re.compile(rf"<(?:{_ASKED})>", re.IGNORECASE)
_QUERY_END: Final = re.compile(rf"</(?:{_ASKED})>", re.IGNORECASE)
_IMAGE: Final = re.compile(rb'"type"\s*:\s*"(?:image|image_url|input_image)"|"images"\s*:\s*\[\s*"')
_AUDIO: Final = re.compile(rb'"type"\s*:\s*"(?:audio|input_audio)"')
_FENCE: Final = "```"
_CODE_LINE: Final = re.compile(
    r"\s*(?:[\w.$\[\]*&]+\s*(?:=|:=|\+=|->|=>|<-)\s|(?:def|class|import|from|return|function|const|let|var|public|private"
    r"|fn|func|package|using|namespace|struct|impl|SELECT|INSERT|UPDATE|CREATE)\b.*[\w(){};:*]|[}\])]+[;,]?\s*$|[$>#]\s\w"
    r"|.*[;{]\s*$|\s*at\s[\w.$<>]+\(|<\/?\w+[^>]*>\s*$|(?:\"[\w-]+\"|[\w-]+):\s*[\[{\"]|\d{4}-\d\d-\d\d[T ]\d\d:\d\d)"
)
MOST_LINES: Final = 400
"""Lines that are looked at for code: from both ends of a longer text."""


class Conversation(NamedTuple):
    """What is of interest in it to whoever decides what it is about."""

    text: str = ""
    """What the request asks for, in people's own words; empty where nobody says a word."""
    before: tuple[str, ...] = ()
    """What they said before that, latest last."""
    turns: int = 0
    """How often they said something."""
    images: bool = False
    audio: bool = False

    @property
    def code(self) -> float:
        """Share of the text that looks like code or a log."""
        return code_share(self.text)


NOTHING_SAID: Final = Conversation()


def in_own_words(text: str) -> str:
    """A turn without what programs put in it, and without documents that are handed in: linear in its length."""
    if "<" not in text:
        return text
    begin = _QUERY.search(text)
    if begin is not None:
        end = _QUERY_END.search(text, begin.end())
        return text[begin.end() : end.start() if end else len(text)].strip()
    parts: list[str] = []
    at, open_tag = 0, ""
    for tag in _TAG.finditer(text):
        name = tag[2].lower()
        if open_tag:
            if tag[1] and name == open_tag:
                at, open_tag = tag.end(), ""
        elif not tag[1]:
            parts.append(text[at : tag.start()])
            open_tag = name
    if open_tag and not parts:
        return ""
    if not open_tag:
        if at == 0:
            return text
        parts.append(text[at:])
    return "\n".join(part.strip() for part in parts if part.strip())


def said_once(text: str, body: bytes = b"") -> Conversation:
    """Of a body that is no conversation: its text."""
    own = in_own_words(text)
    return Conversation(own, (), 1 if own else 0, *seen_and_heard(body))


def conversation(said: Sequence[tuple[object, str]], body: bytes) -> Conversation:
    """`said`: the turns of people with the texts in them, the latest first, a turn's texts likewise."""
    if len(said) == 1 and (own := in_own_words(said[0][1])) and not own.isspace():
        return Conversation(own, (), 1, *seen_and_heard(body))
    turns: list[list[str]] = []
    last: object = None
    for turn, text in said:
        own = in_own_words(text)
        if not own.strip():
            continue
        if turn != last:
            turns.append([])
            last = turn
        turns[-1].append(own)
    latest = ["\n".join(reversed(texts)) for texts in turns[: REMEMBERED + 1]]
    return Conversation(
        latest[0] if latest else "",
        tuple(reversed(latest[1:])),
        len(turns),
        *seen_and_heard(body),
    )


def seen_and_heard(body: bytes) -> tuple[bool, bool]:
    """Whether a body brings images, and sound. In a text its quotes would be escaped: this is its own syntax."""
    image = b"image" in body and _IMAGE.search(body) is not None
    return image, b"audio" in body and _AUDIO.search(body) is not None


def code_share(text: str) -> float:
    """Share of the characters that stand in fenced code, or in lines that look like code or a log."""
    if "\n" not in text and _FENCE not in text:
        return 0.0
    lines = text.split("\n")
    if len(lines) > MOST_LINES:
        lines = [*lines[: MOST_LINES // 2], *lines[-MOST_LINES // 2 :]]
    return _share(lines)


def _share(lines: Sequence[str]) -> float:
    code = whole = 0
    fenced = False
    for line in lines:
        size = len(line.strip())
        whole += size
        if line.lstrip().startswith(_FENCE):
            fenced = not fenced
            code += size
        elif fenced or _CODE_LINE.match(line[:200]):
            code += size
    return round(code / whole, 3) if whole else 0.0
