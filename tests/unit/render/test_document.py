"""YAML with reasons: what is written reads back as the data, and each note stands once, where it belongs."""

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from extproc.render.document import Note, to_yaml

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=20)
    | st.sampled_from(["yes", "1.0", "a: b", "# x", ""])
)
KEYS = st.text(alphabet="abc_@:/.-", min_size=1, max_size=6)
DATA = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=12
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(KEYS, DATA, min_size=1, max_size=4))
def test_reads_back(data):
    """Whatever is written, YAML reads the same."""
    assert yaml.safe_load(to_yaml([data])) == data


def test_note_once_above_its_key():
    """A reason is given at the first place where it applies, and not again."""
    text = to_yaml([{"a": [{"limit": 1, "name": "x"}, {"limit": 2}]}], [Note("a.limit", "Because.")])
    assert text == "a:\n# Because.\n- limit: 1\n  name: x\n- limit: 2\n"


def test_default_shown():
    """A default that a reader should see is written though the message leaves it out."""
    data = {"typed_config": {"@type": "type.googleapis.com/x.v3.Thing", "a": 1}, "other": {"a": 1}}
    assert yaml.safe_load(to_yaml([data], [Note("Thing.open", "Why.", shown=False)])) == {
        "typed_config": {"@type": "type.googleapis.com/x.v3.Thing", "a": 1, "open": False},
        "other": {"a": 1},
    }
