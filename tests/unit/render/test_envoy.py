"""What is rendered for Envoy: names, reach and order. That Envoy does as it says is proved in tests/wire."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from envoy_data_plane.envoy.extensions.access_loggers.filters.cel.v3 import ExpressionFilter

from extproc.config import load, parse
from extproc.config.loader import InvalidMeshError
from extproc.config.wire_names import MODEL_HEADER, RESIDENCY_HEADER
from extproc.render import TARGETS, render
from extproc.render.document import plain
from extproc.render.envoy import clusters, groups, local_replies, processor, routes

ROOT = Path(__file__).parents[3]
MESH = """\
version: 1
models:
  phi:
    endpoints:
      - {address: "127.0.0.1:8081"}
      - {address: "standby:8080", zone: cluster}
      - {address: "llm.example.eu:443", zone: external, tls: true}
  far: {endpoints: [{address: "llm.example.eu:443", zone: external, tls: true}]}
  near: {endpoints: [{address: "127.0.0.1:8082"}]}
default_model: near
"""


@pytest.fixture(scope="module")
def mesh():
    """Three models: one that reaches far, one that is far, one that is near."""
    return parse(MESH)


def matched(route, model, residency):
    """Whether a route's header matchers hold for a request with these two headers."""
    for matcher in route["match"].get("headers", []):
        value = {MODEL_HEADER: model, RESIDENCY_HEADER: residency}[matcher["name"]]
        if matcher.get("present_match"):
            good = value is not None
        else:
            if value is None and not matcher.get("treat_missing_header_as_empty"):
                return False
            rule = matcher["string_match"]
            pattern = re.escape(rule["exact"]) if "exact" in rule else rule["safe_regex"]["regex"]
            good = re.fullmatch(pattern, value or "") is not None
        if not good:
            return False
    return True


@pytest.mark.parametrize(
    ("model", "residency", "cluster"),
    [
        ("phi", None, "phi"),
        ("phi", "external", "phi"),
        ("phi", "region", "phi/cluster"),
        ("phi", "cluster", "phi/cluster"),
        ("phi", "pod", "phi@pod"),
        ("phi", "nowhere", None),
        ("far", None, "far"),
        ("far", "region", None),
        ("near", "pod", "near"),
        ("near", None, "near"),
        ("unknown", None, None),
    ],
)
def test_reach(mesh, model, residency, cluster):
    """A request goes to the cluster that reaches exactly its residency's zones; else it is refused."""
    first = next(r for r in map(plain, routes.decided(mesh)) if matched(r, model, residency))
    assert first.get("route", {}).get("cluster") == cluster
    if cluster is None:
        assert first["direct_response"]["status"] == 503


def test_bounded_clusters_hold_nothing_beyond(mesh):
    """No cluster of a bound reaches an endpoint beyond it, however it is put together."""
    part = groups.parts("phi", mesh.models["phi"])[""]
    by_name = {group.name: group for group in part.groups}
    reach = {name: {by_name[group].zone for group in names} for name, names in part.aggregates().items()}
    assert reach == {"phi": {"pod", "cluster", "external"}, "phi/cluster": {"pod", "cluster"}}


def test_every_cluster_of_a_route_exists(mesh):
    """No route names a cluster that is not there."""
    known = {cluster.name for cluster in clusters.model_clusters(mesh)}
    named = {r["route"]["cluster"] for r in map(plain, routes.virtual_host(mesh).routes) if "route" in r}
    assert named <= known


@pytest.mark.parametrize(
    ("pii", "open_"),
    [("", False), ("pii: {enabled: false}", True), ("pii: {default_operator: flag}", True), ("shadow: true", True)],
)
def test_closed_where_anything_is_masked(pii, open_):
    """Without the processor a request passes only where it would have passed unmasked anyway."""
    assert processor.filter_config(parse(f"{MESH}{pii}\n")).failure_mode_allow is open_


@pytest.mark.parametrize(
    ("change", "key", "message"),
    [
        (("zone: external, tls: true", "zone: external"), "models.phi.endpoints[2]", "needs `tls: true`"),
        (("  near:", "  Near_1:"), "models.Near_1", "cannot be a name"),
        (('"127.0.0.1:8082"}]', '"127.0.0.1:8082"}], mirror: {version: v2}'), "models.near", "names the version `v2`"),
    ],
)
def test_mistakes(change, key, message):
    """A mistake in a model is told where it stands."""
    with pytest.raises(InvalidMeshError) as caught:
        parse(MESH.replace(*change))
    assert any(p.key == key and message in p.message for p in caught.value.problems)


def test_errors_in_the_shape_of_the_api_that_a_rule_names():
    """A rule that says whose API it is decides for its paths; where it goes by the path, the path does."""
    own = "{path: /a, payload: anthropic}, {path_prefix: /v1/}, {path: /o, payload: openai}, {path: /j, payload: json}"
    rules = f"intercept: [{own}]\n"
    found = [mapper.filter.extension_filter for mapper in local_replies.local_replies(parse(MESH + rules)).mappers]
    texts = [ExpressionFilter.parse(extension.typed_config.value).expression for extension in found]
    half = len(texts) // 2
    for text in texts[:half]:
        assert 'request.url_path == "/a" || (request.url_path.startsWith("/v1/")) && (request' in text
        assert "/o" not in text
    for text in texts[half:]:
        assert (
            'request.url_path == "/o" || request.url_path == "/j" || (request.url_path.startsWith("/v1/")) && !('
            in text
        )
        assert '/a"' not in text
    assert local_replies.local_replies(parse(MESH + "intercept: []\n")) is None


@pytest.mark.parametrize("target", TARGETS)
def test_committed_files_are_rendered(target):
    """`make render` changes nothing: what users copy is what mesh.yaml says."""
    folder = ROOT / TARGETS[target].folder
    rendered = {file.path: file.text for file in render(target, load(ROOT / "mesh.yaml"))}
    assert {path: (folder / path).read_text() for path in rendered} == rendered
    for path, text in rendered.items():
        if not path.startswith("templates/"):  # Helm's, and no YAML yet
            assert list(yaml.load_all(text, Loader=yaml.CSafeLoader))


OUTBOUND = (
    MESH
    + """\
envoy:
  outbound:
    proxy: 127.0.0.1:3128
    transparent: {user: proxy, ipv6: %s}
    encrypted: %s
    hosts: [{host: vllm.test, port: 8000}, {host: api.test, upstream: {port: 443, tls: true}}]
"""
)


@pytest.mark.parametrize(("ipv6", "encrypted"), [(True, "refuse"), (False, "pass")])
def test_the_script_catches_what_the_listener_takes(ipv6, encrypted):
    """Its ports are those of the hosts, and 443 where what is encrypted is cut; it is a script that a shell can read."""
    files = {file.path: file.text for file in render("envoy", parse(OUTBOUND % (ipv6, encrypted)))}
    script = files["capture.sh"]
    said = dict(line.split("=", 1) for line in script.splitlines() if re.match("[A-Z0-9_]+=", line))
    assert said["PORTS"] == ("80,8000,443" if encrypted == "refuse" else "80,8000")
    assert (said["ENVOY_USER"], said["IPV6"]) == ("proxy", "yes" if ipv6 else "no")
    assert "@" not in script
    subprocess.run(["sh", "-n"], input=script.encode(), check=True)
    resources = yaml.load(files["envoy.yaml"], Loader=yaml.CSafeLoader)["static_resources"]
    listener = next(e for e in resources["listeners"] if e["name"] == "transparent")
    assert str(listener["address"]["socket_address"]["port_value"]) == said["LISTENER"]
    assert len(listener.get("additional_addresses", [])) == ipv6


@pytest.mark.parametrize(
    ("hosts", "told"),
    [
        ("{host: a.test, port: 443}", "encrypt what they send"),
        ('{host: "*.a.test", upstream: {port: 443, tls: true}}', "stands for many hosts"),
        ("{host: a.test}, {host: A.test}", "twice"),
    ],
)
def test_hosts_that_cannot_be_read_are_refused(hosts, told):
    """With what to write instead, where there is something."""
    with pytest.raises(InvalidMeshError, match=told.replace("*", ".")):
        parse(MESH + f"envoy: {{outbound: {{proxy: '127.0.0.1:3128', hosts: [{hosts}]}}}}\n")
