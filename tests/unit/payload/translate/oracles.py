"""The official packages as judges: their clients talk to a translating upstream, their types validate what that gets.

They are imported where they are used: that takes longer than all that collects tests, in each process that does.
"""

import json
from functools import cache
from typing import get_type_hints

from pydantic import ConfigDict, TypeAdapter, with_config

from extproc.config import parse
from extproc.payload import translate
from tests.unit.payload.translate import upstreams

RULE = parse('version: 1\nmodels: {m: {endpoints: [{address: "127.0.0.1:1"}]}}\ndefault_model: m').intercept[0]
DIALECTS = ("openai", "openai-responses", "anthropic", "gemini")
CALLERS = DIALECTS[:3]
PAIRS = [(caller, upstream) for caller in CALLERS for upstream in DIALECTS if caller != upstream]


class Mesh:
    """What stands between a client and an upstream, without a network."""

    def __init__(self, upstream, *, situation="chat", drop=False, piece=7, error=None):
        self.upstream, self.situation, self.drop, self.piece, self.error = upstream, situation, drop, piece, error
        self.got = []
        """What the upstream was sent: target and JSON."""

    def answer(self, request):
        """Translate, be the upstream, translate back in small pieces."""
        spoken = translate.spoken(RULE, request.url.path)
        made = translate.request(spoken, self.upstream, request.content, model="upstream-model", drop=self.drop)
        body = json.loads(made.body)
        self.got.append((made.target, body))
        streamed = body.get("stream") is True or "streamGenerateContent" in made.target
        status, media = 200, "text/event-stream" if streamed else "application/json"
        if self.error is not None:
            status, media, out = *self.error[:2], self.error[2]
        elif spoken.counts:
            out = json.dumps(upstreams.COUNTS[self.upstream]).encode()
        else:
            out = upstreams.ANSWERS[self.upstream](self.situation, stream=streamed)
        editor = made.answer.editor(status=status, media=media, content_encoding="")
        pieces = [editor.feed(out[i : i + self.piece]) for i in range(0, len(out), self.piece)]
        pieces.append(editor.feed(b"", end=True))
        media = "text/event-stream" if streamed and status < 400 else "application/json"
        import httpx2

        return httpx2.Response(status, headers={"content-type": media}, content=b"".join(pieces))

    def openai(self):
        """OpenAI's client, which talks to this one from now on."""
        _current[0] = self
        return _openai()

    def anthropic(self):
        """Anthropic's client, likewise."""
        _current[0] = self
        return _anthropic()


_current = [None]
"""The mesh that the clients talk to: making a client takes longer than all that it asks here."""


def _http():
    import httpx2

    def answer(request):
        return _current[0].answer(request)

    return httpx2.Client(transport=httpx2.MockTransport(answer))


@cache
def _openai():
    import openai

    return openai.OpenAI(api_key="none", base_url="http://mesh/v1", max_retries=0, http_client=_http())


@cache
def _anthropic():
    import anthropic

    return anthropic.Anthropic(api_key="none", base_url="http://mesh", max_retries=0, http_client=_http())


def _parameters(upstream):
    """Of a request, whole and streamed."""
    if upstream == "anthropic":
        from anthropic.types import message_create_params as messages

        return messages.MessageCreateParamsNonStreaming, messages.MessageCreateParamsStreaming
    if upstream == "openai":
        from openai.types.chat import completion_create_params as chat

        return chat.CompletionCreateParamsNonStreaming, chat.CompletionCreateParamsStreaming
    from openai.types.responses import response_create_params as responses

    return responses.ResponseCreateParamsNonStreaming, responses.ResponseCreateParamsStreaming


@cache
def _adapter(kind):
    return TypeAdapter(with_config(ConfigDict(arbitrary_types_allowed=True))(kind))


def validate(upstream, body):
    """Raises where a body is none that this API's own package knows; fields that it does not have are none either."""
    streamed = body.get("stream") is True
    if upstream == "gemini":
        from google.genai import types as genai

        for content in body.get("contents", []):
            genai.Content.model_validate(content)
        config = {**body.get("generationConfig", {})}
        for name, kind in (
            ("tools", "tools"),
            ("toolConfig", "toolConfig"),
            ("systemInstruction", "systemInstruction"),
        ):
            if name in body:
                config[kind] = body[name]
        genai.GenerateContentConfig.model_validate(config)
        assert body.keys() <= {"contents", "generationConfig", "tools", "toolConfig", "systemInstruction"}
        return
    kind = _parameters(upstream)[streamed]
    sampling = (
        {"temperature", "top_p", "top_k"} if upstream == "anthropic" else set()
    )  # older models of the API take them
    assert body.keys() - sampling <= get_type_hints(kind).keys(), body.keys() - get_type_hints(kind).keys()
    _adapter(kind).validate_python(body)
