"""Which API a request speaks: who reads it, who refuses it and who counts it are of one opinion."""

import json

import pytest

from extproc.config.api import api_at, vendor_of
from extproc.config.intercept import Intercept
from extproc.config.mesh import Mesh
from extproc.errors import BlockedEntityError
from extproc.exchange.refusal import refuse
from extproc.payload import parse
from extproc.telemetry import Telemetry
from tests.unit.wire.test_service import MESH as SMALL

PATHS = [
    ("/v1/chat/completions", "openai", "chat"),
    ("/v1/completions?x=/v1/messages", "openai", "text_completion"),
    ("/openai/deployments/gpt/chat/completions?api-version=1", "openai", "chat"),
    ("/v1/responses", "openai", "chat"),
    ("/v1/responses/input_tokens", "openai", "generate_content"),
    ("/v1/responses/compact", "openai", "generate_content"),
    ("/v1/embeddings/", "openai", "embeddings"),
    ("/v1/moderations", "openai", "generate_content"),
    ("/v1/messages", "anthropic", "chat"),
    ("/v1/messages/", "anthropic", "chat"),
    ("/v1/messages/count_tokens", "anthropic", "generate_content"),
    ("/v1/./mess%61ges", "anthropic", "chat"),
    ("//v1/messages", "anthropic", "chat"),
    ("/v1/complete", "anthropic", "text_completion"),
    ("/completion", "llama.cpp", "text_completion"),
    ("/api/chat", "ollama", "chat"),
    ("/api/embed", "ollama", "embeddings"),
]
UNKNOWN = ("/v1/messages.txt", "/v1/mymessages", "/chat", "/", "/v1/messages/batches", "/tickets")


@pytest.mark.parametrize(("path", "vendor", "operation"), PATHS)
def test_one_answer_for_all(path, vendor, operation):
    """By its path: the reader, the shape of an error and the name of the operation."""
    rule = Intercept(path_prefix="/")
    assert (api_at(path).vendor, api_at(path).operation) == (vendor, operation)
    document = parse(rule, path, "text/plain", "", b'{"model": "m", "messages": []}')
    assert document.model == "m"
    shape = json.loads(refuse(BlockedEntityError("US_SSN"), rule, path).body)
    assert (shape.get("type") == "error") == (vendor == "anthropic")
    telemetry = Telemetry(Mesh.model_validate(SMALL))
    assert telemetry.begin({":path": path}).operation == operation


@pytest.mark.parametrize("path", UNKNOWN)
def test_what_is_no_known_api(path):
    """Is read by its content type, refused in the usual shape, and counted under the name for the rest."""
    rule = Intercept(path_prefix="/")
    assert (api_at(path), vendor_of(rule, path)) == (None, None)
    assert "error" in json.loads(refuse(BlockedEntityError("US_SSN"), rule, path).body)


@pytest.mark.parametrize(("payload", "vendor"), [("openai", "openai"), ("anthropic", "anthropic"), ("json", None)])
def test_a_rule_decides_first(payload, vendor):
    """Whatever the path looks like."""
    rule = Intercept(path_prefix="/", payload=payload)
    assert {vendor_of(rule, path) for path, _, _ in PATHS} == {vendor}
    shape = json.loads(refuse(BlockedEntityError("US_SSN"), rule, "/v1/messages").body)
    assert (shape.get("type") == "error") == (vendor == "anthropic")
