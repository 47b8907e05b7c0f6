"""Run the conformance suite and write what came out into docs/conformance.md: `python -m tests.wire.conformance_table`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from tests.wire import test_shadow
from tests.wire.envoys import VERSIONS, envoy_binary
from tests.wire.harness import another_envoy, running_gateway
from tests.wire.test_conformance import FEATURES, MESH, SETTINGS, outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

DOCUMENT = Path(__file__).parents[2] / "docs" / "conformance.md"
MARKS = {"yes": "yes", "refused": "refused", "no": "**no**"}
HEAD = """# What works in which mode of ext_proc

Written by `python -m tests.wire.conformance_table` from a run of `tests/wire/test_conformance.py` on a real Envoy; do not edit.

Columns are the filter's `request_body_mode`/`response_body_mode`. **yes**: it works. **refused**: intercepted requests
get a 503 that names the setting, and nothing reaches an upstream. **no**: it is not to be had in this mode, and nothing
leaks. `BUFFERED/NONE` is what `intentmesh render` writes, and what you want. *Without overrides*: with `allow_mode_override`
off. The processor learns the modes from `protocol_config` in the first message, and assumes `BUFFERED/NONE` where an Envoy
tells none.

What no Envoy here can be made to do is tested on the stream machine instead (`tests/unit/exchange/test_stream.py`,
`tests/unit/exchange/test_stream_fuzz.py`, `make fuzz`, and straight on the socket in `make chaos`): an end of stream told twice,
messages out of order, malformed ones.

Use FULL_DUPLEX_STREAMED only on routes without a retry policy: Envoy sends such a body to the upstream twice when it ends
with trailers and the route may retry (seen on both versions; see envoyproxy/envoy#36119).
"""


async def main() -> None:
    """Run all of it; one table for each version of Envoy."""
    parts = [HEAD]
    async with running_gateway(mesh=MESH) as acting, running_gateway(mesh={**MESH, "shadow": True}) as shadow:
        for version in VERSIONS:
            binary = envoy_binary(version)
            columns = []
            for setting in SETTINGS:
                async with another_envoy(acting, setting, binary) as gateway:
                    columns.append([MARKS[await outcome(feature, gateway)] for feature in FEATURES])
            parts.append(f"## Envoy {await version_of(binary)}\n")
            parts.append(table(SETTINGS, FEATURES, columns))
            watched = []
            for watching in test_shadow.WATCHING:
                async with another_envoy(shadow if watching.shadow else acting, watching, binary) as gateway:
                    watched.append(
                        [MARKS[await test_shadow.outcome(feature, gateway)] for feature in test_shadow.FEATURES]
                    )
            parts.append("Watching only: `shadow: true` in mesh.yaml, or Envoy's `observability_mode`.\n")
            parts.append(table(test_shadow.WATCHING, test_shadow.FEATURES, watched))
    DOCUMENT.parent.mkdir(exist_ok=True)
    DOCUMENT.write_text("\n".join(parts))


def table(settings: Sequence[object], features: Sequence[object], columns: list[list[str]]) -> str:
    """One table in Markdown."""
    titles = (str(s).replace("FULL_DUPLEX_STREAMED", "FULL_DUPLEX").replace("/", " / ") for s in settings)
    lines = [f"| {' | '.join(['', *titles])} |", "|---" * (len(settings) + 1) + "|"]
    for i, feature in enumerate(features):
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
