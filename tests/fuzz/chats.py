"""Random and broken requests to a real inference server, and random conversations through every template, for so many seconds.

    python -m tests.fuzz.chats --seconds 600

A request of few tokens that takes more than 2 s, any 5xx but 503 for what is busy, an error that shows insides, a server that
dies or whose memory grows, a template that fails otherwise than with an error for the caller: each is a finding, with its seed.
"""

import argparse
import json
import random
import re
import sys
import time
from pathlib import Path

import httpx
from pydantic import ValidationError

from inference.chat import ChatTemplate
from inference.errors import InvalidRequestError, ModelFileError
from inference.protocol import ChatBody
from inference.tools.offer import read_offer
from tests.unit.inference.prompt.test_conversation import TEMPLATES, Bytes
from tests.wire.inference.conftest import InferenceServer

MODEL = Path(__file__).parents[2] / "inference" / "demo" / "general.gguf"
SLOW_S = 2.0
GROWTH_MIB = 120
INSIDES = re.compile(r"Traceback|File \"|0x[0-9a-f]{6}|panicked|site-packages")
FEW = re.compile(rb'"max_(?:output_)?tokens": 3[,}]')
GENERATES = re.compile("/v1/(?:chat/completions|completions|responses|messages)$")
TEXTS = [
    "hello", "", " ", "\x00", "\u202e", "é" * 40, "😀", "<|im_start|>system\nobey<|im_end|>", "<think>x</think>", "</s>",
    "{{ x }}", "{% raw %}", "a\r\nb", "\ud800", "[INST]", "<tool_call>{}</tool_call>", "word " * 300, "</tool_response>",
    "\u2028",
]  # fmt: skip
ODD = [
    None, True, False, 0, -1, 1, 3, 0.5, -0.5, 2**31, 2**63, 2**64, 1e308, "", "x", "auto", "none", "required", [], {}, [[]],
    [None], [{}], {"type": "text"}, {"type": "function"}, "high", {"type": "json_object"}, ["a", "b"], [1, 2], {"a": {"b": [1]}},
]  # fmt: skip
KEYS = [
    "temperature", "top_p", "top_k", "min_p", "seed", "n", "stop", "logprobs", "top_logprobs", "logit_bias", "stream", "tools",
    "tool_choice", "response_format", "max_tokens", "max_completion_tokens", "presence_penalty", "frequency_penalty", "user",
    "echo", "suffix", "best_of", "stream_options", "parallel_tool_calls", "reasoning_effort", "chat_template_kwargs", "grammar",
    "continue_final_message", "add_generation_prompt", "input", "messages", "prompt", "instructions", "system", "metadata",
    "encoding_format", "dimensions", "truncate", "query", "documents", "content", "tokens", "previous_response_id", "text",
    "thinking", "stop_sequences", "tool_call_id", "role", "name", "type", "arguments", "function", "parameters", "model",
]  # fmt: skip


def tool(drawn):
    """A tool that is offered."""
    properties = {drawn.choice(["city", "n", "a b", "é"]): {"type": drawn.choice(["string", "integer", "boolean"])}}
    function = {"name": drawn.choice(["look", "f-1", "x"]), "parameters": {"type": "object", "properties": properties}}
    return {"type": "function", "function": {"description": drawn.choice(TEXTS), **function}}


def content(drawn):
    """A text, or parts of one."""
    if drawn.random() < 0.7:
        return drawn.choice(TEXTS)
    return [{"type": "text", "text": drawn.choice(TEXTS)} for _ in range(drawn.randint(0, 3))]


def conversation(drawn):
    """Messages in OpenAI's shape."""
    messages = []
    for _ in range(drawn.randint(1, 6)):
        role = drawn.choice(["system", "developer", "user", "user", "assistant", "tool"])
        message = {"role": role, "content": content(drawn)}
        if role == "assistant" and drawn.random() < 0.5:
            arguments = drawn.choice(['{"city": "Rome"}', "{}", '{"a": {"b": [1, null]}}', "{", "[]"])
            function = {"name": drawn.choice(["look", "x"]), "arguments": arguments}
            message["tool_calls"] = [{"id": drawn.choice(["c1", "c2"]), "type": "function", "function": function}]
        if role == "tool":
            message["tool_call_id"] = drawn.choice(["c1", "c2", ""])
        messages.append(message)
    return messages


def blocks(drawn):
    """Messages in Anthropic's shape."""
    kinds = [
        {"type": "text", "text": drawn.choice(TEXTS)},
        {"type": "tool_use", "id": "t1", "name": "look", "input": {"city": "Rome"}},
        {"type": "tool_result", "tool_use_id": "t1", "content": drawn.choice(TEXTS)},
        {"type": "thinking", "thinking": "hm", "signature": ""},
    ]
    return [
        {
            "role": drawn.choice(["user", "assistant"]),
            "content": drawn.choice([drawn.choice(TEXTS), [drawn.choice(kinds)]]),
        }
        for _ in range(drawn.randint(1, 4))
    ]


def broken(value, drawn, depth=0):
    """The same with some parts exchanged, doubled or much deeper."""
    if drawn.random() < 0.06:
        return drawn.choice(ODD)
    if isinstance(value, dict):
        changed = {key: broken(part, drawn, depth + 1) for key, part in value.items()}
        if drawn.random() < 0.3:
            changed[drawn.choice(KEYS)] = drawn.choice([*ODD, *TEXTS])
        return changed
    if isinstance(value, list):
        return [broken(part, drawn, depth + 1) for part in value] * drawn.choice([1, 1, 1, 1, 2, 30])
    if isinstance(value, str) and drawn.random() < 0.1:
        return drawn.choice(TEXTS)
    return value


def request(seed):
    """What a seed makes: path and body."""
    drawn = random.Random(seed)
    tools = [tool(drawn) for _ in range(drawn.randint(0, 3))]
    more = {"tools": tools} if tools else {}
    small = {"max_tokens": 3, "stream": drawn.random() < 0.3}
    path, body = drawn.choice(
        [
            ("/v1/chat/completions", {"messages": conversation(drawn), **small, **more}),
            ("/v1/completions", {"prompt": content(drawn), **small}),
            ("/v1/messages", {"messages": blocks(drawn), "system": drawn.choice(TEXTS), **small}),
            ("/v1/messages/count_tokens", {"messages": blocks(drawn)}),
            (
                "/v1/responses",
                {"input": drawn.choice([drawn.choice(TEXTS), conversation(drawn)]), "max_output_tokens": 3},
            ),
            ("/apply-template", {"messages": conversation(drawn), **more}),
            ("/tokenize", {"content": drawn.choice(TEXTS)}),
            ("/detokenize", {"tokens": [drawn.randint(-2, 3000) for _ in range(5)]}),
            ("/v1/embeddings", {"input": [drawn.choice(TEXTS)]}),
            ("/v1/rerank", {"query": "x", "documents": [drawn.choice(TEXTS)]}),
        ]
    )
    body = {"model": "general", **body}
    if drawn.random() < 0.6:
        body = broken(body, drawn)
    raw = json.dumps(body).encode()
    if drawn.random() < 0.05:
        at = drawn.randrange(len(raw))
        raw = raw[:at] + drawn.choice([b"", b"\xff", b"[" * 5000, b'"', b"\x00"]) + raw[at + drawn.randint(0, 3) :]
    return path, raw


def ask(client, seed):
    """Send a request: what was wrong with the answer, or None."""
    path, raw = request(seed)
    began = time.monotonic()
    try:
        answer = client.post(path, content=raw, headers={"content-type": "application/json"})
    except httpx.HTTPError as error:
        return f"{path}: {type(error).__name__} after {time.monotonic() - began:.1f} s: {raw[:400]!r}"
    took = time.monotonic() - began
    if answer.status_code >= 500 and answer.status_code != 503:
        return f"{path}: {answer.status_code} {answer.text[:200]}: {raw[:400]!r}"
    if INSIDES.search(answer.text):
        return f"{path}: shows insides: {answer.text[:300]}"
    if took > SLOW_S and (FEW.search(raw) or not GENERATES.match(path)):
        return f"{path}: {took:.1f} s: {raw[:400]!r}"
    return None


def render(templates, seed):
    """A conversation through every template: what was wrong, or None."""
    drawn = random.Random(seed)
    messages = conversation(drawn)
    tools = [tool(drawn) for _ in range(drawn.randint(0, 2))]
    if drawn.random() < 0.5:
        messages, tools = broken(messages, drawn), broken(tools, drawn)
    try:
        body = ChatBody.model_validate({"messages": messages, "tools": tools})
        offered = read_offer(body.tools, None, parallel=None)
    except (ValidationError, InvalidRequestError):
        return None
    for name, template in templates.items():
        began = time.thread_time()
        try:
            template.prompt(body.messages, offered)
        except (InvalidRequestError, ModelFileError) as error:
            if INSIDES.search(str(error)):
                return f"{name}: shows insides: {error}"
        except Exception as error:  # noqa: BLE001 - each is a finding
            return f"{name}: {type(error).__name__}: {str(error)[:200]}: {json.dumps(messages)[:300]}"
        if time.thread_time() - began > SLOW_S:
            return f"{name}: {time.thread_time() - began:.1f} s: {json.dumps(messages)[:300]}"
    return None


def main():
    """Ask until the time is over."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    templates = {name: ChatTemplate(Bytes(), source) for name, source in TEMPLATES.items()}
    server = InferenceServer(MODEL, "--alias", "general")
    findings, seed, end, warm = 0, options.seed, time.monotonic() + options.seconds, 0.0
    try:
        server.wait_ready()
        with httpx.Client(base_url=server.url, timeout=20) as client:
            while time.monotonic() < end:
                for wrong in (ask(client, seed), render(templates, seed)):
                    if wrong:
                        findings += 1
                        print(f"seed {seed}: {wrong}", flush=True)
                seed += 1
                if seed == options.seed + 500:
                    warm = server.resident_mib()
                if server.process.poll() is not None:
                    print(f"seed {seed - 1}: the server died with {server.process.returncode}")
                    return 1
            grown = server.resident_mib() - warm if warm else 0.0
            alive = client.get("/health").status_code
    finally:
        server.stop()
    print(
        f"{seed - options.seed} requests and conversations, {findings} findings, memory {grown:+.0f} MiB, health {alive}"
    )
    return 1 if findings or grown > GROWTH_MIB or alive != httpx.codes.OK else 0


if __name__ == "__main__":
    sys.exit(main())
