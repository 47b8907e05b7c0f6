"""A configuration as a file: messages to plain data, plain data to YAML in a stable order, with the reasons beside it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import betterproto2

WIDTH = 110
LONG_ITEM = 60


@dataclass(frozen=True, slots=True)
class File:
    """One rendered file."""

    path: str
    """Relative to the folder that was asked for."""
    text: str


@dataclass(frozen=True, slots=True)
class Note:
    """Why a key has the value that it has. Written once a file, above the first place where it applies."""

    path: str
    """The end of a key's whole path: keys from the outside in, joined by dots, list positions left out. In an extension's
    configuration the name of its message stands before its keys: `ExternalProcessor.failure_mode_allow`."""
    why: str
    shown: Any = None
    """Value to write where the message leaves the key out because it is the default, and a reader should see it."""


def plain(message: betterproto2.Message) -> dict[str, Any]:
    """The message as Envoy reads it in YAML: names as in the proto files, defaults left out."""
    # The library's own snake case makes `consecutive_5_xx` of `consecutive_5xx`; its field names are right as they are.
    data: dict[str, Any] = message.to_dict(casing=str)
    return data


def to_yaml(documents: Sequence[Mapping[str, Any]], notes: Iterable[Note] = (), head: str = "") -> str:
    """YAML text of one or several documents, keys in their own order, each note above its key."""
    writer = _Writer(notes)
    parts = [writer.document(document) for document in documents]
    opening = "".join(f"# {line}".rstrip() + "\n" for line in head.splitlines())
    return opening + "---\n".join(parts)


class _Writer:
    def __init__(self, notes: Iterable[Note]) -> None:
        self._notes = {tuple(note.path.split(".")): note for note in notes}
        self._written: set[tuple[str, ...]] = set()
        self._lines: list[str] = []

    def document(self, data: Mapping[str, Any]) -> str:
        self._lines = []
        self._mapping(data, (), "")
        return "\n".join(self._lines) + "\n"

    def _mapping(self, data: Mapping[str, Any], path: tuple[str, ...], indent: str, first: str | None = None) -> None:
        """`first` is the indent of the first key, where a dash stands before it."""
        if "@type" in data:
            path = (*path, str(data["@type"]).rpartition(".")[2])
        entries = [*data.items(), *self._defaults(data, path)]
        for key, value in entries:
            here = (*path, key)
            lead = indent if first is None else first
            self._comment(here, indent, lead)
            self._entry(f"{lead}{_scalar(key)}:", value, here, indent)
            first = None

    def _defaults(self, data: Mapping[str, Any], path: tuple[str, ...]) -> list[tuple[str, Any]]:
        return [
            (keys[-1], note.shown)
            for keys, note in self._notes.items()
            if note.shown is not None and len(keys) > 1 and path[1 - len(keys) :] == keys[:-1] and keys[-1] not in data
        ]

    def _entry(self, lead: str, value: Any, path: tuple[str, ...], indent: str) -> None:
        if isinstance(value, dict) and (value or self._defaults(value, path)):
            self._lines.append(lead)
            self._mapping(value, path, indent + "  ")
        elif isinstance(value, list) and value:
            if (flow := _flow(value)) and len(lead) + len(flow) < WIDTH:
                self._lines.append(f"{lead} {flow}")
                return
            self._lines.append(lead)
            for item in value:
                self._item(item, path, indent)
        elif isinstance(value, str) and _is_block(value):
            self._lines.append(f"{lead} |{'' if value.endswith(chr(10)) else '-'}")
            self._lines += [f"{indent}  {line}".rstrip() for line in value.rstrip("\n").split("\n")]
        else:
            self._lines.append(f"{lead} {_scalar(value)}")

    def _item(self, item: Any, path: tuple[str, ...], indent: str) -> None:
        if isinstance(item, dict) and item:
            self._mapping(item, path, indent + "  ", first=indent + "- ")
        elif isinstance(item, str) and _is_block(item):
            self._entry(f"{indent}-", item, path, indent)
        else:
            self._lines.append(f"{indent}- {_scalar(item)}")

    def _comment(self, path: tuple[str, ...], indent: str, lead: str) -> None:
        for length in range(len(path), 0, -1):
            keys = path[-length:]
            note = self._notes.get(keys)
            if note is None or not note.why or keys in self._written:
                continue
            self._written.add(keys)
            # Above an entry that begins with a dash, the comment stands where the dash does.
            margin = lead[: len(lead) - len(lead.lstrip())] if lead != indent else indent
            self._lines += [f"{margin}# {line}" for line in _wrapped(note.why, WIDTH - len(margin) - 2)]
            return


def _wrapped(text: str, width: int) -> list[str]:
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + len(word) + 1 > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return [*lines, line]


def _is_block(text: str) -> bool:
    """Whether a text can stand line by line, as a literal block."""
    lines = text.removesuffix("\n").split("\n")
    plain_lines = all(line.isprintable() and line == line.rstrip() for line in lines)
    return len(lines) > 1 and plain_lines and lines[0][:1] not in ("", " ") and lines[-1] != ""


def _scalar(value: Any) -> str:
    return _dumped(value) if isinstance(value, dict | list) else _dumped_once(value)


@lru_cache(maxsize=4096, typed=True)
def _dumped_once(value: str | float | bool | None) -> str:
    """A configuration says the same few words again and again, and a dumper takes 50 us for each."""
    return _dumped(value)


def _dumped(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    plain_text = _is_printable(value)
    text: str = yaml.safe_dump(
        value,
        width=10**6,
        allow_unicode=plain_text,
        default_flow_style=True,
        default_style='"' if isinstance(value, str) and not plain_text else None,
    )
    return text.removesuffix("\n").removesuffix("\n...")


def _is_printable(value: Any) -> bool:
    if isinstance(value, dict):
        return all(_is_printable(part) for item in value.items() for part in item)
    if isinstance(value, list):
        return all(_is_printable(item) for item in value)
    return not isinstance(value, str) or value.isprintable()


def _flow(value: list[Any]) -> str:
    """A list of short scalars on one line; empty for any other."""
    if any(isinstance(item, dict | list) for item in value):
        return ""
    if any(isinstance(item, str) and (len(item) > LONG_ITEM or not item.isprintable()) for item in value):
        return ""
    return _scalar(value)
