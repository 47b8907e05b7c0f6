"""What an answer passes through on its way to the client: every editor of it is told of here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from extproc import payload
from extproc.decision import verdicts_of
from extproc.pii import AnswerEditors, Vault
from extproc.steps.telling import told

if TYPE_CHECKING:
    from extproc.config.intercept import Intercept
    from extproc.decision import AnswerEdit, Respond
    from extproc.payload import EditorFactory, ResponseEditor
    from extproc.pii import Redactor
    from extproc.steps.case import Case


@dataclass(frozen=True, slots=True)
class _TextEdit:
    """Originals put in again, what the model utters of its own masked. Both look at the same text, the one that the model
    wrote, and so are one link.
    """

    name: str
    rule: Intercept
    editors: EditorFactory
    path: str
    """Of the request: what the answer is laid out as."""
    masked: bool = True

    def editor(self, content_type: str, content_encoding: str) -> ResponseEditor:
        """See AnswerEdit."""
        return payload.response_editor(self.rule, content_type, content_encoding, self.editors, self.path)


class AnswerChain:
    """Says of each rule whether an answer may have to be edited, and of each request what its answer passes through."""

    def __init__(
        self, redactor: Redactor | None, *, masks: bool, restores: bool, judges: bool, tells: bool = False
    ) -> None:
        """`masks`: requests are masked. `restores`: so answers are restored, where a rule does not say otherwise.
        `judges`: there are judges that may want an answer edited or redacted. `tells`: answers say how they came about.
        """
        self._redactor = redactor
        self._masks = masks
        self._default = restores
        self._judges = judges
        self._tells = tells

    def may_edit(self, rule: Intercept) -> bool:
        """Whether an answer to a request under this rule can need editing. Known before the body is."""
        return self._judges or rule.redact_output or (self._masks and self._restores(rule))

    def links(self, case: Case, *first: AnswerEdit) -> tuple[AnswerEdit, ...]:
        """What this request's answer passes through, in this order; none: nothing is to change in it.

        `first`: what makes the answer one of the caller's API, as all others read it.
        """
        texts = self._texts(case)
        if not case.answer:
            return (*first, *texts)
        before = tuple(link for link in case.answer if link.masked)
        return (*first, *before, *texts, *(link for link in case.answer if not link.masked))

    def respond(self, case: Case, response: Respond) -> Respond:
        """An answer without an upstream, after the same links."""
        headers = {name.lower(): value for name, value in response.headers.items()}
        kind, coding = headers.get("content-type", ""), headers.get("content-encoding", "")
        body, links = response.body, self.links(case)
        for link in links:
            body = link.editor(kind, coding).feed(body, end=True)
        case.facts = case.facts._replace(verdicts=case.facts.verdicts + verdicts_of(links))
        if self._tells:
            response = replace(response, headers={**response.headers, **told(case)})
        return replace(response, body=body, inspection=case.inspection())

    def _texts(self, case: Case) -> tuple[AnswerEdit, ...]:
        rule = case.inquiry.rule
        vault = case.anonymized.vault if case.anonymized else None
        restores = vault is not None and len(vault) > 0 and self._restores(rule)
        verdicts = case.facts.verdicts
        redacts = rule.redact_output or (verdicts and any(v.action == "redact" and v.enforced for v in verdicts))
        if not restores and not redacts:
            return ()
        redactor = self._redactor if redacts else None
        name = "restore, redact" if restores and redacts else "restore" if restores else "redact"
        editors = AnswerEditors(vault or Vault(), redactor, restore=restores)
        return (_TextEdit(name, rule, editors, case.inquiry.path),)

    def _restores(self, rule: Intercept) -> bool:
        return self._default if rule.restore is None else rule.restore
