"""Messages in OpenAI's shape, put so that one template takes them: nothing that was said is lost, nothing is said twice.

What a template has no place for goes where it has one: a system message into the user's next, a call and its result into
text, several calls of one message into a message each.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import string
from typing import TYPE_CHECKING, Any

from inference.prompt.abilities import as_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from inference.prompt.abilities import Abilities, CallForm, Message

    Writer = Callable[[Sequence[tuple[str, Any]]], str]
    """Calls, each a name with its arguments, as the model's family writes them."""

_BETWEEN = "\n\n"
_SHORT_ID = 9
_ALPHABET = string.ascii_letters + string.digits


def arrange(
    messages: Sequence[Message], tools: Sequence[Message], abilities: Abilities, write: Writer
) -> list[Message]:
    """Put messages as the template wants them. Their arguments are objects; tools are those the template does not take."""
    arranged = list(messages)
    if tools:
        arranged = [{"role": "system", "content": instructions(tools, write)}, *arranged]
    if abilities.calls is None or not abilities.results:
        arranged = [_as_text(message, abilities, write) for message in arranged]
    if abilities.calls is not None:
        splits = abilities.repeats and not abilities.calls.with_text
        arranged = list(_with_calls(arranged, abilities.calls, splits=splits))
    arranged = _with_systems(arranged, abilities)
    if not abilities.repeats:
        arranged = _without_repeats(arranged)
    arranged = [_with_reasoning(message, abilities.reasoning_field) for message in arranged]
    return [as_parts(message) for message in arranged] if abilities.parts else arranged


def instructions(tools: Sequence[Message], write: Writer) -> str:
    """What a model is told of its tools where its template says nothing of any."""
    described = "\n".join(json.dumps(tool["function"], ensure_ascii=False) for tool in tools)
    example = write([("function-name", {"argument-name": "value"})])
    return (
        "You can call the functions below; each is described by its name, its purpose and a JSON schema of its "
        f"arguments.\n\n{described}\n\nTo call a function, answer in exactly this form, once for each call:\n{example}"
    )


def _as_text(message: Message, abilities: Abilities, write: Writer) -> Message:
    """Calls and results as plain text, where the template has no place for them."""
    if message["role"] == "tool" and not abilities.results:
        return {"role": "user", "content": f"<tool_response>\n{message['content']}\n</tool_response>"}
    if "tool_calls" in message and abilities.calls is None:
        kept = {key: value for key, value in message.items() if key != "tool_calls"}
        calls = [(call["function"]["name"], call["function"]["arguments"]) for call in message["tool_calls"]]
        return {**kept, "content": "\n".join(filter(None, (message["content"], write(calls))))}
    return message


def _with_calls(messages: Sequence[Message], form: CallForm, *, splits: bool) -> Iterator[Message]:
    """Calls and the ids of their results in the template's own form; `splits` puts text beside calls before them."""
    at = 0
    while at < len(messages):
        message = messages[at]
        at += 1
        if "tool_calls" not in message:
            yield _with_id(message, form)
            continue
        end = at
        while end < len(messages) and messages[end]["role"] == "tool":
            end += 1
        results = messages[at:end]
        if splits and message["content"]:
            yield {"role": "assistant", "content": message["content"]}
            message = {**message, "content": ""}
        if form.one_each and len(message["tool_calls"]) > 1:
            yield from _one_each(message, results, form)
        else:
            yield _called(message, message["tool_calls"], form)
            yield from (_with_id(result, form) for result in results)
        at = end


def _one_each(message: Message, results: Sequence[Message], form: CallForm) -> Iterator[Message]:
    """Each call in a message of its own, its result behind it; a result that names no call comes last."""
    by_id: dict[Any, list[Message]] = {}
    for result in results:
        by_id.setdefault(result.get("tool_call_id"), []).append(result)
    content, reasoning = message["content"], message.get("reasoning")
    for call in message["tool_calls"]:
        first = {**message, "content": content, "reasoning": reasoning}
        yield _called(first, [call], form)
        content, reasoning = "", None
        yield from (_with_id(result, form) for result in by_id.pop(call["id"], []))
    yield from (_with_id(result, form) for left in by_id.values() for result in left)


def _called(message: Message, calls: Sequence[Message], form: CallForm) -> Message:
    written = []
    for call in calls:
        arguments = call["function"]["arguments"]
        if not form.objects:
            arguments = json.dumps(arguments, ensure_ascii=False)
        function = {"name": call["function"]["name"], "arguments": arguments}
        written.append({"type": "function", "id": _id(call["id"], form), "function": function})
    return {**message, "content": message["content"] or (None if form.null_content else ""), "tool_calls": written}


def _with_id(message: Message, form: CallForm) -> Message:
    if "tool_call_id" not in message:
        return message
    return {**message, "tool_call_id": _id(message["tool_call_id"], form)}


def _id(identity: str, form: CallForm) -> str:
    """An id of the form that the template insists on: the same for the same call, in every turn."""
    if not form.short_ids or (len(identity) == _SHORT_ID and identity.isascii() and identity.isalnum()):
        return identity
    digest = hashlib.sha256(identity.encode(errors="replace")).digest()
    return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest[:_SHORT_ID])


def _with_systems(messages: Sequence[Message], abilities: Abilities) -> list[Message]:
    """System messages where the template takes them; the others are part of what the user says next."""
    start = 0
    while start < len(messages) and messages[start]["role"] == "system":
        start += 1
    leading = [message["content"] for message in messages[:start]]
    arranged: list[Message] = []
    waiting: list[str] = []
    if abilities.late_system or len(leading) == 1:
        arranged += messages[:start]
    elif leading:
        arranged.append({"role": "system", "content": _BETWEEN.join(leading)})
    if not abilities.system:
        waiting += [message["content"] for message in arranged]
        arranged = []
    for message in messages[start:]:
        if message["role"] == "system" and not (abilities.system and abilities.late_system):
            waiting.append(message["content"])
        elif message["role"] == "user" and waiting:
            arranged.append({**message, "content": _BETWEEN.join((*waiting, message["content"]))})
            waiting = []
        else:
            arranged.append(message)
    if waiting:
        arranged.append({"role": "user", "content": _BETWEEN.join(waiting)})
    return arranged


def _without_repeats(messages: Sequence[Message]) -> list[Message]:
    """Messages of one role, one after the other, as one: the template insists that roles alternate."""
    arranged = []
    for kind, group in itertools.groupby(messages, key=_mergeable):
        said = list(group)
        if kind is None or len(said) == 1:
            arranged += said
        else:
            texts = filter(None, (message["content"] for message in said))
            arranged.append({**said[-1], "content": _BETWEEN.join(texts)})
    return arranged


def _mergeable(message: Message) -> str | None:
    role: str = message["role"]
    return role if role in ("user", "assistant") and "tool_calls" not in message else None


def _with_reasoning(message: Message, field: str | None) -> Message:
    """What was thought before an answer, under the template's own name for it."""
    if "reasoning" not in message:
        return message
    kept = {key: value for key, value in message.items() if key != "reasoning"}
    reasoning = message["reasoning"]
    if not reasoning or field is None or (field == "thinking" and kept["content"]):
        return kept
    return {**kept, field: reasoning}
