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

from tests.mesh.istio_cases import CASES, Case

HERE = Path(__file__).parent
PROGRAM = HERE / "istio"
ANSWERS = HERE / "answers"
ENVIRONMENT = {"PILOT_ENABLE_ALPN_FILTER": "false", "PILOT_ENABLE_METADATA_EXCHANGE": "false"}
"""Read when the process starts: filters that only istio-proxy's build of Envoy has are left out."""


def versions() -> list[str]:
    """The versions of Istio that there is a module file for."""
    return sorted(path.stem for path in PROGRAM.glob("*.mod") if path.stem != "go")


def digest(case: Case) -> str:
    """Of all that istiod is asked: an answer to another question is stale."""
    return hashlib.sha256(json.dumps(case.files(), sort_keys=True).encode()).hexdigest()[:16]


def ask(version: str) -> None:
    """Write the answers of one version."""
    with tempfile.TemporaryDirectory() as folder:
        cases, out = Path(folder) / "cases", Path(folder) / "out"
        out.mkdir()
        for case in CASES:
            case.proxy["version"] = f"{version}.0"
            case.write(cases)
        command = ["go", "test", f"-modfile={version}.mod", "-vet=off", "-count=1", "."]
        places = {"CASES": str(cases), "OUT": str(out)}
        subprocess.run(command, cwd=PROGRAM, env={**os.environ, **ENVIRONMENT, **places}, check=True)
        (ANSWERS / version).mkdir(parents=True, exist_ok=True)
        for case in CASES:
            told = json.loads((out / f"{case.name}.json").read_text())
            kept = {"asked": digest(case), **told}
            (ANSWERS / version / f"{case.name}.json").write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")


def main() -> None:
    """Ask every version, or one."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--istio", choices=versions())
    chosen = arguments.parse_args().istio
    for version in [chosen] if chosen else versions():
        ask(version)


if __name__ == "__main__":
    main()
