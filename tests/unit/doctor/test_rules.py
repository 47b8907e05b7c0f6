"""Each rule on a good sample and on a bad one. Good: what we render. Bad: the same with one thing changed."""

import copy
import json
from functools import cache
from pathlib import Path

import pytest
import yaml

from extproc.doctor import RULES, Proxy, examine
from extproc.doctor.examination import dotted
from extproc.errors import ConfigError

ROOT = Path(__file__).parents[3]
GOOD = {
    "envoy": ROOT / "envoy" / "envoy.yaml",
    "inbound": ROOT / "k8s" / "istio-sidecar" / "inbound.yaml",
    "outbound": ROOT / "k8s" / "istio-sidecar" / "outbound.yaml",
    "gateway": ROOT / "k8s" / "istio-gateway" / "gateway.yaml",
}
HTTP = "type.googleapis.com/envoy.extensions.filters.http"


@cache
def text(sample):
    """A sample as JSON, which reads faster than YAML."""
    return json.dumps(yaml.safe_load(GOOD[sample].read_text()))


class Sample:
    """A configuration to spoil, and short ways to its parts."""

    def __init__(self, name):
        self.data = json.loads(text(name))
        if name == "envoy":
            self.resources = self.data["static_resources"]
            self.listener = self.resources["listeners"][0]
            self.manager = self.listener["filter_chains"][0]["filters"][0]["typed_config"]
            self.chain = self.manager["http_filters"]
            self.filter = self.chain[0]["typed_config"]
            self.hosts = self.manager["route_config"]["virtual_hosts"]
            self.routes = self.hosts[0]["routes"]
            self.cluster = next(c for c in self.resources["clusters"] if c["name"] == "intentmesh")
        else:
            self.patches = self.data["spec"]["configPatches"]
            self.patch = next(p for p in self.patches if p["applyTo"] == "HTTP_FILTER")

    def mode(self, **modes):
        """Set processing modes."""
        self.filter["processing_mode"].update(modes)

    def neighbour(self, name, message, *, before=False):
        """Put another filter beside ours."""
        other = {"name": name, "typed_config": {"@type": f"{HTTP}.{message}"}}
        self.chain.insert(0 if before else 1, other)

    def remove(self, kind):
        """Take a kind of patch away."""
        self.patches[:] = [p for p in self.patches if p["applyTo"] != kind]

    def rules(self):
        """What the doctor finds."""
        return {finding.rule for finding in examine(json.dumps(self.data))[0]}


def second(s):
    """Another ext_proc filter under our name."""
    s.chain.insert(1, copy.deepcopy(s.chain[0]))


def elsewhere(s):
    """The filter among a cluster's own."""
    options = {"x": {"http_filters": [s.chain.pop(0)]}}
    s.cluster["typed_extension_protocol_options"].update(options)


def far(s):
    """Routes without bounds to a cluster that is not on loopback."""
    for route in s.routes:
        headers = route["match"].get("headers", [])
        headers[:] = [h for h in headers if h["name"] != "x-intentmesh-residency"]
    for cluster in s.resources["clusters"][1:]:
        address = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"]
        address["socket_address"]["address"] = "llm.example.eu"


def picker(s):
    """Somebody else's processor."""
    other = copy.deepcopy(s.chain[0])
    other["name"] = "envoy.filters.http.ext_proc/endpoint-picker"
    for key in ("stat_prefix", "metadata_options"):
        other["typed_config"].pop(key, None)
    return other


def off(s):
    """The filter as in a mesh, for virtual hosts to turn on."""
    s.chain[0]["disabled"] = True


def override(s, **changed):
    """One route's own idea of the filter."""
    model_route(s)["typed_per_filter_config"] = {"intentmesh.ext_proc": {"overrides": changed}}


def pod():
    """A pod whose proxy cannot reach the socket."""
    socket = [{"name": "s", "mountPath": "/var/run/intentmesh"}]
    containers = [{"name": "istio-proxy"}, {"name": "intentmesh", "volumeMounts": socket}]
    return {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": containers}}


def vhost(s):
    """The virtual host by its name, which has the Service's port in it."""
    for patch in s.patches:
        if patch["applyTo"] == "VIRTUAL_HOST":
            patch["match"]["routeConfiguration"] = {"vhost": {"name": "inbound|http|8000"}}


def model_route(s):
    """The first route for a model."""
    return next(r for r in s.routes if "route" in r)


BAD = [
    ("request-body-mode", lambda s: s.mode(request_body_mode="STREAMED")),
    ("request-body-mode", lambda s: s.mode(request_body_mode="BUFFERED_PARTIAL")),
    ("request-body-mode", lambda s: s.mode(request_body_mode="NONE")),
    ("full-duplex", lambda s: s.mode(request_body_mode="FULL_DUPLEX_STREAMED", request_trailer_mode="SEND")),
    ("full-duplex-trailers", lambda s: s.mode(response_body_mode="FULL_DUPLEX_STREAMED")),
    ("header-modes", lambda s: s.mode(request_header_mode="SKIP")),
    ("response-buffered", lambda s: s.mode(response_body_mode="BUFFERED")),
    ("mode-override", lambda s: s.filter.pop("allow_mode_override")),
    ("allowed-override-modes", lambda s: s.filter["allowed_override_modes"].pop()),
    ("fail-open", lambda s: s.filter.update(failure_mode_allow=True)),
    ("message-timeout-unset", lambda s: s.filter.pop("message_timeout")),
    ("message-timeout", lambda s: s.filter.update(message_timeout="300s")),
    ("message-timeout", lambda s: s.filter.update(message_timeout="0.2s")),
    ("google-grpc", lambda s: s.filter.update(grpc_service={"google_grpc": {"target_uri": "x:1"}})),
    ("route-cache", lambda s: s.filter.update(route_cache_action="RETAIN")),
    ("route-cache", lambda s: s.filter.update(disable_clear_route_cache=True)),
    ("route-cache-clear", lambda s: s.filter.update(route_cache_action="CLEAR")),
    ("observability-mode", lambda s: s.filter.update(observability_mode=True)),
    ("forward-rules", lambda s: s.filter.pop("forward_rules")),
    ("mutation-rules", lambda s: s.filter["mutation_rules"].pop("allow_expression")),
    ("mutation-rules-open", lambda s: s.filter.pop("mutation_rules")),
    ("metadata", lambda s: s.filter.pop("metadata_options")),
    ("stat-prefix", lambda s: s.filter.pop("stat_prefix")),
    ("after-authentication", lambda s: s.neighbour("jwt", "jwt_authn.v3.JwtAuthentication")),
    ("before-rate-limits", lambda s: s.neighbour("limit", "ratelimit.v3.RateLimit", before=True)),
    ("buffer-filter", lambda s: s.neighbour("buffer", "buffer.v3.Buffer")),
    ("compressor", lambda s: s.neighbour("gzip", "compressor.v3.Compressor")),
    ("several-processors", second),
    ("filter-name-twice", second),
    ("buffer-limit", lambda s: [route.pop("request_body_buffer_limit", None) for route in s.routes]),
    ("spoofed-headers", lambda s: s.manager.pop("early_header_mutation_extensions")),
    ("upstream-filter", elsewhere),
    ("no-model-route", lambda s: s.routes.__delitem__(slice(0, -1))),
    ("catch-all", lambda s: s.routes.pop()),
    ("residency-ignored", far),
    ("route-timeout", lambda s: model_route(s)["route"].pop("timeout")),
    ("streamed-retries", lambda s: s.mode(request_body_mode="STREAMED")),
    ("per-route-config", lambda s: model_route(s).update(typed_per_filter_config={"limit": {}})),
    ("envoy-headers", lambda s: model_route(s)["match"]["headers"][0].update(name="x-envoy-model")),
    ("nothing-excluded", lambda s: [route.pop("typed_per_filter_config", None) for route in s.routes]),
    ("processor-cluster", lambda s: s.cluster.update(name="other")),
    ("http2", lambda s: s.cluster.pop("typed_extension_protocol_options")),
    ("grpc-health-check", lambda s: s.cluster.pop("health_checks")),
    ("no-traffic-interval", lambda s: s.cluster["health_checks"][0].pop("no_traffic_interval")),
    ("socket-path", lambda s: pipe(s).update(path="/var/" + "x" * 110)),
    (
        "plain-network",
        lambda s: endpoint(s).update(address={"socket_address": {"address": "extproc.x", "port_value": 1}}),
    ),
]
BAD += [
    ("endpoint-picker", lambda s: s.chain.insert(0, picker(s))),
    ("enabled-nowhere", lambda s: (off(s), [route.pop("typed_per_filter_config", None) for route in s.routes])),
    ("route-overrides", lambda s: override(s, failure_mode_allow=True)),
    ("route-overrides", lambda s: override(s, processing_mode={"request_body_mode": "NONE"})),
    ("socket-mount", lambda s: s.data.update(pods=[pod()])),
]
BAD_PATCHES = [
    ("inbound-host", vhost),
    ("context-any", lambda s: s.patch["match"].update(context="ANY")),
    ("insert-first", lambda s: s.patch["patch"].update(operation="INSERT_FIRST")),
    ("filter-class", lambda s: s.patch["patch"].update(filterClass="AUTHZ")),
    ("inbound-port", lambda s: s.patch["match"]["listener"].update(portNumber=8000)),
    ("router-match", lambda s: s.patch["match"]["listener"]["filterChain"]["filter"].pop("subFilter")),
    ("inbound-routing", lambda s: [s.remove("HTTP_ROUTE"), s.remove("VIRTUAL_HOST")]),
    ("spoofed-headers", lambda s: s.remove("NETWORK_FILTER")),
    ("buffer-limit", lambda s: s.remove("LISTENER")),
]


def endpoint(s):
    """The processor's first endpoint."""
    return s.cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]


def pipe(s):
    """Its socket."""
    return endpoint(s)["address"]["pipe"]


def service(**port):
    """A Service before the sidecar's port."""
    return {"apiVersion": "v1", "kind": "Service", "spec": {"ports": [{"port": 80, "targetPort": 8000, **port}]}}


BAD_SERVICES = [service(), service(name="tcp-x"), service(appProtocol="redis", name="http")]
GOOD_SERVICES = [
    service(name="http"),
    service(name="grpc-x"),
    service(appProtocol="http"),
    service(targetPort=9),
    {"kind": "Service", "spec": {"ports": [{"port": 8000, "name": "http2-a"}]}},
]
COUNTED = [
    ("processor-down", {"cluster.intentmesh.membership_healthy": 0}),
    (
        "never-asked",
        {"http.intentmesh.downstream_rq_total": 7, "http.intentmesh.ext_proc.intentmesh.streams_started": 0},
    ),
    ("passed-unread", {"http.intentmesh.ext_proc.intentmesh.failure_mode_allowed": 1}),
    ("rejected-mutations", {"http.intentmesh.ext_proc.intentmesh.rejected_header_mutations": 1}),
    ("rejected-mutations", {"http.intentmesh.ext_proc.intentmesh.clear_route_cache_ignored": 1}),
    ("failed-streams", {"http.intentmesh.ext_proc.intentmesh.streams_failed": 2}),
    ("failed-streams", {"http.intentmesh.ext_proc.intentmesh.message_timeouts": 2}),
]
TOLD = {"refused-config", "unknown-type", "service-protocol"}
"""Rules that have tests of their own below."""


def found(data, **proxy):
    """What the doctor finds, of an Envoy."""
    return {finding.rule for finding in examine(json.dumps(data), "x", Proxy("1.2", **proxy))[0]}


@pytest.mark.parametrize(("name", "stats"), COUNTED)
def test_what_a_running_envoy_has_counted(name, stats):
    """One counter that is not as it should be, and the rule for it speaks; a counter of another listener's is none."""
    data = Sample("envoy").data
    assert found(data, stats=stats) == {name}
    others = {key.replace("http.intentmesh", "http.other"): value for key, value in stats.items()}
    assert name == "processor-down" or found(data, stats=others) == set()


def test_what_an_envoy_lacks():
    """Each extension that a file needs and this Envoy has not, by name; nothing where its list is not known."""
    data = Sample("envoy").data
    assert found(data) == set()
    assert found(data, types=frozenset({"envoy.extensions.filters.http.router.v3.Router"})) == {"unknown-type"}


def test_what_an_envoy_refused():
    """A dump holds what Envoy did not take, and why; and whose dump it is."""
    node = {
        "extensions": [{"type_urls": ["a.B"]}, {"type_urls": 3}],
        "user_agent_build_version": {"version": {"minor_number": 9}},
    }
    refused = {"error_state": {"details": "no such type"}}
    configs = [{"bootstrap": {"node": node}}, {"dynamic_listeners": [refused]}, {"x": Sample("envoy").data}]
    findings, subject = examine(json.dumps({"configs": configs}))
    assert {f.rule for f in findings} == {"refused-config", "unknown-type"}
    assert (subject.proxy.version, subject.proxy.types) == ("?.9", {"a.B"})


@pytest.mark.parametrize(("services", "told"), [(BAD_SERVICES, True), (GOOD_SERVICES, False)])
def test_protocols_of_services(services, told):
    """A port that is read has to be HTTP to Istio: by its Service's name for it, or by its appProtocol."""
    for each in services:
        items = [json.loads(text("inbound")), each]
        assert ("service-protocol" in found({"kind": "List", "items": items})) is told, each


@pytest.mark.parametrize("sample", GOOD)
def test_clean_bill(sample):
    """What we render is well by every rule."""
    findings, subject = examine(GOOD[sample].read_text())
    assert findings == []
    assert len(subject.filters) == 1


@pytest.mark.parametrize(("name", "spoil"), BAD, ids=[f"{name}-{i}" for i, (name, _) in enumerate(BAD)])
def test_bad_configuration(name, spoil):
    """One thing changed, and the rule for it speaks."""
    sample = Sample("envoy")
    assert name not in sample.rules()
    spoil(sample)
    assert name in sample.rules()


@pytest.mark.parametrize(("name", "spoil"), BAD_PATCHES, ids=[name for name, _ in BAD_PATCHES])
def test_bad_patches(name, spoil):
    """The same for EnvoyFilters."""
    sample = Sample("inbound")
    assert name not in sample.rules()
    spoil(sample)
    assert name in sample.rules()


def test_every_rule_has_its_samples():
    """No rule is unproved."""
    assert {name for name, _ in (*BAD, *BAD_PATCHES, *COUNTED)} | TOLD == set(RULES)


def test_lines_and_places():
    """A finding in YAML has its line; in JSON, where lines say nothing, its place."""
    source = GOOD["envoy"].read_text().replace("failure_mode_allow: false", "failure_mode_allow: true")
    (finding,) = examine(source)[0]
    assert source.splitlines()[(finding.line or 0) - 1].strip() == "failure_mode_allow: true"
    assert finding.place.endswith("http_filters[0].typed_config.failure_mode_allow")
    assert examine(json.dumps(yaml.safe_load(source)))[0][0].line is None


def test_config_dump():
    """In a config dump, in JSON's own spelling, the same things are found."""
    sample = Sample("envoy")
    sample.filter["failureModeAllow"] = True
    dump = {
        "configs": [
            {"@type": "type.googleapis.com/envoy.admin.v3.BootstrapConfigDump", "bootstrap": {"node": {}}},
            {"dynamic_listeners": [{"active_state": {"listener": sample.listener}}]},
            {"static_clusters": [{"cluster": c} for c in sample.resources["clusters"]]},
        ]
    }
    findings, _ = examine(json.dumps(dump))
    assert [f.rule for f in findings] == ["fail-open"]
    assert findings[0].place.startswith("configs[1].dynamic_listeners[0].active_state.listener")


def test_list_of_envoy_filters():
    """`kubectl get envoyfilter -o yaml` gives a list: each is examined."""
    filters = [json.loads(text(name)) for name in ("inbound", "outbound")]
    _, subject = examine(json.dumps({"apiVersion": "v1", "kind": "List", "items": filters}))
    assert len(subject.filters) == 2


@pytest.mark.parametrize(
    "source", ["", "a: [", "hello", "{}", "- 1", "a: &a [*a]", "kind: EnvoyFilter\nspec: 3", "\x00"]
)
def test_no_configuration(source):
    """What is no configuration of Envoy is said to be none, whatever it is."""
    with pytest.raises(ConfigError):
        examine(source)


@pytest.mark.parametrize("key", ["http_filters", "virtual_hosts", "clusters", "health_checks", "grpc_service", "match"])
@pytest.mark.parametrize("value", [None, 3, "x", [None], {"a": 1}, [[1]]])
def test_any_shape(key, value):
    """A key that holds what it should not is no reason to fall over."""

    def spoil(part):
        if isinstance(part, dict):
            return {k: value if k == key else spoil(v) for k, v in part.items()}
        return [spoil(item) for item in part] if isinstance(part, list) else part

    for sample in ("envoy", "inbound"):
        try:
            examine(json.dumps(spoil(json.loads(text(sample)))))
        except ConfigError:
            continue


def test_dotted():
    """Paths are written as people write them."""
    assert dotted(("a", 0, "b")) == "a[0].b"
