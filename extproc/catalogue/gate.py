"""Answers `GET /v1/models` and what stands below it, as OpenAI's and as Anthropic's clients read it, without an upstream."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import parse_qs, unquote

from extproc.catalogue.listing import Listing
from extproc.config.paths import readings
from extproc.decision import NOTHING, Respond, Ruling

if TYPE_CHECKING:
    from collections.abc import Sequence

    from extproc.config import Mesh
    from extproc.decision import Facts

MOST_LISTED: Final = 1000
"""On one page, as Anthropic has it."""


class ModelList:
    """The catalogue, asked when the headers have come."""

    name: Final = "catalogue"
    edits_answers: Final = False

    def __init__(self, mesh: Mesh) -> None:
        self._path = mesh.catalogue.path.lower()
        self._listing = Listing(mesh)

    @classmethod
    def of(cls, mesh: Mesh) -> Self | None:
        """That of a mesh that answers for itself."""
        return cls(mesh) if mesh.lists_models else None

    def judge(self, facts: Facts) -> Ruling:
        """See decision.Gate. Who may travel no farther than a zone is told of no model beyond it, nor whom the
        policy sends elsewhere.
        """
        if facts.method != "GET":
            return NOTHING
        path = next((path for path in readings(facts.path) if self._is_ours(path)), None)
        if path is None:
            return NOTHING
        if path.rstrip("/") == self._path:
            return Ruling(response=self._page(facts))
        entry = self._listing.find(self._name(facts.path, path), facts)
        if entry is None:
            return Ruling(response=_missing(self._listing.names(facts)))
        return Ruling(response=_answer(200, entry))

    def _is_ours(self, path: str) -> bool:
        return path.rstrip("/") == self._path or path.startswith(f"{self._path}/")

    def _name(self, path: str, reading: str) -> str:
        """Which model is asked for; a reading is in lower case, and names are as they are written."""
        plain = unquote(path)
        before = plain.lower().find(f"{self._path}/")
        return (plain[before:] if before >= 0 else reading)[len(self._path) :].strip("/")

    def _page(self, facts: Facts) -> Respond:
        """All of them; a part, where the query asks for one as Anthropic's clients do."""
        entries = self._listing.every(facts)
        query = parse_qs(facts.headers.get(":path", "").partition("?")[2])
        ids = [entry["id"] for entry in entries]
        start, stop = 0, len(entries)
        if (after := _last(query, "after_id")) in ids:
            start = ids.index(after) + 1
        if (before := _last(query, "before_id")) in ids:
            stop = ids.index(before)
        limit = _last(query, "limit")
        if limit:
            if not limit.isdecimal() or not 0 < int(limit[:5]) <= MOST_LISTED:
                return _error(
                    400, f"`limit` must be a number from 1 to {MOST_LISTED}", "invalid_request_error", "limit"
                )
            if before and not after:
                start = max(start, stop - int(limit))
            else:
                stop = min(stop, start + int(limit))
        shown = entries[start:stop]
        more = (start > 0) if before and not after else stop < len(entries)
        page: dict[str, Any] = {
            "object": "list",
            "data": shown,
            "first_id": shown[0]["id"] if shown else None,
            "last_id": shown[-1]["id"] if shown else None,
            "has_more": more,
        }
        return _answer(200, page)


def _last(query: dict[str, list[str]], name: str) -> str:
    return query.get(name, [""])[-1]


def _missing(names: Sequence[str]) -> Respond:
    message = f"there is no such model; there are: {', '.join(names) or 'none'}"
    return _error(404, message, "not_found_error", "model", "model_not_found")


def _error(status: int, message: str, kind: str, param: str, code: str | None = None) -> Respond:
    """In one shape that both kinds of clients read."""
    return _answer(status, {"type": "error", "error": {"type": kind, "message": message, "param": param, "code": code}})


def _answer(status: int, content: dict[str, Any]) -> Respond:
    return Respond(status, {"content-type": "application/json"}, json.dumps(content).encode(), "intentmesh_catalogue")
