"""What a rendered Envoy does not let happen: open filters where something depends on them, memory and time without end."""

import pytest

from extproc.config.mesh import Mesh
from extproc.render.envoy.bootstrap import HEAP, MIB, bootstrap, max_heap, quantity
from extproc.render.envoy.processor import fails_open

MESH = {
    "version": 1,
    "intercept": [{"path_prefix": "/v1/", "payload": "auto"}],
    "models": {"general": {"endpoints": [{"address": "127.0.0.1:8083"}]}},
    "default_model": "general",
}
NOTHING_MASKED = {"pii": {"default_operator": "flag"}}


@pytest.mark.parametrize(
    ("more", "is_open"),
    [
        ({}, False),
        (NOTHING_MASKED, True),
        (NOTHING_MASKED | {"routes": [{"entities": ["US_SSN"], "model": "general", "residency": "pod"}]}, False),
        (NOTHING_MASKED | {"routes": [{"headers": {"x-a": "b"}, "model": "general", "residency": "cluster"}]}, False),
        (NOTHING_MASKED | {"routes": [{"entities": ["US_SSN"], "model": "general"}]}, True),
        ({"pii": {"enabled": False}}, True),
    ],
)
def test_the_filter_is_open_only_where_nothing_depends_on_it(more, is_open):
    """Not where something is masked, nor where a route keeps requests near for what is in them."""
    assert fails_open(Mesh.model_validate(MESH | more)) is is_open


@pytest.mark.parametrize(
    ("written", "size"),
    [("512Mi", 512 * MIB), ("1Gi", 1024 * MIB), ("1G", 10**9), ("1.5Ki", 1536), ("700", 700), ("3k", 3000)],
)
def test_quantities(written, size):
    """As Kubernetes writes them."""
    assert quantity(written) == size


def test_the_heap():
    """Less than the container has, or what was said; and something is done before it is full."""
    assert max_heap(Mesh.model_validate(MESH)) == 384 * MIB
    mesh = Mesh.model_validate(MESH | {"envoy": {"max_heap_mb": 100}})
    assert max_heap(mesh) == 100 * MIB
    manager = bootstrap(mesh).overload_manager
    assert HEAP in [monitor.name for monitor in manager.resource_monitors]
    shares = {action.name.rpartition(".")[2]: action.triggers[0].threshold.value for action in manager.actions}
    assert shares == {"shrink_heap": 0.85, "disable_http_keepalive": 0.9, "stop_accepting_requests": 0.95}
