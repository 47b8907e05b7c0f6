"""Istio: the rendered patches in sidecar-shaped listeners, on a real Envoy with the real processor, both ways through."""

import tempfile
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import pytest
import yaml

from extproc.config import load
from extproc.render import render
from tests.wire.harness import running_envoy, running_processor, until
from tests.wire.render import istiod
from tests.wire.render.test_failover import NAME, _free_port
from tests.wire.render.traffic import Authority, endpoint, running_tls_upstream, running_upstream

MODEL_HOST = "models.intentmesh.svc.cluster.local"
MAIL = "ada@example.org"


def http_filter(name, config):
    """A filter of Envoy's own."""
    package = "envoy.extensions.filters.http"
    return {"name": f"envoy.filters.http.{name}", "typed_config": {"@type": f"type.googleapis.com/{package}.{config}"}}


def sidecar_filters():
    """What Istio puts before the router: authentication, authorization, and the rest."""
    jwt = http_filter("jwt_authn", "jwt_authn.v3.JwtAuthentication")
    rbac = http_filter("rbac", "rbac.v3.RBAC")
    allowed = {"header": {"name": "x-denied", "present_match": True, "invert_match": True}}
    rbac["typed_config"]["rules"] = {
        "action": "ALLOW",
        "policies": {"ns[default]-policy[app]": {"permissions": [{"any": True}], "principals": [allowed]}},
    }
    rest = [http_filter("fault", "fault.v3.HTTPFault"), http_filter("cors", "cors.v3.Cors")]
    return [jwt, rbac, *rest, http_filter("router", "router.v3.Router")]


def manager(stat_prefix, filters, virtual_hosts):
    """A connection manager as istiod writes it."""
    name = "envoy.filters.network.http_connection_manager"
    kind = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
    config = {
        "@type": f"type.googleapis.com/{kind}",
        "stat_prefix": stat_prefix,
        "http_filters": filters,
        "route_config": {"name": stat_prefix, "virtual_hosts": virtual_hosts},
        "normalize_path": True,
    }
    return {"name": name, "typed_config": config}


def local_cluster(name, port):
    """A cluster of one loopback endpoint."""
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    ends = [{"lb_endpoints": [{"endpoint": {"address": address}}]}]
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "1s",
        "load_assignment": {"cluster_name": name, "endpoints": ends},
    }


def listener(name, port, chains):
    """A listener; in a pod, iptables bring the traffic to it."""
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    return {"name": name, "address": address, "filter_chains": chains}


def sidecar(app, inbound_port, outbound_port, virtual_service, clusters):
    """The configuration of an istio-proxy: virtualInbound with a chain for the app's port, and one outbound listener."""
    default = {"name": "default", "match": {"prefix": "/"}, "route": {"cluster": f"inbound|{inbound_port}||"}}
    host_in = {"name": f"inbound|http|{inbound_port}", "domains": ["*"], "routes": [default]}
    chain_in = {
        "filter_chain_match": {"destination_port": inbound_port},
        "filters": [manager(f"inbound_0.0.0.0_{inbound_port}", sidecar_filters(), [host_in])],
    }
    elsewhere = {
        "name": f"other.default.svc.cluster.local:{outbound_port}",
        "domains": ["other.default.svc.cluster.local", "other"],
        "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "other"}}],
    }
    host_out = {
        "name": f"{MODEL_HOST}:{outbound_port}",
        "domains": [MODEL_HOST, f"{MODEL_HOST}:{outbound_port}"],
        "routes": istiod.routes(virtual_service),
    }
    filters = [f for f in sidecar_filters() if "jwt" not in f["name"] and "rbac" not in f["name"]]
    chain_out = {"filters": [manager(f"outbound_0.0.0.0_{outbound_port}", filters, [host_out, elsewhere])]}
    return {
        "admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}},
        "static_resources": {
            "listeners": [
                listener("virtualInbound", inbound_port, [chain_in]),
                listener(f"0.0.0.0_{outbound_port}", outbound_port, [chain_out]),
            ],
            "clusters": [
                local_cluster(f"inbound|{inbound_port}||", app.port),
                local_cluster("other", app.port),
                *clusters,
            ],
        },
    }


def kinds(files, kind):
    """The objects of one kind in rendered files."""
    documents = [d for file in files if not file.path.endswith("mesh.yaml") for d in yaml.safe_load_all(file.text)]
    return [d for d in documents if d and d["kind"] == kind]


def socket_to(config, path):
    """The processor's socket at another path."""
    text = yaml.safe_dump(config)
    return yaml.safe_load(text.replace("/var/run/intentmesh/extproc.sock", str(path)))


@asynccontextmanager
async def running_pod(mesh):
    """A pod with a sidecar of Istio's: application, processor, proxy with both EnvoyFilters in it."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="im-")))
        app = await stack.enter_async_context(running_upstream("app"))
        ports = {"in": _free_port(), "out": _free_port()}
        settings = {"workload": {"port": ports["in"]}, "port": ports["out"], "host": MODEL_HOST}
        path = folder / "mesh.yaml"
        path.write_text(yaml.safe_dump({"version": 1, "kubernetes": settings, **mesh}))
        files = render("istio-sidecar", load(path))
        (virtual_service,) = kinds(files, "VirtualService")
        clusters = istiod.clusters(kinds(files, "ServiceEntry"), kinds(files, "DestinationRule"))
        config = sidecar(app, ports["in"], ports["out"], virtual_service, clusters)
        for envoy_filter in kinds(files, "EnvoyFilter"):
            config = istiod.apply(config, envoy_filter)
        socket = folder / "extproc.sock"
        await stack.enter_async_context(running_processor(path, socket))
        envoy, admin = await stack.enter_async_context(running_envoy(socket_to(config, socket), folder))

        async def plugged():
            async with httpx.AsyncClient() as client:
                text = (await client.get(f"{admin}/stats", params={"filter": "^cluster.intentmesh.*healthy$"})).text
            return [line for line in text.splitlines() if line.endswith("membership_healthy: 1")][1:]

        await until(plugged, process=envoy)
        async with httpx.AsyncClient(timeout=20) as client:
            yield Pod(client, ports, app, config, admin)


class Pod:
    """Both ways through it."""

    def __init__(self, client, ports, app, config, admin):
        self.client, self.ports, self.app, self.config, self.admin = client, ports, app, config, admin

    async def call(self, way, text, host=MODEL_HOST, path="/v1/chat/completions", **headers):
        """Send a chat in or out."""
        named = {"host": host, **{k.replace("_", "-"): v for k, v in headers.items()}}
        body = {"model": "any", "messages": [{"role": "user", "content": text}]}
        return await self.client.post(f"http://127.0.0.1:{self.ports[way]}{path}", json=body, headers=named)


ROUTES = [
    {"headers": {"x-tenant": "far"}, "model": "far"},
    {"headers": {"x-tenant": "bound"}, "model": "near", "residency": "pod"},
    {"headers": {"x-tenant": "refused"}, "model": "far", "residency": "pod"},
]


@pytest.mark.parametrize("way", ["in", "out"])
async def test_both_ways(way, tmp_path):
    """A call is masked, routed by its decision and restored, on the way in as on the way out."""
    authority = Authority(tmp_path, NAME)
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        near, other = await enter(running_upstream("near")), await enter(running_upstream("general"))
        far = await enter(running_tls_upstream("far", authority))
        away = endpoint(far, "external", tls=True, host=NAME, ca_file=str(authority.ca_file))
        models = {
            "general": {"endpoints": [endpoint(other)]},
            "near": {"endpoints": [endpoint(near), away]},
            "far": {"endpoints": [away]},
        }
        pod = await enter(running_pod({"models": models, "routes": ROUTES, "default_model": "general"}))

        answer = await pod.call(way, f"my mail is {MAIL}")
        assert answer.status_code == 200, answer.text
        assert MAIL in answer.json()["choices"][0]["message"]["content"]
        assert MAIL not in other.last.body.decode()
        assert "[EMAIL_ADDRESS_1]" in other.last.body.decode()

        # A client cannot choose its model, and what is bound stays.
        await pod.call(way, "hello", x_intentmesh_model="far")
        assert far.requests == []
        assert (await pod.call(way, "hello", x_tenant="bound")).status_code == 200
        assert near.last.get("x-intentmesh-model") == "near"
        assert (await pod.call(way, "hello", x_tenant="refused")).status_code == 503
        assert far.requests == []
        assert (await pod.call(way, "hello", x_tenant="far")).status_code == 200
        assert len(far.requests) == 1

        # What is not intercepted passes: inbound to the application, outbound to the host that was meant.
        seen = len(pod.app.requests)
        host = MODEL_HOST if way == "in" else "other"
        passed = await pod.call(way, MAIL, host=host, path="/orders")
        assert passed.status_code == 200
        assert MAIL in pod.app.last.body.decode()
        assert len(pod.app.requests) == seen + 1


async def test_after_authentication():
    """The filter stands behind jwt_authn and rbac: what they refuse is never read."""
    async with AsyncExitStack() as stack:
        model = await stack.enter_async_context(running_upstream("m"))
        mesh = {"models": {"m": {"endpoints": [endpoint(model)]}}, "default_model": "m"}
        pod = await stack.enter_async_context(running_pod(mesh))
        chain = pod.config["static_resources"]["listeners"][0]["filter_chains"][0]
        names = [f["name"] for f in chain["filters"][0]["typed_config"]["http_filters"]]
        assert names == [
            "envoy.filters.http.jwt_authn",
            "envoy.filters.http.rbac",
            "envoy.filters.http.fault",
            "envoy.filters.http.cors",
            "intentmesh.ext_proc",
            "envoy.filters.http.router",
        ]
        assert (await pod.call("in", "hello", x_denied="1")).status_code == 403
        assert model.requests == []


async def test_standby_in_the_mesh(tmp_path):
    """On the way out, endpoints are tried by zone, and the encrypted one abroad when none of them is left."""
    authority = Authority(tmp_path, NAME)
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        standby = await enter(running_upstream("standby"))
        far = await enter(running_tls_upstream("far", authority))
        away = endpoint(far, "external", tls=True, host=NAME, ca_file=str(authority.ca_file))
        dead = {"address": f"127.0.0.1:{_free_port()}"}
        models = {
            "m": {"endpoints": [dead, endpoint(standby, "cluster"), away]},
            "lost": {"endpoints": [dead, away], "retries": {"attempts": 3}},
        }
        routes = [{"headers": {"x-tenant": "lost"}, "model": "lost"}]
        pod = await enter(running_pod({"models": models, "routes": routes, "default_model": "m"}))
        codes = [(await pod.call("out", "hello")).status_code for _ in range(12)]
        assert codes[6:] == [200] * 6
        assert standby.requests
        assert far.requests == []
        codes = [(await pod.call("out", "hello", x_tenant="lost")).status_code for _ in range(12)]
        assert codes[6:] == [200] * 6
        assert len(far.requests) >= 6


async def test_gateway():
    """Through a gateway-shaped listener: only the model host is intercepted, and its requests go where they were decided."""
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="im-")))
        near, other, app = [await enter(running_upstream(name)) for name in ("near", "general", "app")]
        port = _free_port()
        models = {"general": {"endpoints": [endpoint(other)]}, "near": {"endpoints": [endpoint(near)]}}
        routes = [
            {"headers": {"x-tenant": "near"}, "model": "near"},
            {"headers": {"x-tenant": "pod"}, "model": "near", "residency": "pod"},
        ]
        kubernetes = {"host": MODEL_HOST, "gateway": {"port": port}}
        path = folder / "mesh.yaml"
        mesh = {"version": 1, "models": models, "routes": routes, "default_model": "general", "kubernetes": kubernetes}
        path.write_text(yaml.safe_dump(mesh))
        files = render("istio-gateway", load(path))
        (virtual_service,), (envoy_filter,) = kinds(files, "VirtualService"), kinds(files, "EnvoyFilter")
        host = {"name": f"{MODEL_HOST}:{port}", "domains": [MODEL_HOST], "routes": istiod.routes(virtual_service)}
        rest = [{"match": {"prefix": "/"}, "route": {"cluster": "app"}}]
        others = {"name": f"shop.example:{port}", "domains": ["shop.example"], "routes": rest}
        chain = {"filters": [manager(f"outbound_0.0.0.0_{port}", sidecar_filters(), [host, others])]}
        services = [
            local_cluster(f"outbound|{up.port}||{name}.intentmesh.svc.cluster.local", up.port)
            for name, up in (("near", near), ("general", other))
        ]
        config = {
            "admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}},
            "static_resources": {
                "listeners": [listener(f"0.0.0.0_{port}", port, [chain])],
                "clusters": [local_cluster("app", app.port), *services],
            },
        }
        config = istiod.apply(config, envoy_filter, gateway=True)
        socket = folder / "extproc.sock"
        await enter(running_processor(path, socket))
        envoy, admin = await enter(running_envoy(socket_to(config, socket), folder))

        async def plugged():
            async with httpx.AsyncClient() as client:
                text = (await client.get(f"{admin}/stats", params={"filter": "^cluster.intentmesh.*healthy$"})).text
            return "membership_healthy: 1" in text

        await until(plugged, process=envoy)
        async with httpx.AsyncClient(timeout=20) as client:
            pod = Pod(client, {"in": port}, app, config, admin)
            answer = await pod.call("in", MAIL)
            assert answer.json()["choices"][0]["message"]["content"] == MAIL
            assert MAIL.encode() not in other.last.body
            await pod.call("in", "hello", x_tenant="near", x_intentmesh_model="general")
            assert (len(near.requests), len(other.requests)) == (1, 1)
            # Nothing of a gateway's is in its pod: what may not leave one is refused.
            assert (await pod.call("in", "hello", x_tenant="pod")).status_code == 503
            await pod.call("in", MAIL, host="shop.example")
            assert MAIL.encode() in app.last.body
