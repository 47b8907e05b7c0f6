"""`/config` shows what is in use, and nothing that somebody would not want to be seen."""

import socket
import time

import pytest

from extproc.config import parse
from extproc.errors import ConfigError
from extproc.process import admin as admin_module
from extproc.process.admin import MOST_CONNECTIONS, Admin, without_secrets

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


def test_examples_and_patterns_are_not_shown():
    """What an intent is told by and what a recognizer looks for may quote people: only how much of it there is."""
    mesh = parse(
        """
version: 1
models: {m: {endpoints: [{address: "127.0.0.1:1"}]}}
default_model: m
intents: {a: {patterns: ['quux.*'], exact: [Zebediah], examples: [call Ottoline, call Zoe]}}
pii: {recognizers: [{entity: CUSTOMER, pattern: 'frob[0-9]{6}'}], allow_patterns: ['zoe.*']}
"""
    )
    shown = without_secrets(mesh.model_dump(mode="json"))
    for secret in ("quux", "Zebediah", "Ottoline", "frob", "zoe"):
        assert secret not in str(shown)
    assert shown["intents"]["a"]["examples"] == "2 values"


@pytest.fixture
def admin():
    """An admin port, of which nothing is asked but whether it is there."""
    admin = Admin("127.0.0.1:0", snapshot=dict, ready=lambda: (True, {}), config=dict)
    yield admin
    admin.close()


def get(port):
    """The first line of an answer; empty: the connection was ended."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as line:
        line.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        return line.makefile("rb").readline().strip()


def test_connections_are_bounded(admin):
    """Whoever opens many and says nothing holds no thread for each: the oldest makes room for who asks something."""
    idle = [socket.create_connection(("127.0.0.1", admin.port)) for _ in range(3 * MOST_CONNECTIONS)]
    assert until(lambda: idle[0].recv(1) == b"")
    assert get(admin.port) == b"HTTP/1.1 200 OK"
    assert len(admin._server._open) <= MOST_CONNECTIONS
    for line in idle:
        line.close()
    assert until(lambda: not admin._server._open)


@pytest.mark.parametrize("address", ["foo", "127.0.0.1", "127.0.0.1:99999", "127.0.0.1:x", ":9464", ""])
def test_an_address_that_is_none(address):
    """It is named, with what would be right."""
    with pytest.raises(ConfigError, match="is not host:port"):
        Admin(address, snapshot=dict, ready=lambda: (True, {}), config=dict)


@pytest.mark.parametrize("limit", ["SILENCE_S", "CONNECTION_S"])
def test_connections_end(monkeypatch, limit):
    """Who says nothing, and who says it byte by byte."""
    monkeypatch.setattr(admin_module, limit, 0.1)
    admin = Admin("127.0.0.1:0", snapshot=dict, ready=lambda: (True, {}), config=dict)
    try:
        with socket.create_connection(("127.0.0.1", admin.port), timeout=10) as line:
            line.sendall(b"GET /hea")
            assert line.recv(1) == b""
    finally:
        admin.close()


def until(condition):
    """Whether it comes true in good time."""
    end = time.monotonic() + 5
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()
