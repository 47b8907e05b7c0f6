"""Keys of providers: in the header that each wants, only there, and taken anew when they are rotated."""

import json
from contextlib import AsyncExitStack

import pytest
import yaml

from extproc.config import parse
from extproc.render.envoy import tls
from tests.wire.harness import until
from tests.wire.render.traffic import Authority, endpoint, running_behind, running_tls_upstream

NAME = "llm.example.eu"
CALLERS = {"authorization": "Bearer of-the-caller", "x-api-key": "of-the-caller", "cookie": "session=of-the-caller"}


@pytest.fixture(scope="module", name="authority")
def _authority(tmp_path_factory):
    """Whose certificates are believed."""
    return Authority(tmp_path_factory.mktemp("ca"), NAME)


def mesh(far, authority, key, **model):
    """A model behind TLS that wants a key."""
    away = endpoint(far, "external", tls=True, host=NAME, ca_file=str(authority.ca_file), credentials_file=str(key))
    return {"models": {"m": {"endpoints": [away], **model}}, "default_model": "m"}


@pytest.mark.parametrize(
    ("model", "header"),
    [
        ({}, "authorization"),
        ({"api": "openai"}, "authorization"),
        ({"api": "anthropic"}, "x-api-key"),
        ({"api": "gemini"}, "x-goog-api-key"),
    ],
)
async def test_each_api_gets_its_key_in_its_own_header(authority, tmp_path, model, header):
    """And nothing of the caller's."""
    key = tmp_path / "key"
    key.write_text("of-the-endpoint")
    async with AsyncExitStack() as stack:
        far = await stack.enter_async_context(running_tls_upstream("far", authority))
        behind = await stack.enter_async_context(running_behind(mesh(far, authority, key, **model)))
        await behind.ask("m", **CALLERS)
        assert far.last.all(header) == ["of-the-endpoint"]
        assert not [value for _, value in far.last.headers if "of-the-caller" in value]


async def test_azure_s_path_version_and_key(authority, tmp_path):
    """A deployment in the path, the version of its API in the query, the key in a header of its own."""
    key = tmp_path / "key"
    key.write_text("of-the-deployment")
    path = "/openai/deployments/gpt/chat/completions?api-version=2024-10-21"
    async with AsyncExitStack() as stack:
        far = await stack.enter_async_context(running_tls_upstream("far", authority))
        wanted = mesh(far, authority, key, rewrite=[{"prefix": "/v1/chat/completions", "to": path}])
        wanted["models"]["m"]["endpoints"][0]["credentials_header"] = "api-key"
        behind = await stack.enter_async_context(running_behind(wanted))
        await behind.ask("m", path="/v1/chat/completions", **CALLERS)
        assert far.last.target == path
        assert far.last.all("api-key") == ["of-the-deployment"]
        assert not [value for _, value in far.last.headers if "of-the-caller" in value]


async def test_a_key_that_is_rotated_is_taken_anew(authority, tmp_path):
    """As Kubernetes does it, by a symlink to a folder that is swapped, and by a file that is moved over the old one."""
    for number in ("1", "2"):
        (tmp_path / number).mkdir()
        (tmp_path / number / "key").write_text(f"key {number}")
    (tmp_path / "data").symlink_to("1")
    key = tmp_path / "key"
    key.symlink_to("data/key")
    async with AsyncExitStack() as stack:
        far = await stack.enter_async_context(running_tls_upstream("far", authority))
        wanted = mesh(far, authority, key, api="anthropic") | {
            "version": 1,
            "envoy": {"listen": "127.0.0.1:0", "admin": "127.0.0.1:0", "secrets_file": str(tmp_path / "secrets.yaml")},
        }
        resource = tls.secrets_resource(parse(yaml.safe_dump(wanted)))
        (tmp_path / "secrets.yaml").write_text(json.dumps(resource))
        behind = await stack.enter_async_context(running_behind(wanted))

        async def sent():
            await behind.ask("m")
            return far.last.get("x-api-key")

        async def turned(expected):
            return await sent() == expected

        assert await sent() == "key 1"
        (tmp_path / "next").symlink_to("2")
        (tmp_path / "next").rename(tmp_path / "data")
        await until(lambda: turned("key 2"), process=behind.envoy, timeout_s=10)
        (tmp_path / "moved").write_text("key 3")
        (tmp_path / "moved").rename(key)
        await until(lambda: turned("key 3"), process=behind.envoy, timeout_s=10)
