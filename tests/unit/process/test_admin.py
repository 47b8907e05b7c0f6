"""`/config` shows what is in use, and nothing that somebody would not want to be seen."""

from extproc.config import parse
from extproc.process.admin import without_secrets

MESH = """
version: 1
models: {m: {endpoints: [{address: "llm.example.eu:443", zone: external, tls: true, credentials_file: /run/secrets/llm}]}}
default_model: m
pii: {deny: {CUSTOMER: [Zebediah Quux, Ottoline Frobisher]}, allow: [zoe@example.org], hash_key_file: /run/secrets/hash}
telemetry: {otlp: {endpoint: "http://user:hunter2@collector:4317"}}
"""


def test_config_without_secrets():
    """Files of secrets are named, passwords in URLs and lists of people are not shown; all else is as it is in use."""
    mesh = parse(MESH)
    shown = without_secrets(mesh.model_dump(mode="json"))
    for secret in ("hunter2", "Quux", "zoe@"):
        assert secret not in str(shown)
    assert shown["telemetry"]["otlp"]["endpoint"] == "http://***@collector:4317"
    assert shown["pii"]["deny"] == {"CUSTOMER": "2 values"}
    assert shown["pii"]["hash_key_file"] == "/run/secrets/hash"
    assert shown["models"]["m"]["endpoints"][0]["credentials_file"] == "/run/secrets/llm"
    assert shown["limits"] == mesh.limits.model_dump(mode="json")


def test_keys_that_name_secrets():
    """A setting called like a secret is one, at any depth."""
    shown = without_secrets({"a": [{"api_key": "x", "password": "", "key_file": "/k", "context_tokens": "9"}]})
    assert shown == {"a": [{"api_key": "***", "password": "", "key_file": "/k", "context_tokens": "9"}]}
