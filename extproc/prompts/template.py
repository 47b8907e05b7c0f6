"""A template and what it is filled in with: data, which can say nothing to the template and nothing to the model's own syntax."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import minijinja

from extproc.config.prompts import environment, fits
from extproc.errors import PromptError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from extproc.config.prompts import PromptVersion, Variable

MOST_CHARACTERS: Final = 2**20
"""Of a prompt that is filled in: loops in a template end here."""
_CONTROL: Final = re.compile(
    r"<\|[\w .:/-]{1,64}\|>|<｜[^｜<>]{1,64}｜>|</?s>|<(?:start|end)_of_turn>|<(?:bos|eos|pad|unk)>|\[/?(?:INST|SYSTEM_PROMPT|"
    r"TOOL_CALLS|AVAILABLE_TOOLS|TOOL_RESULTS)\]|<</?SYS>>|</?(?:think|tool_call|tool_response)>"
)
"""What stands for a control token in the templates of well-known families of models."""
_JOINER: Final = "\N{WORD JOINER}"


class Template:
    """One version's, compiled."""

    def __init__(self, name: str, version: PromptVersion) -> None:
        self._name = name
        self._variables = version.variables
        self._environment = environment(name, version.template)

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
        return made

    def _value(self, name: str, variable: Variable, given: Any) -> Any:
        if isinstance(given, dict) and given.get("type") == "input_text":  # as OpenAI's clients may send a text
            given = given.get("text")
        if given is None:
            given = variable.default
        if given is None:
            raise PromptError(f"the prompt {self._name} needs the variable `{name}`")
        if not fits(variable.type, given):
            raise PromptError(f"the variable `{name}` of the prompt {self._name} must be of the type {variable.type}")
        return [plain(item) for item in given] if isinstance(given, list) else plain(given)


def plain(value: Any) -> Any:
    """A text in which no control token stands any more: an invisible character parts what would be one."""
    if not isinstance(value, str):
        return value
    return _CONTROL.sub(lambda match: match[0][0] + _JOINER + match[0][1:], value)


def _kind(error: minijinja.TemplateError) -> str:
    """What kind of mistake it is, without the words around it."""
    return str(error).partition("\n")[0].partition(":")[0]
