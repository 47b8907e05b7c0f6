"""Imports point down: the map of the house, checked on the source.

`MAY_IMPORT` is that map; a room, a permission that nothing uses, or an import that it does not name fails.
"""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAY_IMPORT = {
    "errors": set(),
    "slices": {"errors"},
    "logs": set(),
    "assets": set(),
    "http2": set(),
    "embedding": {"errors"},
    "config": {"errors", "embedding"},
    "threads": {"errors", "slices"},
    "tokens": set(),
    "identity": {"config"},
    "payload": {"errors", "slices", "config"},
    "pii": {"errors", "slices", "config", "assets"},
    "intent": {"errors", "config", "embedding"},
    "decision": {"errors", "config", "identity", "payload", "intent"},
    "routing": {"config", "decision"},
    "steps": {
        "errors",
        "slices",
        "threads",
        "tokens",
        "config",
        "decision",
        "payload",
        "pii",
        "intent",
        "routing",
    },
    "pipeline": {
        "errors",
        "slices",
        "threads",
        "logs",
        "config",
        "embedding",
        "decision",
        "pii",
        "intent",
        "routing",
        "steps",
    },
    "exchange": {"errors", "threads", "tokens", "config", "identity", "payload", "decision", "pipeline"},
    "telemetry": {"errors", "tokens", "logs", "config", "identity", "decision", "exchange"},
    "wire": {"errors", "slices", "logs", "http2", "config", "decision", "exchange", "pipeline", "telemetry"},
    "process": {"errors", "logs", "config", "http2", "exchange", "pipeline", "telemetry", "wire"},
    "render": {"errors", "config"},
    "doctor": {"errors", "config"},
    "cli": {
        "errors",
        "assets",
        "config",
        "embedding",
        "payload",
        "identity",
        "decision",
        "pii",
        "intent",
        "pipeline",
        "telemetry",
        "process",
        "render",
        "doctor",
        "inference",
    },
    "__main__": {"cli"},
}
"""Room of `extproc` (a package, or a module beside them) -> the rooms that it may import."""
PARTS = sorted(path for path in (ROOT / "extproc").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists())


def room(path: Path) -> str:
    """The room that a module of `extproc` lies in."""
    return path.relative_to(ROOT / "extproc").parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """Rooms of `extproc` that a module imports, or takes its resources from; `inference` where it imports that."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Constant) and node.value == "extproc.assets":
            names = [node.value]
        for name in names:
            parts = name.split(".")
            if parts[0] == "inference":
                found.add("inference")
            elif parts[0] == "extproc" and len(parts) > 1:
                found.add(parts[1])
    return found - {"__version__", room(path)}


@pytest.mark.parametrize("part", [path for path in PARTS if path.name != "__init__.py"], ids=lambda path: path.name)
def test_imports_point_down(part):
    """A room imports just what the map says: nothing more, and nothing that it does not need."""
    modules = part.rglob("*.py") if part.is_dir() else [part]
    assert {name for module in modules for name in imports(module)} == MAY_IMPORT[room(part)]


def test_inference_stands_alone():
    """The two halves are joined by nothing but HTTP."""
    for path in (ROOT / "inference").rglob("*.py"):
        assert "extproc" not in path.read_text(), path
