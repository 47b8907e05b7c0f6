"""Random grammars of callers, and what they mean by the book: all texts up to a length, found by substitution."""

import itertools

from inference.constraint.gbnf import Chars, Choice, Repeat, Rule, Sequence

LETTERS = "abc"
LONGEST = 5


def any_grammar(random):
    """GBNF of some rules over three letters, recursive as it happens."""
    names = ["root", "one", "two-2", "x"][: random.randint(1, 4)]
    return "\n".join(f"{name} ::= {_choice(random, names, 3)}" for name in names)


def _choice(random, names, depth):
    return " | ".join(_sequence(random, names, depth) for _ in range(random.choice([1, 1, 2, 3])))


def _sequence(random, names, depth):
    return " ".join(_item(random, names, depth) for _ in range(random.choice([1, 1, 2, 2, 3])))


def _item(random, names, depth):
    roll = random.random()
    if roll < 0.35:
        return '"' + "".join(random.choices(LETTERS, k=random.randint(0, 3))) + '"'
    if roll < 0.5:
        return random.choice(["[ab]", "[^a]", "[b-c]", ".", "[a]"])
    if roll < 0.75 or not depth:
        return random.choice(names)
    inner = f"({_choice(random, names, depth - 1)})" if random.random() < 0.7 else random.choice(names)
    return inner + random.choice(["*", "+", "?", "{2}", "{1,2}", "{0,1}", "{0}", "{2,}", ""])


def all_texts():
    """Every text of the letters up to the length."""
    for length in range(LONGEST + 1):
        for letters in itertools.product(LETTERS, repeat=length):
            yield "".join(letters)


def texts_of(rules):
    """The texts of a grammar's root, by substitution until nothing new comes."""
    known = {name: set() for name in rules}
    changed = True
    while changed:
        changed = False
        for name, node in rules.items():
            found = _texts(node, known)
            changed |= not found <= known[name]
            known[name] |= found
    return known["root"]


def _texts(node, known):
    if isinstance(node, Chars):
        return {letter for letter in LETTERS if any(first <= ord(letter) <= last for first, last in node.ranges)}
    if isinstance(node, Rule):
        return known[node.name]
    if isinstance(node, Choice):
        return set().union(*(_texts(part, known) for part in node.parts))
    if isinstance(node, Sequence):
        found = {""}
        for part in node.parts:
            found = _joined(found, _texts(part, known))
        return found
    assert isinstance(node, Repeat)
    once, found = _texts(node.part, known), {""}
    for _ in range(node.least):
        found = _joined(found, once)
    reached = found
    for _ in range(LONGEST if node.most is None else node.most - node.least):
        reached = _joined(reached, once)
        found = found | reached
    return found


def _joined(first, second):
    return {one + other for one in first for other in second if len(one) + len(other) <= LONGEST}
