"""The classifier: rules first, then the static stage, then the transformer, else the default; never a crash."""

import asyncio
import threading
from pathlib import Path
from time import monotonic

import pytest

from extproc.config import parse
from extproc.config.loader import InvalidMeshError
from extproc.errors import ConfigError
from extproc.heap import give_back
from extproc.intent import Classifier

HEAD = """\
version: 1
models: {general: {endpoints: [{address: "127.0.0.1:8081"}]}}
default_model: general
"""
SHIPPED = Path(__file__).parents[3] / "mesh.yaml"


@pytest.fixture(scope="module")
def shipped(encoder):
    """The classifier of the shipped mesh.yaml."""
    classifier = Classifier(parse(SHIPPED.read_text()), encoder, keep=False)
    yield classifier
    classifier.close()


async def classified(classifier, text, deadline=None):
    """The score of a text, asked for and awaited as the step does it."""
    return await classifier.answer(classifier.ask(text, {}, deadline))


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("the pump bearing is getting very hot, what should I check?", "hardware_telemetry"),
        ("vibration on turbine 7 rose above the limit", "hardware_telemetry"),
        ("I would like my money back for the headphones", "customer_support"),
        ("my package never came", "customer_support"),
        ("write a haiku about spring", None),
        ("what is the capital of Peru", None),
        ("who won the 100 metres in Paris", None),
    ],
)
async def test_shipped_mesh(shipped, text, intent):
    """With ten examples an intent, other words for the same thing arrive, and what is neither goes to the default."""
    assert (await classified(shipped, text)).intent == intent


async def test_pattern_decides_first(shipped):
    """A pattern decides before any model, with certainty."""
    score = await classified(shipped, "Turbine 3: bearing ALARM")
    assert (score.intent, score.stage, score.reason, score.score) == ("hardware_telemetry", "rule", "pattern", 1.0)


def test_rules(encoder):
    """Exact texts fold case and space, headers must all match, and no model is loaded for rules alone."""
    mesh = parse(
        HEAD + "intents: {ping: {exact: [Are you there]}, vip: {headers: {X-Tier: gold, x-app: shop}}}\n",
    )
    classifier = Classifier(mesh, keep=False)
    assert classifier.encoders is None
    assert classifier.classify_now(" are  YOU there ").intent == "ping"
    assert classifier.classify_now("?", {"x-tier": "gold", "x-app": "shop"}).intent == "vip"
    assert classifier.classify_now("?", {"x-tier": "gold"}).reason == "no-examples"


async def test_second_time_is_cached(shipped):
    """The same text is decided once; the copy says so."""
    first = await classified(shipped, "my package has still not come")
    second = await classified(shipped, "my package has still not come")
    assert (first.cached, second.cached) == (False, True)
    assert (first.intent, first.score) == (second.intent, second.score)


async def test_late_is_static(shipped):
    """With no time left the static stage answers, counted as late; nothing is awaited."""
    score = await classified(shipped, "could somebody look into the thing from last week", deadline=monotonic() - 1)
    assert score.reason == "deadline"
    assert score.stage in {"static", "abstain"}


async def test_the_deadline_ends_a_wait(shipped, monkeypatch):
    """The static stage answers for a transformer that is not done in time, whose answer comes too late to matter."""
    door = threading.Event()
    read = shipped._batcher._work
    monkeypatch.setattr(shipped._batcher, "_work", lambda views: read(views) if door.wait(5) else [])
    text = "could somebody please look into that thing from some day last week, whatever it was that they said about it"
    text += ", and tell me which of them said so first"  # too long for the loop
    asked = shipped.ask(text, {}, deadline=monotonic() + 0.1)
    assert asked.waiting is not None
    start = monotonic()
    score = await shipped.answer(asked)
    assert score.reason == "deadline"
    assert monotonic() - start < 2
    door.set()
    assert (await classified(shipped, text)).reason != "deadline"


async def test_many_at_once(shipped):
    """Concurrent texts share passes and each gets its own answer."""
    texts = [f"question number {i} about something else entirely" for i in range(40)]
    scores = await asyncio.gather(*(classified(shipped, text) for text in texts))
    assert len(scores) == 40
    assert all(score.best in {"hardware_telemetry", "customer_support"} for score in scores)


@pytest.mark.parametrize(
    "text", ["", "   \n", "\N{FIRE}", "a" * 1_000_000, "refund " * 100_000, "\x00", "\ud800", "[UNK]"]
)
async def test_odd_texts(shipped, text):
    """Every text has a defined answer, in a time that does not grow with it."""
    start = monotonic()
    score = await classified(shipped, text)
    assert 0 <= score.score <= 1
    assert monotonic() - start < 2


def test_deterministic(encoder):
    """The same mesh.yaml gives the same thresholds and scores, kept on disk or not."""
    mesh = parse(SHIPPED.read_text())
    scores = {Classifier(mesh, encoder, keep=False).classify_now("the parcel is damaged").score for _ in range(2)}
    assert len(scores) == 1


def test_kept_heads(encoder, tmp_path):
    """What was learned is read back the next time and answers the same; a broken file is learned again."""
    mesh = parse(SHIPPED.read_text())
    first = Classifier(mesh, encoder, folder=tmp_path).classify_now("the parcel is damaged")
    again = Classifier(mesh, encoder, folder=tmp_path).classify_now("the parcel is damaged")
    (kept,) = tmp_path.glob("heads-*.npz")
    kept.write_bytes(b"broken")
    third = Classifier(mesh, encoder, folder=tmp_path).classify_now("the parcel is damaged")
    assert first == again == third


def test_a_second_classifier_takes_what_is_in_use(encoder, tmp_path):
    """A reload with the same examples holds no second table and no second heads; with others, only the table is shared."""
    mesh = parse(SHIPPED.read_text())
    one = Classifier(mesh, encoder, folder=tmp_path)
    two = Classifier(mesh, encoder, folder=tmp_path)
    other = Classifier(
        parse(HEAD + 'intents: {lights: {examples: ["turn on the lights"]}}\n'), encoder, folder=tmp_path
    )
    assert one.cascade.trained is two.cascade.trained
    assert one.cascade.trained is not other.cascade.trained
    assert one.cascade.table is two.cascade.table is other.cascade.table


def test_memory_is_given_back():
    """What was freed goes back to the system, and where the C library cannot do that, nothing happens."""
    resident = Path("/proc/self/statm")
    if not resident.exists():
        pytest.skip("needs /proc")
    blocks = [bytes([i % 256]) * 100_000 for i in range(400)]
    last = bytes([1]) * 1000  # what lies above the freed blocks keeps them in the heap
    full = int(resident.read_text().split()[1])
    del blocks
    give_back()
    assert int(resident.read_text().split()[1]) < full
    del last


@pytest.mark.parametrize("count", [1, 2, 5])
def test_few_intents_few_examples(encoder, count):
    """One intent, one example: it still answers, and a far text is not accepted."""
    words = ["reset my password", "book a table", "water the plants", "check my heart rate", "buy some shares"]
    intents = ", ".join(f'thing_{i}: {{examples: ["{words[i]}"]}}' for i in range(count))
    classifier = Classifier(parse(HEAD + f"intents: {{{intents}}}\n"), encoder, keep=False)
    assert classifier.classify_now("reset my password").best == "thing_0"
    assert classifier.classify_now("the mitochondria is the powerhouse of the cell").intent is None


def test_explain(shipped):
    """Both stages, the nearest examples and the runner-up."""
    explanation = shipped.explain("the parcel arrived damaged")
    assert explanation.decision.intent == "customer_support"
    assert explanation.stages[0].nearest[0].example == "the product arrived damaged"
    assert explanation.decision.runner_up == "hardware_telemetry"
    assert [stage.stage for stage in explanation.stages] == ["static", "early", "transformer"]


@pytest.mark.parametrize(
    ("intents", "key", "message"),
    [
        ("{a: {examples: [pay me, x]}, b: {examples: [y, Pay  me]}}", "intents.b.examples[1]", "intents.a.examples[0]"),
        ("{a: {description: nothing}}", "intents.a", "nothing to be recognised by"),
        ("{a: }", "intents.a", "is empty"),
        ("{a: {examples: ['  ']}}", "intents.a.examples[0]", "is empty"),
    ],
)
def test_mistakes_in_examples(intents, key, message):
    """A text in two intents, an intent without evidence, an empty example: named with their place."""
    with pytest.raises(InvalidMeshError) as caught:
        parse(HEAD + f"intents: {intents}\n")
    assert any(problem.key == key and message in problem.message for problem in caught.value.problems)


@pytest.mark.parametrize(
    ("rows", "extra", "key", "message"),
    [
        ('{"text": "Pay  my bill"}', "", "intents.song.examples_file", "intents.bill.examples[0]"),
        ("[]", "", "intents.song.examples_file", "rows.jsonl:1"),
        ('{"text": "x", "intent": "other"}', "", "intents.song.examples_file", "no example of the intent song"),
        ('{"text": "x"}', "classifier: {out_of_scope_file: gone}", "classifier.out_of_scope_file", "cannot be read"),
        (
            '{"text": "x"}',
            "classifier: {encoder: BAAI/bge-smal-en-v1.5}",
            "classifier.encoder",
            "BAAI/bge-small-en-v1.5",
        ),
    ],
)
def test_mistakes_in_files(tmp_path, rows, extra, key, message):
    """Example files and models are looked at by `check`: what is wrong in them is a mistake with a line in mesh.yaml."""
    (tmp_path / "rows.jsonl").write_text(rows + "\n")
    intents = "intents: {bill: {examples: [pay my bill]}, song: {examples_file: rows.jsonl}}\n"
    with pytest.raises(InvalidMeshError) as caught:
        parse(HEAD + intents + extra, folder=tmp_path)
    assert any(problem.key == key and message in problem.message for problem in caught.value.problems)


def test_examples_file(encoder, tmp_path):
    """One JSON lines file may serve several intents; a bad line is named."""
    file = tmp_path / "examples.jsonl"
    file.write_text(
        '{"text": "pay my bill", "intent": "bill"}\n{"text": "sing", "intent": "song"}\n'
        '{"text": "held out", "intent": "song", "split": "test"}\n'
    )
    text = HEAD + "intents: {bill: {examples_file: examples.jsonl}, song: {examples_file: examples.jsonl}}\n"
    classifier = Classifier(parse(text, folder=tmp_path), encoder, keep=False)
    assert classifier.cascade.examples.texts == ("pay my bill", "sing")
    file.write_text('{"text": "pay my bill"}\nnot json\n')
    with pytest.raises(ConfigError, match=r"examples\.jsonl:2: is not JSON"):
        Classifier(parse(text, folder=tmp_path), encoder, keep=False)
