"""The way into an Envoy that is already there: the snippets put in by hand, as their heads say, and taken out again."""

import copy
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import yaml

from extproc.config import load
from extproc.render import render
from tests.wire.harness import running_envoy, running_processor, until
from tests.wire.render.traffic import endpoint, running_upstream

MAIL = "ada@example.org"
ROUTER = {
    "name": "envoy.filters.http.router",
    "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
}


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


def existing(app):
    """An Envoy that carries one application's traffic."""
    routes = [
        {"match": {"prefix": "/v1/"}, "route": {"cluster": "app", "timeout": "60s"}},
        {"match": {"prefix": "/"}, "route": {"cluster": "app"}},
    ]
    host = {"name": "app", "domains": ["*"], "routes": routes}
    address = {"socket_address": {"address": "127.0.0.1", "port_value": 0}}
    chain = {"filters": [manager("app", [ROUTER], [host])]}
    return {
        "admin": {"address": address},
        "static_resources": {
            "listeners": [{"name": "app", "address": address, "filter_chains": [chain]}],
            "clusters": [local_cluster("app", app.port)],
        },
    }


def plugged_in(config, snippets):
    """The same with the four snippets in their places."""
    config = copy.deepcopy(config)
    http = config["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    router = http["http_filters"].pop()
    http["http_filters"] += [*snippets["filter"]["http_filters"], router]
    http.update(snippets["manager"])
    host = http["route_config"]["virtual_hosts"][0]
    read, other = host["routes"]
    parts = snippets["routes"]
    host["routes"] = [*parts["decided"], {**read, **parts["intercepted"]}, {**other, **parts["passed"]}]
    config["static_resources"]["clusters"] += snippets["clusters"]["clusters"]
    return config


async def ask(envoy, path="/v1/chat/completions", **headers):
    """Send a chat through an Envoy."""
    async with httpx.AsyncClient() as client:
        listeners = (await client.get(f"{envoy}/listeners", params={"format": "json"})).json()
        port = listeners["listener_statuses"][0]["local_address"]["socket_address"]["port_value"]
        body = {"messages": [{"role": "user", "content": f"my mail is {MAIL}"}]}
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        return await client.post(f"http://127.0.0.1:{port}{path}", json=body, headers=named, timeout=20)


async def test_in_and_out_again():
    """Before, all goes to the application; plugged in, chats are masked and routed; taken out, all is as before."""
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="im-")))
        app, model = await enter(running_upstream("app")), await enter(running_upstream("m"))
        socket = folder / "extproc.sock"
        mesh = {
            "version": 1,
            "models": {"m": {"endpoints": [endpoint(model)]}},
            "default_model": "m",
            "processor": {"socket": str(socket)},
        }
        path = folder / "mesh.yaml"
        path.write_text(yaml.safe_dump(mesh))
        files = {Path(f.path).stem: yaml.safe_load(f.text) for f in render("envoy", load(path)) if "snippets" in f.path}
        await enter(running_processor(path, socket))
        before = existing(app)

        for name, config in (("before", before), ("in", plugged_in(before, files)), ("out", before)):
            (folder / name).mkdir()
            async with running_envoy(config, folder / name) as (process, envoy):
                if name == "in":

                    async def ready(envoy=envoy):
                        async with httpx.AsyncClient() as client:
                            found = (await client.get(f"{envoy}/stats", params={"filter": "membership_healthy"})).text
                        return (
                            "cluster.intentmesh.membership_healthy: 1" in found
                            and "cluster.m.membership_healthy: 1" in found
                        )

                    await until(ready, process=process)
                    answer = await ask(envoy, x_intentmesh_model="app", authorization="Bearer x")
                    assert answer.json()["choices"][0]["message"]["content"] == f"my mail is {MAIL}"
                    assert MAIL.encode() not in model.last.body
                    assert model.last.get("authorization") == "Bearer x"
                    assert len(app.requests) == 1
                    await ask(envoy, path="/orders")
                    assert MAIL.encode() in app.last.body
                    assert '"intentmesh":{' in process.output().replace(" ", "")
                    assert MAIL not in process.output()
                else:
                    assert (await ask(envoy)).status_code == 200
                    assert MAIL.encode() in app.last.body
        assert len(model.requests) == 1
        assert len(app.requests) == 3


async def test_large_bodies_and_disguised_paths():
    """Bodies up to the limit pass, though Envoy's own is smaller; above it 413; and a path in disguise is still read."""
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="im-")))
        model, app = await enter(running_upstream("m")), await enter(running_upstream("app"))
        socket = folder / "extproc.sock"
        mesh = {
            "version": 1,
            "models": {"m": {"endpoints": [endpoint(model)]}},
            "default_model": "m",
            "limits": {"max_body_bytes": 3_000_000, "deadline_ms": 5000},
            "envoy": {"listen": "127.0.0.1:0", "admin": "127.0.0.1:0", "upstream": f"127.0.0.1:{app.port}"},
            "processor": {"socket": str(socket)},
        }
        path = folder / "mesh.yaml"
        path.write_text(yaml.safe_dump(mesh))
        config = yaml.safe_load(next(f.text for f in render("envoy", load(path)) if f.path == "envoy.yaml"))
        await enter(running_processor(path, socket))
        process, envoy = await enter(running_envoy(config, folder))

        async def ready():
            async with httpx.AsyncClient() as client:
                found = (await client.get(f"{envoy}/stats", params={"filter": "membership_healthy"})).text
            return "cluster.intentmesh.membership_healthy: 1" in found and "cluster.m.membership_healthy: 1" in found

        await until(ready, process=process)
        async with httpx.AsyncClient() as client:
            listeners = (await client.get(f"{envoy}/listeners", params={"format": "json"})).json()
            port = listeners["listener_statuses"][0]["local_address"]["socket_address"]["port_value"]
            url = f"http://127.0.0.1:{port}"

            async def chat(size, route="/v1/chat/completions"):
                text = f"my mail is {MAIL} " + "x " * (size // 2)
                body = {"messages": [{"role": "user", "content": text}]}
                return await client.post(f"{url}{route}", json=body, timeout=30)

            assert (await chat(2_000_000)).status_code == 200
            assert MAIL.encode() not in model.last.body
            assert (await chat(4_000_000)).status_code == 413
            assert (await chat(10, "/%761/chat/completions")).status_code == 200
            assert MAIL.encode() not in model.last.body
            assert len(model.requests) == 2
            assert app.requests == []
            upload = await client.post(f"{url}/upload", content=b"x" * 4_000_000, timeout=30)
            assert (upload.status_code, len(app.last.body)) == (200, 4_000_000)
