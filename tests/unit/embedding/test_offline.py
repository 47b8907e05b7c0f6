"""Nothing in this process calls home."""

import socket
import subprocess
import sys
from time import monotonic

import pytest

from extproc.embedding import model_hub
from extproc.embedding.encoder import Encoder
from extproc.errors import ConfigError


def test_onnxruntime_does_not_report():
    """Its reporter is off before anything can load it."""
    code = "import extproc, os; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": "."}
    )
    assert done.stdout.strip() == "1"


@pytest.fixture
def closed(monkeypatch, tmp_path):
    """A hub at a port where nobody listens, and an empty cache."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("FASTEMBED_CACHE_PATH", str(tmp_path))


@pytest.mark.parametrize(("offline", "reason"), [("0", "127.0.0.1 cannot be reached"), ("1", "HF_HUB_OFFLINE is set")])
def test_no_hub_no_wait(closed, monkeypatch, capfd, offline, reason):
    """A model that would have to be fetched and cannot be: said at once, with the way out, and nothing else is printed."""
    monkeypatch.setenv("HF_HUB_OFFLINE", offline)
    start = monotonic()
    with pytest.raises(ConfigError, match=reason) as caught:
        Encoder.load("BAAI/bge-small-en-v1.5")
    assert monotonic() - start < 5
    assert "folder" in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_a_hub_that_answers_is_asked(closed, monkeypatch):
    """A proxy stands for the hub behind it."""
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        monkeypatch.setenv("http_proxy", f"127.0.0.1:{proxy.getsockname()[1]}")
        monkeypatch.setenv("HF_ENDPOINT", "http://hub.invalid")
        assert model_hub.unreachable() is None
