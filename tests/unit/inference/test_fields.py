"""Nothing is ignored in silence: what clients know and we do not hold is refused by its name."""

import pytest

from inference import fields
from inference.errors import InvalidRequestError
from inference.protocol import ChatBody, CompletionBody, EmbeddingBody, RerankBody

TABLES = {"chat": fields.CHAT, "completion": fields.COMPLETION, "embedding": fields.EMBEDDING, "rerank": fields.RERANK}
BODIES = {"chat": ChatBody, "completion": CompletionBody, "embedding": EmbeddingBody, "rerank": RerankBody}


@pytest.mark.parametrize("name", TABLES)
def test_each_is_refused_by_name_unless_it_asks_for_nothing(name):
    """Every value that stands for what happens anyway passes; any other is an error that names the field."""
    for field, neutrals in TABLES[name].items():
        for neutral in neutrals:
            fields.refuse({field: neutral}, TABLES[name])
        with pytest.raises(InvalidRequestError) as caught:
            fields.refuse({field: "something else"}, TABLES[name])
        assert caught.value.param == field
        assert field in str(caught.value)


@pytest.mark.parametrize("name", TABLES)
def test_no_field_is_both_held_and_refused(name):
    """The tables and the bodies know of different fields."""
    held = set()
    for field, info in BODIES[name].model_fields.items():
        held.add(field)
        alias = info.validation_alias
        held |= set(getattr(alias, "choices", [])) or set()
    assert held & TABLES[name].keys() == set()


@pytest.mark.parametrize("value", [True, 1, 1.0])
def test_true_is_not_one(value):
    """A switch and a number are told apart."""
    one_is_neutral = fields.COMPLETION["best_of"]
    assert one_is_neutral == (None, 1)
    if value is True:
        with pytest.raises(InvalidRequestError):
            fields.refuse({"best_of": value}, fields.COMPLETION)
    else:
        fields.refuse({"best_of": value}, fields.COMPLETION)


@pytest.mark.parametrize("body", [{"frobnicate": 3}, {"user": "x", "metadata": {"a": "b"}}, [], "text", None])
def test_what_nobody_knows_passes(body):
    """As do fields that only tell a provider who asks, and what is no object at all: others will say so."""
    fields.refuse(body, fields.CHAT)
