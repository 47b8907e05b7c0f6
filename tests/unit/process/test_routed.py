"""Models without a route: what an Envoy says of its routes, and what is told of those that it lacks."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from extproc.config import parse
from extproc.process import routed
from extproc.process.routed import Routed, asked
from extproc.telemetry.instruments import MODELS_UNROUTED
from extproc.telemetry.meter import Meter

MESH = """
version: 1
models: {old: {endpoints: [{address: "127.0.0.1:1"}]}, new: {endpoints: [{address: "127.0.0.1:2"}]}}
default_model: old
envoy: {admin: "ADMIN"}
"""
HEADER = {"name": "x-intentmesh-model", "string_match": {"exact": "old"}}
DUMP = {
    "configs": [{"routes": [{"match": {"headers": [HEADER, {"name": "x-intentmesh-model", "present_match": True}]}}]}]
}


@pytest.fixture(name="admin")
def _admin():
    """Serves what `body` says."""

    class Handler(BaseHTTPRequestHandler):
        body = json.dumps(DUMP).encode()

        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(self.body)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    server.handler = Handler
    yield server
    server.shutdown()
    server.server_close()


def test_what_an_envoy_has_routes_for(admin):
    """Every value of the header in its configuration; what is no such configuration tells nothing."""
    address = f"127.0.0.1:{admin.server_port}"
    assert asked(address) == {"old"}
    for body in (
        b"{}",
        b"not json",
        b"[" * 5000,
        json.dumps({"name": "x-intentmesh-model", "string_match": 3}).encode(),
    ):
        admin.handler.body = body
        assert asked(address) is None
    assert asked("127.0.0.1:1") is None


def test_what_it_lacks_is_told(admin, monkeypatch):
    """As soon as it can be asked, and no longer than it lasts."""
    monkeypatch.setattr(routed, "FIRST_S", 0.01)
    mesh, meter = parse(MESH.replace("ADMIN", f"127.0.0.1:{admin.server_port}")), Meter()
    asking = Routed(lambda: mesh, meter)
    assert until(lambda: asking.unrouted == ("new",))
    assert meter.snapshot()[MODELS_UNROUTED.name] == {(): [1.0]}
    admin.handler.body = json.dumps([DUMP, {**HEADER, "string_match": {"exact": "new"}}]).encode()
    asking.ask()
    assert until(lambda: asking.unrouted == ())
    asking.close()


def until(condition):
    """Whether it comes true in good time."""
    end = time.monotonic() + 5
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()
