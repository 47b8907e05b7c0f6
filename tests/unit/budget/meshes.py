"""Meshes with budgets, and requests to them."""

from __future__ import annotations

import yaml

from extproc.budget import Treasury
from extproc.config import parse
from extproc.decision import Facts
from extproc.identity import Caller

BASE = {
    "version": 1,
    "models": {
        "large": {"endpoints": [{"address": "127.0.0.1:8081"}], "price_per_million": {"input": 1, "output": 3}},
        "small": {"endpoints": [{"address": "127.0.0.1:8082"}], "price_per_million": {"input": 0, "output": 0}},
    },
    "default_model": "large",
    "identity": {"headers": {"id": "x-id", "team": "x-team", "project": "x-project"}},
}


def mesh(*budgets, **sections):
    """A mesh with these budgets."""
    return parse(yaml.safe_dump(BASE | {"budgets": list(budgets)} | sections))


def treasury(*budgets, previous=None, **sections):
    """What keeps them."""
    return Treasury.of(mesh(*budgets, **sections), previous)


def budget(**fields):
    """A budget of 1,000 tokens a month for everybody together, but for these fields."""
    return {"name": "b", "unit": "tokens", "limit": 1000, "window": "month"} | fields


def facts(caller="ann", model="large", *, output=90, tokens=10, **more):
    """A request of a hundred tokens."""
    known = {"output_limit": output, "tokens": tokens, "answers": more.pop("answers", 1), "destination": model} | more
    return Facts(Caller(caller, "apollo", "red")).with_(**known)
