"""Between the APIs of providers: a request, its answer and its stream, brought from the caller's API to the upstream's and back.

    translated = request("openai", "anthropic", body, model="claude", drop=False)   # what the upstream gets
    editor = translated.answer.editor(status=200, media="text/event-stream")        # a ResponseEditor for what it answers

No I/O. What an API cannot carry is refused by its name, or dropped where that is wanted; `conversation.py` is the middle.
"""

from extproc.payload.translate.dialects import CALLER_DIALECTS, Dialect, Spoken, only_openai, spoken
from extproc.payload.translate.pairs import AnswerTranslation, Translated, request

__all__ = [
    "CALLER_DIALECTS",
    "AnswerTranslation",
    "Dialect",
    "Spoken",
    "Translated",
    "only_openai",
    "request",
    "spoken",
]
