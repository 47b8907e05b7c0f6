"""A real inference server with a model of random weights."""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import openai
import pytest

ROOT = Path(__file__).parents[3]


class InferenceServer:
    """A running `python -m inference`."""

    def __init__(self, model, *flags, env=None):
        command = [sys.executable, "-m", "inference", "--model", str(model), "--port", "0", *map(str, flags)]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=ROOT, text=True, env=os.environ | (env or {})
        )
        self.log = [self.process.stdout.readline()]
        found = re.search(r"listening on (http://\S+?),", self.log[0])
        self.url = found[1] if found else None

    @property
    def client(self):
        """An OpenAI client."""
        return openai.OpenAI(base_url=f"{self.url}/v1", api_key="none", max_retries=0, timeout=60)

    def wait_ready(self):
        """Wait until /health is 200."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if httpx.get(f"{self.url}/health").status_code == 200:
                return self
            time.sleep(0.02)
        raise TimeoutError(self.stop())

    def metric(self, name):
        """The value of a metric, 0 if there is none."""
        text = httpx.get(f"{self.url}/metrics").text
        found = re.findall(rf"^intentmesh_inference_{name} (\S+)$", text, re.MULTILINE)
        return sum(map(float, found))

    def wait_metric(self, name, value, timeout_s=5):
        """Wait until a metric has this value."""
        deadline = time.monotonic() + timeout_s
        while self.metric(name) != value:
            assert time.monotonic() < deadline, f"{name} is {self.metric(name)}, not {value}"
            time.sleep(0.01)

    def resident_mib(self):
        """Resident memory."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024

    def stop(self, number=signal.SIGTERM, timeout_s=30):
        """Send a signal, wait for the end, return all that was logged."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        if self.process.stdout.closed:
            return "".join(self.log)
        try:
            rest, _ = self.process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            rest, _ = self.process.communicate()
        self.log.append(rest or "")
        return "".join(self.log)


@pytest.fixture
def launch():
    """Start a server that may not come up: `launch(model, "--slots", 0)`; it is gone after the test."""
    launched = []

    def launcher(model, *flags):
        launched.append(InferenceServer(model, *flags))
        return launched[-1]

    yield launcher
    for server in launched:
        server.stop()


@pytest.fixture(scope="session")
def start(tiny):
    """A server with flags of one's own, as a context manager."""

    @contextmanager
    def starter(*flags, model=tiny, env=None):
        server = InferenceServer(model, *flags, env=env)
        try:
            yield server.wait_ready() if server.url else server
        finally:
            log = server.stop()
            print(log)

    return starter


@pytest.fixture(scope="session")
def server(start):
    """One server for all tests that leave it as it was."""
    with start("--log-requests") as running:
        yield running


@pytest.fixture
def client(server):
    """An OpenAI client of that server."""
    with server.client as client:
        yield client
