"""Run the conformance suite and write what came out into docs/conformance.md: `python -m tests.wire.conformance_table`."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.wire.envoys import VERSIONS, envoy_binary
from tests.wire.harness import another_envoy, running_gateway
from tests.wire.test_conformance import FEATURES, SETTINGS, outcome

DOCUMENT = Path(__file__).parents[2] / "docs" / "conformance.md"
MARKS = {"yes": "yes", "refused": "refused", "no": "**no**"}
HEAD = """# What works in which mode of ext_proc

Written by `python -m tests.wire.conformance_table` from a run of `tests/wire/test_conformance.py` on a real Envoy; do not edit.

Columns are the filter's `request_body_mode`/`response_body_mode`. **yes**: it works. **refused**: intercepted requests
get a 503 that names the setting, and nothing reaches an upstream. **no**: it is not to be had in this mode, and nothing
leaks. `BUFFERED/NONE` is what `intentmesh render` writes, and what you want.

Use FULL_DUPLEX_STREAMED only on routes without a retry policy: Envoy sends such a body to the upstream twice when it ends
with trailers and the route may retry (seen on both versions; see envoyproxy/envoy#36119).
"""


async def main() -> None:
    """Run all of it; one table for each version of Envoy."""
    parts = [HEAD]
    async with running_gateway() as everything:
        for version in VERSIONS:
            binary = envoy_binary(version)
            name = await version_of(binary)
            columns = []
            for setting in SETTINGS:
                async with another_envoy(everything, setting, binary) as gateway:
                    columns.append([MARKS[await outcome(feature, gateway)] for feature in FEATURES])
            parts.append(table(name, columns))
    DOCUMENT.parent.mkdir(exist_ok=True)
    DOCUMENT.write_text("\n".join(parts))


def table(name: str, columns: list[list[str]]) -> str:
    """One table in Markdown."""
    head = [
        "",
        *(str(setting).replace("FULL_DUPLEX_STREAMED", "FULL_DUPLEX").replace("/", " / ") for setting in SETTINGS),
    ]
    lines = [f"## Envoy {name}", "", f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for i, feature in enumerate(FEATURES):
        what = (feature.__doc__ or "").strip().rstrip(".")
        lines.append(f"| {what} | {' | '.join(column[i] for column in columns)} |")
    return "\n".join(lines) + "\n"


async def version_of(binary: Path) -> str:
    """As the binary says it."""
    child = await asyncio.create_subprocess_exec(str(binary), "--version", stdout=asyncio.subprocess.PIPE)
    out, _ = await child.communicate()
    return out.decode().rpartition("version: ")[2].split("/")[1]


if __name__ == "__main__":
    asyncio.run(main())
