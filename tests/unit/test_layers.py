"""Imports point down: the map of the house, checked on the source.

`MAY_IMPORT` is that map; a room that it lacks, a permission that nothing uses, or an import that it does not name fails. The
one in `docs/architecture.md` is made from it:

    python -m tests.unit.test_layers
"""

import ast
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAY_IMPORT = {
    "errors": set(),
    "slices": {"errors"},
    "logs": set(),
    "heap": set(),
    "assets": set(),
    "http2": set(),
    "embedding": {"errors"},
    "spelling": set(),
    "expressions": {"spelling"},
    "config": {"errors", "embedding", "spelling", "expressions"},
    "threads": {"errors", "slices"},
    "tokens": set(),
    "language": {"errors"},
    "difficulty": set(),
    "edits": set(),
    "identity": {"errors", "config"},
    "payload": {"errors", "slices", "edits", "config"},
    "pii": {"errors", "slices", "edits", "config", "assets", "spelling"},
    "intent": {"errors", "heap", "language", "config", "embedding", "identity"},
    "decision": {"errors", "config", "identity", "payload", "intent"},
    "guardrails": {
        "errors",
        "slices",
        "logs",
        "embedding",
        "config",
        "edits",
        "identity",
        "payload",
        "pii",
        "intent",
        "decision",
    },
    "routing": {"config", "decision"},
    "catalogue": {"errors", "config", "decision", "routing"},
    "prompts": {"errors", "config", "payload"},
    "feedback": {"errors", "config", "decision"},
    "policy": {"errors", "logs", "config", "identity", "expressions", "decision", "routing"},
    "budget": {"errors", "logs", "config", "identity", "decision"},
    "steps": {
        "errors",
        "slices",
        "threads",
        "tokens",
        "language",
        "difficulty",
        "identity",
        "config",
        "decision",
        "payload",
        "pii",
        "intent",
        "routing",
        "prompts",
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
        "guardrails",
        "catalogue",
        "feedback",
        "policy",
        "budget",
        "steps",
        "prompts",
    },
    "failover": {"errors", "slices", "threads", "config", "decision", "payload", "pipeline", "steps"},
    "exchange": {"errors", "threads", "tokens", "config", "identity", "payload", "decision", "pipeline"},
    "telemetry": {"errors", "tokens", "logs", "config", "identity", "decision", "exchange"},
    "wire": {
        "failover",
        "errors",
        "slices",
        "logs",
        "http2",
        "config",
        "decision",
        "exchange",
        "pipeline",
        "telemetry",
    },
    "process": {"errors", "heap", "logs", "config", "budget", "http2", "exchange", "pipeline", "telemetry", "wire"},
    "render": {"errors", "config"},
    "doctor": {"errors", "config"},
    "cli": {
        "errors",
        "assets",
        "config",
        "budget",
        "embedding",
        "payload",
        "identity",
        "decision",
        "guardrails",
        "pii",
        "intent",
        "pipeline",
        "steps",
        "telemetry",
        "process",
        "render",
        "doctor",
        "inference",
        "prompts",
        "policy",
        "feedback",
        "spelling",
    },
    "__main__": {"cli"},
}
"""Room of `extproc` (a package, or a module beside them) -> the rooms that it may import. Each stands below what it imports."""
MANUAL = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- rooms: made by tests/unit/test_layers.py -->\n", "<!-- end of rooms -->\n"
PARTS = sorted(path for path in (ROOT / "extproc").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists())


def room(path: Path) -> str:
    """The room that a module of `extproc` lies in."""
    return path.relative_to(ROOT / "extproc").parts[0].removesuffix(".py")


@cache
def statements(path: Path) -> list[ast.Import | ast.ImportFrom]:
    """What imports in a module, at whatever depth. Expressions, of which most of a module is made, hold none."""
    found: list[ast.Import | ast.ImportFrom] = []
    todo: list[ast.AST] = [ast.parse(path.read_text())]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            found.append(node)
        for name in ("body", "orelse", "finalbody", "handlers", "cases"):
            inner = getattr(node, name, None)
            todo += inner if isinstance(inner, list) else ()
    return found


def imports(path: Path) -> set[str]:
    """Rooms of `extproc` that a module imports, or takes its resources from; `inference` where it imports that."""
    found = {"assets"} if '"extproc.assets"' in path.read_text() else set()
    for node in statements(path):
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
    return found - {"__version__", room(path)}


def modules() -> dict[str, Path]:
    """Every module of `extproc` by its name."""
    paths = (ROOT / "extproc").rglob("*.py")
    return {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in paths}


def graph() -> dict[str, set[str]]:
    """Module -> the modules that it imports, whatever for: types too, and inside of functions."""
    known = modules()
    edges: dict[str, set[str]] = {}
    for name, path in known.items():
        targets = edges[name] = set()
        for node in statements(path):
            if isinstance(node, ast.ImportFrom) and node.module:
                whole = {f"{node.module}.{alias.name}" for alias in node.names}
                targets |= {module if module in known else node.module for module in whole}
            elif isinstance(node, ast.Import):
                targets |= {alias.name for alias in node.names}
        targets &= known.keys() - {name}
    return edges


def rooms_table() -> str:
    """The map as a table in Markdown: each room, what its first sentence says of it, and what it may import."""
    rows = ["| room | what lives there | may import |", "|---|---|---|"]
    for name, allowed in MAY_IMPORT.items():
        path = ROOT / "extproc" / name
        source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        first = (ast.get_docstring(ast.parse(source.read_text())) or "").partition("\n")[0].rstrip(".:")
        order = [other for other in (*MAY_IMPORT, "inference") if other in allowed]
        rows.append(f"| `{name}` | {first} | {', '.join(order)} |")
    return "\n".join(rows) + "\n"


@pytest.mark.parametrize("part", [path for path in PARTS if path.name != "__init__.py"], ids=lambda path: path.name)
def test_imports_point_down(part):
    """A room imports just what the map says: nothing more, and nothing that it does not need."""
    modules = part.rglob("*.py") if part.is_dir() else [part]
    assert {name for module in modules for name in imports(module)} == MAY_IMPORT[room(part)]


def test_every_room_stands_below_what_it_imports():
    """The map has an order, and so no circle."""
    names = list(MAY_IMPORT)
    for at, name in enumerate(names):
        assert MAY_IMPORT[name] - {"inference"} <= set(names[:at]), name


def test_modules_import_in_no_circle():
    """Within a room too, whatever an import is for: a circle of modules is one module in several files."""
    try:
        TopologicalSorter(graph()).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_the_map_is_in_the_manual():
    """As it is here."""
    manual = MANUAL.read_text()
    told = manual[manual.index(BEGIN) + len(BEGIN) : manual.index(END)]
    assert told.strip() == rooms_table().strip(), "write it anew: python -m tests.unit.test_layers"


def test_inference_stands_alone():
    """The two halves are joined by nothing but HTTP."""
    for path in (ROOT / "inference").rglob("*.py"):
        assert "extproc" not in path.read_text(), path


def main() -> None:
    """Write the map into the manual."""
    manual = MANUAL.read_text()
    before, rest = manual.split(BEGIN)
    MANUAL.write_text(before + BEGIN + "\n" + rooms_table() + "\n" + END + rest.partition(END)[2])


if __name__ == "__main__":
    main()
