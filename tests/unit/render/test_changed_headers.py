"""The headers that the processor may change, as Envoy has to compile them."""

import re

import pytest
import re2

from extproc.config import parse
from extproc.render.envoy.processor import changed_headers

MOST = 100
"""`re2.max_program_size.error_level` of Envoys before 1.37."""


def mesh(**model):
    """A mesh of one model."""
    fields = ", ".join(f"{name}: {value}" for name, value in model.items())
    return parse(
        f'version: 1\nmodels: {{m: {{endpoints: [{{address: "127.0.0.1:1"}}], {fields}}}}}\ndefault_model: m'.replace(
            ", }", "}"
        )
    )


@pytest.mark.parametrize("model", [{}, {"api": "anthropic"}])
def test_every_envoy_takes_the_expression(model):
    """Small enough, and it allows what is changed and none of what must not be."""
    expression = changed_headers(mesh(**model))
    options = re2._re2.RE2.Options()
    assert re2._re2.RE2(expression.encode(), options).ProgramSize() <= MOST
    names = [
        ":path",
        "content-length",
        "content-encoding",
        "accept-encoding",
        "repr-digest",
        "etag",
        "traceparent",
        "x-intentmesh-model",
    ]
    for name in [*names, *(["anthropic-version", "openai-organization"] if model else [])]:
        assert re.fullmatch(expression, name)
    for name in ("authorization", "cookie", ":authority", "x-api-key", "host"):
        assert not re.fullmatch(expression, name)
