"""The socket between two containers of one pod, each with its own user."""

import asyncio
import os
import shutil
import tempfile
from pathlib import Path

import pytest
import yaml

from tests.wire.harness import running_processor

ISTIO_PROXY = 1337


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="only root can become other users")
async def test_istio_proxy_opens_the_socket():
    """A process with istio-proxy's uid and group connects to the socket; the folder is open as an emptyDir is."""
    with tempfile.TemporaryDirectory(prefix="im-") as name:
        os.chmod(name, 0o777)  # noqa: PTH101 - as a kubelet does
        folder = Path(name)
        mesh = {"version": 1, "models": {"m": {"endpoints": [{"address": "127.0.0.1:1"}]}}, "default_model": "m"}
        (folder / "mesh.yaml").write_text(yaml.safe_dump(mesh))
        path = folder / "extproc.sock"
        async with running_processor(folder / "mesh.yaml", path):
            become = [f"--reuid={ISTIO_PROXY}", f"--regid={ISTIO_PROXY}", "--clear-groups"]
            connect = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"
            done = await asyncio.create_subprocess_exec(
                "setpriv", *become, "/usr/bin/python3", "-c", connect, str(path)
            )
            assert await done.wait() == 0
