"""The intent of a request, in two steps, so that the transformer reads while the texts are masked.

Fails open: whatever goes wrong here costs no request more than its way to the best model.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from extproc.intent import Classifier
    from extproc.steps.case import Case


class Asking:
    """Puts the question. Most are answered at once; for the rest the transformer begins."""

    name: Final = "intent"

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier

    async def __call__(self, case: Case) -> None:
        """Raises nothing: what goes wrong is the reason for the default model."""
        if case.document is None:
            return
        if monotonic() > case.classify_by:
            case.reason = "late"
            return
        try:
            conversation = case.conversation
            case.asked = self._classifier.ask(
                conversation.text, case.inquiry.headers, case.classify_by, case.facts.caller, conversation.before
            )
        except Exception as error:  # noqa: BLE001 - routing is an optimisation: it never costs a request
            case.reason = f"classifier:{type(error).__name__}"


class Answering:
    """Waits for the answer, until the deadline at most."""

    name: Final = "intent"

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier

    async def __call__(self, case: Case) -> None:
        """Raises nothing: see Asking."""
        asked, case.asked = case.asked, None
        if asked is None:
            return
        try:
            score = case.score = await self._classifier.answer(asked)
        except Exception as error:  # noqa: BLE001 - as above
            case.reason = f"classifier:{type(error).__name__}"
            return
        if score.intent is None and score.reason in ("deadline", "busy"):
            case.reason = "late"
            return  # that no intent is known is another thing than that there is none: rules may ask for it
        intents = score.intents or ((score.intent,) if score.intent is not None else ())
        case.facts = case.facts.with_(intent=score.intent, score=score.score, intents=intents)
