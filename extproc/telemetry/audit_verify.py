"""Is an audit trail whole? What was deleted, rewritten, moved or glued breaks the chain; what else is missing it says itself."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from extproc.config.files import opened
from extproc.errors import ConfigError
from extproc.telemetry import audit_gap
from extproc.telemetry.audit_chain import KEYED, Chain, Link, link_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Break:
    """A place where the chain does not hold."""

    file: str
    line: int
    """Counted from 1; 0: the trail as a whole."""
    message: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that is missing, as the trail itself tells."""

    file: str
    line: int
    kind: str
    """lost, torn, changed: lines are missing. killed: writers that did not end by themselves. unfinished: exchanges whose end
    nobody saw."""
    lines: int
    message: str


@dataclass(slots=True)
class Verdict:
    """All that was found."""

    good: int = 0
    """Lines that hang together."""
    decisions: int = 0
    last: Link = field(default_factory=lambda: Link(0, ""))
    breaks: list[Break] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Nothing was changed, and no line is missing."""
        return not self.breaks and not any(gap.kind in MISSING for gap in self.gaps)


MISSING = (audit_gap.LOST, audit_gap.TORN, audit_gap.CHANGED)


def verify(
    files: Iterable[Path],
    *,
    whole: bool = False,
    key: bytes | None = None,
    expect: Iterable[str] = (),
    anchors: Iterable[Link] = (),
) -> Verdict:
    """Check files from the oldest to the newest.

    `whole`: the trail has to reach back to its very first line; else the first line counts as it stands. `expect`: chain values
    that were kept elsewhere, and have to be there; `anchors`: likewise, with their numbers.
    """
    verdict = Verdict()
    reader = _Reader(verdict, Chain(key), whole=whole)
    seen: dict[str, int] = {}
    first = 0
    for file in files:
        for number, line in enumerate(_lines(file), 1):
            if (link := reader.take(file, number, line)) is not None:
                seen[link.value] = link.seq
                first = first or link.seq
    reader.close()
    _check_kept(verdict, seen, first, expect, anchors)
    return verdict


def _check_kept(
    verdict: Verdict, seen: dict[str, int], first: int, expect: Iterable[str], anchors: Iterable[Link]
) -> None:
    for value in expect:
        if value not in seen:
            verdict.breaks.append(Break("", 0, f"the line with the chain value {value} is not there"))
    for anchor in anchors:
        if anchor.seq >= max(first, 1) and seen.get(anchor.value) != anchor.seq:
            missing = f"line {anchor.seq}, which an anchor names, is not there as it was"
            verdict.breaks.append(Break("", 0, f"{missing}; the trail ends with line {verdict.last.seq}"))


class _Reader:
    """Follows the chain from line to line."""

    def __init__(self, verdict: Verdict, chain: Chain, *, whole: bool) -> None:
        self._found = verdict
        self._chain = chain
        self._last = Link() if whole else None
        self._torn: list[tuple[Path, int]] = []
        """Lines that are none, of which the next good one may tell."""

    def take(self, file: Path, number: int, line: bytes) -> Link | None:
        """One line more; its link, where it is one of the chain."""
        link = link_of(line)
        if link is None:
            self._torn.append((file, number))
            return None
        record = _record(line)
        self._tell_torn(record)
        if trouble := self._trouble(line, link):
            self._found.breaks.append(Break(str(file), number, trouble))
        else:
            self._found.good += 1
        self._last = self._found.last = link
        if record.get(audit_gap.KIND):
            self._note(file, number, record)
        else:
            self._found.decisions += 1
            if record.get("outcome") == "unknown":
                message = f"request {record.get('request_id')}: its processor was killed while it was under way"
                self._found.gaps.append(Gap(str(file), number, "unfinished", 0, message))
        return link

    def _trouble(self, line: bytes, link: Link) -> str:
        if self._chain.is_keyed and not link.value.startswith(KEYED):
            return "not made with a key: anybody can make such a line"
        if not self._chain.is_keyed and link.value.startswith(KEYED):
            return "made with a key: give it with --key-file"
        return "" if self._last is None else self._unfit(line, link, self._last)

    def _unfit(self, line: bytes, link: Link, after: Link) -> str:
        """Why a line does not follow from another; empty: it does."""
        if self._chain.fits(line, link, after.value):
            return "" if link.seq == after.seq + 1 else "its number is not that of the next line"
        if link.seq > after.seq + 1:
            return f"lines {after.seq + 1} to {link.seq - 1} are missing"
        if link.seq <= after.seq:
            return f"line {link.seq} stands behind line {after.seq}: moved, or written twice"
        if self._chain.is_keyed:
            return "changed, or the line before it was, or this is not the key"
        return "changed, or the line before it was"

    def _tell_torn(self, record: dict[str, Any]) -> None:
        """Lines that are none: torn, where the trail says so itself; else somebody has been here."""
        torn, self._torn = self._torn, []
        is_told = record.get(audit_gap.KIND) == audit_gap.TORN
        for file, number in torn[: -1 if is_told else len(torn)]:
            self._found.breaks.append(Break(str(file), number, "not a line of an audit trail"))
        if is_told and torn:  # else what was torn is gone, and the chain says whether a line is
            file, number = torn[-1]
            message = f"torn: the writer was stopped in the middle of it ({record.get('bytes')} bytes)"
            self._found.gaps.append(Gap(str(file), number, audit_gap.TORN, 1, message))

    def _note(self, file: Path, number: int, record: dict[str, Any]) -> None:
        kind = record[audit_gap.KIND]
        if kind == audit_gap.START and (killed := record.get("killed")):
            message = f"{killed} writers were killed before this, with {record.get('unfinished')} exchanges under way"
            self._found.gaps.append(Gap(str(file), number, "killed", 0, message))
        elif kind == audit_gap.LOST:
            lines = int(record.get("lines", 0))
            message = f"{lines} lines could not be written: {record.get('reason')}"
            self._found.gaps.append(Gap(str(file), number, kind, lines, message))
        elif kind == audit_gap.CHANGED:
            message = f"the writer found the file {record.get('what')}: line {record.get('expected_seq')} was its last"
            self._found.gaps.append(Gap(str(file), number, kind, 0, message))

    def close(self) -> None:
        """The trail ends: what is torn at its very end nobody tells of."""
        for file, number in self._torn:
            self._found.gaps.append(Gap(str(file), number, audit_gap.TORN, 1, "torn, and nothing was written since"))


def _lines(file: Path) -> Iterator[bytes]:
    try:
        with opened(file) as lines:
            yield from lines
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from None


def _record(line: bytes) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


def read_anchors(text: str) -> Iterator[Link]:
    """The anchors of a file, one JSON object a line: those of the trail, and of the processor's log. Raises ValueError."""
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            anchor = json.loads(line)
            if isinstance(anchor, dict) and anchor.get("event", "audit_anchor") == "audit_anchor":
                yield Link(int(anchor["seq"]), str(anchor["chain"]))
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
            raise ValueError(f"line {number} is no anchor") from None
