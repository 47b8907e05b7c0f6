"""What a chat template takes, found out by rendering small conversations with it when the model is loaded.

Templates differ in what they do with a system message, with several messages of one role, with tool calls and their
results, and say so nowhere: some raise, some drop a part in silence, some print a Python dictionary.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from inference.prompt.template import RefusalError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from inference.prompt.template import Template

_USER, _LATER, _SYSTEM, _ANSWER = "probe-user", "probe-later", "probe-system", "probe-answer"
_TOOL, _OTHER, _KEY, _VALUE, _RESULT = "probe_tool", "probe_other", "probe_key", "probe-value", "probe-result"
_ID, _OTHER_ID, _SHORT_ID, _OTHER_SHORT_ID = "call_00000000000001", "call_00000000000002", "probe0001", "probe0002"
_NO_TOOLS: tuple[dict[str, Any], ...] = ({"tools": None}, {}, {"tools": []}, {"functions": ""})
IN_SYSTEM = "a system message's tools"
"""Where Phi-4-mini looks for them."""
_TOOL_VARIABLES = ("tools", "xml_tools", "custom_tools", "functions")
Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class CallForm:
    """How a template wants the calls of an assistant's message."""

    objects: bool
    """Arguments as an object, else as JSON text."""
    null_content: bool
    """Content that is not there is None, else an empty text."""
    short_ids: bool
    """Ids of nine letters and digits."""
    one_each: bool = False
    """One call a message: further ones are refused or lost."""
    with_text: bool = True
    """Text beside calls is shown."""


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a template takes as it is; what it does not take is put otherwise (`prompt.conversation`)."""

    parts: bool
    """Content as a list of parts only."""
    system: bool
    late_system: bool
    """A system message that is not the first."""
    repeats: bool
    """Two messages of one role, one after the other."""
    tools: str | None
    """The variable in which tools are handed over, or IN_SYSTEM; None: the template knows no tools."""
    no_tools: Mapping[str, Any]
    """What is handed over where there are none: templates differ in whether they bear `tools` undefined, None or empty."""
    calls: CallForm | None
    """None: the template knows no tool calls."""
    results: bool
    """Messages of the role `tool`."""
    reasoning_field: str | None
    """Where an assistant's message carries what was thought."""


def abilities_of(template: Template) -> Abilities:
    """Render probes; a template that fails every one of them is taken as it is, and will refuse later with its reason."""
    no_tools = next((none for none in _NO_TOOLS if _shows(template, [_user()], [_USER], **none)), _NO_TOOLS[0])
    parts = not _shows(template, [_user()], [_USER], **no_tools) and _shows(
        template, [as_parts(_user())], [_USER], **no_tools
    )
    probe = _Prober(template, no_tools, parts=parts)
    first, system = ({"role": "system", "content": text} for text in ("probe-first", _SYSTEM))
    answer = {"role": "assistant", "content": _ANSWER}
    variable = next((name for name in (*_TOOL_VARIABLES, IN_SYSTEM) if _takes_tools(probe, name)), None)
    offered = offer(variable, [_function(_TOOL), _function(_OTHER)])
    calls, results = _call_form(probe, offered)
    return Abilities(
        parts=parts,
        system=probe.shows([system, _user()], [_SYSTEM, _USER])
        and (not results or _keeps_system(probe, system, calls, offered)),
        late_system=probe.shows([first, _user(), answer, system, _user(_LATER)], ["probe-first", _SYSTEM, _LATER]),
        repeats=probe.shows([_user(), _user(_LATER), answer, answer, _user()], [_USER, _LATER, _ANSWER]),
        tools=variable,
        no_tools=no_tools,
        calls=calls,
        results=results,
        reasoning_field=_reasoning_field(probe, offered, calls),
    )


def offer(variable: str | None, tools: Sequence[Message]) -> dict[str, Any]:
    """Tools under the variable in which a template looks for them."""
    if variable is None or variable == IN_SYSTEM:
        return {}
    return {variable: json.dumps(tools, ensure_ascii=False) if variable == "functions" else list(tools)}


def _takes_tools(probe: _Prober, variable: str) -> bool:
    tools = [_function(_TOOL), _function(_OTHER)]
    messages = with_tools([_user()], tools) if variable == IN_SYSTEM else [_user()]
    return probe.shows(messages, [_USER, _TOOL, _OTHER], **offer(variable, tools))


def with_tools(messages: Sequence[Message], tools: Sequence[Message]) -> list[Message]:
    """Messages whose first is the system's, with the tools in it as JSON."""
    text = json.dumps([tool["function"] for tool in tools], ensure_ascii=False)
    if messages and messages[0]["role"] == "system":
        return [{**messages[0], "tools": text}, *messages[1:]]
    return [{"role": "system", "content": "", "tools": text}, *messages]


class _Prober:
    def __init__(self, template: Template, plain: Mapping[str, Any], *, parts: bool) -> None:
        self._template = template
        self._plain = plain
        self._parts = parts

    def shows(self, messages: Sequence[Message], needles: Sequence[str], **variables: Any) -> bool:
        return _shows(self._template, self._put(messages), needles, **{**self._plain, **variables})

    def render(self, messages: Sequence[Message], **variables: Any) -> str:
        return _render(self._template, self._put(messages), **{**self._plain, **variables})

    def _put(self, messages: Sequence[Message]) -> list[Message]:
        return [as_parts(message) for message in messages] if self._parts else list(messages)


def as_parts(message: Message) -> Message:
    """A message whose content is a list of parts."""
    content = message.get("content")
    return {**message, "content": [{"type": "text", "text": content}]} if isinstance(content, str) else message


def _call_form(probe: _Prober, offered: Mapping[str, Any]) -> tuple[CallForm | None, bool]:
    """The first form of calls that comes out whole, and once; and whether results are shown after them."""
    without = probe.render([_user()], **offered)
    ways = itertools.product((True, False), (True, False), (True, False), (False, True))
    for results, objects, null_content, short_ids in ways:
        form = CallForm(objects, null_content, short_ids)

        def render(*names: str, form: CallForm = form, results: bool = results) -> str:
            history = [_user(), _called(form, names), *(_results(form, names) if results else [])]
            return probe.render(history, **offered)

        text = _after(render(_TOOL), without)
        if not _renders_call(text) or (results and _RESULT not in text):
            continue
        both = _after(render(_TOOL, _OTHER), without)
        beside = [
            _user(),
            {**_called(form, [_TOOL]), "content": _ANSWER},
            *(_results(form, [_TOOL]) if results else []),
        ]
        form = replace(
            form,
            one_each=both.count(_VALUE) < 2 or _OTHER not in both,
            with_text=probe.shows(beside, [_ANSWER], **offered),
        )
        return form, results
    said = {"role": "assistant", "content": _ANSWER}
    return None, probe.shows([_user(), said, _result(_TOOL, _ID), _user(_LATER)], [_ANSWER, _RESULT, _LATER])


def _keeps_system(probe: _Prober, system: Message, calls: CallForm | None, offered: Mapping[str, Any]) -> bool:
    """Whether the system message is still there when the last message is a tool's result."""
    if calls is None:
        return True
    return probe.shows([system, _user(), _called(calls, [_TOOL]), *_results(calls, [_TOOL])], [_SYSTEM], **offered)


def _after(text: str, without: str) -> str:
    """What history adds to a prompt: tools are declared before it."""
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(text, without, strict=False))
    return text[sum(1 for _ in same) :]


def _renders_call(text: str) -> bool:
    """Name, key and value are there, as JSON or as tags: not a Python dictionary, no JSON in a JSON string, no "None"."""
    if _TOOL not in text or _KEY not in text or _VALUE not in text:
        return False
    return not any(wrong in text for wrong in (f'\\"{_KEY}', f"'{_KEY}'", f"'{_VALUE}'", "None", "null"))


def _reasoning_field(probe: _Prober, offered: Mapping[str, Any], calls: CallForm | None) -> str | None:
    for field in ("reasoning_content", "thinking", "reasoning"):
        said = {"role": "assistant", "content": _ANSWER, field: "probe-thought"}
        if probe.shows([_user(), said], ["probe-thought"], add_generation_prompt=False):
            return field
        if calls is not None:
            history = [_user(), {**_called(calls, [_TOOL]), field: "probe-thought"}, *_results(calls, [_TOOL])]
            if probe.shows(history, ["probe-thought"], **offered):
                return field
    return None


def _shows(template: Template, messages: Sequence[Message], needles: Sequence[str], **variables: Any) -> bool:
    text = _render(template, messages, **variables)
    return all(needle in text for needle in needles)


def _render(template: Template, messages: Sequence[Message], **variables: Any) -> str:
    try:
        return template.render(messages, **{"add_generation_prompt": True, **variables})
    except RefusalError:
        return ""


def _user(text: str = _USER) -> Message:
    return {"role": "user", "content": text}


def _function(name: str) -> Message:
    schema = {"type": "object", "properties": {_KEY: {"type": "string", "description": "d"}}, "required": [_KEY]}
    return {"type": "function", "function": {"name": name, "description": "d", "parameters": schema}}


def _called(form: CallForm, names: Sequence[str]) -> Message:
    arguments: Any = {_KEY: _VALUE} if form.objects else f'{{"{_KEY}": "{_VALUE}"}}'
    calls = [
        {"type": "function", "id": identity, "function": {"name": name, "arguments": arguments}}
        for name, identity in zip(names, _ids(form), strict=False)
    ]
    return {"role": "assistant", "content": None if form.null_content else "", "tool_calls": calls}


def _results(form: CallForm, names: Sequence[str]) -> list[Message]:
    return [_result(name, identity) for name, identity in zip(names, _ids(form), strict=False)]


def _result(name: str, identity: str) -> Message:
    return {"role": "tool", "tool_call_id": identity, "name": name, "content": _RESULT}


def _ids(form: CallForm) -> tuple[str, str]:
    return (_SHORT_ID, _OTHER_SHORT_ID) if form.short_ids else (_ID, _OTHER_ID)
