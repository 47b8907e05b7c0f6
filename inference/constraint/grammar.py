"""What an answer must be, in llguidance's words: checked by us, not yet compiled for a vocabulary."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from inference.constraint.fault import NotHeldError
from inference.constraint.gbnf import GrammarError, read_gbnf
from inference.constraint.lark import lark_of
from inference.constraint.schema import held_part, held_schema

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Grammar:
    """A grammar that has passed the limits."""

    text: str
    """llguidance's JSON: `{"grammars": [...]}`."""
    param: str
    """The field of the request that it came from; errors name it."""
    schema: Any = field(default=None, compare=False)
    """The schema that it was made of, if it was."""


def from_schema(schema: Any, param: str) -> Grammar:
    """Documents that a JSON schema allows; raises InvalidRequestError with the path of what cannot be held."""
    return Grammar(_text({"json_schema": held_schema(schema, param)}), param, schema)


def from_gbnf(text: str, param: str) -> Grammar:
    """Texts of a grammar in llama.cpp's form; raises NotHeldError with the line of a mistake."""
    try:
        lark = lark_of(read_gbnf(text))
    except GrammarError as error:
        raise NotHeldError(f"{param}: {error}", param=param) from None
    except RecursionError:
        raise NotHeldError(f"{param}: rules that are nested too deeply", param=param) from None
    return Grammar(_text({"lark_grammar": lark}), param)


def lark_json(schema: Any, param: str) -> str:
    """A JSON schema as an expression of Lark's: `%json {...}`."""
    return "%json " + json.dumps(held_schema(schema, param))


def part_of_schema(grammar: Grammar, keys: Sequence[str | int]) -> Grammar:
    """The grammar of a part of its schema."""
    return Grammar(_text({"json_schema": held_part(grammar.schema, keys, grammar.param)}), grammar.param)


def _text(one: dict[str, Any]) -> str:
    return json.dumps({"grammars": [one]})
