"""`inspect()`: one request through the steps, and the only file that knows their order.

    payload   bytes -> the texts in them
    intent    rules and static table, at once; the transformer begins
    pii       texts -> masked texts and the vault
    intent    the transformer's answer -> a scored intent (before pii, where rules over the intent say how to mask)
    ...       judges: facts and texts -> verdicts; some are asked as soon as the body is read, some once the model is chosen
    routing   all that is known -> the model
    budget    what the request may take is set aside, to be settled when its end is known
    rewrite   what the upstream gets

Masking and judging fail closed: whatever goes wrong in them refuses the request. Classification fails open: whatever goes
wrong in it gives the default model, and the reason is counted.
"""

from __future__ import annotations

import weakref
from time import monotonic
from typing import TYPE_CHECKING, ClassVar

from extproc import policy
from extproc.budget import Treasury
from extproc.budget.judges import Balance, Reserving, Steering
from extproc.catalogue import ModelList, UnknownModels
from extproc.config.policy_facts import BUDGETS, names_of
from extproc.decision import Forward, Inspection, Refuse
from extproc.errors import IntentmeshError
from extproc.feedback import Feedback
from extproc.guardrails import Guardrails
from extproc.logs import logger
from extproc.pii import Analyzer, Anonymizer, Redactor
from extproc.prompts import Library
from extproc.slices import Lease
from extproc.steps import (
    AnswerChain,
    Answering,
    Asking,
    Case,
    Fallbacks,
    Judging,
    Masking,
    Prompting,
    Reading,
    Rewriting,
    Routing,
    Translations,
    admit,
)
from extproc.threads import LARGE_BYTES, Threads

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from extproc.config import Mesh
    from extproc.config.intercept import Intercept
    from extproc.decision import Facts, Gate, Inquiry, Judge, Outcome, Respond
    from extproc.embedding.encoder import Encoder
    from extproc.embedding.encoders import Encoders
    from extproc.intent import Classifier
    from extproc.routing import Router
    from extproc.steps import Step

    MakesGate = Callable[[Mesh], Gate | None]
    MakesJudge = Callable[[Mesh], Judge | None]
    """Makes one of a mesh; None where the mesh wants none."""

log = logger()

REPLY_RESERVE_S = 0.05
"""Of the deadline, kept for what comes after the classifier."""


class Pipeline:
    """The steps, each built once for one `mesh.yaml`."""

    AT_HEADERS: ClassVar[tuple[MakesGate, ...]] = (policy.AtHeaders.of, ModelList.of)
    """Who has a say when the headers have come, in the order in which they are asked."""
    AT_BODY: ClassVar[tuple[MakesJudge, ...]] = (policy.AtBody.of, UnknownModels.of)
    """Likewise, when the body is read: the model that it asks for, its size."""
    CLASSIFIED: ClassVar[tuple[MakesJudge, ...]] = (policy.Classified.of,)
    """Likewise, when its intent is known and nothing has been masked: where there is one, masking waits for the classifier."""
    UNDERSTOOD: ClassVar[tuple[MakesJudge, ...]] = (policy.Understood.of, Feedback.of, Guardrails.of)
    """Likewise, when it has been searched for personal data and its intent is known."""
    ROUTED: ClassVar[tuple[MakesJudge, ...]] = (policy.Routed.of,)
    """Likewise, when its model has been chosen. The policy comes last: nobody reroutes past its rules.
    Who confines or reroutes here has it chosen again."""

    tells = False
    """Answers say in headers how their requests were decided."""

    def __init__(
        self,
        mesh: Mesh,
        anonymizer: Anonymizer | None,
        classifier: Classifier | None,
        router: Router,
        redactor: Redactor | None = None,
        treasury: Treasury | None = None,
    ) -> None:
        self.mesh = mesh
        self.tells = mesh.classifier.explain_headers
        self.treasury = treasury
        self.gates = tuple(gate for make in self.AT_HEADERS if (gate := make(mesh)))
        """Asked in this order when the headers have come."""
        read, classified, understood, routed = (
            _made(makers, mesh) for makers in (self.AT_BODY, self.CLASSIFIED, self.UNDERSTOOD, self.ROUTED)
        )
        judged = bool(read or classified or understood or routed)
        # the rules of the policy say beforehand what they want to know, other judges do not
        asks_all = any(judge.name != policy.NAME for judge in (*read, *classified, *understood, *routed))
        # what a trail keeps of a request, rules of tomorrow may be tried on
        audited = mesh.telemetry.enabled and mesh.telemetry.audit is not None
        asked = judged or audited or self.tells or any(route.when for route in mesh.routes)
        reserving: list[Judge] = []
        if treasury is not None:
            # what is left is for all to know, where it goes then for the policy to say, and last what it may take is set aside
            wanted = asks_all or any(name.startswith(BUDGETS) for name in names_of(mesh))
            read = [Balance(treasury), *read] if judged and wanted else read
            routed = [Steering(treasury), *routed] if treasury.steers else routed
            reserving = [Reserving(treasury)]
        edits = any(gate.edits_answers for gate in self.gates)
        edits = edits or any(judge.edits_answers for judge in (*read, *classified, *understood, *routed))
        self.threads = threads = Threads()
        """For what takes long, of requests and of answers."""
        masks = anonymizer is not None
        self._chain = chain = AnswerChain(
            redactor, masks=masks, restores=mesh.pii.restore, judges=edits, tells=self.tells
        )
        library = Library(mesh.prompts)
        self._translations = translations = Translations(mesh.models)
        self.steps: tuple[Step, ...] = (
            *([Prompting(library, mesh.limits, threads)] if library else []),
            Reading(
                mesh.limits,
                threads,
                masks=masks,
                listens=asked or classifier is not None,
                uses=any(route.uses for route in mesh.routes) or "request.uses" in names_of(mesh),
                languages=asks_all
                or (judged and audited)
                or self.tells
                or "request.language" in names_of(mesh)
                or any(route.when and route.when.language for route in mesh.routes),
                difficulty="request.difficulty" in names_of(mesh)
                or any(route.when and route.when.difficulty is not None for route in mesh.routes),
                counts=treasury is not None,
                tells=asked or treasury is not None,
            ),
            *(Judging(judge, chain) for judge in read),
            *([Asking(classifier)] if classifier else []),
            *([Answering(classifier)] if classifier and classified else []),
            *(Judging(judge, chain) for judge in classified),
            *(
                [Masking(anonymizer, threads, remembers=edits, tells=bool(understood or routed or audited))]
                if anonymizer
                else []
            ),
            *([Answering(classifier)] if classifier and not classified else []),
            *(Judging(judge, chain) for judge in understood),
            Routing(router, tells=bool(routed or reserving)),
            *(Judging(judge, chain) for judge in routed),
            *([Routing(router, tells=True)] if routed else []),
            *([Fallbacks(mesh.models, routed)] if any(model.fallback for model in mesh.models.values()) else []),
            *(Judging(judge, chain) for judge in reserving),
            Rewriting(chain, translations, library, threads, tells=self.tells),
        )
        """Taken in this order when the body has come."""
        self.analyzer = redactor.analyzer if redactor else None
        self._anonymizer = anonymizer
        self.classifier = classifier
        self._router = router
        self._deadline_s = mesh.limits.deadline_ms / 1000
        # what waits for the classifier before it masks leaves masking half of the time
        self._reserve_s = max(REPLY_RESERVE_S, self._deadline_s / 2) if classified else REPLY_RESERVE_S
        if classifier is not None:
            weakref.finalize(self, classifier.close)  # after the last stream that began with it

    @classmethod
    def build(
        cls, mesh: Mesh, previous: Pipeline | None = None, *, report: Callable[[str], None] = log.info
    ) -> Pipeline:
        """Build every part from the configuration; what an earlier pipeline has loaded is used again.

        `report` hears of steps that take long.
        """
        from extproc.routing import Router  # noqa: PLC0415

        analyzer = (previous.shared_analyzer(mesh) if previous else None) or Analyzer(mesh.pii)
        anonymizer = Anonymizer(mesh.pii, analyzer) if mesh.pii.enabled else None
        classifier = None
        if mesh.intents:
            from extproc.intent import Classifier  # noqa: PLC0415 - loads the embedding model

            classifier = Classifier(mesh, previous.shared_encoders(mesh) if previous else None, report)
        treasury = Treasury.of(mesh, previous.treasury if previous else None)
        return cls(mesh, anonymizer, classifier, Router(mesh), Redactor(mesh.pii, analyzer), treasury)

    def rehearse(self) -> None:
        """From here on only try what would become of requests: none of it is spent."""
        if self.treasury is not None:
            self.treasury.rehearse()

    def watch_batches(self, on_pass: Callable[[int, int], None]) -> None:
        """Tell of each pass of the transformer: how many texts it takes, how many wait still. Called where it runs."""
        if self.classifier is not None:
            self.classifier.watch_batches(on_pass)

    def shared_encoders(self, mesh: Mesh) -> Encoder | Encoders | None:
        """The embedding models, for another mesh that wants the same one."""
        ours, theirs = self.mesh.classifier, mesh.classifier
        same = (ours.encoder, ours.threads) == (theirs.encoder, theirs.threads)
        return self.classifier.encoders if same and self.classifier is not None else None

    def shared_analyzer(self, mesh: Mesh) -> Analyzer | None:
        """The recognizers, for another mesh that wants the same ones."""
        return self.analyzer if self.mesh.pii == mesh.pii else None

    def name_counts(self) -> dict[str, int]:
        """Texts that the name model saw, read, and left to cues beyond its budget, since `pii` was changed last."""
        return self._anonymizer.name_counts() if self._anonymizer else {}

    def may_edit_answer(self, rule: Intercept, target: str = "") -> bool:
        """Whether an answer to a request under this rule can need editing. Known before the body is."""
        return self._chain.may_edit(rule) or self._translations.possible(rule, target)

    def admit(self, inquiry: Inquiry) -> Facts | Refuse | Respond:
        """Ask the gates about a request whose headers have come: what is known of it then, or what becomes of it at once."""
        return admit(self.gates, inquiry)

    def forward_unread(self, facts: Facts, reason: str) -> Forward:
        """What becomes of an intercepted request in which there is nothing to read."""
        decision = self._router.decide(facts)
        return Forward(decision.model, decision.residency, reason, inspection=Inspection(facts))

    def open(self, inquiry: Inquiry, waited_s: float = 0.0) -> Case:
        """A case to be decided. `waited_s` of its deadline are gone already."""
        deadline = monotonic() + self._deadline_s
        # nobody knows how large a compressed body is before it is taken apart
        size = LARGE_BYTES if inquiry.headers.get("content-encoding") else len(inquiry.body)
        return Case(inquiry, inquiry.facts(), Lease(deadline), size, deadline - waited_s - self._reserve_s)

    async def inspect(self, inquiry: Inquiry, waited_s: float = 0.0) -> Outcome:
        """What becomes of a request. `waited_s` of its deadline were gone before it was read."""
        return await self.decide(self.open(inquiry, waited_s))

    async def decide(self, case: Case) -> Outcome:
        """Take the steps."""
        times = case.steps
        try:
            for step in self.steps:
                with times.timed(step.name):
                    await step(case)
                if case.outcome is not None:
                    return case.outcome
        except IntentmeshError as error:
            return Refuse(error, case.inspection())
        except BaseException:
            case.give_up()
            raise
        finally:
            case.close()
        raise AssertionError("the last step ends the inspection")


def _made(makers: Sequence[MakesJudge], mesh: Mesh) -> list[Judge]:
    return [judge for make in makers if (judge := make(mesh))]
