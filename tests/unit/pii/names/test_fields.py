"""Names after the key of a field within a text."""

from __future__ import annotations

import itertools
import json

import pytest

from extproc.pii import analyze
from extproc.pii.names import fields

NAMES = ["Мария", "Мар'яна Д’Арк", "Іван Петренко", "Γεωργίου", "محمد علي", "陈伟", "मारिया", "გიორგი"]
SPELLED = [
    lambda key, name: "INFO " + json.dumps({key: name, "n": 1}, ensure_ascii=False) + " done",
    lambda key, name: "INFO " + json.dumps({key: name, "n": 1}) + " done",
    lambda key, name: "INFO " + json.dumps(json.dumps({key: name}, ensure_ascii=False), ensure_ascii=False) + " done",
    lambda key, name: "INFO " + repr({key: name, "n": 1}) + " done",
    lambda key, name: f'INFO {key}="{name}" status=ok',
    lambda key, name: f"full_name: {name}\n{key}: 1",
]


@pytest.mark.parametrize("nth", range(len(SPELLED)))
def test_under_a_key_of_a_person(nth):
    """In JSON within a log line, with whatever escapes, as in fields of a log."""
    for key, name in itertools.product(("customer_name", "lastName", "guest", "patient"), NAMES):
        text = SPELLED[nth](key, name)
        found = [r for r in analyze(text) if r.entity_type == "PERSON"]
        assert len(found) == 1, text
        said = text[found[0].start : found[0].end]
        assert said == name or json.loads(f'"{said}"') == name, text


@pytest.mark.parametrize(
    "text",
    [
        '{"product_name": "Яблоко"} x',
        'labels {"last_name": "Фамилия"} x',
        'x {"customer": "— нет —"} x',
        "customer_name=ok статус=Новый",
        "Customer: Здравствуйте, у меня вопрос.\nAgent: Добрый день!",
        "Guest: 你好，我想预订。",
        'x {"file_name": "Отчёт"} x',
    ],
)
def test_nobody(text):
    """Other fields, and what a form calls its field."""
    assert list(fields.find(text)) == []
