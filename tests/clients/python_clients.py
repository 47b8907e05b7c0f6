"""Python's clients, each with the same five tasks; a line of JSON for each on standard output.

python tests/clients/python_clients.py http://127.0.0.1:8080
"""

from __future__ import annotations

import importlib.metadata
import json
import sys
import traceback
from typing import Literal

from pydantic import BaseModel, ConfigDict

QUESTION = "How warm is it in Paris?"
GREETING, RESULT = "Hello you all", "It is warm."
SCHEMA = {
    "type": "object",
    "properties": {"city": {"enum": ["Paris"]}},
    "required": ["city"],
    "additionalProperties": False,
}
CHAT_TOOL = {
    "type": "function",
    "function": {"name": "get_weather", "description": "The weather", "parameters": SCHEMA},
}
RESPONSES_TOOL = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather",
    "parameters": SCHEMA,
    "strict": False,
}
CLAUDE_TOOL = {"name": "get_weather", "description": "The weather", "input_schema": SCHEMA}


class Place(BaseModel):
    """Where."""

    model_config = ConfigDict(extra="forbid")

    city: Literal["Paris"]


class OpenAiChat:
    """The `openai` package, chat completions."""

    name, package = "openai (chat)", "openai"

    def __init__(self, url):
        import openai

        self.client = openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0, timeout=60)
        self.asked = [{"role": "user", "content": QUESTION}]

    def create(self, **more):
        """A chat."""
        return self.client.chat.completions.create(**{"model": "any", "messages": self.asked, **more})

    def chat(self):
        """An answer."""
        return self.create().choices[0].message.content == GREETING

    def stream(self):
        """The same in pieces."""
        pieces = [chunk.choices[0].delta.content or "" for chunk in self.create(stream=True) if chunk.choices]
        return "".join(pieces) == GREETING and len(pieces) > 2

    def tools(self):
        """A call, streamed, and what becomes of its result."""
        with self.client.chat.completions.stream(model="any", messages=self.asked, tools=[CHAT_TOOL]) as stream:
            said = stream.get_final_completion().choices[0].message
        (call,) = said.tool_calls
        result = {"role": "tool", "tool_call_id": call.id, "content": "23 degrees"}
        answer = self.create(messages=[*self.asked, said, result], tools=[CHAT_TOOL]).choices[0].message
        return json.loads(call.function.arguments) == {"city": "Paris"} and answer.content == RESULT

    def structured(self):
        """By a model of pydantic's."""
        answer = self.client.chat.completions.parse(model="any", messages=self.asked, response_format=Place)
        return answer.choices[0].message.parsed == Place(city="Paris")

    def usage(self):
        """Whole and streamed."""
        whole = self.create().usage
        *_, last = self.create(stream=True, stream_options={"include_usage": True})
        return whole.completion_tokens == last.usage.completion_tokens == 5 and whole.prompt_tokens > 0


class OpenAiResponses(OpenAiChat):
    """The `openai` package, responses."""

    name = "openai (responses)"

    def create(self, **more):
        """A response."""
        return self.client.responses.create(**{"model": "any", "input": self.asked, **more})

    def chat(self):
        """An answer."""
        return self.create().output_text == GREETING

    def stream(self):
        """The same in pieces."""
        pieces = [e.delta for e in self.create(stream=True) if e.type == "response.output_text.delta"]
        return "".join(pieces) == GREETING and len(pieces) > 2

    def tools(self):
        """A call, streamed, and what becomes of its result."""
        with self.client.responses.stream(model="any", input=self.asked, tools=[RESPONSES_TOOL]) as stream:
            said = stream.get_final_response()
        (call,) = [item for item in said.output if item.type == "function_call"]
        result = {"type": "function_call_output", "call_id": call.call_id, "output": "23 degrees"}
        answer = self.create(input=[*self.asked, call, result], tools=[RESPONSES_TOOL])
        return json.loads(call.arguments) == {"city": "Paris"} and answer.output_text == RESULT

    def structured(self):
        """By a model of pydantic's."""
        answer = self.client.responses.parse(model="any", input=self.asked, text_format=Place)
        return answer.output_parsed == Place(city="Paris")

    def usage(self):
        """Whole and streamed."""
        *_, last = self.create(stream=True)
        return self.create().usage.output_tokens == last.response.usage.output_tokens == 5


class Anthropic:
    """The `anthropic` package."""

    name, package = "anthropic", "anthropic"

    def __init__(self, url):
        import anthropic

        self.client = anthropic.Anthropic(base_url=url, api_key="none", max_retries=0, timeout=60)
        self.asked = [{"role": "user", "content": QUESTION}]
        self.common = {"model": "any", "max_tokens": 100, "messages": self.asked}

    def chat(self):
        """An answer."""
        return self.client.messages.create(**self.common).content[0].text == GREETING

    def stream(self):
        """The same in pieces."""
        with self.client.messages.stream(**self.common) as stream:
            pieces = list(stream.text_stream)
        return "".join(pieces) == GREETING and len(pieces) > 2

    def tools(self):
        """A call, streamed, and what becomes of its result."""
        with self.client.messages.stream(**self.common, tools=[CLAUDE_TOOL]) as stream:
            said = stream.get_final_message()
        (call,) = [block for block in said.content if block.type == "tool_use"]
        result = {"type": "tool_result", "tool_use_id": call.id, "content": "23 degrees"}
        history = [*self.asked, {"role": "assistant", "content": said.content}, {"role": "user", "content": [result]}]
        answer = self.client.messages.create(**{**self.common, "messages": history}, tools=[CLAUDE_TOOL])
        return call.input == {"city": "Paris"} and answer.content[0].text == RESULT

    def structured(self):
        """By a model of pydantic's."""
        return self.client.messages.parse(**self.common, output_format=Place).parsed_output == Place(city="Paris")

    def usage(self):
        """Whole and streamed, and counted before."""
        with self.client.messages.stream(**self.common) as stream:
            streamed = stream.get_final_message().usage
        counted = self.client.messages.count_tokens(model="any", messages=self.asked).input_tokens
        total = streamed.input_tokens + streamed.cache_read_input_tokens
        return (
            self.client.messages.create(**self.common).usage.output_tokens == streamed.output_tokens == 5
            and counted == total
        )


class LangChain:
    """`langchain-openai`."""

    name, package = "langchain-openai", "langchain-openai"

    def __init__(self, url):
        from langchain_openai import ChatOpenAI

        self.model = ChatOpenAI(
            model="any", base_url=f"{url}/v1", api_key="none", max_retries=0, timeout=60, stream_usage=True
        )

    def chat(self):
        """An answer."""
        return self.model.invoke(QUESTION).content == GREETING

    def stream(self):
        """The same in pieces."""
        pieces = [chunk.content for chunk in self.model.stream(QUESTION)]
        return "".join(pieces) == GREETING and len(pieces) > 2

    def tools(self):
        """A call, streamed, and what becomes of its result."""
        from langchain_core.messages import HumanMessage, ToolMessage

        bound = self.model.bind_tools([CHAT_TOOL])
        said = None
        for chunk in bound.stream(QUESTION):
            said = chunk if said is None else said + chunk
        (call,) = said.tool_calls
        answer = bound.invoke([HumanMessage(QUESTION), said, ToolMessage("23 degrees", tool_call_id=call["id"])])
        return call["args"] == {"city": "Paris"} and answer.content == RESULT

    def structured(self):
        """By a schema, and by a call that must be made."""
        return all(
            self.model.with_structured_output(Place, method=method).invoke(QUESTION) == Place(city="Paris")
            for method in ("json_schema", "function_calling")
        )

    def usage(self):
        """Whole and streamed."""
        said = None
        for chunk in self.model.stream(QUESTION):
            said = chunk if said is None else said + chunk
        whole = self.model.invoke(QUESTION).usage_metadata
        return whole["output_tokens"] == said.usage_metadata["output_tokens"] == 5


class LlamaIndex:
    """`llama-index`, as a server like OpenAI's."""

    name, package = "llama-index", "llama-index-core"

    def __init__(self, url):
        from llama_index.llms.openai_like import OpenAILike

        self.model = OpenAILike(
            model="any",
            api_base=f"{url}/v1",
            api_key="none",
            is_chat_model=True,
            is_function_calling_model=True,
            should_use_structured_outputs=True,
            max_retries=0,
            timeout=60,
        )

    def chat(self):
        """An answer."""
        return self.model.complete(QUESTION).text == GREETING

    def stream(self):
        """The same in pieces."""
        pieces = [piece.delta or "" for piece in self.model.stream_complete(QUESTION)]
        return "".join(pieces) == GREETING and len(pieces) > 2

    def tools(self):
        """A call, and what becomes of its result."""
        from llama_index.core.llms import ChatMessage
        from llama_index.core.tools import FunctionTool

        tool = FunctionTool.from_defaults(
            lambda city: f"{city}: 23 degrees", name="get_weather", description="The weather", fn_schema=Place
        )
        said = self.model.chat_with_tools([tool], user_msg=QUESTION)
        (call,) = self.model.get_tool_calls_from_response(said)
        result = ChatMessage(role="tool", content="23 degrees", additional_kwargs={"tool_call_id": call.tool_id})
        history = [ChatMessage(role="user", content=QUESTION), said.message, result]
        answer = self.model.chat_with_tools([tool], chat_history=history)
        return call.tool_kwargs == {"city": "Paris"} and answer.message.content == RESULT

    def structured(self):
        """By a model of pydantic's."""
        from llama_index.core.prompts import PromptTemplate

        return self.model.structured_predict(Place, PromptTemplate(QUESTION)) == Place(city="Paris")

    def usage(self):
        """Of a whole answer."""
        return self.model.complete(QUESTION).raw.usage.completion_tokens == 5


OFFICIAL = (OpenAiChat, OpenAiResponses, Anthropic)
"""Those that the tests always have."""
CLIENTS = (*OFFICIAL, LangChain, LlamaIndex)
TASKS = ("chat", "stream", "tools", "structured", "usage")


def main(url):
    """Every client's every task."""
    for kind in CLIENTS:
        for task in TASKS:
            reason = ""
            try:
                passed = bool(getattr(kind(url), task)())
            except Exception as error:  # noqa: BLE001 - a client's failure is what we are here to see
                passed, reason = False, f"{type(error).__name__}: {error}"
                traceback.print_exc()
            version = importlib.metadata.version(kind.package)
            line = {"client": kind.name, "version": version, "task": task, "passed": passed, "reason": reason}
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
