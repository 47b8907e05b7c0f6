"""What each pair of APIs carries: the table in `docs/providers.md`, made from what the code does.

python -m tests.unit.payload.translate.test_table
"""

import json
from pathlib import Path

import pytest

from extproc.errors import UntranslatableError
from extproc.payload import translate
from tests.unit.payload.translate.oracles import CALLERS, PAIRS, validate

MANUAL = Path(__file__).parents[4] / "docs" / "providers.md"
BEGIN, END = "<!-- pairs: made by tests/unit/payload/translate/test_table.py -->\n", "<!-- end of pairs -->\n"
SHORT = {"openai": "chat", "openai-responses": "responses", "anthropic": "messages", "gemini": "gemini"}
DATA = "aGVsbG8="
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}
USER = {"role": "user", "content": "hi"}


def said(*messages, **more):
    """A chat of these messages, for chat completions and messages alike."""
    return {"messages": list(messages), **more}


def chat_parts(*parts):
    """A chat whose user sends these parts."""
    return said({"role": "user", "content": list(parts)})


def items(*given, **more):
    """A response to these items."""
    return {"input": list(given), **more}


def tool(caller, **more):
    """A function, offered."""
    if caller == "anthropic":
        return {"name": "f", "description": "d", "input_schema": SCHEMA, **more}
    function = {"name": "f", "description": "d", "parameters": SCHEMA, **more}
    return (
        {"type": "function", **function} if caller == "openai-responses" else {"type": "function", "function": function}
    )


CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": "b"}'}}
CALLED = {"role": "assistant", "content": None, "tool_calls": [CALL]}
USED = {"role": "assistant", "content": [{"type": "tool_use", "id": "c1", "name": "f", "input": {"a": "b"}}]}
FUNCTION_CALL = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"a": "b"}'}


def result(content, **more):
    """What came of the call, told as Anthropic's callers do."""
    block = {"type": "tool_result", "tool_use_id": "c1", "content": content, **more}
    return said(USER, USED, {"role": "user", "content": [block]}, tools=[tool("anthropic")])


def sealed(signature):
    """A turn whose thought has a seal."""
    thought = {"type": "thinking", "thinking": "hm", "signature": signature}
    return {
        "openai": said(USER, {"role": "assistant", "content": "x", "thinking_blocks": [thought]}, USER),
        "openai-responses": items(
            USER,
            {"type": "reasoning", "id": "rs", "summary": [], "encrypted_content": signature},
            {"role": "assistant", "content": "x"},
            USER,
        ),
        "anthropic": said(USER, {"role": "assistant", "content": [thought, {"type": "text", "text": "x"}]}, USER),
    }


IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": DATA}}
PDF = f"data:application/pdf;base64,{DATA}"
PLAIN = f"data:text/plain;base64,{DATA}"
NOTE = {"type": "text", "media_type": "text/plain", "data": "x"}
SPOKEN = {"type": "text", "text": "x"}
FOUND = {"type": "search_result", "source": "https://x.example", "title": "t", "content": [SPOKEN]}
FEATURES = {
    "text": {c: {} for c in CALLERS},
    "system prompt": {
        "openai": said({"role": "system", "content": "s"}, USER),
        "openai-responses": {"instructions": "s"},
        "anthropic": {"system": [{"type": "text", "text": "s"}]},
    },
    "developer prompt": {
        "openai": said({"role": "developer", "content": "s"}, USER),
        "openai-responses": items({"role": "developer", "content": "s"}, USER),
    },
    "system message within the conversation": {
        "openai": said(USER, {"role": "assistant", "content": "x"}, {"role": "system", "content": "s"}, USER),
        "openai-responses": items(
            USER, {"role": "assistant", "content": "x"}, {"role": "system", "content": "s"}, USER
        ),
        "anthropic": said(USER, {"role": "assistant", "content": "x"}, {"role": "system", "content": "s"}, USER),
    },
    "beginning of the answer (prefill)": {"anthropic": said(USER, {"role": "assistant", "content": "x"})},
    "image, its data": {
        "openai": chat_parts({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{DATA}"}}),
        "openai-responses": items(
            {"role": "user", "content": [{"type": "input_image", "image_url": f"data:image/png;base64,{DATA}"}]}
        ),
        "anthropic": chat_parts(IMAGE),
    },
    "image, its address": {
        "openai": chat_parts({"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}),
        "openai-responses": items(
            {"role": "user", "content": [{"type": "input_image", "image_url": "https://x.example/a.png"}]}
        ),
        "anthropic": chat_parts({"type": "image", "source": {"type": "url", "url": "https://x.example/a.png"}}),
    },
    "image, how closely to look": {
        "openai": chat_parts(
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{DATA}", "detail": "high"}}
        ),
        "openai-responses": items(
            {
                "role": "user",
                "content": [{"type": "input_image", "detail": "high", "image_url": f"data:image/png;base64,{DATA}"}],
            }
        ),
    },
    "document (PDF), its data": {
        "openai": chat_parts({"type": "file", "file": {"file_data": PDF, "filename": "a.pdf"}}),
        "openai-responses": items(
            {"role": "user", "content": [{"type": "input_file", "file_data": PDF, "filename": "a.pdf"}]}
        ),
        "anthropic": chat_parts(
            {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": DATA}}
        ),
    },
    "document, its address": {
        "openai-responses": items(
            {"role": "user", "content": [{"type": "input_file", "file_url": "https://x.example/a.pdf"}]}
        ),
        "anthropic": chat_parts({"type": "document", "source": {"type": "url", "url": "https://x.example/a.pdf"}}),
    },
    "document, plain text": {
        "openai": chat_parts({"type": "file", "file": {"file_data": PLAIN, "filename": "a.txt"}}),
        "openai-responses": items(
            {"role": "user", "content": [{"type": "input_file", "file_data": PLAIN, "filename": "a.txt"}]}
        ),
        "anthropic": chat_parts({"type": "document", "title": "t", "context": "c", "source": NOTE}),
    },
    "document, blocks": {
        "anthropic": chat_parts({"type": "document", "source": {"type": "content", "content": [SPOKEN, IMAGE]}})
    },
    "document, what is told about it": {
        "anthropic": chat_parts(
            {
                "type": "document",
                "context": "c",
                "source": {"type": "base64", "media_type": "application/pdf", "data": DATA},
            }
        )
    },
    "search result": {"anthropic": chat_parts(FOUND)},
    "citations": {"anthropic": chat_parts({"type": "document", "source": NOTE, "citations": {"enabled": True}})},
    "sound": {"openai": chat_parts({"type": "input_audio", "input_audio": {"data": DATA, "format": "wav"}})},
    "tools": {c: {"tools": [tool(c)]} for c in CALLERS},
    "tools, held to their schema": {c: {"tools": [tool(c, strict=True)]} for c in CALLERS},
    "tool choice: any": {
        "openai": {"tools": [tool("openai")], "tool_choice": "required"},
        "openai-responses": {"tools": [tool("openai-responses")], "tool_choice": "required"},
        "anthropic": {"tools": [tool("anthropic")], "tool_choice": {"type": "any"}},
    },
    "tool choice: this one": {
        "openai": {"tools": [tool("openai")], "tool_choice": {"type": "function", "function": {"name": "f"}}},
        "openai-responses": {
            "tools": [tool("openai-responses")],
            "tool_choice": {"type": "function", "name": "f"},
        },
        "anthropic": {"tools": [tool("anthropic")], "tool_choice": {"type": "tool", "name": "f"}},
    },
    "one call at a time": {
        "openai": {"tools": [tool("openai")], "parallel_tool_calls": False},
        "openai-responses": {"tools": [tool("openai-responses")], "parallel_tool_calls": False},
        "anthropic": {
            "tools": [tool("anthropic")],
            "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
        },
    },
    "calls and their results": {
        "openai": said(USER, CALLED, {"role": "tool", "tool_call_id": "c1", "content": "ok"}, tools=[tool("openai")]),
        "openai-responses": items(
            USER,
            FUNCTION_CALL,
            {"type": "function_call_output", "call_id": "c1", "output": "ok"},
            tools=[tool("openai-responses")],
        ),
        "anthropic": result("ok"),
    },
    "result: an image": {
        "openai-responses": items(
            USER,
            FUNCTION_CALL,
            {
                "type": "function_call_output",
                "call_id": "c1",
                "output": [{"type": "input_image", "image_url": f"data:image/png;base64,{DATA}"}],
            },
        ),
        "anthropic": result([IMAGE]),
    },
    "result: a document of text, a search result": {
        "openai-responses": items(
            USER,
            FUNCTION_CALL,
            {
                "type": "function_call_output",
                "call_id": "c1",
                "output": [{"type": "input_file", "file_data": PLAIN, "filename": "a.txt"}],
            },
        ),
        "anthropic": result([{"type": "document", "source": NOTE}, FOUND, SPOKEN]),
    },
    "result: it failed": {"anthropic": result("no", is_error=True)},
    "JSON of a schema": {
        "openai": {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}}},
        "openai-responses": {"text": {"format": {"type": "json_schema", "name": "n", "schema": SCHEMA}}},
        "anthropic": {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
    },
    "JSON of any shape": {
        "openai": {"response_format": {"type": "json_object"}},
        "openai-responses": {"text": {"format": {"type": "json_object"}}},
    },
    "effort of thought": {
        "openai": {"reasoning_effort": "low"},
        "openai-responses": {"reasoning": {"effort": "low"}},
        "anthropic": {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}},
    },
    "tokens of thought": {"anthropic": {"thinking": {"type": "enabled", "budget_tokens": 2048}}},
    "thought of an earlier turn, sealed by Anthropic": sealed("c2VhbA=="),
    "sealed by OpenAI": sealed("openai:rs_1:c2VhbA=="),
    "sealed by Gemini": sealed("gemini:c2VhbA=="),
    "most tokens": {
        "openai": {"max_completion_tokens": 9},
        "openai-responses": {"max_output_tokens": 9},
        "anthropic": {"max_tokens": 9},
    },
    "stop sequences": {"openai": {"stop": ["x"]}, "anthropic": {"stop_sequences": ["x"]}},
    "temperature up to 1, top_p": {c: {"temperature": 0.5, "top_p": 0.9} for c in CALLERS},
    "temperature over 1": {c: {"temperature": 1.5} for c in ("openai", "openai-responses")},
    "top_k": {"anthropic": {"top_k": 5}},
    "seed": {"openai": {"seed": 5}},
    "penalties": {"openai": {"presence_penalty": 0.5, "frequency_penalty": 0.5}},
    "several answers (n)": {"openai": {"n": 2}},
    "log-probabilities": {"openai": {"logprobs": True, "top_logprobs": 2}},
    "logit_bias": {"openai": {"logit_bias": {"1": 2}}},
    "who asks (user)": {
        "openai": {"user": "u"},
        "openai-responses": {"user": "u"},
        "anthropic": {"metadata": {"user_id": "u"}},
    },
    "metadata": {"openai": {"metadata": {"a": "b"}}, "openai-responses": {"metadata": {"a": "b"}}},
    "verbosity": {"openai": {"verbosity": "low"}, "openai-responses": {"text": {"verbosity": "low"}}},
    "cache control": {"anthropic": {"system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}]}},
    "what is stored (previous_response_id, store)": {
        "openai": {"store": True},
        "openai-responses": {"previous_response_id": "resp_1"},
    },
    "tools of the provider's own (web search)": {
        "openai-responses": {"tools": [{"type": "web_search"}]},
        "anthropic": {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
    },
    "stream": {c: {"stream": True} for c in CALLERS},
}
"""Feature -> caller's API -> the fields in which it says so; no entry: it has no such feature."""
NOTES = {
    ("developer prompt", "anthropic"): "as system",
    ("developer prompt", "gemini"): "as system",
    ("tokens of thought", "openai"): "as effort",
    ("tokens of thought", "openai-responses"): "as effort",
    ("who asks (user)", "anthropic"): "as user_id",
    ("result: it failed", "openai"): "as text",
    ("result: it failed", "openai-responses"): "as text",
}
"""Feature and upstream -> how it is carried, where that is worth a word."""
AS_TEXT = ("document, plain text", "document, what is told about it", "search result")
"""Of messages, whose blocks for them no other API has."""


def body_of(caller, fields):
    """A request of this API with these fields."""
    base = {"model": "m", "input": "hi"} if caller == "openai-responses" else {"model": "m", "messages": [USER]}
    if caller == "anthropic":
        base["max_tokens"] = 50
    return {**base, **fields}


def carried(caller, upstream, fields):
    """What the upstream gets of it; None: it is refused."""
    body = json.dumps(body_of(caller, fields)).encode()
    try:
        return translate.request(translate.Spoken(caller), upstream, body, model="m", drop=False)
    except UntranslatableError as error:
        if "cannot carry" not in str(error):
            raise
        return None


def counted(caller, upstream):
    """Whether the tokens of a request can be counted."""
    body = json.dumps(body_of(caller, {})).encode()
    try:
        return bool(
            translate.request(translate.Spoken(caller, counts=True), upstream, body, model="m", drop=True).target
        )
    except UntranslatableError:
        return False


def cell(feature, caller, upstream):
    """Of the table."""
    fields = FEATURES[feature].get(caller)
    if fields is None:
        return ""
    if carried(caller, upstream, fields) is None:
        return "400"
    if feature in AS_TEXT and caller == "anthropic":
        return "as text"
    return NOTES.get((feature, upstream), "yes")


def table():
    """As Markdown: a feature a row, a pair a column."""
    head = ["", *(f"{SHORT[caller]} → {SHORT[upstream]}" for caller, upstream in PAIRS)]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    lines += [f"| {' | '.join((feature, *(cell(feature, *pair) for pair in PAIRS)))} |" for feature in FEATURES]
    counts = ("" if caller == "openai" else "yes" if counted(caller, upstream) else "400" for caller, upstream in PAIRS)
    lines.append(f"| {' | '.join(('tokens counted beforehand', *counts))} |")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(("caller", "upstream"), PAIRS)
def test_what_is_carried_is_of_the_upstreams_api(caller, upstream):
    """Each feature: as the official package of the upstream knows it, or refused by a name; dropped where that is said."""
    for feature, by_caller in FEATURES.items():
        if (fields := by_caller.get(caller)) is None:
            continue
        made = carried(caller, upstream, fields)
        if made is None:
            body = json.dumps(body_of(caller, fields)).encode()
            made = translate.request(translate.Spoken(caller), upstream, body, model="m", drop=True)
            assert made.dropped, feature
        validate(upstream, json.loads(made.body))


def test_the_manual_has_this_table():
    """Made by the command at the head of this file."""
    assert MANUAL.read_text().partition(BEGIN)[2].partition(END)[0] == table()


if __name__ == "__main__":
    text = MANUAL.read_text()
    before, _, rest = text.partition(BEGIN)
    MANUAL.write_text(f"{before}{BEGIN}{table()}{END}{rest.partition(END)[2]}")
