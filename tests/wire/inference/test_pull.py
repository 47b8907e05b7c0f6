"""Fetching a model from a hub: the real client against a small hub on loopback."""

import hashlib
import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


class Hub(ThreadingHTTPServer):
    """Serves one file as the Hugging Face hub does; may break off in the middle."""

    def __init__(self, content):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content = content
        self.break_after = None
        self.ranges = []


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        self._answer(send_body=False)

    def do_GET(self):
        self._answer(send_body=True)

    def _answer(self, *, send_body):
        hub, content = self.server, self.server.content
        if not self.path.startswith("/org/repo/resolve/main/model.gguf"):
            self.send_response(404)
            missing = "EntryNotFound" if self.path.startswith("/org/repo/") else "RepoNotFound"
            self.send_header("X-Error-Code", missing)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        start = 0
        if found := re.match(r"bytes=(\d+)-", self.headers.get("Range") or ""):
            start = int(found[1])
        if send_body:
            hub.ranges.append(start)
        self.send_response(206 if start else 200)
        self.send_header("ETag", '"' + hashlib.sha256(content).hexdigest() + '"')
        self.send_header("X-Repo-Commit", "0" * 40)
        self.send_header("Accept-Ranges", "bytes")
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        if send_body:
            body = content[start:]
            if hub.break_after is not None:
                body, hub.break_after = body[: hub.break_after], None
                self.close_connection = True
            self.wfile.write(body)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def hub(tiny):
    """A hub that has the tiny model."""
    server = Hub(tiny.read_bytes())
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def pull(hub, tmp_path, *arguments, module="inference.models"):
    """Run the command against the hub."""
    environment = {
        **os.environ,
        "HF_ENDPOINT": f"http://127.0.0.1:{hub.server_address[1]}",
        "HF_HOME": str(tmp_path / "home"),
        "HF_HUB_DISABLE_XET": "1",
    }
    command = [sys.executable, "-m", module, *(["models"] if module == "extproc" else []), "pull", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=120, check=False)


@pytest.mark.parametrize("module", ["inference.models", "extproc"])
def test_pull_verifies_and_prints_the_path(hub, tiny, tmp_path, module):
    """The init container's command and the user's are the same."""
    out = tmp_path / "models" / "m.gguf"
    total = hashlib.sha256(hub.content).hexdigest()
    done = pull(hub, tmp_path, "org/repo", "model.gguf", "--sha256", total, "--out", out, module=module)
    assert (0, str(out)) == (done.returncode, done.stdout.strip()), done.stderr
    assert tiny.read_bytes() == out.read_bytes()
    assert "sha256 as it should be" in done.stderr
    assert [path.name for path in out.parent.iterdir()] == ["m.gguf"]


def test_a_second_pull_fetches_nothing(hub, tmp_path):
    """What is there and right stays."""
    arguments = ["org/repo", "model.gguf", "--out", tmp_path / "m.gguf"]
    pull(hub, tmp_path, *arguments)
    again = pull(hub, tmp_path, *arguments)
    assert (again.returncode, len(hub.ranges)) == (0, 1)
    assert "already there" in again.stderr


def test_a_broken_download_is_continued(hub, tmp_path):
    """Half a file is kept, and the next request asks for the other half."""
    hub.content += bytes(30 << 20)  # the client writes in pieces of 10 MB
    hub.break_after = 25 << 20
    arguments = ["org/repo", "model.gguf", "--out", tmp_path / "m.gguf"]
    done = pull(hub, tmp_path, *arguments)
    if done.returncode != 0:  # the client gave up; the user runs it again
        assert "run it again" in done.stderr
        done = pull(hub, tmp_path, *arguments)
    assert done.returncode == 0, done.stderr
    assert hub.content == (tmp_path / "m.gguf").read_bytes()
    assert hub.ranges[-1] > 0


def test_a_wrong_checksum_leaves_nothing(hub, tmp_path):
    """Both sums are named, and the file is gone."""
    out = tmp_path / "m.gguf"
    done = pull(hub, tmp_path, "org/repo", "model.gguf", "--sha256", "0" * 64, "--out", out)
    assert (done.returncode, out.exists()) == (1, False)
    assert "should be 0000" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("org/repo", "none.gguf"), "the repository has no file none.gguf"),
        (("org/none", "model.gguf"), "there is no repository org/none"),
        (("org repo", "model.gguf"), "not a repository's name"),
        (("org/repo", "model.gguf", "--sha256", "abc"), "not 64 hexadecimal digits"),
    ],
)
def test_what_cannot_be_fetched_is_one_message(hub, tmp_path, arguments, message):
    """What is wrong, and no stack trace."""
    done = pull(hub, tmp_path, *arguments)
    assert (done.returncode, message in done.stderr) == (1, True), done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_that_is_no_model_is_refused(hub, tmp_path):
    """An error page saved as a model is found at once."""
    hub.content = b"<!DOCTYPE html>" + bytes(200)
    done = pull(hub, tmp_path, "org/repo", "model.gguf", "--out", tmp_path / "m.gguf")
    assert done.returncode == 1
    assert "HTML page" in done.stderr
