"""A survey of texts without labels, read from a file and shown: for `eval pii --sample` and `tune --sample`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from extproc.cli.shortened import shortened
from extproc.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from extproc.pii.sample import Groups, Survey


def texts_of(path: Path) -> list[str]:
    """The texts of a file: rows of JSONL with a "text", or else its lines. Raises ConfigError."""
    try:
        lines_read = path.read_text(encoding="utf-8").split(
            "\n"
        )  # `splitlines` cuts at U+2028 too, which JSON may hold
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from None
    texts = []
    for number, line in enumerate(lines_read, 1):
        if path.suffix == ".jsonl" and line.strip():
            try:
                text = json.loads(line)["text"]
            except (ValueError, KeyError, TypeError):
                text = None
            if not isinstance(text, str):
                raise ConfigError(f'{path}: line {number}: not {{"text": "..."}}')
            texts.append(text)
        elif line.strip():
            texts.append(line)
    if not texts:
        raise ConfigError(f"{path}: holds no text")
    return texts


def lines(sample: Survey) -> Iterator[str]:
    """For people."""
    yield f"{sample.texts} texts"
    yield from _groups("would be masked", sample.masked)
    yield from _groups("nearly, and left as it is", sample.nearly)
    yield from suggestions(sample)


def suggestions(sample: Survey) -> Iterator[str]:
    """What `pii.allow` and `pii.deny` could hold."""
    if sample.allow:
        yield "\nin many texts; if they are nobody's, put them into pii.allow:"
        yield from (f"  - {json.dumps(value, ensure_ascii=False)}  # {count} texts" for value, count in sample.allow)
    if sample.deny:
        yield "\nfound in some texts and passed by in others; to mask them everywhere, put them into pii.deny:"
        for entity_type, values in sorted(sample.deny.items()):
            yield f"  {entity_type}: {json.dumps(values, ensure_ascii=False)}"


def _groups(title: str, groups: Groups) -> Iterator[str]:
    yield f"\n{title}:"
    if not groups:
        yield "  nothing"
    for (entity_type, why), group in sorted(groups.items(), key=lambda item: (item[0][0], -item[1].count)):
        yield f"  {entity_type:<22}{group.count:>6} in {group.texts} texts   {why}"
        yield f"      {', '.join(repr(shortened(example)) for example in group.examples)}"


def as_data(sample: Survey) -> dict[str, Any]:
    """For programs."""

    def rows(groups: Groups) -> list[dict[str, Any]]:
        return [
            {"type": entity_type, "why": why, "count": group.count, "texts": group.texts, "examples": group.examples}
            for (entity_type, why), group in sorted(groups.items())
        ]

    return {
        "texts": sample.texts,
        "masked": rows(sample.masked),
        "nearly": rows(sample.nearly),
        "allow": [value for value, _ in sample.allow],
        "deny": sample.deny,
    }
