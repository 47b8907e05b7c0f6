"""The text of a `mesh.yaml` -> plain data, and where each key stands. Whatever the text holds, it is read or refused with a line.

A bad date, a number of a million digits, brackets in brackets in brackets, an alias that contains itself: what YAML's own reader
stumbles over is a mistake of the file like any other. A date is a text here: no setting is one, and `2024-05-13` is a name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

KeyPath = tuple[str | int, ...]

DEEPEST = 64
"""Collections in collections."""
MOST_MERGED = 10_000
"""Keys of one mapping, those that `<<` brings included."""
NUMBERS = {
    "tag:yaml.org,2002:int": re.compile(r"[-+]?(?:0|[1-9][0-9_]*|0x[0-9a-fA-F_]+|0b[01_]+)\Z"),
    "tag:yaml.org,2002:float": re.compile(
        r"(?:[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z"
    ),
}
"""As both versions of YAML read them: `12:34` is a text, as an address is, and no number to the base of 60."""
OCTAL = re.compile(r"[-+]?0[0-9_]+")
"""511 in YAML 1.1 and 777 in 1.2."""
MERGE = "<<"
MERGE_TAG, STRING_TAG = "tag:yaml.org,2002:merge", "tag:yaml.org,2002:str"


def dotted(path: KeyPath) -> str:
    """A path as people write it: `models.phi.endpoints[0]`."""
    out = ""
    for step in path:
        out += f"[{step}]" if isinstance(step, int) else f".{step}" if out else step
    return out


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong with the text itself."""

    line: int
    """Counted from 1."""
    where: KeyPath
    message: str


class NotYamlError(Exception):
    """The text cannot be read at all."""

    def __init__(self, mistake: Mistake) -> None:
        self.mistake = mistake
        super().__init__(mistake.message)


@dataclass(slots=True)
class Text:
    """What a text says, and where."""

    data: Any
    lines: dict[KeyPath, int]
    scalars: list[tuple[KeyPath, str]]
    """Every value that is no collection, as it is written, by its key."""
    mistakes: list[Mistake] = field(default_factory=list)
    """Of a text that can be read all the same: keys that stand twice, which YAML would drop without a word."""

    def line(self, path: KeyPath) -> int:
        """The line of a key; of the nearest above it, where it is not written down."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


class _Loader(yaml.SafeLoader):
    """PyYAML's, with an end to depth and to what `<<` multiplies, and whose every error has a place."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own name and type
        first: [(tag, NUMBERS.get(tag, pattern)) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.at: list[str | int] = []
        """The key that is being read."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """One level deeper, if there may be one."""
        self.at.append(index.value if isinstance(index, yaml.ScalarNode) else index if isinstance(index, int) else "")
        if len(self.at) > DEEPEST:
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem=f"nested more than {DEEPEST} deep", problem_mark=mark)
        node: yaml.Node | None = super().compose_node(parent, index)
        self.at.pop()
        return node

    def key(self) -> KeyPath:
        """The key that was being read when it could not go on: as far as it is a name."""
        path = [step for step in self.at[1:] if step != ""]
        names = next((i for i in range(len(path)) if all(isinstance(step, int) for step in path[i:])), len(path))
        return tuple(path[:names])

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """A value; what cannot be one is an error that has a place."""
        try:
            return super().construct_object(node, deep)
        except (ValueError, ArithmeticError, LookupError, TypeError, AttributeError) as error:
            kind = node.tag.rpartition(":")[2]
            reason = str(error).partition(";")[0]
            raise yaml.constructor.ConstructorError(None, None, f"no {kind}: {reason}", node.start_mark) from None

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Bring in what `<<` names, each key once: of the same key the last counts."""
        super().flatten_mapping(node)
        if len({(key.tag, str(key.value)) for key, _ in node.value}) < len(node.value):
            last = {(key.tag, str(key.value)): (key, value) for key, value in node.value}
            node.value = list(last.values())
        if len(node.value) > MOST_MERGED:
            raise yaml.constructor.ConstructorError(
                None, None, f"more than {MOST_MERGED} keys in one mapping", node.start_mark
            )


def read(text: str) -> Text:
    """Read it. Raises NotYamlError."""
    index, loader = _Index(), None
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            raise NotYamlError(Mistake(1, (), "the file is empty; the smallest one is in the README"))
        index.add(node, ())
        if index.fatal is not None:
            raise NotYamlError(index.fatal)
        data = loader.construct_document(node)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise NotYamlError(Mistake(line, (), f"not YAML: {error.reason}")) from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        reason = error.problem or error.context or "it cannot be read"
        where = index.at(line) or (loader.key() if loader else ())
        raise NotYamlError(Mistake(line, where, f"not YAML: {reason}")) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise NotYamlError(Mistake(1, (), f"not YAML: {type(error).__name__}")) from None
    return Text(data, index.lines, index.scalars, index.mistakes)


def plain(text: str) -> Any:
    """What another file's text says; nothing where it is empty. Raises NotYamlError, also for a key that stands twice."""
    if not text.strip():
        return None
    parsed = read(text)
    for mistake in parsed.mistakes:
        raise NotYamlError(mistake)
    return parsed.data


class _Index:
    """Every key path of a document and its line. What an alias repeats is looked through once."""

    def __init__(self) -> None:
        self.lines: dict[KeyPath, int] = {}
        self.scalars: list[tuple[KeyPath, str]] = []
        self.mistakes: list[Mistake] = []
        self.fatal: Mistake | None = None
        """Why the document cannot be made into data."""
        self._seen: set[int] = set()
        self._above: set[int] = set()

    def add(self, node: yaml.Node, path: KeyPath) -> None:
        """A node and all below it."""
        line = node.start_mark.line + 1
        if id(node) in self._above:
            self._fail(path, self.lines.get(path, line), "an alias that contains itself")
            return
        self.lines.setdefault(path, line)
        if isinstance(node, yaml.ScalarNode):
            self.scalars.append((path, node.value))
            if node.style is None and OCTAL.fullmatch(node.value):
                what = f"`{node.value}` is one number to YAML 1.1 and another to 1.2: leave out the zero, or quote what is a name"
                self.mistakes.append(Mistake(line, path, what))
            if not _is_unicode(node.value):
                self._fail(path, line, "half a character (a lone surrogate)")
            return
        if id(node) in self._seen:
            return
        self._seen.add(id(node))
        self._above.add(id(node))
        if isinstance(node, yaml.MappingNode):
            self._add_keys(node, path)
        elif isinstance(node, yaml.SequenceNode):
            for i, value in enumerate(node.value):
                self.add(value, (*path, i))
        self._above.discard(id(node))

    def _add_keys(self, node: yaml.MappingNode, path: KeyPath) -> None:
        seen: set[str] = set()
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                self._fail(path, line, "a key must be a word, not a collection")
                continue
            if key.tag != MERGE_TAG:
                key.tag = STRING_TAG  # a model may be called 404, or on
            name = key.value
            here = (*path, name)
            if not _is_unicode(name):
                self._fail(path, line, "a key with half a character (a lone surrogate)")
                continue
            if name in seen and name != MERGE:
                self.mistakes.append(Mistake(line, here, "the key stands here twice"))
            seen.add(name)
            self.lines[here] = line
            self.add(value, here)

    def _fail(self, where: KeyPath, line: int, message: str) -> None:
        self.fatal = self.fatal or Mistake(line, where, message)

    def at(self, line: int) -> KeyPath:
        """The key that stands on a line, the innermost; none, where no key does."""
        return max((path for path, where in self.lines.items() if where == line), key=len, default=())


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
