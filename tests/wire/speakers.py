"""The official clients of the three APIs that callers speak, under one face: what each sends, and what it makes of an answer."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field

import anthropic
import openai
from pydantic import BaseModel

IMAGE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
"""A picture of one pixel."""
SCHEMA = {"type": "object", "properties": {"to": {"type": "string"}}, "required": ["to"], "additionalProperties": False}
FEATURES = ("chat", "system", "tools", "results", "image", "document", "structured", "thought")


class Letter(BaseModel):
    """What a structured answer has to be."""

    to: str


@dataclass
class Told:
    """What a client made of an answer."""

    text: str = ""
    calls: list[tuple[str, dict]] = field(default_factory=list)
    thought: str = ""
    parsed: Letter | None = None


class Speaker:
    """One client; `sent` are the bodies that it has sent."""

    package = openai

    def __init__(self, url):
        self.sent = []

        async def note(request):
            self.sent.append(await request.aread())

        http = self.package.DefaultAsyncHttpxClient(event_hooks={"request": [note]})
        self.client = self.connect({"api_key": "secret-key", "max_retries": 0, "http_client": http}, url)

    def connect(self, options, url):
        """The client of the package."""
        return openai.AsyncOpenAI(base_url=f"{url}/v1", **options)


class Chat(Speaker):
    """OpenAI's chat completions."""

    def fields(self, feature, mail):
        """What is asked."""
        user = [{"role": "user", "content": f"I am {mail}"}]
        tools = [{"type": "function", "function": {"name": "get_weather", "parameters": SCHEMA, "strict": True}}]
        call = {
            "id": "call_1",
            "type": "function",
            "function": {"name": "get_weather", "arguments": f'{{"to": "{mail}"}}'},
        }
        text = {"type": "text", "text": f"I am {mail}"}
        match feature:
            case "system":
                said = {
                    "messages": [{"role": "system", "content": f"You serve {mail}"}, {"role": "user", "content": "Hi"}]
                }
            case "tools":
                said = {"messages": user, "tools": tools}
            case "results":
                called = {"role": "assistant", "tool_calls": [call]}
                result = {"role": "tool", "tool_call_id": "call_1", "content": f"sent to {mail}"}
                said = {"messages": [*user, called, result], "tools": tools}
            case "image":
                image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{IMAGE}"}}
                said = {"messages": [{"role": "user", "content": [text, image]}]}
            case "document":
                file = {"type": "file", "file": {"filename": "a.txt", "file_data": text_url(mail)}}
                said = {"messages": [{"role": "user", "content": [file, {"type": "text", "text": "Who?"}]}]}
            case "structured":
                said = {"messages": user, "response_format": Letter}
            case "thought":
                said = {"messages": user, "reasoning_effort": "low"}
            case _:
                said = {"messages": user}
        return said

    async def whole(self, **asked):
        """An answer at once."""
        ask = self.client.chat.completions.parse if "response_format" in asked else self.client.chat.completions.create
        return self.told(await ask(**asked))

    async def streamed(self, **asked):
        """An answer in pieces, put together by the client."""
        async with self.client.chat.completions.stream(**asked) as events:
            return self.told(await events.get_final_completion())

    async def pieces(self, **asked):
        """Texts of an answer as they come, and a last None for the end that the API has."""
        async with await self.client.chat.completions.create(**asked, stream=True) as stream:
            async for chunk in stream:
                for choice in chunk.choices:
                    if choice.delta.content:
                        yield choice.delta.content
                    if choice.finish_reason:
                        yield None

    def told(self, said):
        """What it says."""
        message = said.choices[0].message
        calls = [(call.function.name, json.loads(call.function.arguments)) for call in message.tool_calls or []]
        thought = getattr(message, "reasoning_content", None) or ""
        return Told(message.content or "", calls, thought, getattr(message, "parsed", None))


class Responses(Speaker):
    """OpenAI's responses."""

    def fields(self, feature, mail):
        """What is asked."""
        tools = [{"type": "function", "name": "get_weather", "parameters": SCHEMA, "strict": True}]
        call = {"type": "function_call", "call_id": "call_1", "name": "get_weather", "arguments": f'{{"to": "{mail}"}}'}
        text = {"type": "input_text", "text": f"I am {mail}"}
        match feature:
            case "system":
                said = {"instructions": f"You serve {mail}", "input": "Hi"}
            case "tools":
                said = {"input": f"I am {mail}", "tools": tools}
            case "results":
                result = {"type": "function_call_output", "call_id": "call_1", "output": f"sent to {mail}"}
                said = {"input": [{"role": "user", "content": f"I am {mail}"}, call, result], "tools": tools}
            case "image":
                image = {"type": "input_image", "detail": "auto", "image_url": f"data:image/png;base64,{IMAGE}"}
                said = {"input": [{"role": "user", "content": [text, image]}]}
            case "document":
                file = {"type": "input_file", "filename": "a.txt", "file_data": text_url(mail)}
                said = {"input": [{"role": "user", "content": [file, {"type": "input_text", "text": "Who?"}]}]}
            case "structured":
                said = {"input": f"I am {mail}", "text_format": Letter}
            case "thought":
                said = {"input": f"I am {mail}", "reasoning": {"effort": "low", "summary": "auto"}}
            case _:
                said = {"input": f"I am {mail}"}
        return said

    async def whole(self, **asked):
        """An answer at once."""
        ask = self.client.responses.parse if "text_format" in asked else self.client.responses.create
        return self.told(await ask(**asked))

    async def streamed(self, **asked):
        """An answer in pieces, put together by the client."""
        async with self.client.responses.stream(**asked) as events:
            return self.told(await events.get_final_response())

    async def pieces(self, **asked):
        """Texts of an answer as they come, and a last None for the end that the API has."""
        async with await self.client.responses.create(**asked, stream=True) as stream:
            async for event in stream:
                if event.type == "response.output_text.delta":
                    yield event.delta
                elif event.type in ("response.completed", "response.incomplete"):
                    yield None
                elif event.type == "error":
                    raise openai.APIError(event.message, request=None, body=event)

    async def count(self, **asked):
        """How many tokens a request has."""
        return (await self.client.responses.input_tokens.count(**asked)).input_tokens

    def told(self, said):
        """What it says."""
        calls = [(item.name, json.loads(item.arguments)) for item in said.output if item.type == "function_call"]
        thought = "".join(p.text for item in said.output if item.type == "reasoning" for p in item.summary)
        return Told(said.output_text, calls, thought, getattr(said, "output_parsed", None))


class Messages(Speaker):
    """Anthropic's messages."""

    package = anthropic

    def connect(self, options, url):
        """The client of the package."""
        return anthropic.AsyncAnthropic(base_url=url, **options)

    def fields(self, feature, mail):
        """What is asked."""
        user = [{"role": "user", "content": f"I am {mail}"}]
        tools = [{"name": "get_weather", "input_schema": SCHEMA}]
        text = {"type": "text", "text": f"I am {mail}"}
        match feature:
            case "system":
                said = {"messages": [{"role": "user", "content": "Hi"}], "system": f"You serve {mail}"}
            case "tools":
                said = {"messages": user, "tools": tools}
            case "results":
                use = {"type": "tool_use", "id": "call_1", "name": "get_weather", "input": {"to": mail}}
                result = {"type": "tool_result", "tool_use_id": "call_1", "content": f"sent to {mail}"}
                turns = [{"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}]
                said = {"messages": [*user, *turns], "tools": tools}
            case "image":
                source = {"type": "base64", "media_type": "image/png", "data": IMAGE}
                said = {"messages": [{"role": "user", "content": [text, {"type": "image", "source": source}]}]}
            case "document":
                source = {"type": "text", "media_type": "text/plain", "data": f"I am {mail}"}
                file = {"type": "document", "source": source, "title": "a.txt", "context": f"from {mail}"}
                said = {"messages": [{"role": "user", "content": [file, {"type": "text", "text": "Who?"}]}]}
            case "structured":
                said = {"messages": user, "output_format": Letter}
            case "thought":
                said = {"messages": user, "thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}
            case _:
                said = {"messages": user}
        return {"max_tokens": 50, **said}

    async def whole(self, **asked):
        """An answer at once."""
        ask = self.client.messages.parse if "output_format" in asked else self.client.messages.create
        return self.told(await ask(**asked))

    async def streamed(self, **asked):
        """An answer in pieces, put together by the client."""
        async with self.client.messages.stream(**asked) as events:
            return self.told(await events.get_final_message())

    async def pieces(self, **asked):
        """Texts of an answer as they come, and a last None for the end that the API has."""
        async with await self.client.messages.create(**asked, stream=True) as stream:
            async for event in stream:
                if event.type == "content_block_delta" and event.delta.type == "text_delta":
                    yield event.delta.text
                elif event.type == "message_stop":
                    yield None

    async def count(self, **asked):
        """How many tokens a request has."""
        asked.pop("max_tokens")
        return (await self.client.messages.count_tokens(**asked)).input_tokens

    def told(self, said):
        """What it says."""
        text = "".join(block.text for block in said.content if block.type == "text")
        calls = [(block.name, block.input) for block in said.content if block.type == "tool_use"]
        thought = "".join(block.thinking for block in said.content if block.type == "thinking")
        return Told(text, calls, thought, getattr(said, "parsed_output", None))


SPEAKERS = {"openai": Chat, "openai-responses": Responses, "anthropic": Messages}
"""A caller's API -> its client."""


def text_url(mail):
    """A file of text as OpenAI's clients send one."""
    return "data:text/plain;base64," + base64.b64encode(f"I am {mail}".encode()).decode()
