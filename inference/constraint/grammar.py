"""What an answer must be, in llguidance's words: checked by us, not yet compiled for a vocabulary."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from inference.constraint.schema import held_schema


@dataclass(frozen=True, slots=True)
class Grammar:
    """A grammar that has passed the limits."""

    text: str
    """llguidance's JSON: `{"grammars": [...]}`."""
    param: str
    """The field of the request that it came from; errors name it."""


def from_schema(schema: Any, param: str) -> Grammar:
    """Documents that a JSON schema allows; raises InvalidRequestError with the path of what cannot be held."""
    return _grammar({"json_schema": held_schema(schema, param)}, param)


def from_lark(text: str, param: str) -> Grammar:
    """Texts of a grammar in llguidance's Lark. For grammars of our own: nobody else's is checked here.

    A schema stands in it as `%json {...}`, made by `lark_json`; a control token by its name, as `<tool_call>`.
    """
    return _grammar({"lark_grammar": text}, param)


def lark_json(schema: Any, param: str) -> str:
    """A JSON schema as an expression of Lark's."""
    return "%json " + json.dumps(held_schema(schema, param))


def _grammar(one: dict[str, Any], param: str) -> Grammar:
    return Grammar(json.dumps({"grammars": [one]}), param)
