"""What an answer says of how its request was decided, as headers: names of the configuration's and numbers, never text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from extproc.config.wire_names import HEADER_PREFIX

if TYPE_CHECKING:
    from extproc.steps.case import Case

_PLAIN: Final = "!#$&'()*+./:;<=>?@[]^_`{|}~ -"
"""What stands in a header as it is, beside letters and digits."""


def told(case: Case) -> dict[str, str]:
    """The headers of one answer. What is not known is left out; no `intent` means that none was likely enough."""
    score = case.score
    facts = case.facts
    values: dict[str, str] = {}
    if score is not None:
        values |= {
            "intent": score.intent or "",
            "intents": ",".join(name.replace(",", "%2C") for name in score.intents),
            "best": score.best or "",
            "runner-up": score.runner_up or "",
            "score": f"{score.score:.3f}",
            "threshold": f"{score.threshold:.3f}" if score.threshold else "",
            "stage": score.stage,
            "reason": score.reason,
        }
    elif case.reason:
        values["reason"] = case.reason
    values["language"] = facts.language
    values["prompt"] = ",".join(verdict.reason for verdict in facts.verdicts if verdict.step == "prompt")
    return {f"{HEADER_PREFIX}{name}": quote(value, safe=_PLAIN + "%,") for name, value in values.items() if value}
