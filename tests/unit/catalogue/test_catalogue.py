"""The list of models: from the registry, for both kinds of clients, with no upstream; and what requests may ask for."""

import asyncio
import json

import pytest

from extproc.catalogue import ModelList
from extproc.config import parse
from extproc.config.loader import InvalidMeshError
from extproc.decision import Facts, Forward, Inquiry, Refuse, Respond, Verdict
from extproc.exchange.events import RequestHeaders
from extproc.exchange.refusal import refuse
from extproc.exchange.settings import ExchangeSettings
from extproc.exchange.stream import HttpStream
from extproc.pipeline import Pipeline
from extproc.routing import Router

MESH = """
version: 1
intents: {billing: {patterns: ['\\binvoice\\b']}}
models:
  local:
    endpoints: [{address: "127.0.0.1:1"}]
    aliases: [gpt-4o-mini, team/small]
    capabilities: [tools]
    owner: platform
    description: for everybody
    context_tokens: 8192
    price_per_million: {input: 1.5}
    sla: {ttft_ms: 300}
    data: {trained_by: us, residency: eu}
  claude: {endpoints: [{address: "llm.example.eu:443", zone: external, tls: true}], upstream_name: sonnet}
  other: {endpoints: [{address: "127.0.0.1:3", zone: cluster}]}
routes:
  - {entities: [CREDIT_CARD], model: local, residency: pod}
  - {intent: billing, model: other, residency: cluster}
default_model: local
pii: {names: {enabled: false}}
"""


def mesh(old="", new=""):
    """The mesh, changed."""
    return parse(MESH.replace(old, new) if old else MESH)


def asked(target, settings=None, verdicts=()):
    """What the gate answers to a GET: status and JSON."""
    path = target.partition("?")[0]
    facts = Facts(method="GET", path=path, headers={":path": target, ":method": "GET"}, verdicts=verdicts)
    response = ModelList.of(settings or mesh()).judge(facts).response
    return (response.status, json.loads(response.body)) if response else None


def test_the_list_is_what_both_official_clients_read():
    """Each entry is a model of both packages' types; our own fields stand beside theirs."""
    from anthropic.types import ModelInfo
    from openai.types import Model as OpenAiModel

    status, page = asked("/v1/models")
    assert status == 200
    assert [entry["id"] for entry in page["data"]] == ["local", "claude", "other"]
    assert (page["object"], page["first_id"], page["last_id"], page["has_more"]) == ("list", "local", "other", False)
    for entry in page["data"]:
        OpenAiModel.model_validate(entry, strict=True)
        ModelInfo.model_validate({key: value for key, value in entry.items() if key != "capabilities"})
    local, claude, _ = page["data"]
    told = {"owned_by": "platform", "context_length": 8192, "capabilities": ["tools"], "zone": "pod"}
    told |= {"aliases": ["gpt-4o-mini", "team/small"], "price_per_million": {"input": 1.5, "output": 0.0}}
    told |= {"sla": {"ttft_ms": 300}, "data": {"trained_by": "us", "residency": "eu"}, "description": "for everybody"}
    assert told.items() <= local.items()
    assert claude["zone"] == "external"
    assert not {"capabilities", "sla", "data"} & claude.keys()


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("local", "local"),
        ("gpt-4o-mini", "local"),
        ("team/small", "local"),
        ("team%2Fsmall", "local"),
        ("auto", "auto"),
        ("intent:billing", "intent:billing"),
        ("local/", "local"),
    ],
)
def test_one_of_them_by_each_of_its_names(name, found):
    """By name and by alias, and what is no model and may be asked for."""
    status, entry = asked(f"/v1/models/{name}")
    assert (status, entry["id"]) == (200, found)


@pytest.mark.parametrize("name", ["gpt-9", "LOCAL", "intent:other", "%00", "a/b/c"])
def test_an_unknown_one_is_a_404_with_what_there_is(name):
    """In one shape for both clients; what was asked for is not said again."""
    status, error = asked(f"/v1/models/{name}")
    assert (status, error["type"], error["error"]["code"]) == (404, "error", "model_not_found")
    assert "local, claude, other, auto, intent:billing" in error["error"]["message"]
    assert name not in error["error"]["message"]


@pytest.mark.parametrize(
    ("query", "ids", "more"),
    [
        ("limit=2", ["local", "claude"], True),
        ("limit=2&after_id=claude", ["other"], False),
        ("before_id=other&limit=1", ["claude"], True),
        ("before_id=other", ["local", "claude"], False),
        ("after_id=nobody", ["local", "claude", "other"], False),
    ],
)
def test_pages(query, ids, more):
    """As Anthropic's clients turn them."""
    _, page = asked(f"/v1/models?{query}")
    assert ([entry["id"] for entry in page["data"]], page["has_more"]) == (ids, more)


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "x", "9" * 5000])
def test_a_page_of_no_size_is_refused(limit):
    """With what would be right."""
    status, error = asked(f"/v1/models?limit={limit}")
    assert (status, error["error"]["param"]) == (400, "limit")


def test_who_is_confined_is_told_of_no_model_beyond():
    """A gate before has confined the caller; what is only told and not enforced confines nobody."""
    near = Verdict("policy", "confine", to="cluster")
    _, page = asked("/v1/models", verdicts=(near,))
    assert [entry["id"] for entry in page["data"]] == ["local", "other"]
    assert asked("/v1/models/claude", verdicts=(near,))[0] == 404
    _, page = asked("/v1/models", verdicts=(near._replace(enforced=False),))
    assert len(page["data"]) == 3


def test_whom_the_policy_sends_to_some_models_is_told_of_those():
    """By a rule that knows the caller at the headers; one in dry run hides nothing."""
    rule = {"name": "interns", "when": 'request.headers["x-team"] == "interns"', "then": {"models": ["local", "other"]}}

    def listed(rule, team):
        settings = parse(f"{MESH}policy: {json.dumps([rule])}")
        inquiry = Inquiry(
            settings.read[-1], "/v1/models", {":method": "GET", ":path": "/v1/models", "x-team": team}, b""
        )
        response = Pipeline.build(settings).admit(inquiry)
        return [entry["id"] for entry in json.loads(response.body)["data"]]

    assert listed(rule, "interns") == ["local", "other"]
    assert listed(rule, "staff") == ["local", "claude", "other"]
    assert listed(rule | {"mode": "dry_run"}, "interns") == ["local", "claude", "other"]


def test_other_paths_and_methods_are_none_of_its_business():
    """Only GET, and only there."""
    assert asked("/v1/modelsx") is None
    gate = ModelList.of(mesh())
    assert gate.judge(Facts(method="POST", path="/v1/models")).response is None


def test_a_service_behind_keeps_its_own_list():
    """Unless the mesh says otherwise; and then no request for it is read."""
    behind = 'envoy: {upstream: "127.0.0.1:9"}\nversion: 1'
    assert ModelList.of(mesh("version: 1", behind)) is None
    assert ModelList.of(mesh("version: 1", behind + "\ncatalogue: {enabled: true}")) is not None
    assert ModelList.of(mesh("version: 1", "version: 1\ncatalogue: {enabled: false}")) is None


def test_it_is_answered_within_an_exchange():
    """No rule of `intercept` reads GET: the catalogue has its own. What is not there passes."""
    settings = mesh()
    pipeline = Pipeline.build(settings)

    def reply(path):
        stream = HttpStream(ExchangeSettings.of(settings), pipeline)
        return stream.receive(RequestHeaders({":method": "GET", ":path": path}, end_of_stream=True))[0]

    for path in ("/v1/models", "/V1//models/", "/v1/models/claude"):
        assert isinstance(reply(path), Respond)
    assert not isinstance(reply("/v1/files"), Respond)


@pytest.mark.parametrize(
    ("name", "facts", "expected"),
    [
        ("claude", {}, ("claude", "external", "named", "sonnet")),
        ("gpt-4o-mini", {"intent": "billing"}, ("local", "cluster", "named", None)),
        ("auto", {"intent": "billing"}, ("other", "cluster", "route[1]", None)),
        ("intent:billing", {}, ("other", "cluster", "route[1]", None)),
        ("nobody", {"intent": "billing"}, ("other", "cluster", "route[1]", None)),
        # what a rule says for personal data or of residency, a name does not change
        ("claude", {"entities": {"CREDIT_CARD": 1}}, ("local", "pod", "route[0]", None)),
        ("intent:billing", {"entities": {"CREDIT_CARD": 1}}, ("local", "pod", "route[0]", None)),
        ("claude", {"intent": "billing"}, ("other", "cluster", "route[1]", None)),
    ],
)
def test_a_request_names_what_it_wants(name, facts, expected):
    """`auto`, a model, an alias, an intent; a name wins over its intent, and over nothing else."""
    decision = Router(mesh()).decide(Facts(model=name, **facts))
    assert (decision.model, decision.residency, decision.reason, decision.upstream_name) == expected


def outcome(settings, name, path="/v1/chat/completions"):
    """What becomes of a chat that asks for a model."""
    body = json.dumps({"model": name, "messages": [{"role": "user", "content": "hello"}]}).encode()
    headers = {":method": "POST", ":path": path, "content-type": "application/json"}
    pipeline = Pipeline.build(settings)
    return asyncio.run(pipeline.inspect(Inquiry(settings.intercept[0], path, headers, body)))


def test_an_unknown_name_goes_by_intent_unless_it_is_to_be_refused():
    """By choice: the 404 of each API, with what there is and without what was asked for."""
    assert isinstance(outcome(mesh(), "gpt-9"), Forward)
    settings = mesh("version: 1", "version: 1\ncatalogue: {unknown: refuse}")
    assert isinstance(outcome(settings, "auto"), Forward)
    refused = outcome(settings, "gpt-9")
    assert isinstance(refused, Refuse)
    rule = settings.intercept[0]
    error = json.loads(refuse(refused.error, rule, "/v1/chat/completions").body)["error"]
    assert (error["type"], error["param"], error["code"]) == ("invalid_request_error", "model", "model_not_found")
    assert "gpt-9" not in error["message"]
    assert "gpt-4o-mini" in error["message"]
    reply = refuse(refused.error, rule, "/v1/messages")
    assert (reply.status, json.loads(reply.body)["error"]["type"]) == (404, "not_found_error")


@pytest.mark.parametrize(
    ("body", "uses"),
    [
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, True),
        ({"messages": [{"role": "user", "content": '"tools": [{"name": "f"}]'}]}, False),
        ({"tools": []}, False),
    ],
)
def test_a_route_of_what_uses_tools(body, uses):
    """By the fields of a request, never by a text that speaks of them."""
    settings = mesh("routes:", "routes:\n  - {uses: [tools], model: local}").model_copy(
        update={"default_model": "other"}
    )
    headers = {":method": "POST", ":path": "/v1/chat/completions", "content-type": "application/json"}
    asked_for = json.dumps({"model": "auto", "messages": [{"role": "user", "content": "hello"}]} | body).encode()
    inquiry = Inquiry(settings.intercept[0], "/v1/chat/completions", headers, asked_for)
    forward = asyncio.run(Pipeline.build(settings).inspect(inquiry))
    assert forward.model == ("local" if uses else "other")


@pytest.mark.parametrize(
    ("old", "new", "key", "message"),
    [
        (
            "routes:",
            "routes:\n  - {uses: [vision], model: local}",
            "routes[0].uses",
            "capabilities of `local` are: tools",
        ),
        ("routes:", "routes:\n  - {when: {images: true}, model: local}", "routes[0].when", "requests that use vision"),
        ("routes:", 'routes:\n  - {when: {tokens: ">9000"}, model: local}', "routes[0].when.tokens", "takes 8192"),
        ("sonnet}", "sonnet, aliases: [other]}", "models.claude.aliases[0]", "name of a model"),
        ("sonnet}", "sonnet, aliases: [team/small]}", "models.claude.aliases[0]", "alias of `local` too"),
        ("[tools]", "[embeddings]", "default_model", "cannot answer"),
        ("team/small", "auto", "models.local.aliases", "means something else"),
        ("team/small", "intent:x", "models.local.aliases", "means something else"),
        ("team/small", '"a b"', "models.local.aliases", "cannot be an alias"),
    ],
)
def test_check_finds_contradictions(old, new, key, message):
    """By line and key, with what would be right."""
    with pytest.raises(InvalidMeshError) as caught:
        mesh(old, new)
    assert any(problem.key == key and message in problem.message for problem in caught.value.problems)
