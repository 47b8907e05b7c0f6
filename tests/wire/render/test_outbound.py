"""Calls of this machine's own applications: through a proxy that they are told of, and handed over by the kernel."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import httpx
import pytest
import yaml

from extproc.config import load
from extproc.render import render
from scripts.fetch_debian import find, libraries
from tests.wire.harness import free_address, free_port, running_envoy, running_processor, until
from tests.wire.render.traffic import Authority, endpoint, running_tls_upstream, running_upstream

MAIL = "ada@example.org"
CHAT = {"model": "any", "messages": [{"role": "user", "content": f"my mail is {MAIL}"}]}
PATH = "/v1/chat/completions"
BEYOND = "10.77.0.2"
IPTABLES = find("iptables")


@asynccontextmanager
async def running_outbound(folder, model, outbound, ca_file=None):
    """Processor and Envoy for these calls."""
    socket = folder / "extproc.sock"
    mesh = {
        "version": 1,
        "models": {"m": {"endpoints": [endpoint(model)]}},
        "default_model": "m",
        "intercept": [{"path_prefix": "/v1/", "payload": "auto"}],
        "envoy": {"listen": "127.0.0.1:0", "admin": "127.0.0.1:0", "outbound": outbound},
        "processor": {"socket": str(socket)},
    }
    path = folder / "mesh.yaml"
    path.write_text(yaml.safe_dump(mesh))
    files = {file.path: file.text for file in render("envoy", load(path))}
    text = files["envoy.yaml"]
    if ca_file:
        text = text.replace("/etc/ssl/certs/ca-certificates.crt", str(ca_file))
    if "capture.sh" in files:
        (folder / "capture.sh").write_text(files["capture.sh"])
    async with running_processor(path, socket), running_envoy(yaml.safe_load(text), folder) as (process, admin):

        async def ready():
            async with httpx.AsyncClient() as client:
                found = (await client.get(f"{admin}/stats", params={"filter": "membership_healthy"})).text
            return "cluster.intentmesh.membership_healthy: 1" in found and "cluster.m.membership_healthy: 1" in found

        await until(ready, process=process)
        yield process


async def test_a_proxy_reads_the_hosts_that_are_named():
    """Chats to a named host are masked and restored; another path goes on to it, another host passes as it is."""
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="im-")))
        model, named, other = [await enter(running_upstream(name)) for name in ("m", "named", "other")]
        authority = Authority(folder, "localhost")
        tls = await enter(running_tls_upstream("tls", authority))
        proxy = free_address()
        hosts = [
            {"host": "127.0.0.1", "port": named.port},
            {"host": "localhost", "upstream": {"port": tls.port, "tls": True}},
        ]
        envoy = await enter(running_outbound(folder, model, {"proxy": proxy, "hosts": hosts}, authority.ca_file))
        client = await enter(httpx.AsyncClient(proxy=f"http://{proxy}", trust_env=False, timeout=20))
        key = {"authorization": "Bearer meant-for-the-host", "x-intentmesh-model": "m"}

        answer = await client.post(f"http://127.0.0.1:{named.port}{PATH}", json=CHAT, headers=key)
        assert answer.json()["choices"][0]["message"]["content"] == f"my mail is {MAIL}"
        assert MAIL.encode() not in model.last.body
        assert model.last.get("authorization") == ""
        assert named.requests == []

        await client.post(f"http://127.0.0.1:{named.port}/orders", json=CHAT, headers=key)
        assert MAIL.encode() in named.last.body
        assert named.last.get("authorization") == key["authorization"]
        assert not {"x-forwarded-for", "x-envoy-expected-rq-timeout-ms", "x-intentmesh-model"} & {
            name for name, _ in named.last.headers
        }

        await client.post(f"http://127.0.0.1:{other.port}{PATH}", json=CHAT)
        assert MAIL.encode() in other.last.body, "no host of ours"

        await client.post("http://localhost/orders", json=CHAT)
        assert (MAIL.encode() in tls.last.body, tls.last.get("host")) == (True, "localhost")
        await client.post(f"http://localhost{PATH}", json=CHAT)
        assert len(model.requests) == 2
        assert MAIL not in envoy.output()


async def test_no_spelling_of_a_host_passes_unread():
    """In capitals, with a dot, with zeros before its port: it is read, or it is refused."""
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="im-")))
        model, named = await enter(running_upstream("m")), await enter(running_upstream("named"))
        proxy, body = free_address(), json.dumps(CHAT).encode()
        await enter(
            running_outbound(folder, model, {"proxy": proxy, "hosts": [{"host": "localhost", "port": named.port}]})
        )

        async def call(authority):
            host, _, port = proxy.rpartition(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            head = f"POST http://{authority}{PATH} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n"
            head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
            status = int((await asyncio.wait_for(reader.read(4000), 10)).split()[1])
            writer.close()
            await writer.wait_closed()
            return status

        port = named.port
        for authority in (f"LocalHost:{port}", f"localhost.:{port}", f"me@localhost:{port}"):
            assert await call(authority) == 200, authority
        for authority in (f"localhost:0{port}", f"localhost.:00{port}"):
            assert await call(authority) == 400, authority
        assert len(model.requests) == 3
        assert named.requests == []


async def test_a_proxy_tunnels_what_it_need_not_read():
    """A tunnel to 443 of an unnamed host would pass; to any other port, or to a named host, it is refused by name."""
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="im-")))
        model, named = await enter(running_upstream("m")), await enter(running_upstream("named"))
        proxy = free_address()
        hosts = [{"host": "localhost", "port": named.port}]
        await enter(running_outbound(folder, model, {"proxy": proxy, "hosts": hosts}))

        async def tunnel(target):
            host, _, port = proxy.rpartition(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(f"CONNECT {target} HTTP/1.1\r\nhost: {target}\r\n\r\n".encode())
            answer = await asyncio.wait_for(reader.read(2000), 10)
            writer.close()
            return int(answer.split()[1]), answer

        status, answer = await tunnel("localhost:443")
        assert (status, b"http://" in answer) == (403, True)
        for target in (f"localhost:{named.port}", f"127.0.0.1:{named.port}", "127.0.0.1:80"):
            assert (await tunnel(target))[0] in (403, 404), target
        status, answer = await tunnel("127.0.0.1:443")
        assert status == 503, "let through, to where nobody listens"
        assert named.requests == []


@pytest.mark.skipif(
    os.geteuid() != 0
    or IPTABLES is None
    or not all(map(shutil.which, ("unshare", "nsenter", "setpriv", "curl", "ip"))),
    reason="a network of its own, and iptables in it, take root and the programs for it",
)
def test_the_kernel_hands_connections_over(tmp_path):
    """In a network of its own, with the rendered script on: see `transparent` below."""
    assert IPTABLES is not None
    env = dict(os.environ)
    if IPTABLES.name not in ("iptables", "iptables-nft", "iptables-legacy"):  # fetched: all of them in one program
        for name in ("iptables", "ip6tables", "iptables-restore", "ip6tables-restore"):
            (tmp_path / name).symlink_to(IPTABLES)
        found = libraries("iptables")
        env |= {"LD_LIBRARY_PATH": str(found), "XTABLES_LIBDIR": str(found / "xtables")}
        env["PATH"] = f"{tmp_path}:{env['PATH']}"
    done = subprocess.run(
        ["unshare", "-n", sys.executable, "-m", "tests.wire.render.test_outbound"],
        capture_output=True,
        check=False,
        timeout=120,
        env=env,
    )
    if b"Operation not permitted" in done.stderr:
        pytest.skip("root may make no network here")
    assert done.returncode == 0, done.stderr.decode()


def _run(*command):
    subprocess.run([str(word) for word in command], check=True)


@contextmanager
def host_beyond(folder):
    """A host in another network still, which serves files at three ports."""
    beyond = subprocess.Popen(["unshare", "-n", "sleep", "100"])
    inside = ["nsenter", "-t", str(beyond.pid), "-n"]
    servers = []
    try:
        while Path(f"/proc/{beyond.pid}/ns/net").readlink() == Path("/proc/self/ns/net").readlink():
            time.sleep(0.01)
        _run("ip", "link", "set", "lo", "up")
        _run("ip", "link", "add", "here", "type", "veth", "peer", "name", "there", "netns", beyond.pid)
        _run("ip", "addr", "add", "10.77.0.1/24", "dev", "here")
        _run("ip", "link", "set", "here", "up")
        _run(*inside, "ip", "addr", "add", f"{BEYOND}/24", "dev", "there")
        _run(*inside, "ip", "link", "set", "there", "up")
        _run(*inside, "ip", "link", "set", "lo", "up")
        server = [*inside, sys.executable, "-m", "http.server", "--directory", folder, "--bind", BEYOND]
        servers += [subprocess.Popen([*server, port], stderr=subprocess.DEVNULL) for port in ("80", "8000")]
        yield
    finally:
        for each in (*servers, beyond):
            each.kill()


async def transparent():
    """An application that knows of no proxy, a host beyond a wire, and the script between them."""
    with tempfile.TemporaryDirectory(prefix="im-") as name:
        folder = Path(name)
        (folder / "index.html").write_text("from beyond")
        outbound = {
            "transparent": {"port": free_port(), "user": "root", "ipv6": False},
            "hosts": [{"host": BEYOND, "port": 80}],
        }
        with host_beyond(name):
            async with running_upstream("m") as model, running_outbound(folder, model, outbound) as envoy:
                await _calls(folder, model, envoy)


async def _calls(folder, model, envoy):
    def call(*options):
        """As another user than Envoy's."""
        command = ["setpriv", "--reuid", "65534", "--clear-groups", "curl", "-sS", "--max-time", "10", *options]
        return asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)

    def script(word):
        return subprocess.run(
            ["sh", str(folder / "capture.sh"), word], check=True, capture_output=True, text=True
        ).stdout

    chat = ("-H", "content-type: application/json", "-d", json.dumps(CHAT))
    assert "off" in script("status")
    for _ in range(200):  # until it listens
        if (await call(f"http://{BEYOND}/index.html")).stdout:
            break
    assert "501" in (await call(*chat, f"http://{BEYOND}{PATH}")).stdout, "not read before"

    script("on")
    script("on")
    assert "REDIRECT" in script("status")
    answer = await call(*chat, f"http://{BEYOND}{PATH}")
    assert f"my mail is {MAIL}" in answer.stdout, answer
    assert MAIL.encode() not in model.last.body
    assert (await call(f"http://{BEYOND}/index.html")).stdout == "from beyond", "goes on to where it was going"
    assert "501" in (await call(*chat, "-H", "host: elsewhere.test", f"http://{BEYOND}{PATH}")).stdout, (
        "no host of ours"
    )
    assert (await call(f"http://{BEYOND}:8000/index.html")).stdout == "from beyond", "no port of ours"
    assert MAIL not in envoy.output()

    await envoy.stop()
    assert (await call(*chat, f"http://{BEYOND}{PATH}")).returncode != 0, "never unread"
    script("off")
    assert (await call(f"http://{BEYOND}/index.html")).stdout == "from beyond"
    assert script("status") == "IPv4: off\nIPv6: off\n"


if __name__ == "__main__":
    asyncio.run(transparent())
