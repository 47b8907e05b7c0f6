"""Cases for rules through a real Envoy: what is denied reaches no upstream, what goes on reaches the one that it should.

The mesh is the user's, but for what this machine lacks: each endpoint is a server of ours that only records, and each caller
brings a token of an issuer of ours, which the rendered Envoy verifies.
"""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import http.client
import ipaddress
import json
import ssl
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from extproc.cli.local_mesh import LocalMesh
from extproc.cli.relocation import free_port
from extproc.config import load
from extproc.config.models import within
from extproc.render.kubernetes.configuration import config_files

if TYPE_CHECKING:
    from extproc.cli.policy_cases import PolicyCase
    from extproc.config import Mesh
    from extproc.config.models import Zone

ISSUER: Final = "https://cases.intentmesh.invalid/"
_OK = json.dumps({"choices": [{"message": {"role": "assistant", "content": "ok"}}]}).encode()
_HEAD = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(_OK)}\r\nconnection: close\r\n\r\n"
ANSWER: Final = _HEAD.encode() + _OK
TIMEOUT_S: Final = 30.0
LEFT_OUT: Final = ("budgets", "budget_state", "telemetry", "kubernetes", "shadow")
"""Sections that have no say about a case, or would have one that it does not expect."""


@dataclass
class Seen:
    """The requests that upstreams have seen: model and zone of each."""

    places: list[tuple[str, str]] = field(default_factory=list)


def run_through_envoy(mesh: Mesh, cases: list[PolicyCase]) -> list[list[str]]:
    """What is wrong with each case."""
    return asyncio.run(_run(mesh, cases))


async def _run(mesh: Mesh, cases: list[PolicyCase]) -> list[list[str]]:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="intentmesh-cases-")))
        key = rsa.generate_private_key(65537, 2048)
        (folder / "jwks.json").write_text(_key_set(key))
        record, tls = Seen(), _certificate(folder, key)
        file = folder / "mesh.yaml"
        files = config_files(mesh)
        data = yaml.safe_load(files.pop("mesh.yaml"))
        for name, text in files.items():
            (folder / name).write_text(text)
        for name, model in data["models"].items():
            await _relocate(stack, name, model, record, tls, folder)
        data = {section: value for section, value in data.items() if section not in LEFT_OUT}
        provider = {"issuer": ISSUER, "jwks_file": "jwks.json"}
        data["identity"] = {"jwt": {"providers": {"cases": provider}, "project": "project", "team": "team"}}
        data["envoy"] = {name: f"127.0.0.1:{free_port()}" for name in ("listen", "admin")}
        data["processor"] = {"admin": f"127.0.0.1:{free_port()}"}
        file.write_text(yaml.safe_dump(data))
        local = await stack.enter_async_context(LocalMesh(file, load(file)))
        port = int(local.url.rpartition(":")[2])
        return [await _case(case, mesh, port, record, key) for case in cases]


async def _relocate(
    stack: AsyncExitStack, name: str, model: dict[str, Any], record: Seen, tls: ssl.SSLContext, folder: Path
) -> None:
    """Put servers of ours in the place of a model's endpoints, each in its zone."""
    for part in (model, *(model.get("versions") or {}).values()):
        for i, endpoint in enumerate(part.get("endpoints") or ()):
            zone = endpoint.get("zone", "pod")
            secure = zone == "external" or bool(endpoint.get("tls"))
            server = await asyncio.start_server(
                _recording(name, zone, record), "127.0.0.1", 0, ssl=tls if secure else None
            )
            stack.push_async_callback(server.wait_closed)
            stack.callback(server.close)
            port = server.sockets[0].getsockname()[1]
            trusted = {"tls": True, "ca_file": str(folder / "cert.pem")} if secure else {}
            part["endpoints"][i] = {"address": f"127.0.0.1:{port}", "zone": zone, **trusted}
    for section in ("gguf", "mirror", "rewrite"):
        model.pop(section, None)
    model["health"] = {"enabled": False}


def _recording(name: str, zone: str, record: Seen) -> Any:
    """A server that notes each request, and says ok."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            lengths = [
                line.partition(b":")[2] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
            ]
            await reader.readexactly(int(lengths[0]) if lengths else 0)
            record.places.append((name, zone))
            writer.write(ANSWER)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError, ValueError):
            pass
        finally:
            writer.close()

    return serve


async def _case(case: PolicyCase, mesh: Mesh, port: int, record: Seen, key: rsa.RSAPrivateKey) -> list[str]:
    """Ask, and compare what came with what the case says."""
    record.places.clear()
    try:
        status = await asyncio.to_thread(_ask, case, port, key)
    except OSError as error:
        return [f"through Envoy: no answer ({type(error).__name__})"]
    places, expect = list(record.places), case.expect
    if expect.denied is not None or (expect.status or 0) >= 400:
        rule = next((rule for rule in mesh.policy.rules if rule.name == expect.denied), None)
        deny = rule.then.deny if rule else None
        status_expected = expect.status or (deny.status if deny else status)
        problems = [f"through Envoy: it reached {name} ({zone}), and was to reach no upstream" for name, zone in places]
        return (
            problems
            if status == status_expected
            else [*problems, f"through Envoy: {status_expected} was expected, and {status} came"]
        )
    if len(places) != 1:
        return [f"through Envoy: {len(places)} upstreams saw it, and the answer was {status}"]
    name, zone = places[0]
    problems = []
    if expect.model not in (None, name):
        problems.append(f"through Envoy: it went to {name}, and not to {expect.model}")
    if expect.residency is not None and not within(_zone(zone), expect.residency):
        problems.append(f"through Envoy: it went to the zone {zone}, and may travel to {expect.residency} at most")
    return problems


def _zone(name: str) -> Zone:
    return name  # type: ignore[return-value]


def _ask(case: PolicyCase, port: int, key: rsa.RSAPrivateKey) -> int:
    request = case.request
    headers = {"content-type": "application/json", **request.headers}
    caller = {name: value for name, value in case.caller.model_dump().items() if value}
    if caller:
        headers["authorization"] = f"Bearer {_token(key, caller)}"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        connection.request(request.method, request.path, body=request.content(), headers=headers)
        with connection.getresponse() as answer:
            answer.read()
    except http.client.HTTPException as error:
        raise OSError(type(error).__name__) from error
    finally:
        connection.close()
    return answer.status


def _token(key: rsa.RSAPrivateKey, caller: dict[str, Any]) -> str:
    """A token that says who calls."""
    claims = dict(caller.pop("claims", {}))
    if name := caller.pop("id", ""):
        claims["sub"] = name
    payload = {**claims, **caller, "iss": ISSUER, "exp": int(time.time()) + 600}
    head = {"alg": "RS256", "kid": "1"}
    signed = f"{_b64(json.dumps(head).encode())}.{_b64(json.dumps(payload).encode())}"
    return f"{signed}.{_b64(key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def _key_set(key: rsa.RSAPrivateKey) -> str:
    numbers = key.public_key().public_numbers()
    modulus = _b64(numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big"))
    return json.dumps({"keys": [{"kty": "RSA", "kid": "1", "alg": "RS256", "n": modulus, "e": _b64(b"\x01\x00\x01")}]})


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _certificate(folder: Path, key: rsa.RSAPrivateKey) -> ssl.SSLContext:
    """TLS for our servers, by a certificate that is its own authority."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "intentmesh cases")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(private)
    (folder / "key.pem").chmod(0o600)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context
