"""What is made of feedback: corrections for `tune`, and how the versions of a prompt compare."""

import json

import pytest
import yaml
from click.testing import CliRunner

from extproc.cli import cli
from extproc.cli.tune_feedback import heard, told
from extproc.config import parse
from extproc.errors import ConfigError
from extproc.feedback import Entry, Rated, differ, rated, read_feedback
from extproc.intent import Classifier


def label(text, intent):
    """A text and what it means."""
    return Entry(text, labelled=True, intent=intent)


@pytest.fixture(scope="module")
def classifier():
    """By rules alone."""
    intents = {"refund": {"exact": ["money back"]}, "order": {"exact": ["where is it"]}}
    models = {"general": {"endpoints": [{"address": "127.0.0.1:8083"}]}}
    mesh = {"version": 1, "intents": intents, "models": models, "default_model": "general"}
    return Classifier(parse(yaml.safe_dump(mesh)))


def test_corrections(classifier):
    """Where each text belongs that goes elsewhere now, what was said most often first; what is disputed is left to people."""
    entries = [
        label("money back", "refund"),
        label("my cash", "refund"),
        label("my  cash", "refund"),
        label("where is it", None),
        label("hello", None),
        label("late", "order"),
        label("late", "refund"),
        Entry("rated only", rating="down"),
    ]
    found = heard(entries, classifier)
    assert (found.labelled, found.right, found.disputed) == (4, 2, ("late",))
    lines = list(told(found))
    assert lines[1] == "add          'my cash' to the examples of refund; it reaches no intent"
    assert lines[2] == "add          'where is it' to the not_examples of order; it is given order"
    assert lines[3].startswith("disputed     'late'")
    assert not list(told(heard([], classifier)))


def test_what_stands_in_the_file_comes_back(tmp_path):
    """Every line as it was kept; one that is none is named."""
    kept = [label("a\u2028b", "refund"), Entry(prompt="greet@1", rating="up"), label("x", None)]
    path = tmp_path / "feedback.jsonl"
    path.write_bytes(b"".join(entry.line() for entry in kept))
    assert read_feedback(path) == kept
    assert read_feedback(tmp_path / "none") == []
    for line in (b"[]\n", b"no\n", b'{"text": 3}\n'):
        path.write_bytes(kept[0].line() + line)
        with pytest.raises(ConfigError, match=r"feedback\.jsonl:2: "):
            read_feedback(path)


def test_ratings():
    """Of each version, those never rated too, and those that are no longer there."""
    entries = [Entry(prompt="g@2", rating="up")] * 3 + [Entry(prompt="g@0", rating="down"), Entry(rating="up")]
    assert rated(entries, ["g@1", "g@2"]) == [Rated("g@1", 0, 0), Rated("g@2", 3, 0), Rated("g@0", 0, 1)]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [((90, 10), (70, 30), True), ((9, 1), (7, 3), False), ((5, 0), (0, 0), False), ((5, 0), (9, 0), False)],
)
def test_more_than_chance(one, other, expected):
    """Ten ratings of each say little; what is alike differs in nothing."""
    assert differ(Rated("g@1", *one), Rated("g@2", *other)) is expected


@pytest.mark.parametrize("count", [(0, 0), (1, 0), (0, 7), (50, 50)])
def test_the_interval_holds_the_share(count):
    """And lies between 0 and 1."""
    version = Rated("g@1", *count)
    low, high = version.interval
    assert 0 <= low <= version.share <= high <= 1


def test_the_command(tmp_path):
    """One line a version, and one for a difference."""
    path = tmp_path / "feedback.jsonl"
    rows = [("greet@1", "up", 60), ("greet@1", "down", 40), ("greet@2", "up", 90), ("greet@2", "down", 10)]
    path.write_text(
        "".join(json.dumps({"prompt": name, "rating": rating}) + "\n" for name, rating, n in rows for _ in range(n))
    )
    mesh = {
        "version": 1,
        "models": {"general": {"endpoints": [{"address": "127.0.0.1:8083"}]}},
        "default_model": "general",
        "prompts": {
            "named": {"greet": {"1": {"template": "hello"}, "2": {"template": "hi"}, "3": {"template": "hey"}}}
        },
    }
    config = tmp_path / "mesh.yaml"
    config.write_text(yaml.safe_dump(mesh))
    refused = CliRunner().invoke(cli, ["prompts", "ratings", "--config", str(config)])
    assert "no section `feedback`" in str(refused.exception)
    config.write_text(yaml.safe_dump(mesh | {"feedback": {"file": "feedback.jsonl"}}))
    told_ = CliRunner().invoke(cli, ["prompts", "ratings", "--config", str(config)]).output.splitlines()
    assert told_ == [
        "greet@1  60 up, 40 down  60% good (50% to 69%)",
        "greet@2  90 up, 10 down  90% good (83% to 94%)",
        "greet@3  0 up, 0 down  not rated yet",
        "greet@2 is rated better than greet@1, by more than chance",
    ]
    as_json = CliRunner().invoke(cli, ["prompts", "ratings", "--json", "--config", str(config)]).output
    assert [row["up"] for row in json.loads(as_json)] == [60, 90, 0]
