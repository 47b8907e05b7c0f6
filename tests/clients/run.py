"""Every client with every task, at the server itself and through the mesh; prints a table, or writes it into the docs.

    make clients              # installs the clients first
    python -m tests.clients.run [--write] [--python PYTHON]

The model is scripted (tests/wire/inference/scripted.py): it greets, calls a function if it is offered one, and reads its
result. What is shown is the mechanics of API and client, not how well a model calls.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import yaml

from tests.clients.python_clients import TASKS
from tests.wire.inference.conftest import InferenceServer
from tests.wire.inference.scripted import cue, make_scripted

ROOT = Path(__file__).parents[2]
NODE = Path(__file__).with_name("node")
DOCS = ROOT / "docs" / "inference.md"
BEGIN, END = "<!-- clients: begin -->", "<!-- clients: end -->"
SAYS = {
    "chat": ["Hel", "lo", " you", " all"],
    "call": ["<tool_", "call>\n", '{"name": "get_', 'weather", ', '"argu', 'ments": {"ci', 'ty": "Par', 'is"}}\n</tool',
             "_call>"],
    "result": ["It is ", "warm."],
}  # fmt: skip


def scripted(folder):
    """The model."""
    template = (ROOT / "tests" / "chat_templates" / "hermes.jinja").read_text()
    which = f"'{cue('result')}' if messages[-1].role == 'tool' else ('{cue('call')}' if tools else '{cue('chat')}')"
    return make_scripted(folder / "scripted.gguf", f"{template}{{{{- {which} }}}}", SAYS)


@contextmanager
def direct(model):
    """The inference server alone."""
    server = InferenceServer(model).wait_ready()
    try:
        yield server.url
    finally:
        server.stop()


@contextmanager
def mesh(model, **settings):
    """`intentmesh up` with this one model: Envoy, the processor, the server. `settings`: more of the model's."""
    path = model.with_name("mesh.yaml")
    endpoint = {
        "endpoints": [{"address": "127.0.0.1:8081"}],
        "gguf": {"path": model.name},
        "context_tokens": 4096,
        **settings,
    }
    intercept = [{"path_prefix": "/v1/", "payload": "auto"}]
    written = {"version": 1, "intercept": intercept, "models": {"scripted": endpoint}, "default_model": "scripted"}
    path.write_text(yaml.safe_dump(written))
    command = [sys.executable, "-m", "extproc", "up", str(path), "--json", "--free-ports"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True) as process:
        try:
            yield json.loads(process.stdout.readline())["url"]
        finally:
            process.send_signal(signal.SIGINT)
            process.stdout.read()


def outcomes(url, python):
    """What each client made of each task."""
    commands = [[python, str(Path(__file__).with_name("python_clients.py")), url]]
    if shutil.which("node") and (NODE / "node_modules").exists():
        commands.append(["node", str(NODE / "clients.mjs"), url])
    for command in commands:
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True, timeout=600)
        yield from map(json.loads, done.stdout.splitlines())


def table(rows):
    """Markdown: a client a row, a task a column; both ways of reaching the server in a cell."""
    clients = {}
    for row in rows:
        clients.setdefault((row["client"], row["version"]), {})[row["way"], row["task"]] = row["passed"]
    head = ["client", "version", "chat", "stream", "tools", "structured output", "usage"]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for (client, version), passed in clients.items():
        cells = [" ".join("yes" if passed[way, task] else "no" for way in ("direct", "mesh")) for task in TASKS]
        lines.append(f"| {' | '.join((client, version, *(cell.replace(' ', ', ') for cell in cells)))} |")
    return "\n".join(lines)


def main():
    """Run everything; the exit code is 1 if anything failed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true", help="put the table into docs/inference.md")
    parser.add_argument("--python", default=sys.executable, help="the interpreter that has Python's clients")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        model = scripted(Path(folder))
        for way, running in (("direct", direct), ("mesh", mesh)):
            with running(model) as url:
                rows += [{"way": way, **row} for row in outcomes(url, options.python)]
    made = table(rows)
    print(made)
    for row in rows:
        if not row["passed"]:
            print(row["way"], row["client"], row["task"], row["reason"] or "another answer", file=sys.stderr)
    if options.write:
        text = DOCS.read_text()
        before, rest = text.split(BEGIN)
        DOCS.write_text(f"{before}{BEGIN}\n{made}\n{END}{rest.split(END)[1]}")
    sys.exit(not all(row["passed"] for row in rows))


if __name__ == "__main__":
    main()
