"""The processor over TCP with TLS: only an Envoy that it knows may ask, and that Envoy asks nobody else. Both servers."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import grpc
import httpx
import pytest
import trustme
import yaml
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.wire.harness import Process, free_address, rendered, running_envoy, until
from tests.wire.upstream import running_upstream

MAIL = "ada@example.org"


async def serves(address, credentials):
    """Whether the processor answers such a client."""
    made = grpc.aio.secure_channel(address, credentials) if credentials else grpc.aio.insecure_channel(address)
    async with made as channel:
        try:
            answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=3)
        except grpc.aio.AioRpcError:
            return False
        return answer.status == health_pb2.HealthCheckResponse.SERVING


def certificates(folder):
    """Of a CA: the processor's and an Envoy's; and one of another CA, which nobody knows."""
    ca, other = trustme.CA(), trustme.CA()
    ca.cert_pem.write_to_path(folder / "ca.pem")
    for name, cert in {
        "server": ca.issue_cert("127.0.0.1"),
        "envoy": ca.issue_cert("envoy"),
        "other": other.issue_cert("e"),
    }.items():
        cert.private_key_pem.write_to_path(folder / f"{name}.key")
        cert.cert_chain_pems[0].write_to_path(folder / f"{name}.pem")


def client(folder, name):
    """Credentials of a client."""
    ca = (folder / "ca.pem").read_bytes()
    if name is None:
        return grpc.ssl_channel_credentials(ca)
    return grpc.ssl_channel_credentials(
        ca, (folder / f"{name}.key").read_bytes(), (folder / f"{name}.pem").read_bytes()
    )


@pytest.mark.parametrize("server", ["intentmesh", "grpcio"])
async def test_mutual_tls(server):
    """A request through an Envoy that is rendered for it is masked and restored; clients without a certificate get nowhere."""
    with tempfile.TemporaryDirectory(prefix="im-") as name:
        folder, address = Path(name), free_address()
        certificates(folder)
        async with running_upstream("general") as upstream:
            mesh = {
                "version": 1,
                "intercept": [{"path_prefix": "/v1/", "payload": "openai"}],
                "models": {"general": {"endpoints": [{"address": f"127.0.0.1:{upstream.port}"}]}},
                "default_model": "general",
                "envoy": {"listen": "127.0.0.1:0", "admin": "127.0.0.1:0"},
                "pii": {"names": {"enabled": False}},
                "processor": {
                    "address": address,
                    "admin": free_address(),
                    "server": server,
                    "tls": {
                        "certificate_file": str(folder / "server.pem"),
                        "key_file": str(folder / "server.key"),
                        "client_ca_file": str(folder / "ca.pem"),
                        "envoy": {
                            "ca_file": str(folder / "ca.pem"),
                            "certificate_file": str(folder / "envoy.pem"),
                            "key_file": str(folder / "envoy.key"),
                        },
                    },
                },
            }
            path = folder / "mesh.yaml"
            path.write_text(yaml.safe_dump(mesh))
            processor = Process("processor", [sys.executable, "-m", "extproc", "serve", str(path)], folder / "log")
            await processor.start()
            try:
                await until(lambda: serves(address, client(folder, "envoy")), process=processor)
                assert not await serves(address, client(folder, None))
                assert not await serves(address, client(folder, "other"))
                assert not await serves(address, None)
                async with (
                    running_envoy(yaml.safe_load(rendered(path)), folder) as (envoy, admin),
                    httpx.AsyncClient() as asking,
                ):
                    told = (await asking.get(f"{admin}/listeners", params={"format": "json"})).json()
                    port = told["listener_statuses"][0]["local_address"]["socket_address"]["port_value"]

                    async def asked():
                        body = {"messages": [{"role": "user", "content": f"I am {MAIL}"}]}
                        answer = await asking.post(
                            f"http://127.0.0.1:{port}/v1/chat/completions", json=body, timeout=10
                        )
                        return answer if answer.status_code == 200 else None

                    answer = await until(asked, process=envoy)
                    assert MAIL in answer.text
                    assert not any(MAIL.encode() in request.body for request in upstream.requests)
            finally:
                await processor.stop()
