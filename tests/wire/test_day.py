"""A day in the life, in a minute or so: INTENTMESH_DAY_MINUTES for how long; `make day` plays half an hour."""

import os

from tests.chaos.day import play

MINUTES = float(os.environ.get("INTENTMESH_DAY_MINUTES", "0.3"))


async def test_the_books_balance():
    """Whatever breaks: every request is answered or refused and on record, tokens are the upstreams' own, no counter falls."""
    assert await play(MINUTES) == []
