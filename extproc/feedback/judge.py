"""Answers `POST /v1/feedback`: keeps what a caller says of a text or of a prompt's answer, masked, for `intentmesh tune`."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Self

from extproc.config.paths import readings
from extproc.decision import NOTHING, Respond, Ruling
from extproc.errors import FeedbackError
from extproc.feedback.entries import said
from extproc.feedback.store import append

if TYPE_CHECKING:
    from extproc.config import Mesh
    from extproc.config.feedback import Feedback as Settings
    from extproc.decision import Content, Facts


class Feedback:
    """Asked when the text has been masked and its intent is known. Whoever the policy denies was denied before."""

    name: Final = "feedback"
    edits_answers: Final = False

    def __init__(self, mesh: Mesh, settings: Settings) -> None:
        self._settings = settings
        (self._rule,) = settings.rules()
        self._intents = tuple(mesh.intents)
        self._prompts = {name: tuple(versions) for name, versions in mesh.prompts.named.items()}

    @classmethod
    def of(cls, mesh: Mesh) -> Self | None:
        """That of a mesh that wants feedback."""
        return None if mesh.feedback is None else cls(mesh, mesh.feedback)

    async def judge(self, facts: Facts, content: Content) -> Ruling:
        """See decision.Judge. Raises FeedbackError and its like."""
        if facts.method != "POST" or not any(map(self._rule.holds_for, readings(facts.path))):
            return NOTHING
        entry = said(content.body, self._intents, self._prompts)
        if entry.text is not None:
            entry = replace(entry, text=_masked(entry.text, content), decided=facts.intent)
        entry = replace(entry, time=datetime.now(UTC).date().isoformat())
        await asyncio.to_thread(append, self._settings.file, entry.line(), self._settings.max_bytes)
        answer = json.dumps({"object": "feedback", "kept": True}).encode()
        return Ruling(response=Respond(200, {"content-type": "application/json"}, answer, "intentmesh_feedback"))


def _masked(text: str, content: Content) -> str:
    """As the upstream would get it. A text that was not searched is an error: it is kept nowhere."""
    for segment, masked in zip(content.segments, content.masked, strict=True):
        if segment.text == text:
            return masked
    raise FeedbackError("`text` cannot be searched for personal data", "text")
