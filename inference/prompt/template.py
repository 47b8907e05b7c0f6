"""A chat template as its authors meant it: Jinja in a sandbox, with what Hugging Face's renderer gives it. No tokens."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any, NoReturn

import jinja2
import jinja2.ext
import jinja2.meta
from jinja2.sandbox import SandboxedEnvironment

from inference.errors import ModelFileError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jinja2 import nodes
    from jinja2.parser import Parser

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""For a model that brings no template."""


class RefusalError(Exception):
    """The template does not take these messages; the message says why, and quotes nothing."""


class _RaisedError(jinja2.TemplateError):
    """The template itself refuses (`raise_exception`)."""


class _Absent(jinja2.Undefined):
    """What is not there adds nothing to a text: many templates add a description that nobody has to write."""

    def __add__(self, other: Any) -> Any:
        return other

    def __radd__(self, other: Any) -> Any:
        return other


class _Generation(jinja2.ext.Extension):
    """`{% generation %}` marks what the assistant said, for training; here it changes nothing."""

    tags = {"generation"}  # noqa: RUF012 - Jinja's interface

    def parse(self, parser: Parser) -> list[nodes.Node]:
        """Read the body as if the tag were not there."""
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class Template:
    """A compiled template."""

    def __init__(self, source: str, constants: Mapping[str, str]) -> None:
        # lists may be changed, as some templates do with their own; what they are given is a copy each time
        environment = SandboxedEnvironment(
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=_Absent,
            extensions=["jinja2.ext.loopcontrols", "jinja2.ext.do", _Generation],
        )
        environment.filters["tojson"] = _to_json
        environment.filters["from_json"] = environment.filters["fromjson"] = json.loads
        environment.globals["raise_exception"] = _raise
        environment.globals["strftime_now"] = _now
        try:
            self._template = environment.from_string(source)
            self.variables = frozenset(jinja2.meta.find_undeclared_variables(environment.parse(source)))
            """What the template asks for by name."""
        except jinja2.TemplateSyntaxError as error:
            raise ModelFileError(f"the chat template cannot be read: line {error.lineno}: {error.message}") from None
        self.source = source
        self._constants = constants

    def render(self, messages: Sequence[Mapping[str, Any]], **variables: Any) -> str:
        """The text of a prompt; raises RefusalError."""
        try:
            today = {"datetime": _now("%d %b %Y")} if "datetime" in self.variables else {}
            return self._template.render(**{**self._constants, **today, **variables, "messages": messages})
        except _RaisedError as error:
            reason = str(error)  # it may quote a message, so only what stands in the template itself is told
            raise RefusalError(reason if reason in self.source else "it raised an exception") from None
        except Exception as error:  # noqa: BLE001 - a template may do anything with what it was not written for
            raise RefusalError(type(error).__name__) from None


def _raise(message: object) -> NoReturn:
    raise _RaisedError(str(message))


def _to_json(
    value: Any,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
    **_: Any,
) -> str:
    """Plain JSON: Jinja's own filter escapes for HTML. Never ASCII alone, else the guard's marks would be escaped."""
    return json.dumps(value, ensure_ascii=False, indent=indent, separators=separators, sort_keys=sort_keys)


def _now(layout: str) -> str:
    return dt.datetime.now(tz=dt.UTC).strftime(layout)
