"""gpt-oss: messages in channels, each `<|channel|>NAME …<|message|>TEXT`. `analysis` is thought, `final` is the answer,
and what goes `to=functions.NAME` is a call.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from inference.tools.json_call import streamed

if TYPE_CHECKING:
    from inference.tools.reader import Reader, Schemas, Steps

START, CHANNEL, MESSAGE, CONSTRAIN = "<|start|>", "<|channel|>", "<|message|>", "<|constrain|>"
_ENDS = ("<|end|>", "<|call|>", "<|return|>")
MARKS = (START, CHANNEL, MESSAGE, CONSTRAIN, *_ENDS)
_RECIPIENT = re.compile(r"to=(?:functions\.)?([^\s<]+)")
_NAME = re.compile(r"<\|channel\|>\s*(\w+)")


def read_harmony(reader: Reader, _: Schemas) -> Steps[None]:
    """Messages, one after the other; what has no channel is the answer."""
    while (yield from reader.more()):
        reader.begin()
        yield from reader.skip_space()
        header = [(yield from reader.literal(START, CHANNEL, "to=", "assistant"))]
        if not header[0]:
            reader.give_back()
            yield from reader.until((*_ENDS, START, CHANNEL), reader.content, over=False)
            yield from reader.literal(*_ENDS)
            continue
        if not (yield from reader.until((MESSAGE,), header.append)):
            reader.give_back()
            return
        reader.settle()
        yield from _message(reader, "".join(header))


def _message(reader: Reader, header: str) -> Steps[None]:
    recipient = _RECIPIENT.search(header)
    channel = _NAME.search(header)
    if recipient is not None and recipient[1] != "assistant":
        reader.call(recipient[1])
        if not (yield from streamed(reader)):
            reader.arguments("")
        yield from reader.until((*_ENDS, START, CHANNEL), _ignore, over=False)
    else:
        emit = reader.reasoning if channel is not None and channel[1] == "analysis" else reader.content
        yield from reader.until((*_ENDS, START, CHANNEL), emit, over=False)
    yield from reader.literal(*_ENDS)


def _ignore(_: str) -> None:
    pass
