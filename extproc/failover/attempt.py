"""One attempt at a request: what an internal listener of Envoy's asks about the model that it stands before.

A model with `fallback` is a cluster whose priorities are internal listeners, one a model; Envoy goes from one to the next. Each
asks for its own model: may this request go there, as the decision says that the first pass has written into its headers, and how
does the model's API say it. An attempt has no vault and searches nothing: it sees masked texts only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from extproc import payload
from extproc.config.models import ZONES, within
from extproc.config.wire_names import FALLBACK_HEADER, MODEL_HEADER, RESIDENCY_HEADER
from extproc.decision import Facts, Forward, Refuse
from extproc.errors import AttemptError, IntentmeshError, UntranslatableError
from extproc.payload.coding import codings, decode
from extproc.pipeline import Pipeline
from extproc.slices import Lease
from extproc.steps import Translations
from extproc.steps.hosting import on_platform
from extproc.steps.translating import CALLER_HEADERS, AnswerLink
from extproc.threads import LARGE_BYTES, Threads

if TYPE_CHECKING:
    from extproc.config import Mesh
    from extproc.config.intercept import Intercept
    from extproc.config.models import Zone
    from extproc.decision import Inquiry, Outcome, Respond


class Attempt(Pipeline):
    """The pipeline of one model's listener."""

    def __init__(self, mesh: Mesh, name: str) -> None:
        """Takes none of the parts that a request's first pass needs."""
        self.mesh = mesh
        self.name = name
        self.gates = ()
        self.steps = ()
        self.threads = Threads()
        self.classifier = None
        self._model = mesh.models[name]
        self._attempts = Translations(mesh.models, attempts=True)
        self._deadline_s = mesh.limits.deadline_ms / 1000

    def may_edit_answer(self, rule: Intercept, target: str = "") -> bool:
        """Whether an answer may have to be translated."""
        return self._attempts.possible(rule, target)

    def admit(self, inquiry: Inquiry) -> Facts | Refuse | Respond:
        """Nobody is asked again."""
        return inquiry.facts()

    def forward_unread(self, facts: Facts, reason: str) -> Forward:
        """What has no body goes on as it is, where it may."""
        return Forward(self.name, self._allowed(facts.headers), reason)

    async def inspect(self, inquiry: Inquiry, waited_s: float = 0.0) -> Outcome:
        """What becomes of the attempt. What ends it is a 503, after which Envoy tries the next."""
        del waited_s
        size = LARGE_BYTES if inquiry.headers.get("content-encoding") else len(inquiry.body)
        try:
            return await self.threads.run(Lease(), size, self._served, inquiry)
        except IntentmeshError as error:
            return Refuse(error)

    def _served(self, inquiry: Inquiry) -> Forward:
        """As the cloud wants it that serves the model, if one does."""
        try:
            return on_platform(self._model, inquiry, self._attempt(inquiry))
        except UntranslatableError as error:
            if self.name == inquiry.headers.get(MODEL_HEADER):
                raise
            raise AttemptError(self.name, "it cannot carry the request") from error

    def _attempt(self, inquiry: Inquiry) -> Forward:
        residency = self._allowed(inquiry.headers)
        model, rule = self._model, inquiry.rule
        pair = self._attempts.pair(rule, inquiry.path, self.name)
        if pair is not None:
            names = codings(inquiry.headers.get("content-encoding", ""))
            body = decode(inquiry.body, names, self.mesh.limits.max_body_bytes) if names else inquiry.body
            new = pair.request(body, model.upstream_name)
            removed = ("content-encoding", *(name for name in CALLER_HEADERS if name not in new.headers))
            changed: dict[str, Any] = {"set_headers": new.headers, "remove_headers": removed}
            return Forward(
                self.name, residency, "attempt", new.body, new.target, answer=(AnswerLink(new.answer),), **changed
            )
        return Forward(self.name, residency, "attempt", self._renamed(inquiry))

    def _renamed(self, inquiry: Inquiry) -> bytes | None:
        """The body with the upstream's own name of the model; None: as it is."""
        name = self._model.upstream_name
        if name is None or not inquiry.body:
            return None
        headers = inquiry.headers
        kind, coding = headers.get("content-type", ""), headers.get("content-encoding", "")
        document = payload.parse(inquiry.rule, inquiry.path, kind, coding, inquiry.body)
        body = document.replace([None] * len(document.segments), model=name)
        return None if body == inquiry.body else body

    def _allowed(self, headers: Any) -> Zone:
        """How far the request may travel. Raises AttemptError where the decision does not let it go to this model at all."""
        first, others = headers.get(MODEL_HEADER, ""), headers.get(FALLBACK_HEADER, "").split(",")
        residency = cast("Zone", headers.get(RESIDENCY_HEADER) or ZONES[-1])
        if self.name != first and self.name not in others:
            raise AttemptError(self.name, "the decision does not allow it")
        if residency not in ZONES or not within(self._model.zones()[0], residency):
            raise AttemptError(self.name, "it lies beyond the residency")
        return residency


def attempts(mesh: Mesh) -> dict[str, Attempt]:
    """Those of a mesh: one for each model that a fallback may reach, or begins with."""
    names = {name for first, model in mesh.models.items() if model.fallback for name in (first, *model.fallback)}
    return {name: Attempt(mesh, name) for name in sorted(names)}
