"""A rolling update of the rendered Deployment, played with two pods as processes: its own probes, `preStop`, order and grace.

What a cluster does is played by a script that follows the rendered values, and what it does not promise is played at its
worst: the Service goes on sending to a pod for some seconds after that was told to end, as kube-proxy does.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import signal
import sys
import tempfile
import time
from pathlib import Path

import httpx
import yaml

from extproc.cli.relocation import relocate
from extproc.config import load
from extproc.render import render
from tests.wire.harness import MESH_YAML, Process, free_address, running_envoy, until
from tests.wire.upstream import running_upstream

TERMINATION = "terminationGracePeriodSeconds"
FASTER = 10.0
"""Seconds of the rendered values are played as tenths."""
LAG_S = 1.0
"""So long after the end began the Service still sends there; half of what `preStop` waits, played."""
MASKED, PLAIN = "I am ada@example.org.", "the pump is hot"


def deployment(mesh):
    """The rendered Deployment of Envoy and the processor, as Kubernetes would read it."""
    documents = [
        document
        for file in render("kubernetes", load(mesh))
        if file.path.endswith(".yaml") and not file.path.startswith("helm")
        for document in yaml.safe_load_all(file.text)
    ]
    return next(d for d in documents if d and d["kind"] == "Deployment" and "preStop" in str(d))["spec"]


def played(seconds):
    """A rendered time, as it is played."""
    return seconds / FASTER


class Pod:
    """One pod's two containers, started and stopped in the rendered order."""

    def __init__(self, spec, folder, mesh, config):
        template = spec["template"]["spec"]
        (self.envoy,) = (c for c in template["containers"] if c["name"] == "envoy")
        (self.sidecar,) = (c for c in template["initContainers"] if "serve" in c["args"])
        assert self.sidecar["restartPolicy"] == "Always", "a sidecar starts before Envoy, and ends after it"
        self.grace_s = template[TERMINATION]
        self.folder, self.config, self.admin = folder, config, free_address()
        given = {"--socket": str(folder / "extproc.sock"), "--admin": self.admin}
        arguments = self.sidecar["args"]
        options = [given.get(before, option) for before, option in zip(["", *arguments[:-1]], arguments, strict=True)]
        options[options.index("/etc/intentmesh/mesh.yaml")] = str(mesh)
        self.processor = Process("processor", [sys.executable, "-m", "extproc", *options], folder / "processor.log")
        self.stack = contextlib.AsyncExitStack()
        self.port = 0

    async def probe(self, container, url):
        """Whether the container's readiness probe succeeds."""
        path = container["readinessProbe"]["httpGet"]["path"]
        async with httpx.AsyncClient() as client:
            with contextlib.suppress(httpx.TransportError):
                return (await client.get(f"{url}{path}")).status_code == 200
        return False

    async def start(self):
        """Ready, as the probes say."""
        await self.processor.start()
        await until(lambda: self.probe(self.sidecar, f"http://{self.admin}"), process=self.processor)
        self.front, admin = await self.stack.enter_async_context(running_envoy(self.config, self.folder))
        await until(lambda: self.probe(self.envoy, admin), process=self.front)
        async with httpx.AsyncClient() as client:
            listeners = (await client.get(f"{admin}/listeners", params={"format": "json"})).json()
        address = listeners["listener_statuses"][0]["local_address"]["socket_address"]
        self.port = address["port_value"]

    async def end(self, service):
        """As a kubelet ends it, while the Service hears of it late; the seconds that it took, as rendered."""
        begun = time.monotonic()
        loop = asyncio.get_running_loop()
        loop.call_later(LAG_S, service.remove, self)
        await asyncio.sleep(played(self.envoy["lifecycle"]["preStop"]["sleep"]["seconds"]))
        await self.front.kill(signal.SIGTERM)
        assert await self.probe(self.sidecar, f"http://{self.admin}"), "it serves until Envoy has ended"
        await asyncio.wait_for(self.processor.kill(signal.SIGTERM), 30)
        await self.stack.aclose()
        return time.monotonic() - begun


async def test_a_rolling_update_fails_no_request():
    """Two replicas are replaced one by one under load: `maxSurge` before `maxUnavailable`, and every request is answered."""
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="im-")))
        settings = yaml.safe_load(MESH_YAML.read_text())
        model = {"endpoints": [{"address": "127.0.0.1:8083"}]}
        settings |= {"models": {"general": model}, "default_model": "general", "intents": {}, "routes": []}
        mesh = folder / "mesh.yaml"
        mesh.write_text(yaml.safe_dump(settings))
        spec = deployment(mesh)
        strategy = spec["strategy"]["rollingUpdate"]
        assert (strategy["maxUnavailable"], strategy["maxSurge"]) == (0, 1)
        upstream = await stack.enter_async_context(running_upstream("general"))
        base = yaml.safe_load(next(f.text for f in render("envoy", load(mesh)) if f.path == "envoy.yaml"))
        made = []

        async def pod():
            own = folder / f"pod-{len(made)}"
            own.mkdir()
            ports = {8083: upstream.port, base["admin"]["address"]["socket_address"]["port_value"]: 0}
            listener = base["static_resources"]["listeners"][0]["address"]["socket_address"]
            ports[listener["port_value"]] = 0
            new = Pod(spec, own, mesh, relocate(copy.deepcopy(base), ports, own))
            made.append(new)
            stack.push_async_callback(new.processor.stop)
            stack.push_async_callback(new.stack.aclose)
            await new.start()
            return new

        service = [await pod()]
        over, answers = asyncio.Event(), []

        async def client(number):
            while not over.is_set():
                port = service[len(answers) % len(service)].port
                async with httpx.AsyncClient(timeout=20) as asking:  # a connection each: kube-proxy chooses for each
                    messages = [{"role": "user", "content": (MASKED, PLAIN)[number % 2]}]
                    body = {"model": "any", "messages": messages, "stream": len(answers) % 3 == 0}
                    answer = await asking.post(f"http://127.0.0.1:{port}/v1/chat/completions", json=body)
                answers.append(answer.status_code)
                await asyncio.sleep(0.02)

        clients = [asyncio.create_task(client(number)) for number in range(4)]
        for _ in range(2):
            old = service[0]
            service.append(await pod())
            took_s = await old.end(service)
            assert took_s < old.grace_s, "else the kubelet would kill it"
        over.set()
        await asyncio.gather(*clients)
        assert set(answers) == {200}
        assert not any(b"ada@" in request.body for request in upstream.requests)
