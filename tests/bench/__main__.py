"""`make bench`: the wire's benches in turn, their lines kept in docs/bench/, and charts of them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.bench.charts import write_charts
from tests.bench.machine import birth_certificate

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "bench"
BENCHES = {
    "bench_wire": ["bench_wire"],
    "bench_wire_cost": ["bench_wire", "--cost", "--rounds", "20", "--seconds", "1.5"],
    "bench_growth": ["bench_growth"],
}
"""File of the lines -> what writes them."""


def main() -> None:
    """Run what is named, or all of it; draw what there is."""
    if str(birth_certificate()["commit"]).endswith("-dirty"):
        sys.exit("bench: commit first: a figure tells the commit that it was measured on")
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[1:] or BENCHES:
        module, *flags = BENCHES[name]
        command = [sys.executable, "-m", f"tests.bench.{module}", *flags]
        found = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
        (FOLDER / f"{name}.jsonl").write_text(found.stdout)
    lines = [json.loads(line) for file in sorted(FOLDER.glob("*.jsonl")) for line in file.read_text().splitlines()]
    write_charts(lines, FOLDER)


if __name__ == "__main__":
    main()
