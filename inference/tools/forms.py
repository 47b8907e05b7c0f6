"""The form of calls as rules of a grammar: for each family what its parser reads, with arguments that the schema allows."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from inference.tools import harmony, invoked, marked
from inference.tools.lark import literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from inference.tools.lark import Rules
    from inference.tools.offer import Offer

_NEWLINE = '"\\n"'
_LITERAL = r'"(?:[^"\\]|\\.)*"'
_UNTAGGED = "/(.|\\n)*/ & ~/(.|\\n)*<\\/(.|\\n)*/"


def hermes_form(rules: Rules, offer: Offer) -> str:
    """An object in each `<tool_call>`."""
    opening, closing = rules.mark("<tool_call>"), rules.mark("</tool_call>")
    call = f"{opening} {_NEWLINE} {_object(rules, offer, 'arguments')} {_NEWLINE} {closing}"
    return _several(rules, offer, call, _NEWLINE)


def llama_form(rules: Rules, offer: Offer) -> str:
    """One object: these models make one call at a time."""
    return _object(rules, offer, "parameters")


def phi_form(rules: Rules, offer: Offer) -> str:
    """A list of objects behind the marker that the template has."""
    at = next((number for number, mark in enumerate(marked.PHI) if mark in rules.template), None)
    if at is None and marked.FUNCTOOLS in rules.template:
        return f'"functools[" {_list(rules, offer)} "]"'
    closes = marked.PHI_END[at or 0] in rules.template or marked.PHI_TOOLS in rules.template
    closing = rules.mark(marked.PHI_END[at or 0]) if closes else ""
    return f'{rules.mark(marked.PHI[at or 0])} "[" {_list(rules, offer)} "]" {closing}'


def mistral_form(rules: Rules, offer: Offer) -> str:
    """A list of objects, or where the template has `[ARGS]` a name and an object for each call."""
    marker = rules.mark(marked.MISTRAL)
    if marked.MISTRAL_ARGUMENTS not in rules.template:
        return f'{marker} "[" {_list(rules, offer)} "]"'
    identity = f"{rules.mark(marked.MISTRAL_ID)} /[a-zA-Z0-9]{{9}}/" if marked.MISTRAL_ID in rules.template else ""
    arguments = rules.mark(marked.MISTRAL_ARGUMENTS)
    ways = [f"{literal(name)} {identity} {arguments} {held}" for name, held in _held(rules, offer)]
    return _several(rules, offer, f"{marker} {rules.either('named', ways)}")


def deepseek_form(rules: Rules, offer: Offer) -> str:
    """A name and an object, in a fence where the template has one."""
    fenced = "```json" in rules.template
    separator = rules.mark(marked.DEEPSEEK_NAME)
    ways = []
    for name, held in _held(rules, offer):
        if fenced:
            head = literal(f"{name}\n```json\n")
            ways.append(f'"function" {separator} {head} {held} "\\n```"')
        else:
            ways.append(f"{literal(name)} {separator} {held}")
    call = f"{rules.mark(marked.DEEPSEEK_CALL)} {rules.either('named', ways)} {rules.mark(marked.DEEPSEEK_CALL_END)}"
    calls = _several(rules, offer, call, _NEWLINE if fenced else "")
    return f"{rules.mark(marked.DEEPSEEK_CALLS)} {calls} {rules.mark(marked.DEEPSEEK_CALLS_END)}"


def harmony_form(rules: Rules, offer: Offer) -> str:
    """One message to a function: it ends the turn."""
    body = f'" " {rules.mark(harmony.CONSTRAIN)} "json" {rules.mark(harmony.MESSAGE)}'
    ways = [f"{literal(name)} {body} {held}" for name, held in _held(rules, offer)]
    return f'{rules.mark(harmony.CHANNEL)} "commentary to=functions." {rules.either("named", ways)}'


def glm_form(rules: Rules, offer: Offer) -> str:
    """A name, then keys and values: texts as they are, all else as JSON."""
    ways = []
    for at, tool in enumerate(offer.tools):
        name = literal(tool["function"]["name"] + "\n")
        ways.append(f"{name} {_properties(rules, at, tool, _glm_property)}")
    return _tool_calls(rules, offer, ways)


def qwen_form(rules: Rules, offer: Offer) -> str:
    """`<function=…>` with parameters: texts as they are, all else as JSON."""
    ways = []
    for at, tool in enumerate(offer.tools):
        head = literal(f"\n<function={tool['function']['name']}>\n")
        ways.append(f'{head} {_properties(rules, at, tool, _qwen_property)} "</function>\\n"')
    return _tool_calls(rules, offer, ways)


def dsml_form(rules: Rules, offer: Offer) -> str:
    """A block of `<invoke>`s, each tag with the family's own mark in it."""
    block = next((block for block in invoked.DSML_BLOCKS if block + ">" in rules.template), invoked.DSML_BLOCKS[-1])
    mark = rules.mark(invoked.DSML)
    inner = _invokes(rules, offer, f'"<" {mark}', f'"</" {mark}', typed=True)
    head, tail = literal(f"{block}>\n"), literal(f"{block}>")
    return f'"<" {mark} {head} {inner} "</" {mark} {tail}'


def minimax_form(rules: Rules, offer: Offer) -> str:
    """The same without a mark."""
    opening, closing = rules.mark(invoked.MINIMAX), rules.mark("</minimax:tool_call>")
    return f"{opening} {_NEWLINE} {_invokes(rules, offer, literal('<'), literal('</'), typed=False)} {closing}"


def _invokes(rules: Rules, offer: Offer, opening: str, closing: str, *, typed: bool) -> str:
    ways = []
    for at, tool in enumerate(offer.tools):
        schema = tool["function"]["parameters"]
        properties = schema.get("properties")
        required = schema.get("required")
        parts = []
        for number, (key, one) in enumerate(properties.items() if isinstance(properties, dict) else ()):
            is_string = isinstance(one, dict) and one.get("type") == "string"
            flag = f' string="{"true" if is_string else "false"}"' if typed else ""
            head = literal(f'parameter name="{key}"{flag}>')
            value = _value_before(rules, f"value_{at}_{number}", one, schema, closing, _place(at))
            rule = rules.rule(f"property_{at}_{number}", f'{opening} {head} {value} "parameter>\\n"')
            parts.append(rule if isinstance(required, list) and key in required else f"{rule}?")
        name = tool["function"]["name"]
        head = literal(f'invoke name="{name}">\n')
        ways.append(f'{opening} {head} {" ".join(parts)} {closing} "invoke>\\n"')
    return _several(rules, offer, rules.either("named", ways))


def _value_before(rules: Rules, name: str, one: Any, schema: Mapping[str, Any], closing: str, place: str) -> str:
    """A value, and the beginning of the tag that closes it."""
    if isinstance(one, dict) and one.get("type") == "string":
        texts = one.get("enum", [one["const"]] if "const" in one else None)
        if isinstance(texts, list):
            return f"{rules.either(name, [literal(text) for text in texts if isinstance(text, str)])} {closing}"
        if closing.endswith(">"):  # a token in it: no text makes it
            return f"{rules.rule('untagged', _UNTAGGED)} {closing}"
        return rules.until("".join(json.loads(part) for part in re.findall(_LITERAL, closing)))
    return f"{_schema_rule(rules, name, one, schema, place)} {closing}"


def _tool_calls(rules: Rules, offer: Offer, ways: list[str]) -> str:
    call = f"{rules.mark('<tool_call>')} {rules.either('named', ways)} {rules.mark('</tool_call>')}"
    return _several(rules, offer, call, _NEWLINE)


def _glm_property(rules: Rules, key: str) -> tuple[str, str]:
    opening, closing = rules.mark("<arg_key>"), rules.mark("</arg_key>")
    return f"{opening} {literal(key)} {closing} {_NEWLINE} {rules.mark('<arg_value>')}", "</arg_value>"


def _qwen_property(_: Rules, key: str) -> tuple[str, str]:
    return literal(f"<parameter={key}>\n"), "\n</parameter>"


def _properties(rules: Rules, tool: int, offered: Mapping[str, Any], around: Any) -> str:
    schema = offered["function"]["parameters"]
    properties = schema.get("properties")
    required = schema.get("required")
    parts = []
    for at, (key, one) in enumerate(properties.items() if isinstance(properties, dict) else ()):
        start, end = around(rules, key)
        value = _value(rules, f"value_{tool}_{at}", one, schema, end, _place(tool))
        rule = rules.rule(f"property_{tool}_{at}", f"{start} {value} {_NEWLINE}")
        parts.append(rule if isinstance(required, list) and key in required else f"{rule}?")
    return " ".join(parts)


def _value(rules: Rules, name: str, one: Any, schema: Mapping[str, Any], end: str, place: str) -> str:
    if isinstance(one, dict) and one.get("type") == "string":
        texts = one.get("enum", [one["const"]] if "const" in one else None)
        if not isinstance(texts, list):
            return rules.until(end)
        return f"{rules.either(name, [literal(text) for text in texts if isinstance(text, str)])} {rules.mark(end)}"
    return f"{_schema_rule(rules, name, one, schema, place)} {rules.mark(end)}"


def _schema_rule(rules: Rules, name: str, one: Any, schema: Mapping[str, Any], place: str) -> str:
    """A part of a schema, with the definitions that it may refer to."""
    definitions = {key: schema[key] for key in ("$defs", "definitions") if key in schema}
    return rules.schema(name, {**one, **definitions} if isinstance(one, dict) else one, place)


def _object(rules: Rules, offer: Offer, key: str) -> str:
    """`{"name": …, "arguments": …}` of one of the functions."""
    ways = []
    for name, held in _held(rules, offer):
        head = literal(f'{{"name": {json.dumps(name)}, "{key}": ')
        ways.append(f'{head} {held} "}}"')
    return rules.either("object", ways)


def _list(rules: Rules, offer: Offer) -> str:
    return _several(rules, offer, _object(rules, offer, "arguments"), '", "')


def _held(rules: Rules, offer: Offer) -> list[tuple[str, str]]:
    """Each function with the rule of its arguments."""
    functions = [tool["function"] for tool in offer.tools]
    return [
        (function["name"], rules.schema(f"arguments_{at}", function["parameters"], _place(at)))
        for at, function in enumerate(functions)
    ]


def _place(tool: int) -> str:
    return f"tools.{tool}.function.parameters"


def _several(rules: Rules, offer: Offer, call: str, between: str = "") -> str:
    one = rules.rule("call", call)
    return f"{one} ({between} {one})*" if offer.parallel else one
