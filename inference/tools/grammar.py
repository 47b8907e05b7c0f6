"""What an answer must be where a call is asked for, or may stand beside an answer of a certain form."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from inference.constraint.grammar import Grammar
from inference.errors import InvalidRequestError
from inference.tools import harmony
from inference.tools.lark import ANY, Rules, literal, pattern
from inference.tools.parser import THINKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from inference.tools.families import Family
    from inference.tools.offer import Offer

_NO_OBJECT = "/([^{](.|\\n)*)?/"
_THOUGHT_OF_FOUR = 3
"""Quarters of an answer's tokens that thought may take, where something must come after it."""
_SPACE = "/[ \\n]{0,4}/"


def answer_grammar(
    family: Family, rules: Rules, offer: Offer, thinking: str | None, answer: Grammar | None, limit: int
) -> Grammar | None:
    """The grammar of an answer, or None if it may be anything.

    `thinking`: the tag that the prompt ends with; `answer`: what the text must be where there is no call; `limit`: how
    many tokens the answer may have, of which thought leaves some to what is asked for. Calls are held where one is
    required, where a function is strict, and where the answer is held and a call may take its place. A model that would
    think first, and whose prompt does not begin it, comes to the matter at once there.
    """
    required = offer.choice == "required"
    calls = family.form(rules, offer) if offer.tools and (required or offer.strict or answer is not None) else None
    thought = ""
    if thinking is not None and not family.always:
        most = max(1, limit * _THOUGHT_OF_FOUR // 4)
        thought = f"{rules.until(THINKING[thinking], most)} {rules.rule('space', _SPACE)} "
    if calls is None:
        plain = not thought and not family.always
        return answer if answer is None or plain else _grammar(rules, f"{thought}{_spoken(family, rules)}", answer)
    rules.rule("calls", calls)
    if required:
        return _grammar(rules, f"{thought}calls", None)
    if answer is not None:
        return _grammar(rules, f"{thought}(calls | {_spoken(family, rules)})", answer)
    return _grammar(rules, f"{thought or _may_think(family, rules)}{_free(family, rules)}", None)


def _spoken(family: Family, rules: Rules, text: str = "@answer") -> str:
    """The text of an answer, in the channel that it belongs to."""
    return f'{rules.mark(harmony.CHANNEL)} "final" {rules.mark(harmony.MESSAGE)} {text}' if family.always else text


def _may_think(family: Family, rules: Rules) -> str:
    """Where an answer is free the model may think first. Tags that are text are a part of the free text."""
    if family.always:
        start = f'{rules.mark(harmony.CHANNEL)} "analysis" {rules.mark(harmony.MESSAGE)}'
        return f'({start} {rules.until("<|end|>")} {rules.mark(harmony.START)} "assistant")? '
    for tag, end in THINKING.items():
        if rules.is_token(tag) and rules.is_token(end):
            return f"({rules.mark(tag)} {rules.until(end)})? "
    return ""


def _free(family: Family, rules: Rules) -> str:
    """Any text, then calls, if one begins: in the text none does."""
    marker = family.marks[0]
    if family.always:
        return f"(calls | {_spoken(family, rules, rules.rule('any', ANY))})"
    if family.bare:
        return f"(calls | {rules.rule('FREE', _NO_OBJECT)})"
    if rules.is_token(marker):
        if family.before:
            raise InvalidRequestError(
                "this model's arguments can be held to strict only where a call is required", param="tools"
            )
        return f"{rules.rule('any', ANY)} calls?"
    free = rules.rule("FREE", f"{ANY} & ~/(.|\\n)*{pattern(family.before + marker)}(.|\\n)*/")
    begun = rules.until(family.before + marker)
    opening = f"{literal(family.before)} " if family.before else ""
    return f"({free} | {begun} {rules.headless('calls', opening + rules.mark(marker))})"


def _grammar(rules: Rules, start: str, answer: Grammar | None) -> Grammar:
    grammars: list[Mapping[str, Any]] = [{"lark_grammar": rules.text(start)}]
    if answer is not None:
        grammars.append({"name": "answer", **json.loads(answer.text)["grammars"][0]})
    return Grammar(json.dumps({"grammars": grammars}), "tools" if answer is None else answer.param)
