"""Which strings of a JSON body are texts: a small automaton that the walk steps through, key by key."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from extproc.config.jsonpath import parse_jsonpath
from extproc.payload.numbers import ANY_NUMBER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from extproc.config.jsonpath import Step
    from extproc.payload.numbers import Numbers


class Use:
    """What a value is for: bits of an int. Not an IntFlag, whose `&` takes half a microsecond and is asked ten times a body."""

    NOTHING = 0
    TEXT = 1
    NESTED = 2
    """A text that is JSON itself: its own strings are the texts."""
    MODEL = 4
    STREAM = 8
    ROLE = 16
    INTENT = 32
    SETTING = 64
    """In an answer: a name, an id, a setting. What stands in it is restored, and never redacted."""
    KEY = 128
    """A key that no closed list knows."""
    NUMBER = 256
    """A number that may be somebody's."""
    IDENTIFIER = 512
    """A text that programs agree on: the name of a tool, the id of a call."""
    OPAQUE = 1024
    """What only its issuer can read: a signature, encrypted reasoning. Anything else there is a text."""
    FREE = 2048
    """Free JSON in an answer, as a tool's arguments: keys are texts too, and a string may be a number that was masked."""
    LOGPROBS = 4096
    """Of tokens, which together are a text."""
    TYPED = 8192
    """With NUMBER: an API says what the number is, so that nothing else may stand there, no placeholder either."""


@dataclass(slots=True, eq=False)
class Node:
    """A place in a body: what a string here is for, and which node a key or an item leads to."""

    use: int = 0
    keys: dict[bytes, Node] = field(default_factory=dict)
    words: frozenset[bytes] | None = None
    """Strings that mean something here and are nobody's: they are syntax. Any other is what `use` says."""
    numbers: Numbers | None = None
    """What numbers here may be; None: they are of no interest."""
    names: bool = False
    """Keys that are not in `keys` are texts."""
    other: Node = field(init=False)
    """For keys that are not in `keys`."""
    items: Node = field(init=False)

    def __post_init__(self) -> None:
        self.other = self
        self.items = self

    def keys_by_name(self) -> dict[str, Node]:
        """The keys that lead elsewhere."""
        return {key.decode(): node for key, node in self.keys.items()}

    def with_keys(self, keys: Mapping[str, Node], other: Node | None = None) -> Self:
        """Lead these keys elsewhere, and the rest to `other`; for building trees only."""
        self.keys.update((key.encode(), node) for key, node in keys.items())
        if other is not None:
            self.other = other
        return self


SKIP = Node()
"""Nothing in here is a text."""
EVERY = Node(Use.TEXT)
"""Every string in here is a text: for answers."""
FREE = Node(Use.TEXT, names=True, numbers=ANY_NUMBER)
"""Every string, key and number in here may hold personal data: JSON of which nothing is known."""
FREE_ANSWER = Node(Use.TEXT | Use.FREE)
"""Free JSON in an answer."""


def without(tree: Node, masked: Node) -> Node:
    """The tree without what another one selects."""
    known: dict[tuple[int, int], Node] = {}

    def node(a: Node, b: Node) -> Node:
        made = known.get((id(a), id(b)))
        if made is None:
            made = known[id(a), id(b)] = Node(0 if b.use else a.use)
            made.keys = {key: node(a.keys.get(key, a.other), b.keys.get(key, b.other)) for key in a.keys | b.keys}
            made.other = node(a.other, b.other)
            made.items = node(a.items, b.items)
        return made

    return node(tree, masked)


_State = frozenset[tuple[int, int]]


def paths_tree(texts: Iterable[str], intent_from: str | None = None) -> Node:
    """Tree for JSONPaths: each selects a string, or every string inside of what it selects. No texts: all of them."""
    paths = [(parse_jsonpath(path), Use.TEXT) for path in texts] or [((), Use.TEXT)]
    if intent_from is not None:
        paths.append((parse_jsonpath(intent_from), Use.INTENT))
    names = {step.key for steps, _ in paths for step in steps if step.key is not None}
    known: dict[_State, Node] = {}

    def node(state: _State) -> Node:
        if state in known:
            return known[state]
        use = 0
        for path, at in state:
            use |= paths[path][1] if at == len(paths[path][0]) else 0
        made = known[state] = Node(use, names=bool(use & Use.TEXT), numbers=ANY_NUMBER if use & Use.TEXT else None)
        made.keys = {name.encode(): node(_after(state, paths, name)) for name in names}
        made.other = node(_after(state, paths, None))
        made.items = node(_after(state, paths, None, item=True))
        return made

    return node(frozenset((i, 0) for i in range(len(paths))))


def _after(state: _State, paths: list[tuple[tuple[Step, ...], int]], key: str | None, *, item: bool = False) -> _State:
    """Where the paths stand after one more key (None: any other) or an item."""
    reached = set()
    for path, at in state:
        steps = paths[path][0]
        if at == len(steps):  # all that is inside of what was selected
            reached.add((path, at))
            continue
        step = steps[at]
        if step.deep:
            reached.add((path, at))
        if item if step.items else step.key is None or (step.key == key and not item):
            reached.add((path, at + 1))
    return frozenset(reached)
