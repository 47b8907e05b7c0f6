"""A grammar of callers as one that llguidance parses: what is regular becomes lexemes, the rest rules over them.

llguidance's lexer takes the longest text that any lexeme allows. That is what the grammar says only where no lexeme can
swallow what should follow a shorter one; where one could, it is cut into smaller lexemes, down to single characters,
which nothing can swallow.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from inference.constraint.automaton import Alphabet, Automaton, Comparison, TooLargeError, automaton_of
from inference.constraint.gbnf import NOTHING, Chars, Choice, Node, Repeat, Rule, Sequence, Token

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MOST_LEXEMES = 300
_MOST_ROUNDS = 30


@dataclass(slots=True)
class Plan:
    """What becomes of a grammar: symbols are numbers of `productions`, lexemes (as nodes) or tokens."""

    productions: list[list[list[Symbol]]] = field(default_factory=list)
    """For each symbol of ours its alternatives; the first is the start."""
    repeats: dict[int, tuple[Symbol, int, int | None]] = field(default_factory=dict)
    """Symbols that repeat another one."""
    lexemes: dict[str, Node] = field(default_factory=dict)
    """Lexemes by a text that is the same for the same ones."""


Symbol = int | str | Token


def plan_of(rules: Mapping[str, Node]) -> Plan:
    """Decide which parts are lexemes."""
    shapes = _Shapes(rules)
    split: set[str] = set()
    try:
        alphabet = Alphabet(each for rule in rules.values() for each in walk(rule))
        comparison = Comparison()
        for _ in range(_MOST_ROUNDS):
            plan = _Planner(rules, shapes, split).plan()
            comparison.spend(len(plan.productions))
            found = _conflicts(plan, rules, alphabet, comparison) if len(plan.productions) > 1 else set()
            if not found:
                return plan
            split |= found
    except TooLargeError:
        pass
    return _Planner(rules, shapes, None).plan()


def walk(node: Node) -> Iterator[Node]:
    """A node and all below it, but not what its rules say."""
    left = [node]
    while left:
        part = left.pop()
        yield part
        if isinstance(part, Sequence | Choice):
            left += part.parts
        elif isinstance(part, Repeat):
            left.append(part.part)


class _Shapes:
    """What is known of each part, once: whether it is regular, and a text that is the same for the same parts."""

    def __init__(self, rules: Mapping[str, Node]) -> None:
        self._irregular_rules = _irregular(rules)
        self._known: dict[int, tuple[str, bool, Node]] = {}
        self._numbers: dict[object, str] = {}
        self._joined: dict[tuple[type, tuple[str, ...]], Node] = {}

    def key(self, node: Node) -> str:
        return self._of(node)[0]

    def is_irregular(self, node: Node) -> bool:
        return self._of(node)[1]

    def join(self, parts: tuple[Node, ...], kind: type[Sequence | Choice]) -> Node:
        """One node of several, the same one each time."""
        keys = (kind, tuple(self.key(part) for part in parts))
        return self._joined.setdefault(keys, kind(parts))

    def _of(self, node: Node) -> tuple[str, bool, Node]:
        if (known := self._known.get(id(node))) is not None:
            return known
        shape: tuple[object, ...] = (type(node),)
        irregular = isinstance(node, Token) or (isinstance(node, Rule) and node.name in self._irregular_rules)
        if isinstance(node, Chars):
            shape += node.ranges
        elif isinstance(node, Rule):
            shape += (node.name,)
        elif isinstance(node, Token):
            shape += (node.number, node.negated)
        else:
            parts = (node.part,) if isinstance(node, Repeat) else node.parts
            shape += tuple(self.key(part) for part in parts)
            shape += (node.least, node.most) if isinstance(node, Repeat) else ()
            irregular = any(self.is_irregular(part) for part in parts)
        key = self._numbers.setdefault(shape, f"L{len(self._numbers)}")
        self._known[id(node)] = (key, irregular, node)  # the node too, or another could come to have its id
        return self._known[id(node)]


class _Planner:
    """Takes the largest regular parts as lexemes, except those that are to be split (None: all)."""

    def __init__(self, rules: Mapping[str, Node], shapes: _Shapes, split: set[str] | None) -> None:
        self._rules = rules
        self._shapes = shapes
        self._split = split
        self._plan = Plan()
        self._of_rule: dict[str, int] = {}

    def plan(self) -> Plan:
        self._plan.productions.append([])
        self._plan.productions[0] = self._alternatives(Rule("root"))
        return self._plan

    def _symbol(self, node: Node) -> Symbol:
        if isinstance(node, Token):
            return node
        if (key := self._lexeme(node)) is not None:
            return key
        if isinstance(node, Rule):
            if node.name not in self._of_rule:
                number = self._of_rule[node.name] = self._new()
                self._plan.productions[number] = self._alternatives(self._rules[node.name])
            return self._of_rule[node.name]
        number = self._new()
        if isinstance(node, Repeat):
            self._plan.repeats[number] = (self._symbol(node.part), node.least, node.most)
        else:
            self._plan.productions[number] = self._alternatives(node)
        return number

    def _new(self) -> int:
        self._plan.productions.append([])
        return len(self._plan.productions) - 1

    def _alternatives(self, node: Node) -> list[list[Symbol]]:
        if isinstance(node, Choice) and self._lexeme(node) is None:
            joined = self._join(node.parts, Choice)
            return [self._sequence(part) for part in joined]
        return [self._sequence(node)]

    def _sequence(self, node: Node) -> list[Symbol]:
        if isinstance(node, Sequence) and self._lexeme(node) is None:
            return [self._symbol(part) for part in self._join(node.parts, Sequence)]
        return [self._symbol(node)]

    def _join(self, parts: tuple[Node, ...], kind: type[Sequence | Choice]) -> list[Node]:
        """Make one lexeme of neighbours that are regular: of a choice's parts all of them are neighbours."""
        if self._split is None:
            return list(parts)
        if kind is Choice:
            parts = tuple(sorted(parts, key=self._shapes.is_irregular))
        found: list[Node] = []
        for irregular, group in itertools.groupby(parts, key=self._shapes.is_irregular):
            run = tuple(group)
            joined = self._shapes.join(run, kind)
            if irregular or len(run) in (1, len(parts)) or self._lexeme(joined) is None:
                found += run
            else:
                found.append(joined)
        return found

    def _lexeme(self, node: Node) -> str | None:
        """The key of a node that is to be a lexeme."""
        key = self._shapes.key(node)
        whole = isinstance(node, Chars) or node == NOTHING
        if self._shapes.is_irregular(node) or (not whole and (self._split is None or key in self._split)):
            return None
        self._plan.lexemes[key] = node
        return key


def _irregular(rules: Mapping[str, Node]) -> set[str]:
    """Rules that come back to themselves or hold tokens, and all rules that use them."""
    uses = {name: {part.name for part in walk(node) if isinstance(part, Rule)} for name, node in rules.items()}
    left = {name: set(used) for name, used in uses.items()}
    users: dict[str, set[str]] = {name: set() for name in rules}
    for name, used in uses.items():
        for each in used:
            users[each].add(name)
    regular = [name for name, used in left.items() if not used and not _has_token(rules[name])]
    done = set(regular)
    while regular:
        name = regular.pop()
        for user in users[name]:
            left[user].discard(name)
            if not left[user] and user not in done and not _has_token(rules[user]):
                done.add(user)
                regular.append(user)
    return set(rules) - done


def _has_token(node: Node) -> bool:
    return any(isinstance(part, Token) for part in walk(node))


def _conflicts(plan: Plan, rules: Mapping[str, Node], alphabet: Alphabet, comparison: Comparison) -> set[str]:
    """Lexemes of which one could swallow what should follow the other."""
    if len(plan.lexemes) > _MOST_LEXEMES:
        raise TooLargeError
    automata = {key: automaton_of(node, rules, alphabet) for key, node in plan.lexemes.items()}
    after = _following(plan, automata, comparison)
    found: set[str] = set()
    for (one, shorter), (other, longer) in itertools.product(automata.items(), repeat=2):
        if any(longer.follow) and after[one] and comparison.hides(longer, shorter, after[one]):
            found |= {one, other}
    return {key for key in found if not isinstance(plan.lexemes[key], Chars)}


def _following(plan: Plan, automata: Mapping[str, Automaton], comparison: Comparison) -> dict[str, int]:
    """The characters that may follow each lexeme."""
    bodies = list(plan.productions)
    for number, (part, least, most) in plan.repeats.items():
        again = [part, number] if most is None or most > 1 else [part]
        bodies[number] = [again, [part], *([[]] if least == 0 else [])]
    rows = [(number, alternative) for number, alternatives in enumerate(bodies) for alternative in alternatives]
    begin = _Beginnings(len(bodies), automata)
    while sum(begin.learn(number, alternative) for number, alternative in rows):
        comparison.spend(len(rows))
    follow = [0] * len(bodies)
    after = dict.fromkeys(automata, 0)

    def spread(number: int, alternative: list[Symbol]) -> bool:
        changed, coming = False, follow[number]
        for symbol in reversed(alternative):
            if isinstance(symbol, int):
                changed |= coming | follow[symbol] != follow[symbol]
                follow[symbol] |= coming
            elif isinstance(symbol, str):
                after[symbol] |= coming
            first, nullable = begin.of(symbol)
            coming = first | (coming if nullable else 0)
        return changed

    while sum(spread(number, alternative) for number, alternative in rows):
        comparison.spend(len(rows))
    return after


class _Beginnings:
    """The characters that each symbol may begin with, and whether it may be nothing."""

    def __init__(self, count: int, automata: Mapping[str, Automaton]) -> None:
        self._ours = [(0, False)] * count
        self._lexemes = {key: (automaton.first_chars, automaton.nullable) for key, automaton in automata.items()}

    def of(self, symbol: Symbol) -> tuple[int, bool]:
        if isinstance(symbol, Token):
            return 0, False
        return self._ours[symbol] if isinstance(symbol, int) else self._lexemes[symbol]

    def learn(self, number: int, alternative: list[Symbol]) -> bool:
        """Take in what an alternative begins with; whether that was news."""
        before = mask, nullable = self._ours[number]
        for symbol in alternative:
            first, skips = self.of(symbol)
            mask |= first
            if not skips:
                break
        else:
            nullable = True
        self._ours[number] = (mask, nullable)
        return self._ours[number] != before
