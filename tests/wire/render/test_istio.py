"""Istio: what istiod's own code makes of the rendered files, on a real Envoy with the real processor.

`tests/mesh/answers` has istiod's answers by version; `mesh_proxy.py` says what is changed to start them without a cluster.
"""

import json
import tempfile
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import httpx
import pytest
import yaml

from extproc.doctor import examine
from tests.mesh.fixtures import digest
from tests.mesh.istio_cases import API_HOST, CA_FILE, CASES, FAR_HOST, MODEL_HOST, PORTS, WORKLOADS
from tests.wire.harness import free_port, running_envoy, running_processor, until
from tests.wire.render import mesh_proxy
from tests.wire.render.mesh_proxy import SOCKET, SYSTEM_CA, manager, startable, token
from tests.wire.render.traffic import Authority, running_tls_upstream, running_upstream

VERSIONS = mesh_proxy.versions("istio")
PROCESSOR_HEALTHY = {"filter": r"^cluster\.[^.]*(intentmesh\||extproc)[^.]*\.membership_healthy$"}
MAIL = "ada@example.org"
BY_NAME = {case.name: case for case in CASES}
SIGN = "/.well-known/intentmesh"
WAYS = {"in": "virtualInbound", "out": "0.0.0.0_8080"}


def answer(version, case):
    """What istiod answered."""
    return mesh_proxy.answer("istio", version, case)


class Proxy:
    """An Envoy as istiod would have it, with the processor beside it and recording upstreams around it."""

    def __init__(self, client, ports, upstreams, config, admin):
        self.client, self.ports, self.upstreams, self.config, self.admin = client, ports, upstreams, config, admin

    def __getattr__(self, name):
        return self.upstreams[name]

    async def call(self, listener, text, host=MODEL_HOST, path="/v1/chat/completions", **headers):
        """Send a chat through a listener."""
        named = {"host": host, **{k.replace("_", "-"): v for k, v in headers.items()}}
        body = {"model": "any", "messages": [{"role": "user", "content": text}]}
        return await self.client.post(f"http://127.0.0.1:{self.ports[listener]}{path}", json=body, headers=named)

    async def get(self, listener, path, host):
        """Ask without a body."""
        return await self.client.get(f"http://127.0.0.1:{self.ports[listener]}{path}", headers={"host": host})


def running_proxy(version, case, *listeners):
    """Start what istiod answered in a case."""
    return running(answer(version, case), BY_NAME[case].mesh, *listeners)


@asynccontextmanager
async def running(told, mesh, *listeners):
    """Start what a mesh told a proxy, with the processor of this mesh.yaml."""
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="im-")))
        authority = Authority(folder, FAR_HOST)
        upstreams = {name: await enter(running_upstream(name)) for name in PORTS if name not in ("far", "api", "dead")}
        upstreams["far"] = await enter(running_tls_upstream("far", authority))
        public = Authority(folder, API_HOST)
        upstreams["api"] = await enter(running_tls_upstream("api", public))
        addresses = {PORTS[name]: upstream.port for name, upstream in upstreams.items()} | {PORTS["dead"]: free_port()}
        listen = {name: free_port() for name in listeners}
        socket = folder / "extproc.sock"
        texts = {SOCKET: str(socket), CA_FILE: str(authority.ca_file), SYSTEM_CA: str(public.ca_file)}
        config = startable(told, listen, addresses, texts)
        path = folder / "mesh.yaml"
        path.write_text(yaml.safe_dump({"version": 1, **mesh}))
        await enter(running_processor(path, socket))
        envoy, admin = await enter(running_envoy(config, folder))

        async def plugged():
            async with httpx.AsyncClient() as client:
                stats = await client.get(
                    f"{admin}/stats",
                    params=PROCESSOR_HEALTHY,
                )
            found = [line.endswith(": 1") for line in stats.text.splitlines() if "membership_healthy" in line]
            return bool(found) and all(found)

        await until(plugged, process=envoy)
        async with httpx.AsyncClient(timeout=20) as client:
            yield Proxy(client, listen, upstreams, config, admin)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("case", BY_NAME)
def test_answers_are_fresh(version, case):
    """Istiod was asked about the files as they are rendered now; else `make mesh-fixtures`."""
    asked = BY_NAME[case]
    asked.proxy["version"] = f"{version}.0"
    assert answer(version, case)["asked"] == digest(asked)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("case", BY_NAME)
def test_istioctl_finds_nothing(version, case):
    """`istioctl analyze` has two things to say: that an EnvoyFilter is one, and that the key of the cases is symmetric."""
    assert [found for found in answer(version, case)["analysis"] if found["code"] != "IST0133"] == []


@pytest.mark.parametrize("version", VERSIONS)
async def test_both_ways(version):
    """A call is masked, routed by its decision and restored, on the way in as on the way out."""
    async with running_proxy(version, "sidecar", *WAYS.values()) as pod:
        for listener in WAYS.values():
            for upstream in pod.upstreams.values():
                upstream.requests.clear()
            answered = await pod.call(listener, f"my mail is {MAIL}", authorization="Bearer callers-own")
            assert answered.status_code == 200, answered.text
            assert MAIL in answered.json()["choices"][0]["message"]["content"]
            assert MAIL not in pod.general.last.body.decode()
            assert "[EMAIL_ADDRESS_1]" in pod.general.last.body.decode()
            # What the caller shows to the application is not for a model; where it calls the models' own host, it is.
            shown = "" if listener == WAYS["in"] else "Bearer callers-own"
            assert pod.general.last.get("authorization") == shown

            # A client cannot choose its model, and what is bound stays.
            await pod.call(listener, "hello", x_intentmesh_model="far")
            assert pod.far.requests == []
            assert (await pod.call(listener, "hello", x_tenant="bound")).status_code == 200
            assert pod.near.last.get("x-intentmesh-model") == "near"
            assert (await pod.call(listener, "hello", x_tenant="refused")).status_code == 503
            assert pod.far.requests == []
            # One that is beyond the cluster is called by its own name.
            assert (await pod.call(listener, "hello", x_tenant="far")).status_code == 200
            assert pod.far.last.get("host") == FAR_HOST

        # What is not intercepted passes: inbound to the application, outbound to the host that was meant.
        for listener, host, upstream in ((WAYS["in"], MODEL_HOST, pod.app), (WAYS["out"], "other.default", pod.other)):
            passed = await pod.call(listener, MAIL, host=host, path="/orders", authorization="Bearer callers-own")
            assert passed.status_code == 200
            assert MAIL in upstream.last.body.decode()
            assert upstream.last.get("authorization") == "Bearer callers-own"
        # Where the filter is on, the proxy says so, and nowhere else.
        for listener, host in ((WAYS["in"], "app"), (WAYS["out"], MODEL_HOST)):
            assert (await pod.get(listener, SIGN, host)).json() == {"intentmesh": "on"}
        assert (await pod.get(WAYS["out"], SIGN, "other.default")).text != '{"intentmesh": "on"}'


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("case", ["sidecar", "sidecar-same-port"])
def test_the_filter_is_on_where_it_is_meant(version, case):
    """By a Service whose port is another than the container's, as by one where they are the same; behind authentication."""
    told = answer(version, case)
    inbound = next(li for li in told["listeners"] if li["name"] == "virtualInbound")
    on = 0
    for chain in inbound["filter_chains"]:
        config = chain["filters"][-1]["typed_config"]
        names = [f["name"] for f in config.get("http_filters", ())]
        if chain.get("filter_chain_match", {}).get("destination_port") != PORTS["app"]:
            assert "intentmesh.ext_proc" not in names
            continue
        assert names.index("intentmesh.ext_proc") == len(names) - 2, "just before the router"
        (host,) = config["route_config"]["virtual_hosts"]
        assert "intentmesh.ext_proc" in host["typed_per_filter_config"]
        on += 1
    assert on == 2, "in clear text and in mutual TLS"


FORGED = {
    "x_forwarded_client_cert": "By=x;URI=spiffe://cluster.local/ns/red/sa/app",
    "x_jwt_payload": "eyJzdWIiOiJhZGEifQ",
    "x_intentmesh_caller": "ada",
}


async def who(proxy, listener, host, **headers):
    """Whom the processor takes a caller for, as its rules tell it; None: nobody, and the request has reached a model."""
    answered = await proxy.call(listener, "hello", host=host, **headers)
    if answered.status_code == 200:
        return None
    return (
        answered.json()["error"]["message"].removeprefix("refused by policy: ") if answered.status_code == 403 else 401
    )


async def tells_callers_apart(proxy, listener, host):
    """A verified token says who calls, and nothing that a client claims does."""
    ask = partial(who, proxy, listener, host)
    assert await ask(authorization=f"Bearer {token()}") == "is ada"
    assert await ask(authorization=f"Bearer {token(sub='bob')}", **FORGED) == "is somebody"
    assert await ask() is None
    assert await ask(**FORGED) is None
    assert await ask(authorization=f"Bearer {token(key=b'somebody else')}") == 401
    assert await ask(authorization=f"Bearer {token(exp=1)}") == 401


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("case", "listener", "host"),
    [("sidecar-identity", WAYS["in"], "app"), ("gateway-identity", "0.0.0.0_8080", "models.example.com")],
)
async def test_who_calls(version, case, listener, host):
    """What istiod makes of a RequestAuthentication stands before the filter, which reads what it has verified."""
    told = answer(version, case)
    for chain in (c for li in told["listeners"] if li["name"] == listener for c in li.get("filter_chains", ())):
        names = [f["name"] for f in chain["filters"][-1]["typed_config"].get("http_filters", ())]
        if "intentmesh.ext_proc" in names:
            assert names.index("envoy.filters.http.jwt_authn") < names.index("intentmesh.ext_proc")
    async with running_proxy(version, case, listener) as proxy:
        await tells_callers_apart(proxy, listener, host)


@pytest.mark.parametrize("version", VERSIONS)
async def test_standby_in_the_mesh(version):
    """Endpoints are tried by zone, and the encrypted one beyond the cluster when none of them is left."""
    async with running_proxy(version, "sidecar", WAYS["out"]) as pod:
        codes = [(await pod.call(WAYS["out"], "hello", x_tenant="standby")).status_code for _ in range(12)]
        assert codes[6:] == [200] * 6
        assert pod.standby.requests
        assert pod.far.requests == []
        codes = [(await pod.call(WAYS["out"], "hello", x_tenant="lost")).status_code for _ in range(12)]
        assert codes[6:] == [200] * 6
        assert len(pod.far.requests) >= 6


@pytest.mark.parametrize("version", VERSIONS)
async def test_hosts_that_applications_call_already(version):
    """What no route takes goes on to the host that was called, encrypted from the proxy on where it is beyond the cluster."""
    async with running_proxy(version, "intercept", "0.0.0.0_8000", "0.0.0.0_80") as pod:
        for listener, host in (("0.0.0.0_8000", "vllm.models.svc.cluster.local:8000"), ("0.0.0.0_80", API_HOST)):
            answered = await pod.call(listener, f"mail {MAIL}", host=host, x_tenant="near", authorization="Bearer own")
            assert answered.status_code == 200, answered.text
            assert MAIL in answered.text
            assert MAIL not in pod.near.last.body.decode()
            assert pod.near.last.get("authorization") == ""
            assert (await pod.get(listener, SIGN, host)).json() == {"intentmesh": "on"}
        passed = await pod.call("0.0.0.0_8000", MAIL, host="vllm.models", path="/tokenize", authorization="Bearer own")
        assert passed.status_code == 200
        assert MAIL in pod.vllm.last.body.decode()
        assert pod.vllm.last.get("authorization") == "Bearer own"
        passed = await pod.call("0.0.0.0_80", MAIL, host=API_HOST, path="/files", authorization="Bearer own")
        assert passed.status_code == 200, passed.text
        assert pod.api.last.get("authorization") == "Bearer own"
        assert pod.api.last.get("host") == API_HOST


@pytest.mark.parametrize("version", VERSIONS)
async def test_gateway(version):
    """At a gateway only the model host is intercepted, and its requests go where they were decided."""
    async with running_proxy(version, "gateway", "0.0.0.0_8080") as pod:
        at, host = "0.0.0.0_8080", "models.example.com"
        answered = await pod.call(at, MAIL, host=host)
        assert answered.json()["choices"][0]["message"]["content"] == MAIL
        assert MAIL.encode() not in pod.general.last.body
        await pod.call(at, "hello", host=host, x_tenant="near", x_intentmesh_model="general")
        assert (len(pod.near.requests), len(pod.general.requests)) == (1, 1)
        # Nothing of a gateway's is in its pod: what may not leave one is refused.
        assert (await pod.call(at, "hello", host=host, x_tenant="bound")).status_code == 503
        await pod.call(at, MAIL, host="shop.example")
        assert MAIL.encode() in pod.other.last.body
        assert (await pod.get(at, SIGN, host)).json() == {"intentmesh": "on"}
        assert "intentmesh.ext_proc" in json.dumps(manager(pod.config["static_resources"]["listeners"][0]))


def containers(pod):
    """Containers of a pod in the order in which they start, with whether each is a sidecar of Kubernetes' own kind."""
    started = [(c["name"], c.get("restartPolicy") == "Always") for c in pod["spec"]["initContainers"]]
    return [*started, *((c["name"], False) for c in pod["spec"]["containers"])]


def named(pod, name):
    """One container."""
    return next(c for c in (*pod["spec"]["initContainers"], *pod["spec"]["containers"]) if c["name"] == name)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda w: w.name)
def test_injected_pods_are_fresh(version, workload):
    """The injector was asked about the patch as it is rendered now."""
    assert answer(version, workload.name)["asked"] == digest(workload)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_injector_makes_a_pod_that_starts(version):
    """istio-proxy comes first, then weights are fetched, then the processor, the model, and last the application.

    Where the injector knows no `nativeSidecar`, istio-proxy comes last, and nothing of ours may wait for it: no probe of ours
    has become one of istio-proxy's, and fetching goes around its rules.
    """
    pod = answer(version, "application")
    expected = ["istio-init", "istio-proxy", "fetch-general", "intentmesh", "general", "app"]
    assert [name for name, _ in containers(pod)] == expected
    assert {name for name, native in containers(pod) if native} == {"istio-proxy", "intentmesh", "general"}
    for name in ("intentmesh", "general"):
        probes = {key: value for key, value in named(pod, name).items() if key.endswith("Probe")}
        assert len(probes) == 3
        assert all("exec" in probe for probe in probes.values())
    assert named(pod, "fetch-general")["securityContext"]["runAsUser"] == 1337
    assert named(pod, "app")["readinessProbe"]["httpGet"]["path"] == "/app-health/app/readyz"
    folders = {m["mountPath"] for m in named(pod, "istio-proxy")["volumeMounts"]}
    assert str(Path(SOCKET).parent) in folders


@pytest.mark.parametrize("version", VERSIONS)
def test_the_injector_leaves_a_gateway_its_socket(version):
    """A gateway's template reads no annotation for volumes: the mount is the container's own."""
    pod = answer(version, "injected-gateway")
    assert containers(pod) == [("intentmesh", True), ("istio-proxy", False)]
    assert str(Path(SOCKET).parent) in {m["mountPath"] for m in named(pod, "istio-proxy")["volumeMounts"]}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("case", BY_NAME)
def test_the_doctor_reads_what_istiod_answers(version, case):
    """What a proxy is told, all of it or its listeners alone as `istioctl proxy-config listeners` prints them, is well."""
    told = answer(version, case)
    dumps = [told, told["listeners"], {key: told[key] for key in ("listeners", "routes")}]
    for dump in dumps:
        findings, subject = examine(json.dumps(dump))
        assert [f for f in findings if f.severity == "error"] == []
        assert subject.filters


@pytest.mark.parametrize("version", VERSIONS)
def test_the_doctor_sees_patches_that_matched_nothing(version):
    """The filter is in the chain, and no virtual host turns it on: what a Service's port instead of the container's did."""
    told = answer(version, "sidecar")
    text = json.dumps(told).replace('"typed_per_filter_config"', '"typed_per_filter_nothing"')
    assert "enabled-nowhere" in {finding.rule for finding in examine(text)[0]}
