"""One piece of feedback: as a caller sends it, as the file keeps it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from extproc.errors import ConfigError, FeedbackError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

Rating = Literal["up", "down"]
RATINGS: Final = ("up", "down")
FIELDS: Final = ("text", "intent", "prompt", "rating")
MOST_CHARACTERS: Final = 4000
"""Of a text: an example is a sentence or two."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of one."""

    text: str | None = None
    labelled: bool = False
    """Somebody says which intent the text has; `intent` None then means that it has none."""
    intent: str | None = None
    prompt: str | None = None
    """`NAME@VERSION`."""
    rating: Rating | None = None
    decided: str | None = None
    """The intent that was given to the text when it was sent."""
    time: str = ""
    """The day."""

    def line(self) -> bytes:
        """As the file keeps it."""
        kept: dict[str, Any] = {"time": self.time}
        if self.text is not None:
            kept |= {"text": self.text, "decided": self.decided}
        if self.labelled:
            kept["intent"] = self.intent
        kept |= {name: getattr(self, name) for name in ("prompt", "rating") if getattr(self, name) is not None}
        return json.dumps(kept, ensure_ascii=False).encode(errors="replace") + b"\n"


def said(body: bytes, intents: Collection[str], prompts: Mapping[str, Collection[str]]) -> Entry:
    """What a request says. `prompts`: name -> versions. Raises FeedbackError with what would be right."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise FeedbackError(f"the body must be an object with some of: {', '.join(FIELDS)}")
    if len(value.keys() - set(FIELDS)) > 0:
        raise FeedbackError(f"there is a field that feedback does not have; it has: {', '.join(FIELDS)}")
    text, prompt, rating = value.get("text"), value.get("prompt"), value.get("rating")
    if text is not None:
        _check_text(text)
    if "intent" in value:
        _check_label(text, value["intent"], intents)
    if rating is not None and rating not in RATINGS:
        raise FeedbackError(f"`rating` must be one of: {', '.join(RATINGS)}", "rating")
    if prompt is not None:
        prompt = _prompt(prompt, prompts)
    if "intent" not in value and rating is None:
        raise FeedbackError("give `text` with its `intent`, or a `rating`", "intent")
    if prompt is None and text is None:
        raise FeedbackError("a `rating` is of a `prompt` or of a `text`: give one of them", "prompt")
    return Entry(text, "intent" in value, value.get("intent"), prompt, cast("Rating | None", rating))


def _check_text(text: Any) -> None:
    if not isinstance(text, str) or not text.strip():
        raise FeedbackError("`text` must be a text that is not empty", "text")
    if len(text) > MOST_CHARACTERS:
        raise FeedbackError(f"`text` may have {MOST_CHARACTERS} characters", "text")


def _check_label(text: str | None, intent: Any, intents: Collection[str]) -> None:
    if text is None:
        raise FeedbackError("`intent` says what `text` means, and there is no `text`", "text")
    if intent is not None and (not isinstance(intent, str) or intent not in intents):
        known = ", ".join(intents) or "none"
        raise FeedbackError(
            f"there is no such intent; there are: {known}; null means that it is none of them", "intent"
        )


def _prompt(given: Any, prompts: Mapping[str, Collection[str]]) -> str:
    """`NAME@VERSION`; what an answer's `x-intentmesh-prompt` says, with the digest behind it, will do."""
    if isinstance(given, str):
        name, _, rest = given.partition("@")
        version = rest.partition("#")[0]
        if version in prompts.get(name, ()):
            return f"{name}@{version}"
    known = ", ".join(f"{name}@{version}" for name, versions in prompts.items() for version in versions) or "none"
    raise FeedbackError(f"there is no such prompt; there are: {known}", "prompt")


def read_feedback(path: Path) -> list[Entry]:
    """All that a file keeps; none where there is no file. Raises ConfigError with the line that is none of ours."""
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    return [_entry(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]


def _entry(path: Path, number: int, line: bytes) -> Entry:
    try:
        row = json.loads(line)
    except ValueError:
        raise ConfigError(f"{path}:{number}: is not JSON") from None
    kinds = {"text": str, "intent": str, "prompt": str, "decided": str, "time": str}
    if not isinstance(row, dict) or any(
        not isinstance(row.get(name, kind()), kind | None) for name, kind in kinds.items()
    ):
        raise ConfigError(f"{path}:{number}: is no line of feedback")
    rating = row.get("rating")
    return Entry(
        row.get("text"),
        "intent" in row,
        row.get("intent"),
        row.get("prompt"),
        rating if rating in RATINGS else None,
        row.get("decided"),
        row.get("time") or "",
    )
