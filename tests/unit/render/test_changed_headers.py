"""The headers that the processor may change, as Envoy has to compile them."""

import re
from types import SimpleNamespace

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


@pytest.mark.parametrize("keys", [False, True])
@pytest.mark.parametrize("model", [{}, {"api": "anthropic"}])
def test_every_envoy_takes_the_expression(model, keys):
    """Small enough, and it allows what is changed and none of what must not be."""
    settings = mesh(**model)
    if keys:
        header = SimpleNamespace(header="x-mesh-key")
        settings = SimpleNamespace(models=settings.models, identity=SimpleNamespace(keys=header, is_checked=True))
    expression = changed_headers(settings)
    options = re2._re2.RE2.Options()
    assert re2._re2.RE2(expression.encode(), options).ProgramSize() <= MOST
    names = [":path", "content-length", "content-encoding", "accept-encoding", "repr-digest", "digest", "etag"]
    names += ["traceparent", "retry-after", "x-intentmesh-model", "x-ratelimit-limit-tokens", "x-should-retry"]
    names += ["anthropic-version", "openai-organization"] if model else []
    names += ["www-authenticate", "x-mesh-key"] if keys else []
    for name in names:
        assert re.fullmatch(expression, name)
    for name in ("authorization", "cookie", ":authority", "x-api-key", "host"):
        assert not re.fullmatch(expression, name)
