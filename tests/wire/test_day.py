"""A day in the life, in two minutes that mostly wait: INTENTMESH_DAY_MINUTES for how long; `make day` plays half an hour."""

import os

from tests.chaos.day import play

MINUTES = float(os.environ.get("INTENTMESH_DAY_MINUTES", "2"))


async def test_the_books_balance():
    """Whatever breaks: every request is answered or refused and on record, tokens and cost are the upstreams' own."""
    assert await play(MINUTES) == []
