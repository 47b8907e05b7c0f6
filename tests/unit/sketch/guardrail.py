"""The package of a sketch of a guardrail: texts that hold a phrase are blocked, or only flagged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

from extproc.decision import NOTHING, Ruling, Verdict

if TYPE_CHECKING:
    from extproc.decision import Content, Facts
    from tests.unit.sketch.section import PhraseSettings, SketchMesh


class Phrases:
    """Looks for the phrases of a configuration in the texts of a request."""

    name: Final = "phrases"
    edits_answers: Final = False

    def __init__(self, settings: PhraseSettings) -> None:
        self._settings = settings

    @classmethod
    def of(cls, mesh: SketchMesh) -> Self | None:
        """The guardrail of a mesh that has phrases."""
        return cls(mesh.phrases) if mesh.phrases.denied else None

    async def judge(self, _facts: Facts, content: Content) -> Ruling:
        """See decision.Judge."""
        settings = self._settings
        texts = [segment.text.lower() for segment in content.segments]
        found = [name for name, phrase in settings.denied.items() if any(phrase in text for text in texts)]
        if not found:
            return NOTHING
        return Ruling(
            tuple(Verdict(self.name, "block", name, score=1.0, enforced=not settings.monitor) for name in found)
        )
