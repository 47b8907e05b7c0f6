"""Whatever schema is accepted, whatever is chosen under its masks: the document validates."""

import json
import os

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inference.constraint.fault import NotHeldError
from tests.unit.inference.constraint.schemas import answer, any_schema, check, constraint_of

CASES = int(os.environ.get("INTENTMESH_SCHEMA_CASES", "60"))


@settings(max_examples=CASES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False))
def test_documents_validate(random):
    """Or the schema is refused, with a path that leads to a part of it."""
    schema = any_schema(random, not_held=0.02)
    refusal = constraint = None
    try:
        constraint = constraint_of(schema)
    except NotHeldError as error:
        refusal = str(error)
    if constraint is None:
        assert refusal.startswith("schema: #")
        return
    for _ in range(3):
        text = answer(constraint, random)
        if text is not None:
            try:
                check(schema, text)
            except Exception as error:
                raise AssertionError(f"{json.dumps(schema)} let {text!r} pass") from error
