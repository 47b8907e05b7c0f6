"""Counts that a processor leaves to the next one: each is told once, whatever the other version measures."""

from __future__ import annotations

import json
import os

import pytest

from extproc.process.inheritance import LEFT, Estate, inherit
from extproc.telemetry import instruments as names
from extproc.telemetry.meter import Meter

LABELS = ("billing", "general", "", "rule", "", "forwarded")


def counting(requests: int) -> Meter:
    """A meter that has counted so many requests."""
    meter = Meter()
    meter.add(names.REQUESTS, requests, LABELS)
    for _ in range(requests):
        meter.record(names.VAULT_SIZE, 2)
    meter.set(names.OPEN_STREAMS, 7)
    return meter


def requests_of(estate: Estate) -> float:
    """How many an estate tells of."""
    return estate.snapshot()[names.REQUESTS.name][LABELS][0]


def test_the_next_one_goes_on_counting(tmp_path):
    """What was counted before, and what the old one counts until its end, once each; gauges are whoever's they are."""
    meter = counting(5)
    old = Estate(tmp_path, meter.snapshot)
    old.leave()
    meter.add(names.REQUESTS, 2, LABELS)
    assert requests_of(old) == 5  # else who asks them both, one after the other, sees the counts fall
    new = Estate(tmp_path, counting(1).snapshot)
    assert requests_of(new) == 6
    old.leave()
    old.leave()
    assert [requests_of(new), requests_of(new)] == [8, 8]
    told = new.snapshot()
    assert told[names.VAULT_SIZE.name][()][0] == 12
    assert told[names.OPEN_STREAMS.name][()] == [7]
    assert not list(tmp_path.iterdir())


def test_who_is_replaced_in_turn_hands_all_on(tmp_path):
    """Three in a row; the one in the middle takes nothing more once it has left."""
    first, second, third = (Estate(tmp_path, counting(count).snapshot) for count in (1, 10, 100))
    first.leave()
    assert requests_of(second) == 11
    second.leave()
    assert requests_of(second) == 11
    assert requests_of(third) == 111


@pytest.mark.parametrize(
    "left",
    [
        b"",
        b"no json",
        b"[" * 5000,
        b"[1]",
        b"null",
        json.dumps({"what.is.this": [[["a"], [1]]]}).encode(),
        json.dumps({names.REQUESTS.name: {"a": 1}}).encode(),
        json.dumps({names.REQUESTS.name: [[["one label"], [1]], "b", [list(LABELS)], [list(LABELS), [1, 2]]]}).encode(),
        json.dumps(
            {names.REQUESTS.name: [[list(LABELS), [bad]] for bad in (-1, "1", None, True, float("nan"))]}
        ).encode(),
        json.dumps({names.OPEN_STREAMS.name: [[[], [5]]]}).encode(),
    ],
)
def test_what_is_not_ours_to_read_is_passed_over(tmp_path, left):
    """Half a file, another version's names, labels and sizes: removed, and nothing of it counted."""
    (tmp_path / f"{LEFT}1").write_bytes(left)
    estate = Estate(tmp_path, counting(3).snapshot)
    assert requests_of(estate) == 3
    assert estate.snapshot()[names.OPEN_STREAMS.name][()] == [7]
    assert not list(tmp_path.iterdir())


def test_a_link_and_a_pipe_are_not_followed(tmp_path):
    """Whoever can make one in the folder gets nobody to read elsewhere, or to wait."""
    (tmp_path / "elsewhere").write_text("{}")
    (tmp_path / f"{LEFT}1").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(tmp_path / f"{LEFT}2")
    assert inherit(tmp_path) == []


def test_a_folder_that_cannot_be_written_to(tmp_path):
    """Counts are no reason to stay."""
    Estate(tmp_path / "none", counting(1).snapshot).leave()
    assert requests_of(Estate(None, counting(2).snapshot)) == 2
