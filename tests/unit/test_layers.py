"""Imports point down: the house's rule, checked on the source."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BASE = {"errors", "config"}
MAY_IMPORT = {
    "errors": set(),
    "events": set(),
    "exchange": {"events"},
    "model_folder": {"errors"},
    "config": {"errors", "model_folder"},
    "model_hub": {"errors"},
    "wordpiece": set(),
    "encoder": {"errors", "assets", "model_folder", "model_hub", "wordpiece"},
    "wire": set(),
    "http2": set(),
    "assets": set(),
    "codec": {"errors", "events", "wire"},
    "payload": {*BASE, "exchange"},
    "pii": {*BASE, "assets", "encoder"},
    "intent": {*BASE, "assets", "encoder"},
    "routing": BASE,
    "logs": set(),
    "relay": {"exchange"},
    "access_log": {"errors", "events", "exchange", "wire"},
    "awaited": {*BASE, "events", "exchange", "telemetry"},
    "inspection": {"config", "intent", "pii", "routing"},
    "pipeline": {*BASE, "logs", "inspection", "encoder", "payload", "pii", "intent", "routing"},
    "modes": {"errors", "events"},
    "answer": {*BASE, "events", "exchange", "payload"},
    "record": {*BASE, "events", "exchange", "inspection", "answer"},
    "states": {"events"},
    "stream": {*BASE, "events", "exchange", "inspection", "record", "states", "pipeline", "modes", "answer"},
    "refusal": {*BASE, "events"},
    "telemetry": {*BASE, "events", "exchange"},
    "render": BASE,
    "doctor": BASE,
}
"""Part of `extproc` -> the parts that it may import. A part that is not here (service, server, cli) may import all."""


def imports(path: Path) -> set[str]:
    """Names of the top-level parts of `extproc` (and `inference`) that a module imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] == "inference":
                found.add("inference")
            elif parts[0] == "extproc" and len(parts) > 1:
                found.add(parts[1])
    return found


MODULES = sorted((ROOT / "extproc").rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_down(path):
    """A module imports only what stands below it."""
    part = path.relative_to(ROOT / "extproc").parts[0].removesuffix(".py")
    if part in MAY_IMPORT:
        assert imports(path) - {"__version__"} <= MAY_IMPORT[part] | {part}


def test_inference_stands_alone():
    """The two halves are joined by nothing but HTTP."""
    for path in (ROOT / "inference").rglob("*.py"):
        assert "extproc" not in path.read_text(), path
