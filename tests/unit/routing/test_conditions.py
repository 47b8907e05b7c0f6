"""`when`: what a rule asks of a request beside its intent."""

import pytest

from extproc.config import parse
from extproc.config.loader import InvalidMeshError
from extproc.decision import Facts
from extproc.routing import Router

MESH = """\
version: 1
models: {{a: {{endpoints: [{{address: "127.0.0.1:8081"}}]}}, b: {{endpoints: [{{address: "127.0.0.1:8082"}}]}}}}
default_model: a
routes: [{{when: {when}, model: b}}]
"""
FACTS = Facts().with_(language="de", tokens=4000, turns=3, unsearched=9, code=0.5, images=True, tools=("f",))


@pytest.mark.parametrize(
    ("when", "matches"),
    [
        ("{language: de}", True),
        ("{language: [fr, de]}", True),
        ("{language: fr}", False),
        ('{tokens: ">4000"}', False),
        ('{tokens: ">=4000"}', True),
        ('{tokens: "< 4001"}', True),
        ("{tokens: 4000}", True),
        ('{turns: "<=2"}', False),
        ('{code: ">0.3"}', True),
        ("{images: true, audio: false, tools: true}", True),
        ("{images: false}", False),
        ('{unsearched: ">0"}', True),
        ("{unsearched: 0}", False),
        ('{language: de, tokens: ">9000"}', False),
    ],
)
def test_conditions(when, matches):
    """All that is given has to hold."""
    decision = Router(parse(MESH.format(when=when))).decide(FACTS)
    assert (decision.model == "b") == matches


@pytest.mark.parametrize(
    ("when", "key", "message"),
    [
        ("{tokens: many}", "tokens", "is no comparison"),
        ('{tokens: "=>4"}', "tokens", "is no comparison"),
        ("{turns: true}", "turns", "is no comparison"),
        ("{language: German}", "language", "is no code of a language"),
        ("{lang: de}", "lang", "did you mean `language`"),
        ("{}", "", "is empty"),
    ],
)
def test_mistakes(when, key, message):
    """Each is named with its place and what would be right."""
    with pytest.raises(InvalidMeshError) as caught:
        parse(MESH.format(when=when))
    where = f"routes[0].when.{key}".rstrip(".")
    assert any(problem.key.startswith(where) and message in problem.message for problem in caught.value.problems)
