"""Finding the texts in a body and writing them back, nothing else touched.

Requests: `parse(rule, path, content_type, content_encoding, body)` gives a `Document`: its `segments` go to the
anonymizer, its `conversation` to the classifier, and `document.replace(anonymized.edits, model=...)` is the body to send
(`anonymized.texts`, whole texts, will do as well). `parse_query(target)` does the same for the URL's query.

Answers: `response_editor(rule, content_type, content_encoding, editors)` rewrites texts as they pass, chunk by chunk;
`editors` is `Vault.restorer` or an `AnswerEditors` of extproc.pii.
"""

from extproc.payload.answer import STALE_HEADERS, Untouched, response_editor
from extproc.payload.asked_tokens import AskedTokens, asked_tokens
from extproc.payload.conversation import NOTHING_SAID, Conversation
from extproc.payload.document import (
    Change,
    Document,
    EditorFactory,
    ResponseEditor,
    Segment,
    coverage,
)
from extproc.payload.parser import parse, parse_query
from extproc.payload.recoded import plain
from extproc.payload.stateful import is_stateful
from extproc.payload.tools import offered_tools
from extproc.payload.uses import used

__all__ = [
    "NOTHING_SAID",
    "STALE_HEADERS",
    "AskedTokens",
    "Change",
    "Conversation",
    "Document",
    "EditorFactory",
    "ResponseEditor",
    "Segment",
    "Untouched",
    "asked_tokens",
    "coverage",
    "is_stateful",
    "offered_tools",
    "parse",
    "parse_query",
    "plain",
    "response_editor",
    "used",
]
