"""What the filter has no business with passes byte-identical."""

import asyncio
import os

import httpx
import pytest

pytestmark = pytest.mark.asyncio(loop_scope="module")

MIB = 2**20
UPLOAD = b'--x\r\ncontent-disposition: form-data; name="f"\r\n\r\nada@example.org\r\n--x--\r\n'


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "DELETE"])
@pytest.mark.parametrize("path", ["/", "/v1/files", "/v1/chat/completions", "/metrics?a=b&c=ada@example.org"])
async def test_other_methods(gateway, method, path):
    """Only methods that a rule names are read."""
    answer = await gateway.client.request(method, path)
    assert answer.status_code == 200
    (request,) = gateway.received
    assert (request.method, request.target, request.body) == (method, path, b"")


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b'{"email": "ada@example.org"}'),
        ("application/octet-stream", bytes(range(256)) * 100),
        (
            "multipart/form-data; boundary=x",
            UPLOAD,
        ),
        ("application/json", b'{"big": "' + b"ada@example.org " * (10 * MIB // 16) + b'"}'),
        ("image/png", os.urandom(3 * MIB)),
        ("text/plain", b""),
    ],
    ids=["json", "binary", "upload", "10 MB of json", "3 MB of noise", "empty"],
)
@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_other_paths(gateway, method, kind, body):
    """A body outside the intercepted paths arrives and comes back byte by byte, whatever its size."""
    answer = await gateway.client.request(method, "/tickets", content=body, headers={"content-type": kind})
    assert (answer.status_code, answer.content == body) == (200, True)
    (request,) = gateway.received
    assert (request.body == body, request.get("content-type")) == (True, kind)


async def test_an_empty_body_on_an_intercepted_path(gateway):
    """There is nothing to read: it goes to the default model."""
    answer = await gateway.client.post("/v1/embeddings", content=b"")
    assert answer.status_code == 200
    assert gateway.upstreams["general"].last.body == b""


@pytest.mark.parametrize("path", ["/ws", "/v1/realtime"])
async def test_a_websocket(gateway, path):
    """An upgraded connection is a pipe: bytes go both ways as they come."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(f"GET {path} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n".encode())
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    assert head.startswith(b"HTTP/1.1 101")
    for message in (b"ada@example.org", os.urandom(100_000), b"\x00"):
        writer.write(message)
        assert await asyncio.wait_for(reader.readexactly(len(message)), 10) == message
    writer.close()


DISGUISES = (
    "/%761/chat/completions",
    "/v1/./chat/completions",
    "/x/../v1/chat/completions",
    "//v1/chat/completions",
    "/v1%2Fchat/completions",
    "/V1/chat/completions",
    "/v1;x=1/chat/completions",
    "/;/v1/chat/completions",
    "/v1./chat/completions",
    "/%5cv1/chat/completions",
    "/%2576%31/chat/completions",
    "/v1/chat/completions;x",
    "/v1/CHAT/completions/",
)


@pytest.mark.parametrize("path", DISGUISES)
async def test_a_path_in_disguise_is_no_way_around(gateway, path):
    """What an upstream may take for an intercepted path is never sent on unmasked."""
    body = {"messages": [{"role": "user", "content": "I am ada@example.org."}]}
    url = httpx.URL(scheme="http", host="127.0.0.1", port=gateway.port, raw_path=path.encode())
    await gateway.client.post(url, json=body)
    assert not any(b"ada@example.org" in request.body for request in gateway.received)


async def test_a_method_in_small_letters_is_no_way_around(gateway):
    """Methods have their case, but servers differ in whether they mind it."""
    body = b'{"messages": [{"role": "user", "content": "I am ada@example.org."}]}'
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    head = b"post /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: close\r\n"
    writer.write(head + b"content-length: %d\r\n\r\n%b" % (len(body), body))
    await asyncio.wait_for(reader.read(), 10)
    writer.close()
    assert not any(b"ada@example.org" in request.body for request in gateway.received)


async def test_our_headers_with_underscores(gateway):
    """`x_intentmesh_model` is `x-intentmesh-model` to an upstream that makes variables of headers: it is taken off too."""
    await gateway.chat("hello", headers={"x_intentmesh_model": "admin", "X-Intentmesh_Model": "admin"})
    (request,) = gateway.received
    assert b"admin" not in b"".join(b"%b:%b" % (n.encode(), v.encode()) for n, v in request.headers)


async def test_http2_clients(gateway):
    """HTTP/2 from the client changes nothing."""
    async with httpx.AsyncClient(http1=False, http2=True, base_url=f"http://127.0.0.1:{gateway.port}") as client:
        answer = await client.post(
            "/v1/chat/completions", json={"messages": [{"role": "user", "content": "ada@example.org"}]}
        )
        upload = await client.post("/up", content=bytes(range(256)) * 5000)
    assert gateway.text_of(answer) == "ada@example.org"
    assert upload.content == bytes(range(256)) * 5000


async def test_an_error_of_the_upstream_is_the_client_s(gateway):
    """Statuses without a body, and errors with one, pass as they came."""
    for status in (204, 304, 404, 429, 500):

        async def answer(request, writer, status=status):
            body = b"" if status in (204, 304) else b'{"error": "no [EMAIL_ADDRESS_1]"}'
            length = b"" if not body else b"content-length: %d\r\n" % len(body)
            writer.write(b"HTTP/1.1 %d X\r\ncontent-type: application/json\r\n%s\r\n%s" % (status, length, body))
            await writer.drain()
            return True

        for upstream in gateway.upstreams.values():
            upstream.answer = answer
        seen = await gateway.chat("I am ada@example.org.")
        assert seen.status_code == status
        assert seen.content == (b"" if status in (204, 304) else b'{"error": "no ada@example.org"}')


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/%761/chat/completions"])
async def test_a_body_that_asks_for_an_upgrade_is_answered(gateway, path):
    """Envoy would never see the end of it, and so never ask the processor (envoyproxy/envoy#47081): it is refused by name."""
    body = b'{"messages":[{"role":"user","content":"I am ada@example.org"}]}'
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\ncontent-length: {len(body)}\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(head.encode() + body)
    answer = await asyncio.wait_for(reader.readuntil(b"}}"), 10)
    writer.close()
    assert answer.startswith(b"HTTP/1.1 400")
    assert b"cannot be upgraded here" in answer
    assert not gateway.received


async def test_headers_have_to_come_in_time(gateway):
    """Who opens a request and says no more is told so, and holds nothing any longer."""
    manager = gateway.config["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    assert (manager["request_headers_timeout"], manager["request_timeout"]) == ("10s", "3600s")
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx-a: ")
    assert (await asyncio.wait_for(reader.readuntil(b"\r\n"), 20)).startswith(b"HTTP/1.1 408")
    writer.close()
