"""`intentmesh doctor --live` at a real Envoy: well, then with its processor gone, then with a file that it cannot run."""

import asyncio
import json
import sys

import pytest
import yaml

from tests.wire.harness import until

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def doctor(*arguments):
    """Exit status and rules that spoke."""
    command = [sys.executable, "-m", "extproc", "doctor", "--json", *arguments]
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe)
    out, err = await child.communicate()
    assert b"Traceback" not in err
    return child.returncode, {finding["rule"] for finding in json.loads(out)["findings"]} if out else err.decode()


async def test_a_running_envoy(gateway, tmp_path):
    """Its own configuration has a clean bill; what went wrong since it started is told; so is what it lacks."""
    assert (await gateway.chat("hello")).status_code == 200
    assert await doctor("--live", gateway.admin) == (0, set())

    newer = json.loads(json.dumps(gateway.config))
    manager = newer["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    kind = "type.googleapis.com/envoy.extensions.filters.http.telepathy.v3.Telepathy"
    manager["http_filters"].insert(1, {"name": "telepathy", "typed_config": {"@type": kind}})
    path = tmp_path / "newer.yaml"
    path.write_text(yaml.safe_dump(newer))
    assert await doctor(str(path)) == (0, set())
    assert await doctor("--live", gateway.admin, str(path)) == (1, {"unknown-type"})

    await gateway.processor.kill()

    async def seen():
        return (await doctor("--live", gateway.admin)) == (1, {"processor-down"})

    await until(seen)


async def test_nobody_there():
    """No Envoy, or something else: one line that says so."""
    for url in ("http://127.0.0.1:9", "https://127.0.0.1", "nonsense://", "127.0.0.1:x"):
        code, told = await doctor("--live", url)
        assert (code, url in told) == (1, True), told
    assert (await doctor())[0] == 2
