"""Regular expressions of JSON Schema (ECMA-262) in the words of Rust's `regex`, which llguidance reads.

Most is the same in both; what is not is rewritten here, and what has no equal is refused: a pattern is never read as
something else than its author meant. All of it is one pass over the text.
"""

from __future__ import annotations

import re

_MOST_CHARACTERS = 4096
_DEEPEST = 50
_MOST_REPETITIONS = 1000
_QUANTIFIER = re.compile(r"\{(\d+)(?:(,)(\d*))?\}")
_WRITABLE = r"[^\x{0}-\x{7}\x{b}\x{e}-\x{1f}\x{7f}]"
"""All but the characters that JSON can only write by number. llguidance takes a class that has all of these for one that
has the quote and the backslash as well."""
_ANY = rf"[[^\n\r\x{{2028}}\x{{2029}}]&&{_WRITABLE}]"
_CLASSES = {
    "d": "0-9", "w": "0-9A-Za-z_",
    "s": r"\t\n\x{b}\f\r\x{20}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}",
}  # fmt: skip
_CONTROLS = {"t": 9, "n": 10, "v": 11, "f": 12, "r": 13, "0": 0}
_LOOKAROUND = {"(?=": "a lookahead", "(?!": "a lookahead", "(?<=": "a lookbehind", "(?<!": "a lookbehind"}
_GROUP_NAME = re.compile(r"\(\?P?<[A-Za-z_][A-Za-z0-9_]*>")
_PROPERTY = re.compile(r"[pP]\{[A-Za-z_]+(?:=[A-Za-z_]+)?\}")


class PatternError(ValueError):
    """A pattern that is wrong, or that an automaton cannot hold."""


def rust_pattern(pattern: str) -> str:
    """Rewrite a pattern; raises PatternError with the reason."""
    if len(pattern) > _MOST_CHARACTERS:
        raise PatternError(f"a pattern of {len(pattern)} characters, of at most {_MOST_CHARACTERS}")
    return _Rewriter(pattern).rewrite()


class _Rewriter:
    def __init__(self, pattern: str) -> None:
        self._text = pattern
        self._at = 0
        self._out: list[str] = []
        self._open = 0
        self._repeatable = False
        """Whether what stands last may be repeated."""

    def rewrite(self) -> str:
        while self._at < len(self._text):
            self._step()
        if self._open:
            raise PatternError("a group that is not closed")
        return "".join(self._out)

    def _step(self) -> None:
        character = self._text[self._at]
        if character == "\\":
            self._at += 1
            self._put(self._escape())
        elif character == "[":
            self._put(self._bracket())
        elif character == "(":
            self._open_group()
        elif character == ")":
            if not self._open:
                raise PatternError("a group that is closed and was not opened")
            self._open -= 1
            self._put(")", skip=1)
        elif character in "*+?" or _QUANTIFIER.match(self._text, self._at):
            self._repeat()
        elif character in "^$|":
            self._out.append(character)
            self._repeatable = False
            self._at += 1
        else:
            self._put(_ANY if character == "." else _literal(ord(character)), skip=1)

    def _put(self, text: str, skip: int = 0) -> None:
        self._out.append(text)
        self._at += skip
        self._repeatable = True

    def _open_group(self) -> None:
        for start, name in _LOOKAROUND.items():
            if self._text.startswith(start, self._at):
                raise PatternError(f"{name} cannot be held")
        named = _GROUP_NAME.match(self._text, self._at)
        if named:
            self._at = named.end()
        elif self._text.startswith("(?:", self._at):
            self._at += 3
        elif self._text.startswith("(?", self._at):
            raise PatternError("a group begins with `(?` and none of `:`, `<name>`")
        else:
            self._at += 1
        self._open += 1
        if self._open > _DEEPEST:
            raise PatternError(f"groups nested more than {_DEEPEST} deep")
        self._out.append("(?:")
        self._repeatable = False

    def _repeat(self) -> None:
        if not self._repeatable:
            raise PatternError("a repetition of nothing")
        if found := _QUANTIFIER.match(self._text, self._at):
            least, most = int(found[1][:9]), int((found[3] or found[1])[:9])
            if least > most:
                raise PatternError(f"a repetition of at least {least} and at most {most} times")
            if max(least, most) > _MOST_REPETITIONS:
                raise PatternError(f"a repetition of more than {_MOST_REPETITIONS} times")
            self._out.append(found[0])
            self._at = found.end()
        else:
            self._out.append(self._text[self._at])
            self._at += 1
        if self._text.startswith("?", self._at):  # lazy: the same texts match
            self._at += 1
        self._repeatable = False

    def _escape(self) -> str:
        """What follows a backslash outside of a class."""
        character = self._text[self._at : self._at + 1]
        if character.lower() in _CLASSES:
            self._at += 1
            return f"[[{'^' if character.isupper() else ''}{_CLASSES[character.lower()]}]&&{_WRITABLE}]"
        if character in ("b", "B"):
            raise PatternError("a word boundary cannot be held")
        if character in ("k", *"123456789"):
            raise PatternError("a reference to a group cannot be held")
        if found := _PROPERTY.match(self._text, self._at):
            self._at = found.end()
            return f"[\\{found[0]}&&{_WRITABLE}]"
        return _literal(self._code_point())

    def _code_point(self) -> int:
        """The character that an escape stands for."""
        character = self._text[self._at : self._at + 1]
        if not character:
            raise PatternError("a backslash at the end")
        self._at += 1
        if character in _CONTROLS:
            return _CONTROLS[character]
        if character == "c":
            letter = self._text[self._at : self._at + 1]
            if not ("A" <= letter <= "Z" or "a" <= letter <= "z"):
                raise PatternError(r"`\c` without a letter")
            self._at += 1
            return ord(letter) & 31
        if character in "xu":
            return self._hexadecimal(character)
        if character.isalnum():
            raise PatternError(f"`\\{character}` means nothing" if character.isascii() else "an escape means nothing")
        return ord(character)

    def _hexadecimal(self, kind: str) -> int:
        digits = {"x": r"([0-9A-Fa-f]{2})", "u": r"([0-9A-Fa-f]{4})|\{([0-9A-Fa-f]{1,6})\}"}[kind]
        found = re.compile(digits).match(self._text, self._at)
        if not found:
            raise PatternError(f"`\\{kind}` without its hexadecimal digits")
        self._at = found.end()
        code = int(next(group for group in found.groups() if group), 16)
        if 0xD800 <= code < 0xDC00:
            low = re.compile(r"\\u([dD][c-fC-F][0-9A-Fa-f]{2})").match(self._text, self._at)
            if low:
                self._at = low.end()
                return 0x10000 + ((code - 0xD800) << 10) + int(low[1], 16) - 0xDC00
        if 0xD800 <= code < 0xE000 or code > 0x10FFFF:
            raise PatternError("half a surrogate pair, or more than Unicode has")
        return code

    def _bracket(self) -> str:
        """A class of characters: Rust's own operators within one (`&&`, `--`, `~~`, `[`) are characters here."""
        self._at += 1
        negated = self._text.startswith("^", self._at)
        self._at += negated
        parts: list[str] = []
        while not self._text.startswith("]", self._at):
            first = self._item()
            if self._text.startswith("-", self._at) and self._text[self._at + 1 : self._at + 2] not in ("]", ""):
                self._at += 1
                last = self._item()
                if isinstance(first, str) or isinstance(last, str):
                    raise PatternError("a range from or to a class")
                if first > last:
                    raise PatternError("a range whose end is before its beginning")
                parts.append(f"{_literal(first)}-{_literal(last)}")
            else:
                parts.append(first if isinstance(first, str) else _literal(first))
        self._at += 1
        if not parts:
            return _WRITABLE if negated else r"[^\s\S]"
        return f"[[{'^' if negated else ''}{''.join(parts)}]&&{_WRITABLE}]"

    def _item(self) -> int | str:
        """One member of a class: a code point, or a class within."""
        character = self._text[self._at : self._at + 1]
        if not character:
            raise PatternError("a class that is not closed")
        self._at += 1
        if character != "\\":
            return ord(character)
        following = self._text[self._at : self._at + 1]
        if following.lower() in _CLASSES:
            self._at += 1
            return f"[{'^' if following.isupper() else ''}{_CLASSES[following.lower()]}]"
        if following == "b":
            self._at += 1
            return 8
        if found := _PROPERTY.match(self._text, self._at):
            self._at = found.end()
            return "\\" + found[0]
        return self._code_point()


def _literal(code: int) -> str:
    if 0xD800 <= code < 0xE000:
        raise PatternError("half a surrogate pair")
    character = chr(code)
    return character if character.isascii() and character.isalnum() else f"\\x{{{code:x}}}"
