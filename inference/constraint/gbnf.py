r"""Grammars that callers send, in llama.cpp's GBNF: read into a tree, within limits, and never handed on as they are.

    root  ::= "yes" | "no" digit{1,3}   # a comment
    digit ::= [0-9]

Literals and classes have the escapes `\n \t \r \x41 \u0041 \U0001F600 \\ \" \[ \] \- \^`; `.` is any character;
`* + ? {2} {2,} {2,5}` repeat what stands before; `<[128010]>` is a token by its number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn

_MOST_CHARACTERS = 128 * 1024
_MOST_PARTS = 20_000
_MOST_RULES = 2_000
_MOST_ALTERNATIVES = 5_000
_MOST_REPETITIONS = 10_000
_DEEPEST = 50
_LAST = 0x10FFFF

Ranges = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Chars:
    """One character out of some ranges, which are in order and do not touch."""

    ranges: Ranges


@dataclass(frozen=True, slots=True)
class Rule:
    """What another rule says."""

    name: str


@dataclass(frozen=True, slots=True)
class Token:
    """A token by its number, or any other."""

    number: int
    negated: bool


@dataclass(frozen=True, slots=True)
class Sequence:
    """One part after the other."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """One part several times; `most` None is for ever."""

    part: Node
    least: int
    most: int | None


Node = Chars | Rule | Token | Sequence | Choice | Repeat
NOTHING = Sequence(())


class GrammarError(ValueError):
    """A grammar that is wrong or above the limits, with the line where."""


def read_gbnf(text: str) -> dict[str, Node]:
    """Rules by their names; raises GrammarError."""
    if len(text) > _MOST_CHARACTERS:
        raise GrammarError(f"a grammar of {len(text)} characters, of at most {_MOST_CHARACTERS}")
    return _Parser(text).rules()


_NAME = re.compile(r"[A-Za-z0-9_-]+")
_COUNT = re.compile(r"\{\s*(\d+)\s*(?:(,)\s*(\d*)\s*)?\}")
_TOKEN = re.compile(r"(!?)<\[(\d{1,9})\]>")
_BLANK = re.compile(r"(?:[ \t]|#[^\r\n]*)*")
_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\r\n]*)*")
_PLAIN = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", '"': '"', "[": "[", "]": "]", "-": "-", "^": "^", "/": "/"}
_HEX = {"x": 2, "u": 4, "U": 8}
_SIMPLE = {"*": (0, None), "+": (1, None), "?": (0, 1)}


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._parts = 0
        self._depth = 0
        self._used: dict[str, int] = {}
        """Rules that others name, and where first."""

    def rules(self) -> dict[str, Node]:
        rules: dict[str, Node] = {}
        self._skip(nested=True)
        while self._at < len(self._text):
            name = self._name("a rule begins with its name")
            if name in rules:
                self._fail("a rule of this name is there already")
            self._skip(nested=False)
            if not self._text.startswith("::=", self._at):
                self._fail("`::=` is missing after the name of a rule")
            self._at += 3
            self._skip(nested=True)
            rules[name] = self._choice(nested=False)
            if self._at < len(self._text) and self._text[self._at] not in "\r\n":
                self._fail("a rule ends with its line")
            if len(rules) > _MOST_RULES:
                self._fail(f"more than {_MOST_RULES} rules")
            self._skip(nested=True)
        if "root" not in rules:
            raise GrammarError("there is no rule `root`")
        for name, where in self._used.items():
            if name not in rules:
                self._at = where
                self._fail("a rule that is not there")
        return rules

    def _choice(self, *, nested: bool) -> Node:
        parts = [self._sequence(nested=nested)]
        while self._text.startswith("|", self._at):
            self._at += 1
            self._skip(nested=True)
            parts.append(self._sequence(nested=nested))
            if len(parts) > _MOST_ALTERNATIVES:
                self._fail(f"more than {_MOST_ALTERNATIVES} alternatives")
        return parts[0] if len(parts) == 1 else Choice(tuple(parts))

    def _sequence(self, *, nested: bool) -> Node:
        parts: list[Node] = []
        repeated = 0
        while self._at < len(self._text):
            if (repeat := self._repetition()) is not None:
                repeated += 1
                if not parts or repeated > _DEEPEST:
                    self._fail(
                        "a repetition of nothing" if not parts else f"more than {_DEEPEST} repetitions of one part"
                    )
                parts[-1] = Repeat(parts[-1], *repeat)
            elif (part := self._part()) is not None:
                parts.append(part)
                repeated = 0
            else:
                break
            self._parts += 1
            if self._parts > _MOST_PARTS:
                self._fail(f"more than {_MOST_PARTS} parts")
            self._skip(nested=nested)
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def _part(self) -> Node | None:
        character = self._text[self._at]
        readers = {'"': self._literal, "[": self._class, "(": self._group, ".": self._any, "<": self._token}
        if read := readers.get("<" if character == "!" else character):
            return read()
        return self._rule() if _NAME.match(character) else None

    def _rule(self) -> Node:
        where = self._at
        name = self._name("")
        self._used.setdefault(name, where)
        return Rule(name)

    def _any(self) -> Node:
        self._at += 1
        return Chars(((0, _LAST),))

    def _group(self) -> Node:
        self._depth += 1
        if self._depth > _DEEPEST:
            self._fail(f"groups nested more than {_DEEPEST} deep")
        self._at += 1
        self._skip(nested=True)
        inner = self._choice(nested=True)
        if not self._text.startswith(")", self._at):
            self._fail("a group that is not closed, or a character that means nothing")
        self._at += 1
        self._depth -= 1
        return inner

    def _repetition(self) -> tuple[int, int | None] | None:
        character = self._text[self._at]
        if character in _SIMPLE:
            self._at += 1
            return _SIMPLE[character]
        if character != "{":
            return None
        found = _COUNT.match(self._text, self._at)
        if not found:
            self._fail("a repetition is written {2}, {2,} or {2,5}")
        least = int(found[1][:9])
        most = least if found[2] is None else int(found[3][:9]) if found[3] else None
        if max(least, most or 0) > _MOST_REPETITIONS:
            self._fail(f"a repetition of more than {_MOST_REPETITIONS} times")
        if most is not None and least > most:
            self._fail(f"a repetition of at least {least} and at most {most} times")
        self._at = found.end()
        return least, most

    def _literal(self) -> Node:
        self._at += 1
        codes = []
        while not self._text.startswith('"', self._at):
            codes.append(self._character("a literal"))
        self._at += 1
        self._parts += len(codes)
        parts = tuple(Chars(((code, code),)) for code in codes)
        return parts[0] if len(parts) == 1 else Sequence(parts)

    def _class(self) -> Node:
        self._at += 1
        negated = self._text.startswith("^", self._at)
        self._at += negated
        ranges = []
        while not self._text.startswith("]", self._at):
            first = last = self._character("a class")
            if self._text.startswith("-", self._at) and not self._text.startswith("-]", self._at):
                self._at += 1
                last = self._character("a class")
            if last < first:
                self._fail("a range whose end is before its beginning")
            ranges.append((first, last))
        self._at += 1
        joined = _joined(ranges)
        if negated:
            joined = _complement(joined)
        if not joined:
            self._fail("a class of no characters")
        return Chars(joined)

    def _character(self, what: str) -> int:
        if self._at >= len(self._text):
            self._fail(f"{what} that is not closed")
        character = self._text[self._at]
        self._at += 1
        if character != "\\":
            return self._code(ord(character))
        kind = self._text[self._at : self._at + 1]
        self._at += 1
        if kind in _HEX:
            digits = self._text[self._at : self._at + _HEX[kind]]
            if not re.fullmatch(r"[0-9A-Fa-f]+", digits) or len(digits) < _HEX[kind]:
                self._fail(f"`\\{kind}` has {_HEX[kind]} hexadecimal digits")
            self._at += _HEX[kind]
            return self._code(int(digits, 16))
        if kind not in _PLAIN or not kind:
            self._fail("an escape that means nothing")
        return ord(_PLAIN[kind])

    def _code(self, code: int) -> int:
        if 0xD800 <= code < 0xE000 or code > _LAST:
            self._fail("half a surrogate pair, or more than Unicode has")
        return code

    def _token(self) -> Node:
        found = _TOKEN.match(self._text, self._at)
        if not found:
            self._fail("a token is written by its number, as <[128010]>, or !<[128010]> for any other")
        self._at = found.end()
        return Token(int(found[2]), negated=bool(found[1]))

    def _name(self, otherwise: str) -> str:
        found = _NAME.match(self._text, self._at)
        if not found:
            self._fail(otherwise)
        self._at = found.end()
        return found[0]

    def _skip(self, *, nested: bool) -> None:
        """Skip white space and comments; ends of lines only within a group, or where a rule has just begun."""
        found = (_SPACE if nested else _BLANK).match(self._text, self._at)
        assert found is not None
        self._at = found.end()

    def _fail(self, reason: str) -> NoReturn:
        before = self._text[: self._at]
        line, column = before.count("\n") + 1, self._at - before.rfind("\n")
        raise GrammarError(f"line {line}, column {column}: {reason}")


def _joined(ranges: list[tuple[int, int]]) -> Ranges:
    found: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return tuple(found)


def _complement(ranges: Ranges) -> Ranges:
    found, at = [], 0
    for first, last in ranges:
        if at < first:
            found.append((at, first - 1))
        at = last + 1
    if at <= _LAST:
        found.append((at, _LAST))
    return tuple(found)
