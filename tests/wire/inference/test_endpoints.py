"""The rest of the API on a real server: reranking, tokens, keys, packed bodies, and that nothing is ignored in silence."""

import gzip
import json
import zlib

import brotli
import httpx
import pytest
import zstandard

from tests.wire.inference.bert import make_bert

HELLO = [{"role": "user", "content": "hello there"}]


def post(server, path, **body):
    """Post JSON."""
    return httpx.post(f"{server.url}{path}", json=body, timeout=60)


def chat(server, **body):
    """A chat request of a few tokens."""
    return post(server, "/v1/chat/completions", **{"messages": HELLO, "max_tokens": 6, "temperature": 1.5, **body})


def said(answer):
    """What the first choice of a chat says."""
    assert answer.status_code == 200, answer.text
    return answer.json()["choices"][0]["message"]["content"]


@pytest.fixture(scope="module")
def reranker(tmp_path_factory, start):
    """A cross-encoder of random weights with two scores, of which the first counts."""
    with start("--slots", "4", model=make_bert(tmp_path_factory.mktemp("rank") / "rank.gguf", ranks=2)) as running:
        yield running


@pytest.fixture(scope="module")
def encoder(tmp_path_factory, start):
    """An embedding model of random weights."""
    with start(
        "--slots", "4", "--max-queue", "4", model=make_bert(tmp_path_factory.mktemp("bert") / "b.gguf")
    ) as running:
        yield running


def test_rerank(reranker):
    """The best first; the same pair has the same score whatever stands beside it, and the query matters."""
    documents = ["hello world", "abc", "zzz hello", "q w e r t y", "world"]
    answer = post(reranker, "/v1/rerank", query="hello", documents=documents).json()
    scores = {result["index"]: result["relevance_score"] for result in answer["results"]}
    assert sorted(scores) == [0, 1, 2, 3, 4]
    assert list(scores.values()) == sorted(scores.values(), reverse=True)
    assert answer["usage"]["prompt_tokens"] == answer["usage"]["total_tokens"] > 20
    for index, document in enumerate(documents):
        [alone] = post(reranker, "/rerank", query="hello", documents=[document]).json()["results"]
        assert alone["relevance_score"] == pytest.approx(scores[index], abs=1e-4)
    other = post(reranker, "/v1/rerank", query="qqq", documents=documents).json()["results"]
    assert {result["relevance_score"] for result in other} != set(scores.values())


def test_rerank_by_the_options_of_its_clients(reranker):
    """The best few, with their texts, of documents as texts and as objects."""
    documents = [{"text": "hello world", "title": "x"}, "abc", "zzz"]
    answer = post(reranker, "/v1/rerank", query="a", documents=documents, top_n=2, return_documents=True).json()
    assert len(answer["results"]) == 2
    texts = ["hello world", "abc", "zzz"]
    assert all(result["document"] == {"text": texts[result["index"]]} for result in answer["results"])
    assert len(post(reranker, "/v1/rerank", query="a", documents=documents, top_n=99).json()["results"]) == 3


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("/v1/rerank", {"query": "a", "documents": []}, "documents"),
        ("/v1/rerank", {"query": "", "documents": ["x"]}, "query"),
        ("/v1/rerank", {"documents": ["x"]}, "query"),
        ("/v1/rerank", {"query": "a", "documents": ["x"], "top_n": 0}, "top_n"),
        ("/v1/rerank", {"query": "a", "documents": [5]}, "documents"),
        ("/v1/rerank", {"query": "a", "documents": ["b " * 500]}, "context"),
        ("/v1/rerank", {"query": "a", "documents": ["x"], "truncation": True}, "truncation"),
        ("/v1/embeddings", {"input": "x"}, "ranks documents"),
        ("/v1/completions", {"prompt": "x"}, "ranks documents"),
    ],
)
def test_what_a_reranker_refuses(reranker, path, body, message):
    """Each mistake is a 400 that names it, and a reranker is nothing else."""
    answer = post(reranker, path, **body)
    assert answer.status_code == 400
    assert message in answer.json()["error"]["message"]


def test_only_a_reranker_ranks(server, encoder):
    """A generator and an encoder say so."""
    for other in (server, encoder):
        answer = post(other, "/v1/rerank", query="a", documents=["x"])
        assert (answer.status_code, "no reranker" in answer.text) == (400, True)


def test_more_inputs_than_slots_are_queued(encoder):
    """They are answered in their order and counted, and shorter requests come in between."""
    texts = [f"hello {'abcdefghij'[number % 10]}" for number in range(150)]
    before = encoder.metric("prompt_tokens_total")
    answer = post(encoder, "/v1/embeddings", input=texts, encoding_format=None).json()
    assert [one["index"] for one in answer["data"]] == list(range(150))
    alone = post(encoder, "/v1/embeddings", input=texts[77]).json()["data"][0]["embedding"]
    assert answer["data"][77]["embedding"] == pytest.approx(alone, abs=1e-4)
    counted = encoder.metric("prompt_tokens_total") - before
    assert counted == answer["usage"]["prompt_tokens"] + len(texts[77]) * 0 + 4
    assert encoder.metric("prompt_tokens_computed_total") >= counted
    encoder.wait_metric("requests_active", 0)


def test_more_choices_than_slots_are_queued(start, tiny):
    """The same for one that is generated."""
    with start("--slots", "2", "--max-queue", "1", model=tiny) as small:
        answer = chat(small, n=9, seed=3)
        assert [choice["index"] for choice in answer.json()["choices"]] == list(range(9))
        assert post(small, "/v1/completions", prompt=["a", "b", "c", "d", "e"], max_tokens=2).status_code == 200


@pytest.mark.parametrize("seed", [-1, 0, 4294967294, 4294967295, 2**64, -(10**30)])
def test_every_seed_is_a_seed(server, seed):
    """The same one gives the same text, whatever integer it is."""
    assert said(chat(server, seed=seed, max_tokens=12)) == said(chat(server, seed=seed, max_tokens=12))


def test_no_seed_is_another_each_time(server):
    """Neither left out nor null."""
    assert len({said(chat(server, seed=None, max_tokens=12)) for _ in range(4)}) > 1


def test_no_tokens_is_an_answer_of_none(server):
    """The prompt is read, and the next request finds it in the cache."""
    messages = [{"role": "user", "content": "a prefix that is to be read " * 6}]
    answer = chat(server, max_tokens=0, messages=messages).json()
    assert answer["choices"][0]["message"]["content"] == ""
    assert (answer["choices"][0]["finish_reason"], answer["usage"]["completion_tokens"]) == ("length", 0)
    again = chat(server, messages=messages).json()["usage"]
    assert again["prompt_tokens_details"]["cached_tokens"] == again["prompt_tokens"] - 1


def test_text_offsets(server):
    """Each token's place in the text, whole and streamed."""
    asked = {"prompt": "hello", "max_tokens": 12, "logprobs": 1, "seed": 4, "temperature": 1.2}
    choice = post(server, "/v1/completions", **asked).json()["choices"][0]
    offsets = choice["logprobs"]["text_offset"]
    assert (offsets[0], len(offsets)) == (0, len(choice["logprobs"]["tokens"]))
    assert offsets == sorted(offsets)
    for token, offset in zip(choice["logprobs"]["tokens"], offsets, strict=True):
        if "\ufffd" not in token:
            assert choice["text"].startswith(token, offset)
    lines = post(server, "/v1/completions", **asked, stream=True).text.splitlines()
    events = [json.loads(line[6:]) for line in lines if line.startswith("data: {")]
    streamed = [event["choices"][0]["logprobs"] for event in events]
    assert [offset for logprobs in streamed if logprobs for offset in logprobs["text_offset"]] == offsets


@pytest.mark.parametrize(
    ("path", "field", "value"),
    [
        ("/v1/chat/completions", "mirostat", 2),
        ("/v1/chat/completions", "modalities", ["audio"]),
        ("/v1/chat/completions", "web_search_options", {}),
        ("/v1/completions", "echo", True),
        ("/v1/completions", "best_of", 3),
        ("/v1/completions", "suffix", "end"),
    ],
)
def test_what_is_known_and_not_held_is_named(server, path, field, value):
    """Never ignored: a 400 with the field's name."""
    asked = {"messages": HELLO} if "chat" in path else {"prompt": "x"}
    error = post(server, path, **asked, **{field: value}).json()["error"]
    assert (error["param"], error["type"]) == (field, "invalid_request_error")


def test_what_asks_for_nothing_passes(server):
    """Defaults spelled out, unknown fields, llama.cpp's and vLLM's names of what is held."""
    asked = {
        "mirostat": 0,
        "store": False,
        "user": "u",
        "metadata": {},
        "frobnicate": 1,
        "top_k": -1,
        "modalities": ["text"],
    }
    assert chat(server, **asked).status_code == 200
    answer = post(server, "/v1/completions", prompt="x", n_predict=3, repetition_penalty=1.1, ignore_eos=True).json()
    assert answer["usage"]["completion_tokens"] == 3


@pytest.mark.parametrize("depth", [600, 5000])
def test_a_message_nested_deeply(server, depth):
    """Beside its text it changes nothing; as its text it is refused: never an internal error."""
    deep = "[" * depth + "1" + "]" * depth
    url = f"{server.url}/v1/chat/completions"
    beside = httpx.post(url, content=f'{{"max_tokens":1,"messages":[{{"role":"user","content":"x","more":{deep}}}]}}')
    inside = httpx.post(url, content=f'{{"max_tokens":1,"messages":[{{"role":"user","content":{deep}}}]}}')
    assert (beside.status_code, inside.status_code) == (200 if depth == 600 else 400, 400)
    assert httpx.get(f"{server.url}/health").status_code == 200


def test_tokens_of_a_text(server):
    """There and back, with pieces, with what begins a prompt, with control tokens as text or as themselves."""
    text = "hello 😀 <|im_end|>"
    tokens = post(server, "/tokenize", content=text).json()["tokens"]
    assert post(server, "/detokenize", tokens=tokens).json() == {"content": text}
    pieces = post(server, "/tokenize", content=text, with_pieces=True).json()["tokens"]
    assert [piece["id"] for piece in pieces] == tokens
    whole = b"".join(p.encode() if isinstance(p, str) else bytes(p) for p in (piece["piece"] for piece in pieces))
    assert whole.decode() == text
    plain = post(server, "/tokenize", content=text, parse_special=False).json()["tokens"]
    assert len(plain) > len(tokens)
    assert post(server, "/detokenize", tokens=plain).json() == {"content": text}
    assert post(server, "/tokenize", content="").json() == {"tokens": []}
    for path, body in (("/detokenize", {"tokens": [10**6]}), ("/detokenize", {"tokens": [-1]}), ("/tokenize", {})):
        assert post(server, path, **body).status_code == 400


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("br", brotli.compress),
        ("zstd", zstandard.compress),
        ("gzip, zstd", lambda body: zstandard.compress(gzip.compress(body))),
    ],
)
def test_packed_bodies(server, name, pack):
    """What agents send: the answer is that of the plain body."""
    body = json.dumps({"messages": HELLO, "max_tokens": 5, "seed": 7}).encode()
    url = f"{server.url}/v1/chat/completions"
    packed = httpx.post(url, content=pack(body), headers={"content-encoding": name}, timeout=60)
    assert said(packed) == said(httpx.post(url, content=body, timeout=60))
    cut = httpx.post(url, content=pack(body)[:-3], headers={"content-encoding": name})
    assert cut.status_code == 400
    bomb = httpx.post(url, content=pack(bytes(9 << 20)), headers={"content-encoding": name}, timeout=60)
    assert bomb.status_code == 413


def test_an_unknown_coding(server):
    """415, with those that are read."""
    answer = httpx.post(f"{server.url}/v1/completions", content=b"x", headers={"content-encoding": "lz4"})
    assert (answer.status_code, answer.headers["accept-encoding"]) == (415, "gzip, deflate, br, zstd")


def test_api_keys(start, tmp_path):
    """All but health and metrics wants one; the answer to who has none tells none."""
    file = tmp_path / "keys"
    file.write_text("canary-key\n")
    with start("--api-key-file", str(file)) as locked:
        for path in ("/health", "/metrics"):
            assert httpx.get(locked.url + path).status_code == 200
        for path in ("/v1/models", "/props", "/v1/models/tiny"):
            refused = httpx.get(locked.url + path)
            assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
            assert httpx.get(locked.url + path, headers={"authorization": "Bearer canary-key"}).status_code == 200
            assert httpx.get(locked.url + path, headers={"x-api-key": "canary-key"}).status_code == 200
        refused = chat(locked)
        assert (refused.status_code, refused.json()["error"]["code"]) == (401, "invalid_api_key")
        assert "canary" not in refused.text
        log = locked.stop()
    assert "canary-key" not in log


def test_a_key_file_that_is_missing(launch, tiny, tmp_path):
    """The server does not start open."""
    log = launch(tiny, "--api-key-file", tmp_path / "nowhere").stop()
    assert "nowhere: cannot be read" in log
