"""Requests and whole answers that are broken anyhow: refused with a place, or carried; never a fault of ours."""

import base64
import json
from typing import get_args, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typing_extensions import is_typeddict

from extproc.errors import IntentmeshError, UnreadableAnswerError, UntranslatableError
from extproc.payload import translate
from extproc.payload.translate.fields import _DATE, KINDS, KNOWN
from tests.unit.payload.translate import upstreams
from tests.unit.payload.translate.oracles import PAIRS, RULE, validate
from tests.unit.payload.translate.test_streams import SITUATIONS, editor, values
from tests.unit.payload.translate.test_table import CALLED, FEATURES, USER, body_of

CANARY = "ada@example.org"
CHATS = translate.spoken(RULE, "/v1/chat/completions")


def spoil(draw, value, new=values):
    """The same with a part of it left out, turned into something else, or under another name."""
    at = value
    while isinstance(at, dict | list) and at:
        key = draw(st.sampled_from(sorted(at))) if isinstance(at, dict) else draw(st.integers(0, len(at) - 1))
        what = draw(st.sampled_from(["go on", "go on", "replace", "remove", "rename"]))
        if what == "replace":
            at[key] = draw(new)
            return
        if what == "remove":
            del at[key]
            return
        if what == "rename" and isinstance(at, dict):
            at[CANARY] = at.pop(key)
            return
        at = at[key]


@pytest.mark.parametrize(("caller", "upstream"), PAIRS)
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_a_broken_request_is_refused_or_carried(caller, upstream, data):
    """Only errors of ours, which say no word of the caller's; and what is carried is JSON."""
    features = [fields[caller] for fields in FEATURES.values() if caller in fields]
    body = json.loads(json.dumps(body_of(caller, data.draw(st.sampled_from(features)))))
    for _ in range(data.draw(st.integers(1, 4))):
        spoil(data.draw, body)
    drop, counts = data.draw(st.booleans()), data.draw(st.booleans())
    spoken = translate.Spoken(caller, counts=counts and caller != "openai")
    try:
        made = translate.request(spoken, upstream, json.dumps(body).encode(), model="m", drop=drop)
    except IntentmeshError as error:
        told, status = [str(error)], error.status
    else:
        told, status = made.dropped, 400
        assert isinstance(json.loads(made.body), dict)
    assert status == 400
    assert not any(CANARY in name for name in told)


@pytest.mark.parametrize(("caller", "upstream"), PAIRS)
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_a_broken_answer_is_an_error_or_an_answer(caller, upstream, data):
    """Of the caller's API."""
    answer = json.loads(upstreams.ANSWERS[upstream](data.draw(st.sampled_from(SITUATIONS)), stream=False))
    for _ in range(data.draw(st.integers(1, 4))):
        spoil(data.draw, answer)
    try:
        out = editor(caller, upstream, media="application/json", stream=False).feed(
            json.dumps(answer).encode(), end=True
        )
    except UnreadableAnswerError:
        return
    assert isinstance(json.loads(out), dict)


@pytest.mark.parametrize("caller", ["openai", "openai-responses", "anthropic"])
def test_what_no_json_can_say_again(caller):
    """Numbers without end, halves of characters, depths without bottom."""
    upstream = "gemini"
    field = "input" if caller == "openai-responses" else "messages"
    for text in ("1e999", "NaN", "-Infinity", "[" * 100_000, '"\\ud800"'):
        body = f'{{"model": "m", "temperature": {text}, "{field}": []}}'.encode()
        with pytest.raises(IntentmeshError):
            translate.request(translate.Spoken(caller), upstream, body, model="m", drop=True)
    said = '"hi \\ud800"'
    said = said if caller == "openai-responses" else f'[{{"role": "user", "content": {said}}}]'
    body = f'{{"model": "m", "max_tokens": 5, "{field}": {said}}}'.encode()
    made = translate.request(translate.Spoken(caller), upstream, body, model="m", drop=True)
    assert json.loads(made.body)["contents"][0]["parts"][0]["text"] == "hi \ud800"


@pytest.mark.parametrize(
    ("caller", "upstream", "strict", "expected"),
    [
        ("openai", "openai-responses", None, None),
        ("openai", "openai-responses", False, False),
        ("openai-responses", "openai", True, True),
    ],
)
def test_a_schema_is_as_strict_as_it_was(caller, upstream, strict, expected):
    """What the caller leaves to the API is left to it."""
    form = {"name": "n", "schema": {"type": "object"}} | ({} if strict is None else {"strict": strict})
    wrapped = {"type": "json_schema", "json_schema": form} if caller == "openai" else {"type": "json_schema", **form}
    fields = {"response_format": wrapped} if caller == "openai" else {"text": {"format": wrapped}}
    body = json.dumps(body_of(caller, fields)).encode()
    got = json.loads(translate.request(translate.Spoken(caller), upstream, body, model="m", drop=False).body)
    told = got["text"]["format"] if upstream == "openai-responses" else got["response_format"]["json_schema"]
    assert told.get("strict") == expected


def members(kind):
    """The objects of JSON that a type of a package stands for."""
    return [kind] if is_typeddict(kind) else [member for one in get_args(kind) for member in members(one)]


def kinds_of_the_packages():
    """Requests and their parts, as the official packages declare them."""
    import anthropic.types as messages
    import openai.types.chat as chats
    from anthropic.types.message_create_params import MessageCreateParamsStreaming
    from openai.types import responses
    from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming
    from openai.types.responses.response_create_params import ResponseCreateParamsStreaming

    yield from (MessageCreateParamsStreaming, messages.MessageParam, messages.ToolParam, messages.MetadataParam)
    yield from (messages.TextBlockParam, messages.ImageBlockParam, messages.DocumentBlockParam)
    yield from (messages.SearchResultBlockParam, messages.ToolUseBlockParam, messages.ToolResultBlockParam)
    yield from (messages.ThinkingBlockParam, messages.OutputConfigParam, messages.ThinkingConfigParam)
    yield from (messages.ToolChoiceParam, messages.document_block_param.Source)
    yield from (CompletionCreateParamsStreaming, chats.ChatCompletionMessageParam)
    yield from (chats.ChatCompletionContentPartParam, chats.ChatCompletionFunctionToolParam)
    yield from (ResponseCreateParamsStreaming, responses.ResponseInputContentParam, responses.FunctionToolParam)
    yield from (responses.ResponseTextConfigParam, responses.ResponseFunctionToolCallParam)


def test_fields_of_the_apis_have_their_names_told():
    """Whatever the packages know of may stand in a request, and is no word of the caller's."""
    found = [member for kind in kinds_of_the_packages() for member in members(kind)]
    assert len(found) > 30
    for member in found:
        assert get_type_hints(member).keys() <= KNOWN, member


READ = {
    "text",
    "image",
    "document",
    "search_result",
    "tool_use",
    "tool_result",
    "thinking",
    "redacted_thinking",
    "image_url",
    "input_audio",
    "file",
    "function",
    "input_text",
    "input_image",
    "input_file",
    "message",
    "function_call",
    "function_call_output",
    "reasoning",
}
"""Kinds of parts, items and tools that are read."""


def test_kinds_of_the_apis_have_their_names_told():
    """Those that nothing reads, too."""
    import anthropic.types as messages
    import openai.types.chat as chats
    from openai.types import responses

    unions = (messages.ContentBlockParam, messages.ToolUnionParam, messages.tool_result_block_param.Content)
    unions += (chats.ChatCompletionContentPartParam, chats.ChatCompletionToolUnionParam)
    unions += (responses.ResponseInputItemParam, responses.ToolParam, responses.ResponseInputContentParam)
    said = [get_type_hints(member).get("type") for union in unions for member in members(union)]
    kinds = {kind for literal in said for kind in get_args(literal) if isinstance(kind, str)}
    kinds |= {kind for literal in said for one in get_args(literal) for kind in get_args(one)}
    assert len(kinds) > 60
    assert {kind for kind in kinds - READ if _DATE.sub("", kind) not in KINDS} == set()


def test_what_is_lost_is_told_by_its_kind():
    """Where it stands and what it is, if that is a word of an API's; dates of tools are told too."""
    blocks = [{"type": kind} for kind in ("server_tool_use", CANARY, "container_upload")]
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}
    result = {"type": "tool_result", "tool_use_id": "t", "content": [image]}
    turns = [{"role": "user", "content": [*blocks, result]}]
    body = body_of("anthropic", {"messages": turns, "tools": [{"type": "web_search_20250305", "name": "web_search"}]})
    with pytest.raises(UntranslatableError) as refused:
        translate.request(translate.Spoken("anthropic"), "openai", json.dumps(body).encode(), model="m", drop=False)
    for told in (
        "`messages[0].content[0] (server_tool_use)`",
        "`messages[0].content[1]`",
        "`messages[0].content[2] (container_upload)`",
        "`messages[0].content[3].content[0] (image)`",
        "`tools[0].type (web_search_20250305)`",
    ):
        assert told in str(refused.value)


def test_files_of_text_are_documents_of_anthropics():
    """With or without a URL around the data, by their name or their kind; what is no text is named."""

    def document(data, name="a.md"):
        part = {"type": "file", "file": {"file_data": data, "filename": name}}
        body = json.dumps(body_of("openai", {"messages": [{"role": "user", "content": [part]}]})).encode()
        return json.loads(translate.request(CHATS, "anthropic", body, model="m", drop=False).body)["messages"][0][
            "content"
        ]

    def coded(said):
        return base64.b64encode(said).decode()

    text = {"type": "text", "media_type": "text/plain", "data": "# hé"}
    for data in (
        f"data:text/markdown;base64,{coded('# hé'.encode())}",
        f"data:text/markdown;charset=utf-8;base64,{coded('# hé'.encode())}",
        "data:text/plain,%23%20h%C3%A9",
        coded("# hé".encode()),
    ):
        assert document(data) == [{"type": "document", "source": text, "title": "a.md"}]
    pdf = {"type": "base64", "media_type": "application/pdf", "data": coded(b"%PDF")}
    assert document(coded(b"%PDF"), "a.pdf") == [{"type": "document", "source": pdf, "title": "a.pdf"}]
    for data in (coded(b"\xff\xfe"), coded("hi".encode("utf-16-le")), "not base64!"):
        with pytest.raises(UntranslatableError, match=r"messages\[0\]\.content\[0\]"):
            document(f"data:text/plain;base64,{data}")


@pytest.mark.parametrize("upstream", ["openai", "openai-responses", "gemini"])
def test_documents_of_text_are_said_with_what_is_told_of_them(upstream):
    """In the order in which they stand, and the mark of a cache stays refused by name."""
    found = {"type": "search_result", "source": "S", "title": "T", "content": [{"type": "text", "text": "F"}]}
    note = {"type": "text", "media_type": "text/plain", "data": "D"}
    document = {"type": "document", "title": "N", "context": "C", "source": note, "citations": {"enabled": False}}
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}
    blocks = {"type": "document", "title": "B", "source": {"type": "content", "content": [found["content"][0], image]}}
    content = [document, found, blocks, {"type": "text", "text": "Q"}]
    body = body_of("anthropic", {"messages": [{"role": "user", "content": content}]})
    spoken = translate.Spoken("anthropic")
    got = json.loads(translate.request(spoken, upstream, json.dumps(body).encode(), model="m", drop=False).body)
    parts = {
        "openai": lambda: got["messages"][0]["content"],
        "openai-responses": lambda: got["input"][0]["content"],
        "gemini": lambda: got["contents"][0]["parts"],
    }[upstream]()
    assert [part.get("text") for part in parts] == ["N\n\nC\n\nD", "T\n\nS", "F", "B", "F", None, "Q"]
    document["cache_control"] = {"type": "ephemeral"}
    with pytest.raises(UntranslatableError, match=r"`messages\[0\]\.content\[0\]\.cache_control`"):
        translate.request(spoken, upstream, json.dumps(body).encode(), model="m", drop=False)


@pytest.mark.parametrize(
    ("choice", "mode"), [(None, "VALIDATED"), ("auto", "VALIDATED"), ("required", "ANY"), ("none", "NONE")]
)
def test_gemini_holds_calls_to_strict_schemas(choice, mode):
    """Where a tool wants it."""
    function = {"name": "f", "parameters": {"type": "object"}, "strict": True}
    fields = {"tools": [{"type": "function", "function": function}]} | ({"tool_choice": choice} if choice else {})
    body = json.dumps(body_of("openai", fields)).encode()
    got = json.loads(translate.request(CHATS, "gemini", body, model="m", drop=False).body)
    assert got["toolConfig"]["functionCallingConfig"]["mode"] == mode


def brought_back(caller, body, answer):
    """The next request of a conversation, with what was answered in it, as each client's own examples have it."""
    if caller == "openai":
        message = answer["choices"][0]["message"]
        results = [{"role": "tool", "tool_call_id": c["id"], "content": "r"} for c in message.get("tool_calls") or []]
        return body | {"messages": [*body["messages"], message, *results, {"role": "user", "content": "y"}]}
    if caller == "anthropic":
        content = answer["content"]
        results = [
            {"type": "tool_result", "tool_use_id": p["id"], "content": "r"} for p in content if p["type"] == "tool_use"
        ]
        turns = [
            {"role": "assistant", "content": content},
            {"role": "user", "content": [*results, {"type": "text", "text": "y"}]},
        ]
        return body | {"messages": [*body["messages"], *turns]}
    output = answer["output"]
    results = [
        {"type": "function_call_output", "call_id": p["call_id"], "output": "r"}
        for p in output
        if p["type"] == "function_call"
    ]
    return body | {"input": [*body["input"], *output, *results, {"role": "user", "content": "y"}]}


@pytest.mark.parametrize(("caller", "upstream"), PAIRS)
@pytest.mark.parametrize("situation", SITUATIONS)
def test_what_was_answered_may_come_back(caller, upstream, situation):
    """A conversation goes on, whatever its last answer was: clients bring back all of it."""
    said = [{"role": "user", "content": "x"}]
    body = (
        {"model": "m", "input": said}
        if caller == "openai-responses"
        else {"model": "m", "messages": said, "max_tokens": 9}
    )
    path = {"openai": "/v1/chat/completions", "openai-responses": "/v1/responses", "anthropic": "/v1/messages"}[caller]
    spoken = translate.spoken(RULE, path)

    def translated(value):
        return translate.request(spoken, upstream, json.dumps(value).encode(), model="up", drop=False)

    editor = translated(body).answer.editor(status=200, media="application/json", content_encoding="")
    answer = json.loads(editor.feed(upstreams.ANSWERS[upstream](situation, stream=False), end=True))
    made = translated(brought_back(caller, body, answer))
    validate(upstream, json.loads(made.body))
    assert all("reasoning" in name or "content" in name or "input" in name for name in made.dropped)


@pytest.mark.parametrize(
    ("path", "dialect", "counts"),
    [
        ("/v1/chat/completions", "openai", False),
        ("/v1/responses", "openai-responses", False),
        ("/v1/responses/input_tokens", "openai-responses", True),
        ("/v1/messages", "anthropic", False),
        ("/v1/messages/count_tokens", "anthropic", True),
        ("/openai/v1/messages/count_tokens/", "anthropic", True),
    ],
)
def test_every_path_that_is_translated_is_one_that_is_known(path, dialect, counts):
    """What nobody takes for an API would pass to whichever model is the default, in the caller's words."""
    assert translate.spoken(RULE, path) == translate.Spoken(dialect, counts)


@pytest.mark.parametrize("upstream", ["anthropic", "gemini"])
def test_a_refusal_is_what_was_said(upstream):
    """Where the API has no word for one."""
    refused = {"role": "assistant", "content": None, "refusal": "I cannot"}
    body = {"messages": [{"role": "user", "content": "x"}, refused, {"role": "user", "content": "y"}]}
    made = translate.request(
        translate.spoken(RULE, "/v1/chat/completions"), upstream, json.dumps(body).encode(), model="m", drop=False
    )
    assert b"I cannot" in made.body
    assert made.dropped == ()


EMPTY = {
    "openai": {"logit_bias": {}, "functions": [], "tools": [], "metadata": {}, "stop": []},
    "openai-responses": {
        "include": [],
        "stream_options": {},
        "tools": [],
        "metadata": {},
        "input": [USER | {"annotations": []}],
    },
    "anthropic": {"mcp_servers": [], "stop_sequences": [], "tools": [], "context_management": {}, "betas": []},
}


@pytest.mark.parametrize(("caller", "upstream"), PAIRS)
def test_what_is_empty_is_lost_by_nobody(caller, upstream):
    """Clients send lists and objects with nothing in them."""
    body = json.dumps(body_of(caller, EMPTY[caller])).encode()
    assert translate.request(translate.Spoken(caller), upstream, body, model="m", drop=False).dropped == ()


@pytest.mark.parametrize("upstream", ["openai-responses", "anthropic", "gemini"])
def test_a_result_may_name_its_function(upstream):
    """As some frameworks send it: the call has said it."""
    result = {"role": "tool", "tool_call_id": "c1", "name": "f", "content": "ok"}
    body = json.dumps(body_of("openai", {"messages": [USER, CALLED, result]})).encode()
    assert translate.request(CHATS, upstream, body, model="m", drop=False).dropped == ()


@pytest.mark.parametrize("upstream", ["openai", "openai-responses", "gemini"])
def test_an_answer_that_is_begun_is_counted_but_not_asked_for(upstream):
    """Another API would answer to it as if it were whole."""
    turns = [USER, {"role": "assistant", "content": "{"}]
    body = json.dumps(body_of("anthropic", {"messages": turns})).encode()
    with pytest.raises(UntranslatableError, match=r"`messages\[1\] as the beginning of the answer`"):
        translate.request(translate.Spoken("anthropic"), upstream, body, model="m", drop=False)
    if upstream != "openai":
        counted = translate.Spoken("anthropic", counts=True)
        assert translate.request(counted, upstream, body, model="m", drop=False).dropped == ()


def test_data_in_a_url_that_is_no_base64():
    """Is the same data; what is no URL of data at all is named."""

    def image(url):
        part = {"type": "image_url", "image_url": {"url": url}}
        body = json.dumps({"messages": [{"role": "user", "content": [part]}]}).encode()
        return translate.request(
            translate.spoken(RULE, "/v1/chat/completions"), "anthropic", body, model="m", drop=False
        )

    source = json.loads(image("data:image/svg+xml,%3Csvg/%3E").body)["messages"][0]["content"][0]["source"]
    assert source == {"type": "base64", "media_type": "image/svg+xml", "data": "PHN2Zy8+"}
    with pytest.raises(UntranslatableError, match=r"messages\[0\]\.content\[0\]"):
        image("data:image/png;base64")
