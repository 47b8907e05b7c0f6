"""A template and what it is filled in with: data, which can say nothing to the template and nothing to the model's own syntax."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import minijinja

from extproc.config.prompts import fits
from extproc.config.templates import environment
from extproc.errors import PromptError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from extproc.config.prompts import PromptVersion, Variable

MOST_CHARACTERS: Final = 2**20
"""Of a prompt that is filled in: loops in a template end here."""
_CONTROL: Final = re.compile(
    r"<\|[^|<>\s][^|<>\n]{0,63}\|>|<｜[^｜<>]{1,64}｜>|\[\|[^|\[\]\s]{1,64}\|\]|\[/?(?:INST|THINK|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|"
    r"TOOL_RESULTS|TOOL_CONTENT|ARGS|CALL_ID|IMG|IMG_BREAK|IMG_END|gMASK)\]|</?s>|<</?SYS>>|<(?:bos|eos|pad|unk|cls|sep|mask|sop|eop)>|"
    r"<(?:start|end)_of_(?:turn|image|audio)>|<(?:unused|extra_id_|SPECIAL_|reserved_)\d{1,6}>|</?seed:\w{1,32}>|\]~!?b\[|\]~b\]|\[e~\[|"
    r"</?(?:think|tool_call|tool_response|arg_key|arg_value)>"
)
"""What stands for a control token in the templates of well-known families of models."""
_JOINER: Final = "\N{WORD JOINER}"
_BEGIN, _END = "\ufdd0", "\ufdd1"
"""Around all that is filled in, until it is looked through: characters that no text may hold."""
_MARKS: Final = re.compile(f"[{_BEGIN}{_END}]")
_DETAILS: Final = frozenset({"range has too many elements", "recursion limit exceeded"})
"""What minijinja says of a mistake beyond its kind and what is no value."""


class Template:
    """One version's, compiled."""

    def __init__(self, name: str, version: PromptVersion) -> None:
        self._name = name
        self._variables = version.variables
        self._environment = environment(name, version.template)
        self._environment.finalizer = _marked

    def render(self, given: Mapping[str, Any]) -> str:
        """Filled in. Raises PromptError for variables that are missing, of another type, or none of this prompt's."""
        if len(given.keys() - self._variables.keys()) > 0:
            known = ", ".join(self._variables) or "none"
            raise PromptError(f"the prompt {self._name} has no such variable; its variables are: {known}")
        values = {name: self._value(name, variable, given.get(name)) for name, variable in self._variables.items()}
        try:
            made = self._environment.render_template(self._name, **values)
        except minijinja.TemplateError as error:  # its words may quote what was filled in
            raise PromptError(f"the prompt {self._name} fails: line {error.line}: {_kind(error)}") from None
        if len(made) > MOST_CHARACTERS:
            raise PromptError(f"the prompt {self._name} is longer than {MOST_CHARACTERS:,} characters")
        return _parted(made)

    def _value(self, name: str, variable: Variable, given: Any) -> Any:
        if isinstance(given, dict) and given.get("type") == "input_text":  # as OpenAI's clients may send a text
            given = given.get("text")
        if given is None:
            given = variable.default
        if given is None:
            raise PromptError(f"the prompt {self._name} needs the variable `{name}`")
        if not fits(variable.type, given):
            raise PromptError(f"the variable `{name}` of the prompt {self._name} must be of the type {variable.type}")
        return [_cleaned(item) for item in given] if isinstance(given, list) else _cleaned(given)


def _cleaned(value: Any) -> Any:
    """A value without the marks, which nobody but us may set."""
    return _MARKS.sub("\N{REPLACEMENT CHARACTER}", value) if isinstance(value, str) else value


def _marked(value: Any) -> Any:
    """What the template writes of its variables, between marks; numbers and truths hold no text."""
    return f"{_BEGIN}{value}{_END}" if isinstance(value, str | list | tuple) else value


def _parted(made: str) -> str:
    """A prompt without marks, in which no control token stands that something filled in has a part in: whether in one variable,
    in two beside each other, or half of it in the template.
    """
    if _BEGIN not in made:
        return made
    filled, pieces, at, depth = bytearray(), [], 0, 0
    for mark in _MARKS.finditer(made):
        piece = made[at : mark.start()]
        pieces.append(piece)
        filled += (b"\1" if depth > 0 else b"\0") * len(piece)
        depth += 1 if mark[0] == _BEGIN else -1
        at = mark.end()
    text = "".join((*pieces, made[at:]))
    return _CONTROL.sub(lambda token: _split(token[0]) if 1 in filled[token.start() : token.end()] else token[0], text)


def plain(value: Any) -> Any:
    """A text in which no control token stands any more: an invisible character parts what would be one."""
    return _CONTROL.sub(lambda token: _split(token[0]), value) if isinstance(value, str) else value


def _split(token: str) -> str:
    return token[0] + _JOINER + token[1:]


def _kind(error: minijinja.TemplateError) -> str:
    """What kind of mistake it is, without the words around it."""
    message = str(error).partition("\n")[0].partition(" (in ")[0]
    kind, _, detail = message.partition(": ")
    return message if detail in _DETAILS else kind
