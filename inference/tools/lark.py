"""Rules of a grammar in llguidance's Lark, for answers that a model writes around markers.

A marker that is one token of the vocabulary stands in the grammar as that token, for no text makes it; else it is text.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from inference.constraint.grammar import lark_json

if TYPE_CHECKING:
    from collections.abc import Mapping

ANY = "/(.|\\n)*/"
"""Any text at all; never a token that is a marker."""
_MOST_CHARACTERS = 4096
"""A longer count would make a large automaton."""
_SPECIAL = re.compile(r"([\\.+*?()|\[\]{}^$/])")


class Rules:
    """The rules of one grammar, each written once."""

    def __init__(self, template: str, tokens: Mapping[str, int]) -> None:
        """`tokens`: the markers that are a token of the vocabulary."""
        self.template = template
        """The chat template, which tells the variants of a family apart."""
        self._tokens = tokens
        self._rules: dict[str, str] = {}

    def rule(self, name: str, body: str) -> str:
        """Add a rule; its name stands for it."""
        self._rules.setdefault(name, f"{name}: {body}")
        return name

    def either(self, name: str, ways: list[str]) -> str:
        """A rule with several ways."""
        return self.rule(name, " | ".join(ways))

    def mark(self, text: str) -> str:
        """A marker."""
        return f"<[{self._tokens[text]}]>" if text in self._tokens else literal(text)

    def is_token(self, text: str) -> bool:
        """Whether a marker is a token of the vocabulary."""
        return text in self._tokens

    def until(self, end: str, most: int | None = None) -> str:
        """Any text of at most so many tokens, and the marker that ends it."""
        if end in self._tokens:
            name = "any" if most is None else f"any_{most}[max_tokens={most}]"
            return f"{self.rule(name, ANY).partition('[')[0]} {self.mark(end)}"
        name = f"until_{len(self._rules)}"
        # a text has at least as many characters as tokens
        count = "*" if most is None else f"{{0,{min(most, _MOST_CHARACTERS)}}}"
        self._rules[name] = f"{name}[lazy]: /(.|\\n){count}{pattern(end)}/"
        return name

    def headless(self, name: str, head: str) -> str:
        """What a rule says after its first part, which is `head`, or the rule it begins with says it."""
        body = self._rules[name].removeprefix(f"{name}: ")
        if body.startswith(head):
            return body.removeprefix(head)
        first, _, rest = body.partition(" ")
        return f"{self.headless(first, head)} {rest}"

    def schema(self, name: str, schema: Any, place: str) -> str:
        """A value that a schema allows; `place` is where the client wrote it."""
        if name not in self._rules:
            self.rule(name, lark_json(schema, place))
        return name

    def text(self, start: str) -> str:
        """The whole grammar."""
        return "\n".join((f"start: {start}", *self._rules.values())) + "\n"


def literal(text: str) -> str:
    """A text as it is; half a surrogate pair is no character."""
    return json.dumps(text.encode(errors="replace").decode(), ensure_ascii=False)


def pattern(text: str) -> str:
    """A text as it is, in a regular expression."""
    return _SPECIAL.sub(r"\\\1", text).replace("\n", "\\n")
