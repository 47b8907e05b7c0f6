"""A value that was found once, in another spelling elsewhere."""

from __future__ import annotations

import pytest

from extproc.config.pii import PACKS, PiiSettings
from extproc.pii import Analyzer, Anonymizer
from tests.unit.pii.shared import NO_MODEL

SETTINGS = PiiSettings(packs=PACKS, names=NO_MODEL)
ANONYMIZER = Anonymizer(SETTINGS, Analyzer(SETTINGS))


def masked(*texts):
    """The texts of a conversation, masked."""
    rows = [type("Text", (), {"text": text, "key": None, "kind": "text"})() for text in texts]
    return [new if new is not None else text for new, text in zip(ANONYMIZER.anonymize(rows).texts, texts, strict=True)]


@pytest.mark.parametrize(
    ("first", "later", "value"),
    [
        ("SSN 536-22-8741", "so 536228741 is wrong?", "536228741"),
        ("SSN 536-22-8741", "so 536 22 8741 is wrong?", "536 22 8741"),
        ("phone: +44 20 7946 0958", "dial 020 7946 0958 then", "020 7946 0958"),
        ("phone: +44 20 7946 0958", "it is 02079460958", "02079460958"),
        ("Mob: 9876543210", "or 98765-43210", "98765-43210"),
        ("account number 76983425", "is 7698 3425 open?", "7698 3425"),
        ("passport X12345678", "so x 12345678 it is", "x 12345678"),
        ("member id XQH-4471-902", "XQH4471902 was refused", "XQH4471902"),
        ("PIN: 4821", "the 4821 fails", "4821"),
        ("DOB: 12/05/1980", "on 12 May 1980 she", "12 May 1980"),
        ("IBAN DE44 5001 0517 5407 3249 31", "DE44500105175407324931 bounced", "DE44500105175407324931"),
    ],
)
def test_bare_and_spelled_otherwise(first, later, value):
    """Found with its label, it is known again without it, however its digits are grouped."""
    assert value not in masked(first, later)[1]


@pytest.mark.parametrize(
    ("first", "later"),
    [
        ("SSN 536-22-8741", "there are 536 boxes, 22 bags and 8741 bolts"),
        ("account number 76983425", "76983426 of them"),
        ("PIN: 2024", "in 2024 we"),
        ("born 12 May 1980", "on 13 May 1980"),
        ("Mob: 9876543210", "see 0.1987654321"),
    ],
)
def test_another_number_stays(first, later):
    """What only resembles a value is not it."""
    assert masked(first, later)[1] == later
