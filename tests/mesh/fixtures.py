"""`make mesh-fixtures`: ask istiod's own code what it would tell an Envoy, and keep the answers for the tests.

    python -m tests.mesh.fixtures [--istio VERSION]

Needs Go and its module proxy, some ten minutes of two cores and 4 GB of memory the first time; never run in CI. One module
file per version of Istio, `tests/mesh/istio/VERSION.mod`, with the same program.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from tests.mesh.istio_cases import CASES, WORKLOADS, Case, Workload

HERE = Path(__file__).parent
PROGRAM = HERE / "istio"
ANSWERS = HERE / "answers"
ENVIRONMENT = {"PILOT_ENABLE_ALPN_FILTER": "false", "PILOT_ENABLE_METADATA_EXCHANGE": "false"}
"""Read when the process starts: filters that only istio-proxy's build of Envoy has are left out."""


def versions() -> list[str]:
    """The versions of Istio that there is a module file for."""
    return sorted(path.stem for path in PROGRAM.glob("*.mod") if path.stem != "go")


def digest(case: Case | Workload) -> str:
    """Of all that istiod is asked: an answer to another question is stale."""
    return hashlib.sha256(json.dumps(case.files(), sort_keys=True).encode()).hexdigest()[:16]


def ask(version: str) -> None:
    """Write the answers of one version."""
    with tempfile.TemporaryDirectory() as folder:
        places = {key: Path(folder) / key.lower() for key in ("CASES", "DEPLOYMENTS", "OUT")}
        places["OUT"].mkdir()
        for case in CASES:
            case.proxy["version"] = f"{version}.0"
        for kind, every in (("CASES", CASES), ("DEPLOYMENTS", WORKLOADS)):
            for each in every:
                (places[kind] / each.name).mkdir(parents=True)
                for name, text in each.files().items():
                    (places[kind] / each.name / name).write_text(text)
        command = ["go", "test", f"-modfile={version}.mod", "-vet=off", "-count=1", "."]
        told = {key: str(path) for key, path in places.items()}
        subprocess.run(command, cwd=PROGRAM, env={**os.environ, **ENVIRONMENT, **told}, check=True)
        kept = ANSWERS / version
        kept.mkdir(parents=True, exist_ok=True)
        for each in (*CASES, *WORKLOADS):
            answer = json.loads((places["OUT"] / f"{each.name}.json").read_text())
            (kept / f"{each.name}.json").write_text(_lines({"asked": digest(each), **answer}))


def _lines(answer: dict[str, Any]) -> str:
    """JSON with a line for each resource, so that what a change of ours changes there can be read."""
    parts = []
    for key, value in sorted(answer.items()):
        lines = ",\n".join(json.dumps(item, sort_keys=True) for item in value) if isinstance(value, list) else ""
        text = f"[\n{lines}\n]" if lines else json.dumps(value, sort_keys=True)
        parts.append(f"{json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main() -> None:
    """Ask every version, or one."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--istio", choices=versions())
    chosen = arguments.parse_args().istio
    for version in [chosen] if chosen else versions():
        ask(version)


if __name__ == "__main__":
    main()
