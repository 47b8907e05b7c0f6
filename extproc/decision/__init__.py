"""The contract between the steps of a decision: facts, verdicts, outcomes.

    Facts       what is known so far; each step adds to it
    Ruling      what a gate or a judge says: verdicts, duties of later steps, editors of the answer, an answer of its own
    Unenforced  what a request should have had, and went on without
    Outcome     Forward, Respond or Refuse: what becomes of the request

A policy, a guardrail, a budget, a cache are packages of their own that know this one, and stand in the list of `pipeline.py`.
"""

from extproc.decision.facts import Facts
from extproc.decision.inquiry import Inquiry
from extproc.decision.ledger import unenforced
from extproc.decision.outcome import (
    NOT_INSPECTED,
    AnswerEdit,
    Forward,
    HeadersEdit,
    Inspection,
    NeedsBody,
    Outcome,
    Refuse,
    Respond,
    Unframes,
    verdicts_of,
)
from extproc.decision.reservation import Reservation
from extproc.decision.ruling import NOTHING, Content, Gate, Judge, Ruling
from extproc.decision.verdict import Action, Duty, Unenforced, Verdict

__all__ = [
    "NOTHING",
    "NOT_INSPECTED",
    "Action",
    "AnswerEdit",
    "Content",
    "Duty",
    "Facts",
    "Forward",
    "Gate",
    "HeadersEdit",
    "Inquiry",
    "Inspection",
    "Judge",
    "NeedsBody",
    "Outcome",
    "Refuse",
    "Reservation",
    "Respond",
    "Ruling",
    "Unenforced",
    "Unframes",
    "Verdict",
    "unenforced",
    "verdicts_of",
]
