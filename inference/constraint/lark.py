"""A GBNF grammar in llguidance's Lark: a name for every part, so that nothing is nested and nothing is written twice."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from inference.constraint.gbnf import NOTHING, Chars, Choice, Node, Repeat, Rule, Sequence, Token
from inference.constraint.lexemes import plan_of
from inference.constraint.recursion import without_loops

if TYPE_CHECKING:
    from collections.abc import Mapping

    from inference.constraint.lexemes import Plan, Symbol

_SURROGATES = (0xD800, 0xDFFF)


def lark_of(rules: Mapping[str, Node]) -> str:
    """Write a grammar anew."""
    rules = without_loops(rules)
    return _Writer(rules, plan_of(rules)).write()


class _Writer:
    def __init__(self, rules: Mapping[str, Node], plan: Plan) -> None:
        self._rules = rules
        self._plan = plan
        self._lines: list[str] = []
        self._terminals: dict[Node, str] = {}
        self._of_rule: dict[str, str] = {}
        self._of_lexeme: dict[str, str] = {}

    def write(self) -> str:
        for number, alternatives in enumerate(self._plan.productions):
            name = "start" if number == 0 else f"r{number}"
            if number in self._plan.repeats:
                part, least, most = self._plan.repeats[number]
                self._lines.append(f"{name}: {_repeated(self._symbol(part), least, most)}")
                continue
            texts = [" ".join(map(self._symbol, alternative)) or '""' for alternative in alternatives]
            self._lines.append(f"{name}: {' | '.join(texts)}")
        return "\n".join(self._lines) + "\n"

    def _symbol(self, symbol: Symbol) -> str:
        if isinstance(symbol, Token):
            return f"<[{'^' if symbol.negated else ''}{symbol.number}]>"
        if isinstance(symbol, int):
            return f"r{symbol}"
        node = self._plan.lexemes[symbol]
        if node == NOTHING:
            return '""'
        if symbol not in self._of_lexeme:
            self._of_lexeme[symbol] = self._terminal(node)
        return self._of_lexeme[symbol]

    def _terminal(self, node: Node) -> str:
        """The name of a terminal that is this part."""
        if isinstance(node, Rule):
            if node.name not in self._of_rule:
                self._of_rule[node.name] = self._terminal(self._rules[node.name])
            return self._of_rule[node.name]
        return self._define(self._expression(node))

    def _define(self, expression: str) -> str:
        name = f"T{len(self._lines)}"
        self._lines.append(f"{name}: {expression}")
        return name

    def _expression(self, node: Node) -> str:
        if isinstance(node, Chars):
            return f"/{_class(node)}/"
        if isinstance(node, Repeat):
            return _repeated(self._terminal(node.part), node.least, node.most)
        if isinstance(node, Choice):
            return " | ".join(self._terminal(part) for part in node.parts)
        assert isinstance(node, Sequence)
        texts = []
        for plain, run in itertools.groupby(node.parts, key=lambda part: isinstance(part, Chars)):
            if plain:
                texts.append(f"/{''.join(_class(part) for part in run if isinstance(part, Chars))}/")
            else:
                texts += [self._terminal(part) for part in run]
        return " ".join(texts) or '""'


def _repeated(name: str, least: int, most: int | None) -> str:
    if most == 0:
        return '""'
    if most is None:
        return f"{name}{{{least},}}" if least > 1 else name + "*+"[least]
    return f"{name}{{{least},{most}}}"


def _class(chars: Chars) -> str:
    if len(chars.ranges) == 1 and chars.ranges[0][0] == chars.ranges[0][1]:
        return _literal(chars.ranges[0][0])
    ranges = []
    for first, last in chars.ranges:
        before, behind = min(last, _SURROGATES[0] - 1), max(first, _SURROGATES[1] + 1)
        ranges += [pair for pair in ((first, before), (behind, last)) if pair[0] <= pair[1]]
    return f"[{''.join(_literal(first) + ('' if first == last else '-' + _literal(last)) for first, last in ranges)}]"


def _literal(code: int) -> str:
    character = chr(code)
    return character if character.isascii() and character.isalnum() else f"\\x{{{code:x}}}"
