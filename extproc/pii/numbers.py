"""Chains of letters and digits -> findings: windows of a chain are looked up by shape, then judged by the evidence."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from extproc.pii import cards, checksums, edges, ibans, phones, places, secrets, wallets
from extproc.pii.counts import is_count
from extproc.pii.finding import Finding
from extproc.pii.labels import ADJACENT, NEAR, NOTHING, SAID, Context, Labels
from extproc.pii.recognizer import Recognizer, expand

if TYPE_CHECKING:
    from collections.abc import Iterable

_SHAPE = (
    dict.fromkeys(map(ord, "0123456789"), "9")
    | dict.fromkeys(map(ord, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"), "A")
    | dict.fromkeys(map(ord, " ./-+"), "-")
)
_MOST_GROUPS = 9
_LONG = 17
_VIN = re.compile(r"(?=[A-Z0-9]*[A-Z])(?=[A-Z0-9]*[0-9]{3})[A-HJ-NPR-Z0-9]{17}")
_CAPITALS = re.compile(r"(?:(?<![A-Za-z0-9])[A-Z]{1,4}[ -]){1,2}$")
_IN_A_NAME = re.compile(
    r"(?<![0-9A-Za-z])[0-9]{2,4}(?:-[0-9]{2,6}){2,4}(?![0-9A-Za-z])|(?<![0-9A-Za-z])(?:[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}|[0-9]{15,16})(?![0-9A-Za-z])"
)
_MONEY = "$€£¥₹₽#%"
STRONG = 0.03
"""At or below these odds a pass outweighs what stands around the value."""
_LABEL_AND_CHECK, _LABEL_AND_PATTERN, _LABEL_AND_SHAPE, _LABEL_ALONE = 0.9, 0.88, 0.78, 0.6
"""Scores of what a label announces: whose check passes, that has none but a pattern, or a shape only, whose check fails."""
_CHECK_ALONE, _CHECK_OF_WHOLE = 0.86, 0.78
"""Scores of what no label announces: what always is of this type, and what is where it is the whole text."""
_IBAN, _VIN_BY_LABEL, _IBAN_BROKEN, _IBAN_SHORT = 0.99, 0.8, 0.7, 0.62
"""Scores: two check digits leave one chance in 97; a label and a form with neither check nor pattern; a typing error; a part of
one. The last two stand above what a label alone says of any group of theirs."""
_WITH_ITS_GROUPS = 1.0
"""Rank: nothing else is read within an IBAN."""
_PER_GRADE = 0.03
"""Added for each grade by which the label is nearer: all of them leave it below the next better kind of proof."""
_ODDS_BESIDE_LABEL, _ODDS_ALONE, _ODDS_OF_WHOLE = 0.05, 0.1, 0.15
"""Taken off as a share of the odds: the less else speaks for a value, the more it matters that others would pass too."""


class Index:
    """The recognizers with shapes, by shape."""

    def __init__(self, recognizers: Iterable[Recognizer]) -> None:
        every: dict[str, list[Recognizer]] = {}
        for recognizer in recognizers:
            for shape in expand(recognizer.shapes):
                every.setdefault(shape, []).append(recognizer)
        self.every = {shape: tuple(found) for shape, found in every.items()}
        self.types = {shape: frozenset(r.entity_type for r in found) for shape, found in every.items()}
        self.whole = _where(every, "mask", "alone")
        """Those that need no label where the value is the whole text."""
        self.free = _where(every, "mask")
        """Those that need none anywhere."""
        self.begins = {shape[:i] for shape in every for i, char in enumerate(shape) if char == "-"}
        """What may be continued after a separator."""


def _where(every: dict[str, list[Recognizer]], *unlabelled: str) -> dict[str, tuple[Recognizer, ...]]:
    chosen = ((shape, tuple(r for r in found if r.unlabelled in unlabelled)) for shape, found in every.items())
    return {shape: found for shape, found in chosen if found}


class Numbers:
    """Reads the chains of one text. `anonymous`: its JSON key, if it has one, says nothing of what it is not."""

    def __init__(self, text: str, index: Index, labels: Labels, types: frozenset[str], *, anonymous: bool) -> None:
        self.text = text
        self.index = index
        self.labels = labels
        self.types = types
        self.findings: list[Finding] = []
        self.keys = secrets.VendorKeys(text)
        bare = text.strip()
        self._anonymous = anonymous
        self._after_phone = 0
        """Where the last labelled telephone number ends."""
        self._present = labels.present
        self._whole = (text.find(bare), text.find(bare) + len(bare)) if len(bare) <= 64 else None

    def chain(self, start: int, end: int) -> None:  # noqa: C901, PLR0912 - one loop, by speed
        """All that a chain may be."""
        text = self.text
        if start and text[start - 1] in " -" and text[start - 2 : start - 1].isupper():
            before = _CAPITALS.search(text[max(0, start - 12) : start])
            if before is not None:
                start -= len(before.group())
        shape = text[start:end].translate(_SHAPE)
        if text[end : end + 1] in _GOES_ON and (whole := _goes_on(text, start, end)):
            self.findings.append(whole)
            return
        if "-" not in shape:
            if end - start >= _LONG or shape[0] == "A":
                self._coded(start, end, shape)
            if end - start <= 34:
                self._window(start, end, shape, start, end)
            if end - start >= 9 and (shape[0] == "A" or text[start : start + 2] in ("00", "01")):
                self._prefixed(start, end)
            return
        bounds = []
        at = start
        for group in shape.split("-"):
            bounds.append((at, at + len(group)))
            at += len(group) + 1
        every, begins = self.index.every, self.index.begins
        claimed = inside = start
        first = len(self.findings)
        for i, (group_start, group_end) in enumerate(bounds):
            if group_start < inside:
                continue  # of an IBAN, which nothing else outranks
            offset = group_start - start
            if group_end - group_start >= _LONG or shape[offset] == "A":
                self._coded(group_start, group_end, shape[offset : group_end - start])
            if shape.startswith("AA99", offset) and group_start >= claimed:
                claimed = self._iban(group_start, end) or claimed
                if group_start < claimed and self.findings[-1].rank > 0:
                    inside = claimed
                    continue
            for last in bounds[i : i + _MOST_GROUPS]:
                key = shape[offset : last[1] - start]
                if key in every:
                    self._window(group_start, last[1], key, start, end)
                if key not in begins:
                    break
        if len(self.findings) > first + 1:
            self.findings[first:] = _not_in_cards(self.findings[first:])
        if "PHONE_NUMBER" in self._present and end - start >= 7 and "A" not in shape:
            for span in phones.each(text, start, end):
                self._phone(*span)
        if shape[0] == "A" or (text[start] == "0" and text[start + 1] in "01"):
            self._prefixed(start, end)

    def named(self, start: int, end: int) -> None:
        """A file that is named after a number: `report-536-22-1845.docx`."""
        number = _IN_A_NAME.search(self.text, start, end)
        if number is not None:
            self.chain(*number.span())

    def _prefixed(self, start: int, end: int) -> None:
        """A telephone number after `00`, or grown together with the word before it."""
        phone = phones.prefixed(self.text, start, end) or phones.glued(self.text, start, end)
        if not phone or "PHONE_NUMBER" not in self.types:
            return
        context = self.labels.around(start, end)
        if not context.negative and context.kinds.get("IBAN_CODE", (0, ""))[0] < ADJACENT:
            self.findings.append(phone)

    def _coded(self, start: int, end: int, shape: str) -> None:
        """A group by what it begins with, or by its length: vendor keys, wallets, vehicles."""
        text = self.text
        finding = self.keys.at(start) if shape[0] == "A" else None
        length = end - start
        if finding is None and length == 17:
            finding = self._vehicle(start, end)
        elif finding is None and length >= wallets.SHORTEST - 4 and text[start] in "MNO":
            finding = secrets.bot_token(text, start)
        if finding is None and length >= wallets.SHORTEST:
            finding = wallets.wallet(text, start, end)
        if finding is None and length >= secrets.LONG and not shape.isdigit():
            finding = secrets.within(text, start, end)
        if finding is not None:
            self.findings.append(finding)

    def _vehicle(self, start: int, end: int) -> Finding | None:
        """A VIN that passes its check digit, which Europe does not have, or stands beside its label."""
        value = self.text[start:end]
        if _VIN.fullmatch(value) is None:
            return None
        grade, where = self.labels.around(start, end).kinds.get("VIN", (0, ""))
        if checksums.valid("vin", value):
            return Finding(
                "VIN",
                start,
                end,
                _CHECK_ALONE + _PER_GRADE * grade,
                ("shape", "checksum vin", *([where] if grade else ())),
            )
        return Finding("VIN", start, end, _VIN_BY_LABEL, ("shape", where)) if grade >= NEAR else None

    def _window(self, start: int, end: int, shape: str, chain_start: int, chain_end: int) -> None:  # noqa: C901, PLR0912 - by speed
        text = self.text
        if shape.startswith("AA99") and "-" not in shape and self._iban(start, end):
            return
        number = 7 <= end - start <= 15 and shape.isdigit()  # a national number, should a label say so
        if shape not in self.index.every and not number:
            return
        if shape in places.SHAPES and "POSTAL_CODE" in self.types:
            self._postal_code(start, end)
        whole = self._whole is not None and (start, end) == self._whole
        index, present = self.index, self._present
        if shape in index.types and not index.types[shape].isdisjoint(present):
            context = self.labels.around(start, end)
            choices = index.every[shape] if context.kinds else (index.whole if whole else index.free).get(shape, ())
        else:
            context = NOTHING  # no label of the whole text says any of this
            choices = (index.whole if whole else index.free).get(shape, ())
        if choices:
            value = text[start:end]
            loose: bool | None = None
            joined = False
            for recognizer in choices:
                finding = self._judge(recognizer, value, start, end, context, whole=whole)
                if finding is None:
                    continue
                if finding.rank < 0:  # nothing but its shape and checksum speaks for it
                    if recognizer.odds > STRONG and self._spoken_against(start, end, recognizer.odds):
                        continue
                    if loose is None:
                        joined = _has_joints(text, start, end) and edges.joined(text, start, end)
                        loose = self._loose(start, end, chain_start, chain_end, joined=joined)
                    if loose and (recognizer.odds > STRONG or _glued(text, start, end)):
                        continue
                    if joined and recognizer.odds > STRONG and value.isalnum():
                        continue
                    finding = finding._replace(rank=0.0)
                self.findings.append(finding)
        if number and ("PHONE_NUMBER" in present or SAID in present):
            self._phone(start, end)

    def _spoken_against(self, start: int, end: int, odds: float) -> bool:
        """Whether what stands beside a value says that it is something else."""
        context = self.labels.around(start, end)
        return context.negative or (odds > 0.1 and context.names_another)

    def _postal_code(self, start: int, end: int) -> None:
        if places.beside(self.text, start, end):
            self.findings.append(Finding("POSTAL_CODE", start, end, _LABEL_ALONE, ("beside a place",)))

    def _loose(self, start: int, end: int, chain_start: int, chain_end: int, *, joined: bool) -> bool:
        """Whether the value is part of something longer, or a quantity."""
        text = self.text
        before, after = text[start - 1 : start], text[end : end + 1]
        apart = joined or self._assigned(start)
        if before and ((before in "_=+*&%@~^" and not apart) or before in _MONEY or before.isalpha()):
            return True
        if after and ((after in "_%@*^+" and not (joined and after in edges.JOINTS)) or after.isalpha()):
            return True
        if after == "." and text[end + 1 : end + 2].isdigit() and end >= chain_end:
            return True
        if start > chain_start and (before != " " or text[start - 2 : start - 1].isdigit()):
            return True
        return end < chain_end and (
            after not in " ."
            or (after == "." and text[end + 1 : end + 2].isdigit())
            or text[end + 1 : end + 2].isdigit()
        )

    def _assigned(self, start: int) -> bool:
        """`key=value`, as in a query or a form, rather than base64 or arithmetic."""
        return self.text[start - 1] in "=&" and self.text[start - 2 : start - 1].isalpha()

    def _judge(  # noqa: C901, PLR0911 - the ladder of evidence, rung by rung
        self, recognizer: Recognizer, value: str, start: int, end: int, context: Context, *, whole: bool
    ) -> Finding | None:
        grade, where = context.kinds.get(recognizer.entity_type, (0, ""))
        free = recognizer.unlabelled
        if not grade and not (free == "mask" or (free == "alone" and whole)):
            return None
        if recognizer.compiled is not None and recognizer.compiled.fullmatch(value) is None:
            return None
        if not recognizer.banned.isdisjoint(value):
            return None
        kind = recognizer.entity_type
        if (
            kind == "CREDIT_CARD"
            and not grade
            and not (whole and len(value) == 13 and value[0] == "4")
            and cards.ISSUERS.fullmatch(value if value.isdigit() else _digits(value)) is None
        ):
            return None
        check = recognizer.check
        if check is None and grade and is_count(self.text, start, end):
            return None
        passed = check is None or checksums.valid(check, value)
        proof = ("shape",) if check is None else ("shape", f"checksum {check}")
        odds = recognizer.odds
        if grade:
            if passed and check is not None:
                return Finding(
                    kind, start, end, _LABEL_AND_CHECK + _PER_GRADE * grade - _ODDS_BESIDE_LABEL * odds, (*proof, where)
                )
            if passed and (grade >= NEAR or recognizer.compiled is not None):
                score = _LABEL_AND_PATTERN if recognizer.compiled is not None else _LABEL_AND_SHAPE + _PER_GRADE * grade
                return Finding(kind, start, end, score, (*proof, where))
            typed = grade == ADJACENT or (grade >= NEAR and kind == "CREDIT_CARD" and len(_digits(value)) >= 14)
            if not passed and typed and recognizer.broken:
                return Finding(kind, start, end, _LABEL_ALONE, ("shape", "checksum fails", where))
        if not passed or free == "leave":
            return None
        if whole and (self._anonymous or odds <= STRONG):
            return Finding(kind, start, end, _CHECK_OF_WHOLE - _ODDS_OF_WHOLE * odds, (*proof, "whole value"))
        if free != "mask":
            return None
        return Finding(kind, start, end, _CHECK_ALONE - _ODDS_ALONE * odds, proof, rank=-1.0)

    def _iban(self, start: int, limit: int) -> int:  # noqa: PLR0911 - a list of reasons against
        """End of the IBAN that begins here, 0 if none does."""
        text = self.text
        if "IBAN_CODE" not in self.types or (start and not _may_begin(text, start)):
            return 0
        length = ibans.LENGTHS.get(text[start : start + 2].upper())
        if length is None:
            return 0
        end, plain = ibans.gather(text, start, length, min(len(text), start + 2 * length + 14))
        if len(plain) < length:
            return self._short_iban(start, limit)
        if text[end : end + 1].isalnum() and not text[end - 1 : end].isspace():
            context = self.labels.around(start, end)
            if context.kinds.get("IBAN_CODE", (0, ""))[0] < ADJACENT:
                return 0
        if checksums.valid("iban", plain) and len(_digits(plain)) >= 8:
            self.findings.append(
                Finding("IBAN_CODE", start, end, _IBAN, ("shape", "checksum iban"), rank=_WITH_ITS_GROUPS)
            )
            return end
        grade, where = self.labels.around(start, end).kinds.get("IBAN_CODE", (0, ""))
        if grade >= NEAR and text[start : start + 2].isupper() and ibans.TORN.search(text, start, end) is None:
            self.findings.append(
                Finding(
                    "IBAN_CODE", start, end, _IBAN_BROKEN, ("shape", "checksum fails", where), rank=_WITH_ITS_GROUPS
                )
            )
            return end
        return 0

    def _short_iban(self, start: int, limit: int) -> int:
        grade, where = self.labels.around(start, limit).kinds.get("IBAN_CODE", (0, ""))
        if grade == ADJACENT and limit - start >= 12 and self.text[start : start + 2].isupper():
            self.findings.append(Finding("IBAN_CODE", start, limit, _IBAN_SHORT, ("shape", "too short", where)))
            return limit
        return 0

    def _phone(self, start: int, end: int) -> None:
        context = self.labels.around(start, end)
        phone = phones.labelled(self.text, start, end, context) or phones.said(self.text, start, end, context)
        if phone is None and self._after_phone and start > self._after_phone:
            phone = phones.listed(self.text, self._after_phone, start, end)
        if phone is not None:
            self._after_phone = phone.end
        if phone and "PHONE_NUMBER" in self.types:
            self.findings.append(phone)


def _not_in_cards(findings: list[Finding]) -> list[Finding]:
    """Those of a chain that are no part of a card, whatever their label: nothing of the card is to be left."""
    proved = [f for f in findings if f.entity_type == "CREDIT_CARD" and "checksum luhn" in f.evidence]
    if not proved:
        return findings
    return [
        f
        for f in findings
        if not any(
            card.start <= f.start and f.end <= card.end and f.end - f.start < card.end - card.start for card in proved
        )
    ]


_GOES_ON: Final = frozenset("^:")
"""What stands after the number of a card's track, or of a bot's token."""


def _goes_on(text: str, start: int, end: int) -> Finding | None:
    return cards.track(text, start) if text[end] == "^" else secrets.bot_token(text, start)


def _may_begin(text: str, start: int) -> bool:
    """Whether an IBAN may begin in the midst of a text."""
    before = text[start - 1]
    return not (before.isalnum() or before in "+/=") and (before != "_" or edges.begins(text, start))


def _has_joints(text: str, start: int, end: int) -> bool:
    return text[start - 1 : start] in edges.JOINTS or text[end : end + 1] in edges.JOINTS


def _glued(text: str, start: int, end: int) -> bool:
    before, after = text[start - 1 : start], text[end : end + 1]
    if before and (before.isalnum() or before in "_."):
        return True
    return bool(after) and (after.isalnum() or after == "_" or (after == "." and text[end + 1 : end + 2].isdigit()))


def _digits(value: str) -> str:
    return "".join(filter(str.isdigit, value))
