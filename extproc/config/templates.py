"""Templates of prompts: Jinja's syntax in minijinja's sandbox, and what can be told of one before it is filled in."""

from __future__ import annotations

import re
from typing import Final

import minijinja

FUEL: Final = 100_000
"""Steps of a template, some milliseconds: what loops longer is refused."""
BUILT_IN: Final = frozenset({"range", "dict", "debug", "namespace", "loop", "true", "false", "none"})
"""Names that a template has without declaring them."""
_TAKEN: Final = BUILT_IN | {
    "True",
    "False",
    "None",
    "and",
    "or",
    "not",
    "in",
    "is",
    "if",
    "else",
    "self",
    "super",
    "caller",
}
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_NOTHING: Final = re.compile(r"\{#.*?#\}|\{%[-+]?\s*raw\s*[-+]?%\}.*?\{%[-+]?\s*endraw\s*[-+]?%\}", re.DOTALL)
_CODE: Final = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_QUOTED: Final = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
_OTHER_TEMPLATE: Final = re.compile(r"\{%[-+]?\s*(include|import|from|extends)\b")
_NAMED: Final = (
    ("filter", "1|{}", re.compile(r"(?:\||\{%[-+]?\s*filter\b)\s*([A-Za-z_]\w*)")),
    ("test", "1 is {}", re.compile(r"\bis\s+(?:not\s+)?([A-Za-z_]\w*)")),
)
"""What a template may name, an expression that names it, and how it stands in a template."""


def environment(name: str, template: str) -> minijinja.Environment:
    """A sandbox with one template. Raises ValueError for what is none."""
    made = minijinja.Environment(undefined_behavior="strict", auto_escape_callback=lambda _: False)
    made.fuel = FUEL
    try:
        made.add_template(name, template)
    except minijinja.TemplateError as error:
        reason = str(error).partition("\n")[0].partition(" (in ")[0]
        raise ValueError(f"line {error.line} is no template: {reason}") from None
    return made


def undeclared(template: str) -> set[str]:
    """The variables that a template uses."""
    return environment("prompt", template).undeclared_variables_in_template("prompt")


def checked(template: str) -> str:
    """The same template. Raises ValueError for what would fail whatever it is filled in with."""
    if not template.strip():
        raise ValueError("is empty: a prompt says something")
    made = environment("prompt", template)
    code = [_QUOTED.sub("''", part) for part in _CODE.findall(_NOTHING.sub("", template))]
    for part in code:
        if other := _OTHER_TEMPLATE.match(part):
            raise ValueError(f"`{other[1]}` needs another template, and a prompt has none beside itself")
        for kind, expression, pattern in _NAMED:
            for name in dict.fromkeys(pattern.findall(part)):
                if _is_unknown(made, expression.format(name)):
                    raise ValueError(f"there is no {kind} `{name}`")
    return template


def _is_unknown(made: minijinja.Environment, expression: str) -> bool:
    try:
        made.eval_expr(expression)
    except minijinja.TemplateError as error:
        return error.kind in ("UnknownFilter", "UnknownTest")
    return False


def variable_name(name: str) -> str:
    """A name that a template can use. Raises ValueError for others."""
    if not _VARIABLE.fullmatch(name):
        raise ValueError(f"`{name}` cannot be a variable: use letters, digits and `_`, as `first_name`")
    if name in _TAKEN:
        raise ValueError(f"`{name}` cannot be a variable: templates have it for something else")
    return name
