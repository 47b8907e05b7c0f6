"""Who calls, in every target: what the proxy verifies reaches the processor, and no header of a client's does."""

import json
from functools import cache
from pathlib import Path

import pytest
import yaml

from extproc.config import load
from extproc.config.api_keys import new_key, written
from extproc.identity import ANONYMOUS, Callers
from extproc.render import TARGETS, render
from tests.wire.render import schemas

JWT = "envoy.filters.http.jwt_authn"
FORGED = {
    "x-forwarded-client-cert": "URI=spiffe://mesh/root",
    "l5d-client-id": "root",
    "x-user": "root",
    "x-team": "root",
    "authorization": "Bearer imk",
    "x-jwt-payload": "e30",
    "x-intentmesh-caller": "root",
}
"""All that a client may claim of itself."""
IDENTITY = """
identity:
  certificate: true
  jwt:
    providers:
      corporate: {issuer: "https://login.example.com/", audiences: [intentmesh], jwks_file: jwks.json}
      partner: {issuer: "https://id.partner.example/", jwks_uri: "https://id.partner.example:8443/keys"}
    team: team
  keys: {file: keys.yaml, header: x-api-key}
  workload: spiffe://cluster.local/ns/$(NAMESPACE)/sa/$(SERVICE_ACCOUNT)
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """What is rendered of a target for a mesh with an identity: path -> text."""
    folder = tmp_path_factory.mktemp("mesh")
    shipped = (Path(__file__).parents[3] / "mesh.yaml").read_text()
    (folder / "jwks.json").write_text('{"keys": []}')
    (folder / "keys.yaml").write_text(written([new_key("ada", None, None, None)[1]]))
    (folder / "mesh.yaml").write_text(shipped + IDENTITY)
    (folder / "linkerd.yaml").write_text(shipped + "\nidentity: {certificate: linkerd}\n")

    @cache
    def made(target, mesh="mesh.yaml"):
        return {file.path: file.text for file in render(target, load(folder / mesh))}

    return made


def documents(files):
    """Every object of these files."""
    for path, text in files.items():
        if path.endswith((".yaml", ".yml")) and "templates/" not in path:
            yield from ((path, document) for document in yaml.safe_load_all(text) if isinstance(document, dict))


def within(value, wanted):
    """Every value under a key of this name, however deep."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == wanted:
                yield inner
            yield from within(inner, wanted)
    elif isinstance(value, list):
        for inner in value:
            yield from within(inner, wanted)


FILTERED = ("envoy", "kubernetes", "linkerd", "istio-sidecar", "istio-gateway")


@pytest.mark.parametrize("target", FILTERED)
def test_the_filter_is_told_what_was_verified(files, target):
    """The claims' namespace, the connection's attributes; and shown no header beside those that are named."""
    every = [document for _, document in documents(files(target))]
    configs = [c for d in every for c in within(d, "typed_config") if str(c.get("@type")).endswith("ExternalProcessor")]
    assert configs
    for config in configs:
        assert config["metadata_options"]["forwarding_namespaces"] == {"untyped": [JWT]}
        assert config["request_attributes"] == ["connection.uri_san_peer_certificate", "xds.listener_direction"]
        assert not config.get("failure_mode_allow")
        shown = {p.get("exact") for p in config["forward_rules"]["allowed_headers"]["patterns"]}
        assert {"x-forwarded-client-cert", "x-api-key"} <= shown
        assert not shown & {"authorization", "cookie", "l5d-client-id", "x-user", "x-team", "x-jwt-payload"}


@pytest.mark.parametrize("target", ["envoy", "kubernetes", "linkerd"])
def test_tokens_are_verified_before_the_filter(files, target):
    """By the plain Envoy's own jwt_authn, first in the chain; claims are kept where the processor reads them."""
    text = files(target)["envoy.yaml" if target != "kubernetes" else "base/envoy.yaml"]
    manager = next(within(yaml.safe_load(text)["static_resources"]["listeners"][0], "http_filters"))
    first, second = manager[0]["typed_config"], manager[1]["typed_config"]
    assert first["@type"].endswith("JwtAuthentication")
    assert second["@type"].endswith("ExternalProcessor")
    assert {n: p["payload_in_metadata"] for n, p in first["providers"].items()} == {
        "corporate": "corporate",
        "partner": "partner",
    }
    assert first["providers"]["corporate"]["local_jwks"] == {"inline_string": '{"keys": []}'}
    assert first["providers"]["partner"]["remote_jwks"]["http_uri"]["cluster"] == "intentmesh-jwks-partner"
    clusters = {c["name"]: c for c in yaml.safe_load(text)["static_resources"]["clusters"]}
    keys = clusters["intentmesh-jwks-partner"]
    assert json.dumps(keys["transport_socket"]).count("id.partner.example") == 2
    assert 8443 in within(keys, "port_value")


def test_keys_of_issuers_can_be_fetched_in_a_cluster(files):
    """The gateway's NetworkPolicy lets it."""
    policies = [d for path, d in documents(files("kubernetes")) if d.get("kind") == "NetworkPolicy"]
    assert any({"protocol": "TCP", "port": 8443} in ports for policy in policies for ports in within(policy, "ports"))


@pytest.mark.parametrize(("target", "kind"), [("istio-sidecar", "inbound.yaml"), ("istio-gateway", "gateway.yaml")])
def test_istio_verifies_tokens(files, target, kind):
    """A RequestAuthentication beside the filter, for the same pods."""
    found = {d["kind"]: d for path, d in documents(files(target)) if path == kind}
    made = found["RequestAuthentication"]
    assert made["spec"]["selector"]["matchLabels"] == found["EnvoyFilter"]["spec"]["workloadSelector"]["labels"]
    assert made["metadata"]["namespace"] == found["EnvoyFilter"]["metadata"]["namespace"]
    assert made["spec"]["jwtRules"] == [
        {"issuer": "https://login.example.com/", "audiences": ["intentmesh"], "jwks": '{"keys": []}'},
        {"issuer": "https://id.partner.example/", "jwksUri": "https://id.partner.example:8443/keys"},
    ]


def test_envoy_gateway_verifies_tokens(files):
    """A SecurityPolicy on every route of ours; the filter may read what it keeps."""
    found = {d["kind"]: d["spec"] for path, d in documents(files("envoy-gateway")) if path == "policy.yaml"}
    assert found["SecurityPolicy"]["targetRefs"] == found["EnvoyExtensionPolicy"]["targetRefs"]
    assert found["SecurityPolicy"]["jwt"]["optional"] is True
    assert [p["name"] for p in found["SecurityPolicy"]["jwt"]["providers"]] == ["corporate", "partner"]
    (filter_,) = found["EnvoyExtensionPolicy"]["extProc"]
    assert filter_["metadata"]["accessibleNamespaces"] == [JWT]
    assert filter_["processingMode"]["request"]["attributes"] == ["connection.uri_san_peer_certificate"]
    assert filter_["failOpen"] is False


@pytest.mark.parametrize("target", [name for name in TARGETS if name not in ("envoy", "helm")])
def test_the_processor_has_what_it_needs(files, target):
    """The digests of keys beside its mesh.yaml, and what its pod is called."""
    made = files(target)
    texts = [made[name] for name in made if name.endswith("keys.yaml")]
    maps = [d["data"] for _, d in documents(made) if d.get("kind") == "ConfigMap" and "mesh.yaml" in d.get("data", {})]
    assert texts or all("keys.yaml" in data for data in maps)
    variables = {e["name"]: e["valueFrom"] for _, d in documents(made) for env in within(d, "env") for e in env}
    assert variables["INTENTMESH_NAMESPACE"] == {"fieldRef": {"fieldPath": "metadata.namespace"}}
    assert variables["INTENTMESH_SERVICE_ACCOUNT"] == {"fieldRef": {"fieldPath": "spec.serviceAccountName"}}


@pytest.mark.skipif(not schemas.CRDS.is_dir(), reason="needs ../shared/data/crds")
@pytest.mark.parametrize("target", ["istio-sidecar", "istio-gateway", "envoy-gateway"])
def test_valid(files, target):
    """Each object of an identity satisfies the schema of its kind."""
    kinds = ("RequestAuthentication", "SecurityPolicy", "EnvoyExtensionPolicy")
    found = [d for path, d in documents(files(target)) if d.get("kind") in kinds]
    assert found
    assert [wrong for document in found for wrong in schemas.problems(document)] == []


def test_linkerd_s_own_header(files):
    """It is shown to the processor there, and nowhere else."""
    shown = {
        p.get("exact") for p in next(within(yaml.safe_load(files("linkerd", "linkerd.yaml")["envoy.yaml"]), "patterns"))
    }
    assert "l5d-client-id" in shown
    assert "connection.uri_san" not in files("linkerd", "linkerd.yaml")["envoy.yaml"]


@pytest.mark.parametrize("target", TARGETS)
def test_a_client_s_own_claim_changes_nothing(target, tmp_path, monkeypatch):
    """The processor of each target, by the mesh.yaml that is rendered for it, believes none of a client's headers.

    Of `x-forwarded-client-cert` the proxy takes off what a client without a certificate sends, and appends to the rest.
    """
    monkeypatch.setenv("INTENTMESH_NAMESPACE", "shop")
    monkeypatch.setenv("INTENTMESH_SERVICE_ACCOUNT", "web")
    (tmp_path / "jwks.json").write_text('{"keys": []}')
    (tmp_path / "keys.yaml").write_text(written([new_key("ada", None, None, None)[1]]))
    (tmp_path / "mesh.yaml").write_text((Path(__file__).parents[3] / "mesh.yaml").read_text() + IDENTITY)
    made = render(target, load(tmp_path / "mesh.yaml"))
    inside = next((file.text for file in made if file.path.rpartition("/")[2] == "mesh.yaml"), None)
    if inside is None:
        maps = [d for file in made if file.path.endswith(".yaml") for d in yaml.safe_load_all(file.text)]
        inside = next(
            (d["data"]["mesh.yaml"] for d in maps if isinstance(d, dict) and "mesh.yaml" in d.get("data", {})), None
        )
    if inside is not None:
        (tmp_path / "mesh.yaml").write_text(inside)
        (tmp_path / "jwks-corporate.json").write_text('{"keys": []}')
    known = Callers(load(tmp_path / "mesh.yaml").identity)
    claimed = {name: value for name, value in FORGED.items() if name != "x-forwarded-client-cert"}
    assert known.caller(claimed) is ANONYMOUS
    appended = FORGED["x-forwarded-client-cert"] + ",By=x;Hash=y;URI=spiffe://mesh/ada"
    assert known.caller(claimed | {"x-forwarded-client-cert": appended}).id == "spiffe://mesh/ada"
    assert known.caller(FORGED, outbound=True).id == "spiffe://cluster.local/ns/shop/sa/web"
