"""The part of JSONPath that names texts in a body: `$.a.b`, `$['a b']`, `[*]`, `.*` and `..`."""

from __future__ import annotations

import re
from dataclasses import dataclass

_STEP = re.compile(
    r"""(?P<deep>\.\.)?  (?: \.?(?P<name>[^\s.\[\]*'"$@()]+) | \.?(?P<star>\*) | \[(?P<items>\*)\]
    | \['(?P<quoted>[^']+)'\] | \["(?P<double>[^"]+)"\] )""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a path."""

    key: str | None
    """Key of an object; None: every key and every item."""
    items: bool = False
    """`[*]`: the items of an array only."""
    deep: bool = False
    """After `..`: at any depth below."""


def parse_jsonpath(path: str) -> tuple[Step, ...]:
    """Steps of a path. Raises ValueError with what would be right."""
    if not path.startswith("$"):
        raise ValueError(
            f"`{path}` is not a path: it must start with `$`, as `$.ticket.body` or `$.messages[*].content`"
        )
    steps = []
    at = 1
    while at < len(path):
        match = _STEP.match(path, at)
        dotted = match is not None and path[at] == "."
        if match is None or (not dotted and path[at] != "["):
            rest = path[at:]
            if re.match(r"\[-?\d", rest) or rest.startswith("[?"):
                raise ValueError(f"`{path}`: single items and filters are not supported; `[*]` stands for every item")
            raise ValueError(
                f"`{path}`: cannot be read from `{rest}` on; steps are `.key`, `['key']`, `[*]`, `.*` and `..key`"
            )
        key = match["name"] or match["quoted"] or match["double"]
        steps.append(Step(key, items=bool(match["items"]), deep=bool(match["deep"])))
        at = match.end()
    return tuple(steps)
