"""mesh.yaml: every mistake is named with its line, its key and what would be right."""

import pytest

from extproc.config import parse
from extproc.config.loader import InvalidMeshError

GOOD = """\
version: 1
models: {general: {endpoints: [{address: "127.0.0.1:8081"}]}}
default_model: general
"""


def test_smallest_mesh():
    """Three keys make a mesh."""
    assert parse(GOOD).default_model == "general"


@pytest.mark.parametrize(
    ("change", "line", "key", "message"),
    [
        (("default_model: general", "default_model: genral"), 3, "default_model", "did you mean `general`?"),
        (("version: 1", "version: 2"), 1, "version", "not 2"),
        (("models:", "modells:"), 2, "modells", "did you mean `models`?"),
        (("8081", "80810"), 2, "models.general.endpoints[0].address", "not host:port"),
    ],
)
def test_each_mistake_once(change, line, key, message):
    """One mistake, one problem that says where it is."""
    with pytest.raises(InvalidMeshError) as caught:
        parse(GOOD.replace(*change))
    assert any(p.line == line and p.key == key and message in p.message for p in caught.value.problems)
