"""A named prompt, put into the request before anything of it is read: what is filled in is masked with all the rest."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from extproc.config.wire_names import PROMPT_HEADER
from extproc.decision import Verdict
from extproc.errors import PromptError
from extproc.identity import distinct
from extproc.payload.coding import codings, decode, encode
from extproc.payload.translate import spoken
from extproc.prompts import prompted
from extproc.prompts.request import may_name

if TYPE_CHECKING:
    from extproc.config.intercept import Limits
    from extproc.decision import Inquiry
    from extproc.prompts import Chosen, Library
    from extproc.steps.case import Case
    from extproc.threads import Threads


class Prompting:
    """Fills in the prompts of one mesh."""

    name: Final = "prompt"

    def __init__(self, library: Library, limits: Limits, threads: Threads) -> None:
        self._library = library
        self._most_bytes = limits.max_body_bytes
        self._threads = threads

    async def __call__(self, case: Case) -> None:
        """Raises PromptError, and UnreadableBodyError and BodyTooLargeError for what cannot be read."""
        inquiry = case.inquiry
        header = inquiry.headers.get(PROMPT_HEADER, "")
        if not header and not inquiry.headers.get("content-encoding") and not may_name(inquiry.body, ""):
            return
        made = await self._threads.run(case.lease, case.size, self._prompted, inquiry, header)
        if made is None:
            return
        body, chosen = made
        case.inquiry, case.prompted = replace(inquiry, body=body), True
        verdict = Verdict(self.name, "allow", str(chosen))
        case.facts = case.facts._replace(verdicts=(*case.facts.verdicts, verdict))

    def _prompted(self, inquiry: Inquiry, header: str) -> tuple[bytes, Chosen] | None:
        api = spoken(inquiry.rule, inquiry.path)
        if api is None:
            if header:
                raise PromptError(f"{PROMPT_HEADER} is for chat completions, responses and messages")
            return None
        names = codings(inquiry.headers.get("content-encoding", ""))
        body = decode(inquiry.body, names, self._most_bytes) if names else inquiry.body
        if not may_name(body, header):
            return None
        made = prompted(body, header, api.dialect, self._library, lambda: distinct(inquiry.caller, inquiry.headers))
        if made is None:
            return None
        return (encode(made[0], names) if names else made[0]), made[1]
