"""Envoy Gateway: what its own translator makes of the rendered files, on a real Envoy with the real processor."""

import json

import pytest
import yaml

from extproc.config import parse
from extproc.doctor import examine
from extproc.errors import ConfigError
from extproc.render import render
from tests.mesh.fixtures import digest
from tests.mesh.gateway_cases import GATEWAY_CASES, HOST
from tests.wire.render import mesh_proxy
from tests.wire.render.test_istio import MAIL, running, tells_callers_apart

VERSIONS = mesh_proxy.versions("envoy-gateway")
CASE, IDENTIFIED = GATEWAY_CASES
LISTENER = "default/public/http"


@pytest.fixture(params=VERSIONS)
def told(request):
    """What a version of Envoy Gateway tells its proxy."""
    return mesh_proxy.answer("envoy-gateway", request.param, CASE.name)


def test_answers_are_fresh(told):
    """Envoy Gateway was asked about the files as they are rendered now; else `make mesh-fixtures`."""
    assert told["asked"] == digest(CASE)


def test_every_object_is_accepted(told):
    """Routes find a listener that takes its own namespace only, their Services across namespaces, and their policies."""
    assert [condition for condition in told["conditions"] if condition[3] != "True"] == []
    accepted = {kind for kind, _, condition, _, _ in told["conditions"] if condition == "Accepted"}
    assert {"HTTPRoute", "BackendTrafficPolicy", "ClientTrafficPolicy", "EnvoyExtensionPolicy", "Backend"} <= accepted


def test_the_doctor_reads_what_envoy_gateway_answers(told):
    """What the proxy is told is well, but for what Envoy Gateway gives nobody a say in."""
    findings, subject = examine(
        json.dumps({key: told[key] for key in ("listeners", "routes", "clusters", "endpoints")})
    )
    assert [f for f in findings if f.severity == "error"] == []
    assert len(subject.filters) == 1


async def test_traffic(told):
    """Requests are masked, routed by their decision and restored; what may not be sent anywhere is refused."""
    async with running(told, CASE.mesh, LISTENER) as proxy:
        answered = await proxy.call(LISTENER, f"my mail is {MAIL}", host=HOST)
        assert answered.status_code == 200, answered.text
        assert MAIL in answered.json()["choices"][0]["message"]["content"]
        assert "[EMAIL_ADDRESS_1]" in proxy.general.last.body.decode()
        await proxy.call(LISTENER, "hello", host=HOST, x_tenant="near", x_intentmesh_model="general")
        assert (len(proxy.near.requests), len(proxy.general.requests)) == (1, 1)
        # A model that is external only does not get what the caller shows to this gateway.
        assert (
            await proxy.call(LISTENER, "hello", host=HOST, x_tenant="far", authorization="Bearer own")
        ).status_code == 200
        assert proxy.far.last.get("authorization") == ""
        assert (await proxy.call(LISTENER, "hello", host=HOST, x_tenant="bound")).status_code == 500
        # One of two endpoints is dead: no request fails, and the one that is well takes its share (seven tenths, by Envoy's
        # overprovisioning factor; the standby takes the rest).
        codes = [(await proxy.call(LISTENER, "hello", host=HOST, x_tenant="standby")).status_code for _ in range(8)]
        assert codes == [200] * 8
        assert proxy.standby.requests


@pytest.mark.parametrize("version", VERSIONS)
async def test_who_calls(version):
    """A SecurityPolicy is accepted, and what it verifies is what the processor reads."""
    told = mesh_proxy.answer("envoy-gateway", version, IDENTIFIED.name)
    assert told["asked"] == digest(IDENTIFIED)
    assert [condition for condition in told["conditions"] if condition[3] != "True"] == []
    assert "SecurityPolicy" in {kind for kind, *_ in told["conditions"]}
    async with running(told, IDENTIFIED.mesh, LISTENER) as proxy:
        await tells_callers_apart(proxy, LISTENER, HOST)


def test_names_and_addresses_are_not_mixed():
    """Envoy Gateway would split traffic between them, a standby included: refused, and said what to do."""
    endpoints = [
        {"address": "10.2.0.4:80", "zone": "cluster"},
        {"address": "llm.example.eu:443", "zone": "external", "tls": True},
    ]
    mesh = parse(yaml.safe_dump({"version": 1, "models": {"m": {"endpoints": endpoints}}, "default_model": "m"}))
    with pytest.raises(ConfigError, match=r"is an address and llm\.example\.eu:443 a name"):
        render("envoy-gateway", mesh)
