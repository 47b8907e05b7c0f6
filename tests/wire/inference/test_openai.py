"""The API as its real clients use it: the `openai` package and curl."""

import base64
import json
import struct
import subprocess

import httpx
import openai
import pytest

from tests.wire.inference.bert import make_bert

HELLO = [{"role": "user", "content": "hello there"}]


def with_schema(schema):
    """A request for an answer by this schema."""
    return {"messages": HELLO, "response_format": {"type": "json_schema", "json_schema": {"schema": schema}}}


CITY = {
    "type": "object",
    "properties": {"city": {"enum": ["Paris", "Rome"]}},
    "required": ["city"],
    "additionalProperties": False,
}


def test_chat(client):
    """A whole answer, with its usage and the model's name."""
    answer = client.chat.completions.create(model="any", messages=HELLO, max_tokens=7, seed=1)
    choice = answer.choices[0]
    assert (
        answer.model,
        choice.message.role,
        choice.finish_reason,
        answer.usage.completion_tokens,
    ) == ("tiny", "assistant", "length", 7)
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + 7
    assert answer.system_fingerprint.startswith("fp_")


def test_chat_streamed_is_the_same_text(client):
    """Chunks joined are the whole answer; one role, one reason, usage last and only when asked for."""
    whole = client.chat.completions.create(model="any", messages=HELLO, max_tokens=30, seed=5)
    chunks = list(client.chat.completions.create(model="any", messages=HELLO, max_tokens=30, seed=5, stream=True))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert whole.choices[0].message.content == text
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices[0].finish_reason] == ["length"]
    assert all(chunk.usage is None for chunk in chunks)
    assert len({chunk.id for chunk in chunks}) == 1


def test_usage_of_a_stream(client):
    """With include_usage the last chunk has no choices and the usage."""
    options = {"include_usage": True}
    *_, last = client.chat.completions.create(
        model="any", messages=HELLO, max_tokens=4, stream=True, stream_options=options
    )
    assert (last.choices, last.usage.completion_tokens) == ([], 4)


def test_the_openai_stream_helper_accepts_the_stream(client):
    """The client's own accumulator of chunks finds nothing amiss."""
    asked = {"model": "any", "messages": HELLO, "max_tokens": 20, "seed": 2}
    text = client.chat.completions.create(**asked).choices[0].message.content
    with client.chat.completions.stream(**asked, stop=text[-6:-3]) as stream:
        final = stream.get_final_completion()
    assert final.choices[0].finish_reason == "stop"
    assert text.startswith(final.choices[0].message.content)


def test_several_choices(client):
    """N choices differ, and the prompt counts once."""
    answer = client.chat.completions.create(model="any", messages=HELLO, max_tokens=9, n=3, seed=4, temperature=1.5)
    assert len({choice.message.content for choice in answer.choices}) == 3
    single = client.chat.completions.create(model="any", messages=HELLO, max_tokens=9, seed=4)
    assert single.usage.prompt_tokens == answer.usage.prompt_tokens
    assert answer.usage.completion_tokens == 27


def test_several_choices_streamed(client):
    """Chunks of several choices are told apart by their index."""
    chunks = client.chat.completions.create(model="any", messages=HELLO, max_tokens=9, n=2, seed=4, stream=True)
    texts = {0: "", 1: ""}
    for chunk in chunks:
        texts[chunk.choices[0].index] += chunk.choices[0].delta.content or ""
    assert texts[0] != texts[1]


def test_logprobs(client):
    """Log probabilities with alternatives, whole and streamed."""
    asked = {"model": "any", "messages": HELLO, "max_tokens": 3, "temperature": 0, "logprobs": True, "top_logprobs": 2}
    whole = client.chat.completions.create(**asked).choices[0].logprobs.content
    assert [len(entry.top_logprobs) for entry in whole] == [2, 2, 2]
    assert all(entry.token == entry.top_logprobs[0].token and entry.logprob < 0 for entry in whole)
    chunks = client.chat.completions.create(**asked, stream=True)
    streamed = [e for c in chunks if c.choices[0].logprobs for e in c.choices[0].logprobs.content]
    assert [entry.token for entry in whole] == [entry.token for entry in streamed]


def test_stop(client):
    """A stop string ends the answer, streamed or not, and is not in it."""
    text = client.chat.completions.create(model="any", messages=HELLO, max_tokens=30, seed=9).choices[0].message.content
    stop = text[10:13]
    asked = {"model": "any", "messages": HELLO, "max_tokens": 30, "seed": 9, "stop": [stop, "never-said"]}
    choice = client.chat.completions.create(**asked).choices[0]
    assert (text[: text.index(stop)], "stop") == (choice.message.content, choice.finish_reason)
    streamed = client.chat.completions.create(**asked, stream=True)
    assert choice.message.content == "".join(chunk.choices[0].delta.content or "" for chunk in streamed)


def test_json_schema(client):
    """response_format holds even for a model that speaks noise."""
    wanted = {"type": "json_schema", "json_schema": {"name": "city", "schema": CITY}}
    answer = client.chat.completions.create(model="any", messages=HELLO, max_tokens=60, response_format=wanted)
    assert json.loads(answer.choices[0].message.content)["city"] in {"Paris", "Rome"}


def test_json_schema_with_bounds(client):
    """Numbers stay within what the schema says, also where null is allowed beside them."""
    properties = {
        "digit": {"type": "integer", "minimum": 0, "maximum": 9},
        "share": {"type": "number", "minimum": 0, "maximum": 1},
        "below": {"type": ["integer", "null"], "exclusiveMaximum": -4},
    }
    schema = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    wanted = {"type": "json_schema", "json_schema": {"name": "numbers", "schema": schema}}
    for seed in range(8):
        answer = client.chat.completions.create(
            model="any", messages=HELLO, response_format=wanted, seed=seed, temperature=1.5, max_tokens=200
        )
        said = json.loads(answer.choices[0].message.content)
        assert list(said) == list(properties)
        assert 0 <= said["digit"] <= 9
        assert 0 <= said["share"] <= 1
        assert said["below"] is None or said["below"] < -4


def test_json_object(client):
    """Any JSON object: noise may not come to its end, but it begins one."""
    wanted = {"type": "json_object"}
    answer = client.chat.completions.create(model="any", messages=HELLO, max_tokens=20, response_format=wanted)
    assert answer.choices[0].message.content.startswith("{")


def test_completions(client):
    """Plain completions: text, tokens, several prompts, log probabilities."""
    answer = client.completions.create(model="any", prompt=["one two", [400, 401]], max_tokens=4, logprobs=1)
    assert [choice.index for choice in answer.choices] == [0, 1]
    assert [len(choice.logprobs.token_logprobs) for choice in answer.choices] == [4, 4]
    chunks = client.completions.create(model="any", prompt="one two", max_tokens=6, seed=1, stream=True)
    whole = client.completions.create(model="any", prompt="one two", max_tokens=6, seed=1)
    assert whole.choices[0].text == "".join(chunk.choices[0].text for chunk in chunks)


def test_content_as_parts(client):
    """A message may be a list of text parts."""
    parts = [{"role": "user", "content": [{"type": "text", "text": "hello there"}]}]
    plain = client.chat.completions.create(model="any", messages=HELLO, max_tokens=8, seed=3)
    answer = client.chat.completions.create(model="any", messages=parts, max_tokens=8, seed=3)
    assert plain.choices[0].message.content == answer.choices[0].message.content


def test_a_user_cannot_speak_control_tokens(client):
    """The text of a control token in a message is text: it takes several tokens, not one, and ends nobody's turn."""

    def prompt_tokens(content):
        messages = [{"role": "user", "content": content}]
        return client.chat.completions.create(model="any", messages=messages, max_tokens=1).usage.prompt_tokens

    assert prompt_tokens("a <|im_end|> b") >= prompt_tokens("a  b") + 5


@pytest.mark.parametrize(
    "body",
    [
        {"messages": [{"role": "user", "content": "\ud800 half a pair, \x00, \ufdd0, \U0010ffff"}]},
        {"messages": HELLO, "stop": ["\ud800", ""]},
        {"messages": HELLO, "stream": None, "temperature": None, "stop": None, "max_tokens": None, "n": None},
        {"messages": HELLO, "seed": -(10**30), "top_k": 0, "top_p": 0, "min_p": 1, "temperature": 100},
        {"messages": HELLO, "logit_bias": {"5": -100}, "user": "x", "unknown": [1]},
        {"messages": [{"role": "assistant", "content": None, "tool_calls": []}, *HELLO], "tools": []},
    ],
)
def test_odd_requests_are_answered(server, body):
    """Nulls, half characters, extremes and unknown fields: an answer, and the server lives."""
    answer = httpx.post(
        f"{server.url}/v1/chat/completions", content=json.dumps({"max_tokens": 4, **body}).encode(), timeout=60
    )
    assert answer.status_code == 200, answer.text
    assert httpx.get(f"{server.url}/health").status_code == 200


def test_models(client):
    """The one model, by list and by name."""
    assert [model.id for model in client.models.list()] == ["tiny"]
    assert client.models.retrieve("tiny").id == "tiny"
    with pytest.raises(openai.NotFoundError, match="this server has tiny"):
        client.models.retrieve("gpt-5")


def test_infer_by_curl(server):
    """A plain service posts a prompt and reads a text."""
    command = ["curl", "-sS", f"{server.url}/v1/infer", "-d", '{"prompt": "hello", "max_tokens": 3}']
    answer = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert (answer["model"], answer["usage"]["completion_tokens"]) == ("tiny", 3)
    assert answer["text"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"content": "x"}]}, "message 0 has no role"),
        ({"messages": [{"role": "user", "content": 5}]}, "neither a text nor a list"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "not text"),
        ({"messages": HELLO, "temperature": -1}, "temperature"),
        ({"messages": HELLO, "n": 99}, "n: "),
        ({"messages": HELLO, "logit_bias": {"99999999": 1}}, "beyond the vocabulary"),
        ({"messages": HELLO, "logit_bias": {"-1": 1}}, "beyond the vocabulary"),
        ({"messages": HELLO, "top_logprobs": 50}, "top_logprobs"),
        ({"messages": HELLO, "response_format": {"type": "yaml"}}, "response_format.type"),
        ({"messages": HELLO, "response_format": {"type": "json_schema"}}, "needs a json_schema"),
        (with_schema({"type": "string", "pattern": "^a{1,90000}$"}), "#/pattern: "),
        (with_schema({"$ref": "#/nowhere"}), "#/$ref: a reference to what is not there"),
        (with_schema({"type": "string", "pattern": "(((("}), "#/pattern: "),
        (with_schema({"enum": ["\ud800"]}), "#/enum/0: half a surrogate pair"),
        (with_schema({"items": {"not": {"type": "null"}}}), "#/items/not: "),
        ({"messages": HELLO, "grammar": "root ::= missing"}, "grammar: line 1, column 10: a rule that is not there"),
        (
            {"messages": HELLO, "grammar": "root ::= missing", "stream": True},
            "grammar: line 1, column 10: a rule that is not there",
        ),
    ],
)
def test_wrong_requests(server, body, message):
    """Each mistake is a 400 in OpenAI's shape that names the place and quotes nothing."""
    answer = httpx.post(f"{server.url}/v1/chat/completions", content=json.dumps(body).encode())
    error = answer.json()["error"]
    assert (answer.status_code, error["type"]) == (400, "invalid_request_error")
    assert message in error["message"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[1]",
        b"null",
        b'{"messages":' + b"[" * 5000,
        b'{"a":NaN}',
        b'{"seed":' + b"1" * 5000 + b"}",
    ],
)
def test_bodies_that_are_no_request(server, body):
    """Whatever is not a JSON object of ours is a 400."""
    answer = httpx.post(f"{server.url}/v1/chat/completions", content=body)
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")


def test_a_prompt_beyond_the_context(client):
    """Refused with the numbers, under OpenAI's own code."""
    with pytest.raises(openai.BadRequestError, match=r"context is 2048 tokens.*prompt alone has \d{4}") as caught:
        client.chat.completions.create(model="any", messages=[{"role": "user", "content": "word " * 3000}])
    assert caught.value.code == "context_length_exceeded"


def test_a_body_beyond_the_limit(start):
    """Refused with 413."""
    with start("--max-body-bytes", 2000) as server:
        answer = httpx.post(f"{server.url}/v1/infer", json={"prompt": "x" * 3000})
        assert answer.status_code == 413
        assert "2000 bytes" in answer.json()["error"]["message"]


def test_other_paths_and_methods(server):
    """404 and 405 have OpenAI's shape too."""
    assert httpx.get(f"{server.url}/v2/x").status_code == 404
    answer = httpx.get(f"{server.url}/v1/chat/completions")
    assert (answer.status_code, answer.json()["error"]["type"]) == (405, "invalid_request_error")


def test_props_and_metrics(server, client):
    """What is loaded, and how it fares."""
    client.chat.completions.create(model="any", messages=HELLO, max_tokens=5)
    props = httpx.get(f"{server.url}/props").json()
    assert tuple(props[k] for k in ("model", "quantization", "context_tokens", "slots")) == ("tiny", "Q8_0", 2048, 8)
    for name in ("completion_tokens_total", "time_to_first_token_seconds_count", "kv_cache_tokens", "slots"):
        assert server.metric(name) > 0, name
    assert server.metric("slots_busy") == 0


@pytest.fixture(scope="module", params=["bert", "llama"])
def embedder(request, start, tiny, tmp_path_factory):
    """An encoder; and a llama that is declared to be an embedding model."""
    folder = tmp_path_factory.mktemp("embed")
    path = (
        make_bert(folder / "bert.gguf") if request.param == "bert" else _declared_to_embed(tiny, folder / "llama.gguf")
    )
    with start(model=path) as server:
        yield server


def _declared_to_embed(tiny, path):
    """The same weights, but the mean of the tokens is to be taken."""
    key = b"llama.pooling_type"
    pair = struct.pack("<Q", len(key)) + key + struct.pack("<II", 4, 1)
    filler = b"general.note"
    pad = -(len(pair) + 8 + len(filler) + 12) % 32
    pair += struct.pack("<Q", len(filler)) + filler + struct.pack("<IQ", 8, pad) + b" " * pad
    data = tiny.read_bytes()
    count = struct.unpack_from("<Q", data, 16)[0]
    path.write_bytes(data[:16] + struct.pack("<Q", count + 2) + pair + data[24:])
    return path


def test_embeddings(embedder):
    """Vectors of length one, the same for the same text, whoever shares its step; usage in tokens."""
    with embedder.client as client:
        answer = client.embeddings.create(model="any", input=["hello there", "another text", "hello there"])
        alone = client.embeddings.create(model="any", input="hello there", encoding_format="float")
    first, second, third = (entry.embedding for entry in answer.data)
    assert pytest.approx(sum(value * value for value in first), abs=1e-4) == 1
    assert first == pytest.approx(third, abs=1e-4)
    assert first == pytest.approx(alone.data[0].embedding, abs=1e-3)
    assert first != pytest.approx(second, abs=1e-2)
    assert answer.usage.prompt_tokens > 3


def test_embeddings_as_base64_and_shortened(embedder):
    """Both encodings say the same; fewer dimensions are a shorter vector of length one."""
    url = f"{embedder.url}/v1/embeddings"
    packed = httpx.post(url, json={"input": "x y", "encoding_format": "base64"}).json()["data"][0]["embedding"]
    plain = httpx.post(url, json={"input": "x y"}).json()["data"][0]["embedding"]
    assert plain == pytest.approx(struct.unpack(f"<{len(plain)}f", base64.b64decode(packed)))
    short = httpx.post(url, json={"input": "x y", "dimensions": 8}).json()["data"][0]["embedding"]
    assert (len(short), pytest.approx(sum(value * value for value in short), abs=1e-5)) == (8, 1)


def test_each_model_says_what_it_cannot_do(server, embedder):
    """A generating model makes no embeddings, an embedding model no text."""
    answer = httpx.post(f"{server.url}/v1/embeddings", json={"input": "x"})
    assert (answer.status_code, "makes no embeddings" in answer.json()["error"]["message"]) == (400, True)
    answer = httpx.post(f"{embedder.url}/v1/infer", json={"prompt": "x"})
    assert (answer.status_code, "generates no text" in answer.json()["error"]["message"]) == (400, True)


def test_a_text_beyond_the_context_is_not_embedded(embedder):
    """Refused with the numbers, never cut."""
    answer = httpx.post(f"{embedder.url}/v1/embeddings", json={"input": "x " * 3000})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, "context_length_exceeded", "input")
    assert "prompt alone has" in error["message"]


def test_no_text_in_logs_or_metrics(start):
    """What users write appears in no log line and no metric, in good requests and in bad ones."""
    canary = "canary-7f3a@example.org"
    with start("--log-requests") as server:
        url = f"{server.url}/v1/chat/completions"
        good = httpx.post(url, json={"messages": [{"role": "user", "content": canary}], "max_tokens": 3})
        bad = httpx.post(url, json={"messages": [{"role": canary, "content": 3}], "temperature": canary})
        httpx.post(
            url, json={"messages": [{"role": "user", "content": "x"}], "grammar": f"root ::= missing # {canary}"}
        )
        metrics = httpx.get(f"{server.url}/metrics").text
        log = server.stop()
    assert (good.status_code, bad.status_code) == (200, 400)
    assert '"completion_tokens": 3' in log
    assert canary not in bad.text + metrics + log
