"""Prompts as files in git: `NAME/VERSION.md`, the template after a front matter of YAML."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from extproc.config import yaml_text
from extproc.config.files import contents

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SUFFIX: Final = ".md"
_OTHERS: Final = frozenset({".md", ".markdown", ".txt", ".j2", ".jinja", ".jinja2", ".prompt", ""})
"""How files end that somebody may take for prompts; the rest of a folder is none of ours."""
_ABOUT: Final = frozenset({"README", "CHANGELOG", "CONTRIBUTING", "LICENSE", "CODEOWNERS", "NOTICE"})
"""What stands in every repository."""
_BEGIN: Final = re.compile(r"\A---[ \t]*(?:\n|\Z)")
_END: Final = re.compile(r"^---[ \t]*(?:\n|\Z)", re.MULTILINE)


def read(folder: Path) -> dict[str, dict[str, Any]]:
    """Prompt -> version -> what its file says. Raises ValueError for what is no prompt though it looks like one."""
    if not folder.is_dir():
        raise ValueError(f"`{folder.name}` is no folder")
    prompts: dict[str, dict[str, Any]] = {}
    for file in _files(folder):
        within = file.relative_to(folder)
        if len(within.parts) != len(("NAME", "VERSION.md")) or file.suffix != SUFFIX:
            raise ValueError(f"{within} is no prompt: a prompt is NAME/VERSION{SUFFIX}, as refund-reply/2{SUFFIX}")
        prompts.setdefault(file.parent.name, {})[file.stem] = _read_file(file)
    return prompts


def _files(folder: Path) -> Iterator[Path]:
    """Those that may be meant as prompts, a folder deeper than they may stand too."""
    for depth in ("*", "*/*", "*/*/*"):
        for path in sorted(folder.glob(depth)):
            hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
            if not hidden and path.suffix.lower() in _OTHERS and path.stem.upper() not in _ABOUT and not path.is_dir():
                yield path


def _read_file(file: Path) -> dict[str, Any]:
    where = f"{file.parent.name}/{file.name}"
    try:
        text = contents(file).decode("utf-8-sig").replace("\r\n", "\n")
    except OSError as error:
        raise ValueError(f"{where} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"{where} is not UTF-8 (byte {error.start}): save it as UTF-8") from None
    front: Any = {}
    if begin := _BEGIN.match(text):
        end = _END.search(text, begin.end())
        if end is None:
            raise ValueError(f"{where}: the front matter does not end with a line `---`")
        try:
            front = yaml_text.plain(text[begin.end() : end.start()].rstrip()) or {}
        except yaml_text.NotYamlError as error:
            raise ValueError(f"{where}: line {error.mistake.line + 1}: {error.mistake.message}") from None
        text = text[end.end() :]
    if not isinstance(front, dict):
        raise ValueError(f"{where}: the front matter must be a mapping")  # noqa: TRY004 - pydantic reports these alone
    if "template" in front:
        raise ValueError(f"{where}: the template is what follows the front matter, not a key of it")
    return {**front, "template": text.strip("\n")}
