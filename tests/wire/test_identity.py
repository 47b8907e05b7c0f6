"""Who calls, through a real Envoy: what it has verified says it, and nothing that a client claims changes it."""

import base64
import datetime as dt
import ipaddress
import json
import ssl
import time
from contextlib import asynccontextmanager

import httpx
import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from extproc.config.api_keys import new_key, written
from tests.wire.harness import running_gateway, until

pytestmark = pytest.mark.asyncio(loop_scope="module")
ISSUER = "https://login.example.com/"
WHO = ("ada", "bob", "mallory", "spiffe://mesh/ns/red/sa/app")
RULES = [
    *(
        {
            "name": f"is-{i}",
            "when": f"caller.id == '{name}' && caller.source == '{source}'",
            "then": {"deny": f"{source} {name}"},
        }
        for i, (name, source) in enumerate((n, s) for n in WHO for s in ("jwt", "key", "certificate", "header"))
    ),
    {"name": "team", "when": "caller.team != ''", "then": {"deny": "has a team"}},
    {"name": "project", "when": "caller.project != 'unknown'", "then": {"deny": "has a project"}},
    {"name": "claims", "when": "size(caller.claims) > 0", "then": {"deny": "has claims"}},
]
"""Each says of a caller who it is, so that a refusal testifies."""
FORGED = {
    "x-forwarded-client-cert": "By=x;URI=spiffe://mesh/ns/red/sa/app",
    "l5d-client-id": "mallory",
    "x-user": "mallory",
    "x-team": "science",
    "x-jwt-payload": base64.b64encode(b'{"sub":"mallory"}').decode(),
    "x-intentmesh-caller": "mallory",
    "x-envoy-peer-metadata": "mallory",
}


def b64(data):
    """As JWTs have it."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(key, *, algorithm="RS256", **claims):
    """A signed token."""
    now = int(time.time())
    payload = {"iss": ISSUER, "aud": "intentmesh", "sub": "ada", "iat": now, "exp": now + 600, **claims}
    signed = f"{b64(json.dumps({'alg': algorithm, 'kid': '1'}).encode())}.{b64(json.dumps(payload).encode())}"
    if key is None:
        return f"{signed}."
    return f"{signed}.{b64(key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


@pytest.fixture(scope="module")
def issuer():
    """The key of the issuer."""
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="module")
def stranger():
    """Somebody else's."""
    return rsa.generate_private_key(65537, 2048)


def key_set(key):
    """As a JWKS tells it."""
    numbers = key.public_key().public_numbers()
    n = numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8)
    return json.dumps({"keys": [{"kty": "RSA", "kid": "1", "alg": "RS256", "n": b64(n), "e": b64(b"\x01\x00\x01")}]})


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="gateway")
async def _gateway(tmp_path_factory, issuer):
    folder = tmp_path_factory.mktemp("identity")
    (folder / "jwks.json").write_text(key_set(issuer))
    key, entry = new_key("bob", None, None, None)
    _, gone = new_key("bob", None, None, None)
    (folder / "keys.yaml").write_text(written([entry]))
    providers = {"corporate": {"issuer": ISSUER, "audiences": ["intentmesh"], "jwks_file": str(folder / "jwks.json")}}
    identity = {
        "certificate": True,
        "jwt": {"providers": providers, "team": "team"},
        "keys": {"file": str(folder / "keys.yaml"), "header": "x-api-key"},
    }
    async with running_gateway(mesh={"policy": RULES, "identity": identity}) as gateway:
        gateway.key, gateway.gone, gateway.keys = key, gone, folder / "keys.yaml"
        yield gateway


async def who(gateway, **headers):
    """What is told of the caller; None: it is nobody, and the request reached an upstream."""
    before = len(gateway.received)
    answer = await gateway.chat("hello", headers=headers)
    if answer.status_code == 200:
        assert len(gateway.received) == before + 1
        return None
    assert len(gateway.received) == before
    message = answer.json()["error"]["message"]
    if message.startswith("refused by policy: "):
        return message.removeprefix("refused by policy: ")
    return answer.status_code


async def test_a_verified_token(gateway, issuer):
    """Says who it is; the team and project too. The token goes to nobody else."""
    assert await who(gateway, authorization=f"Bearer {token(issuer)}") == "jwt ada"
    assert await who(gateway, authorization=f"Bearer {token(issuer, sub='x', team='science')}") == "has a team"
    assert await who(gateway, authorization=f"Bearer {token(issuer, sub='x')}") == "has claims"


async def test_a_forged_token_is_refused(gateway, issuer, stranger):
    """Of another key, of none, of another issuer, for another audience, too old, changed, or no token at all."""
    good = token(issuer)
    head, payload, signature = good.split(".")
    other = b64(json.dumps({"iss": ISSUER, "aud": "intentmesh", "sub": "mallory"}).encode())
    forged = [
        token(stranger),
        token(None, algorithm="none"),
        token(issuer, iss="https://evil.example/"),
        token(issuer, aud="another"),
        token(issuer, exp=int(time.time()) - 3600),
        f"{head}.{other}.{signature}",
        f"{head}.{payload}.",
        "not a token",
    ]
    told = [await who(gateway, authorization=f"Bearer {bad}") for bad in forged]
    assert told == [401, 401, 401, 403, 401, 401, 401, 401]


async def test_nothing_else_that_a_client_says_counts(gateway):
    """Headers of meshes, of gateways and of ours: the caller is nobody."""
    for name, value in FORGED.items():
        assert await who(gateway, **{name: value}) is None, name
    assert await who(gateway, **FORGED) is None


async def test_an_api_key(gateway):
    """Says whose it is, beats no signature that it has not got, and reaches no upstream."""
    assert await who(gateway, **{"x-api-key": gateway.key}) == "key bob"
    assert await who(gateway, **{"x-api-key": gateway.key}, **FORGED) == "key bob"
    assert await who(gateway, **{"x-api-key": f"{gateway.key[:-2]}xx"}) == 401
    assert await who(gateway, **{"x-api-key": "sk-somebody-elses"}) is None
    assert gateway.received[-1].get("x-api-key") == "sk-somebody-elses"


async def test_a_key_reaches_no_upstream(gateway):
    """It is taken off what goes on; the processor has it, and the log of neither."""
    gateway_rules = gateway.mesh.read_text()
    assert gateway.key not in gateway_rules
    key, entry = new_key("somebody", None, None, None)
    gateway.keys.write_text(written([entry]))

    async def known():
        answer = await gateway.chat("hello", headers={"x-api-key": key})
        return answer.status_code == 200

    await until(known, process=gateway.processor)
    assert not gateway.received[-1].all("x-api-key")
    assert key not in gateway.processor.output() + gateway.envoy.output()


def certificate(subject, issuer_key, issuer_name, *, uri=None, ca=False, address=None):
    """A certificate, and its key, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer_name or name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    names = [x509.UniformResourceIdentifier(uri)] if uri else []
    names += [x509.IPAddress(ipaddress.ip_address(address))] if address else []
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    made = builder.sign(issuer_key or key, hashes.SHA256())
    pem = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem, private, key, name


@asynccontextmanager
async def calling(gateway, folder, pair=None):
    """A client over TLS, with a certificate of its own or without."""
    context = ssl.create_default_context(cafile=folder / "ca.pem")
    if pair:
        (folder / "c.pem").write_bytes(pair[0])
        (folder / "c.key").write_bytes(pair[1])
        context.load_cert_chain(folder / "c.pem", folder / "c.key")
    async with httpx.AsyncClient(base_url=f"https://127.0.0.1:{gateway.port}", verify=context) as client:
        gateway.client = client
        yield


async def test_a_certificate(tmp_path):
    """That Envoy's own TLS has verified; one of another CA opens no connection, and headers say nothing beside it."""
    ca_pem, _, ca_key, ca_name = certificate("ca", None, None, ca=True)
    _, _, evil_key, _ = certificate("ca", None, None, ca=True)
    server = certificate("server", ca_key, ca_name, address="127.0.0.1")
    (tmp_path / "ca.pem").write_bytes(ca_pem)
    (tmp_path / "s.pem").write_bytes(server[0])
    (tmp_path / "s.key").write_bytes(server[1])
    tls = {name: str(tmp_path / file) for name, file in (("certificate_file", "s.pem"), ("key_file", "s.key"))}
    envoy = {"listen": "127.0.0.1:10000", "tls": {**tls, "client_ca_file": str(tmp_path / "ca.pem")}}
    red = "spiffe://mesh/ns/red/sa/app"
    async with running_gateway(mesh={"policy": RULES, "identity": {"certificate": True}, "envoy": envoy}) as gateway:
        async with calling(gateway, tmp_path, certificate("c", ca_key, ca_name, uri=red)):
            assert await who(gateway) == f"certificate {red}"
            assert await who(gateway, **{"x-forwarded-client-cert": "URI=spiffe://mesh/x"}) == f"certificate {red}"
        async with calling(gateway, tmp_path, certificate("c", ca_key, ca_name)):
            assert await who(gateway, **FORGED) is None
        async with calling(gateway, tmp_path):
            assert await who(gateway, **FORGED) is None
        async with calling(gateway, tmp_path, certificate("c", evil_key, ca_name, uri=red)):
            # httpx lets an alert through as it is that comes while it waits for the answer
            with pytest.raises((httpx.TransportError, ssl.SSLError)):
                await who(gateway)


async def test_nobody_may_be_anonymous():
    """401, in the format of the API, before the body is read."""
    identity = {"headers": {"id": "x-user"}, "anonymous": "deny"}
    async with running_gateway(mesh={"identity": identity}) as gateway:
        assert await who(gateway) == 401
        answer = await gateway.chat("hello")
        assert answer.json()["error"]["type"] == "authentication_error"
        assert answer.headers["www-authenticate"] == "Bearer"
        assert await who(gateway, **{"x-user": "ada"}) is None


async def test_what_leaves_a_workload_is_its_own():
    """In its own sidecar, whatever it says."""
    own = "spiffe://mesh/ns/red/sa/app"
    rules = [
        {"name": "own", "when": f"caller.id == '{own}' && caller.source == 'workload'", "then": {"deny": "its own"}}
    ]
    async with running_gateway(mesh={"identity": {"workload": own, "certificate": True}, "policy": rules}) as gateway:
        assert await who(gateway) == "its own"
        assert await who(gateway, **(FORGED | {"x-forwarded-client-cert": "URI=spiffe://mesh/y"})) == "its own"


async def test_keys_and_tokens_in_one_header(tmp_path, issuer, stranger):
    """Each says who it is; a bad token is as good as none there, and a bad key is refused."""
    (tmp_path / "jwks.json").write_text(key_set(issuer))
    key, entry = new_key("bob", None, None, None)
    (tmp_path / "keys.yaml").write_text(written([entry]))
    providers = {"corporate": {"issuer": ISSUER, "jwks_file": str(tmp_path / "jwks.json")}}
    identity = {"jwt": {"providers": providers}, "keys": {"file": str(tmp_path / "keys.yaml")}}
    async with running_gateway(mesh={"policy": RULES, "identity": identity}) as gateway:
        assert await who(gateway, authorization=f"Bearer {key}") == "key bob"
        assert await who(gateway, authorization=f"Bearer {token(issuer)}") == "jwt ada"
        assert await who(gateway, authorization=f"Bearer {token(stranger)}") is None
        assert await who(gateway, authorization=f"Bearer {key}x") == 401
        assert await who(gateway, authorization="Bearer sk-somebody-elses") is None
