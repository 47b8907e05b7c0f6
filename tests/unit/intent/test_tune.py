"""`intentmesh tune`: it finds what is wrong with examples, and says where."""

import json

from click.testing import CliRunner

from extproc.cli.tune import tune
from extproc.intent.advice import advise
from extproc.intent.cascade import Cascade
from extproc.intent.examples import Examples
from extproc.intent.material import Budget

BILL = [
    "pay my bill",
    "when is my bill due",
    "the bill is too high",
    "send me the bill again",
    "I already paid the bill",
]
SONG = ["play a song", "what song is this", "skip to the next song", "turn the music up", "stop the music"]


def test_good_examples(encoder):
    """Two clear intents: no confusion, no contradiction, no duplicate."""
    advice = advise(encoder, Examples.of_texts({"bill": BILL, "song": SONG}), 128)
    assert advice.accuracy == 1.0
    assert (advice.confused, advice.contradictions, advice.duplicates, advice.few) == ((), (), (), ())


def test_what_is_wrong(encoder):
    """A song among the bills contradicts, a repeated bill is a duplicate, an intent with one example is thin."""
    bills = [*BILL, "Pay my bill!", "please play a song", "what is this song"]
    advice = advise(encoder, Examples.of_texts({"bill": bills, "song": SONG, "lamp": ["lights on"]}), 128)
    assert {"please play a song", "what is this song"} & {
        place.example for pair in advice.contradictions for place in (pair.first, pair.second)
    }
    assert ("pay my bill", "Pay my bill!") in {(p.first.example, p.second.example) for p in advice.duplicates}
    assert ("bill", "song") in {(c.intent, c.taken_for) for c in advice.confused}
    assert advice.few == ("lamp",)
    assert advice.accuracy < 1


def test_command(tmp_path):
    """A table for people, one object for machines."""
    mesh = tmp_path / "mesh.yaml"
    mesh.write_text(
        'version: 1\nmodels: {general: {endpoints: [{address: "127.0.0.1:8081"}]}}\ndefault_model: general\n'
        "classifier: {encoder: bundled}\n"
        f"intents: {json.dumps({'bill': {'examples': BILL}, 'song': {'examples': SONG}})}\n"
    )
    assert "nothing to change" in CliRunner().invoke(tune, [str(mesh)], catch_exceptions=False).stdout
    assert json.loads(CliRunner().invoke(tune, [str(mesh), "--json"], catch_exceptions=False).stdout)["accuracy"] == 1.0


def test_mislabelled(encoder):
    """An example that stands in the wrong intent is named, with the intent that it reads like; nothing else is."""
    bill = [
        f"{verb} my {word} bill"
        for verb in ("pay", "show", "send", "check")
        for word in ("gas", "phone", "water", "rent")
    ]
    song = [
        f"{verb} a {word} song"
        for verb in ("play", "sing", "queue", "skip")
        for word in ("jazz", "rock", "folk", "pop")
    ]
    examples = Examples.of_texts({"bill": [*bill, "play a disco song"], "song": song})
    found = advise(encoder, examples, 128).mislabelled
    assert [(one.intent, one.example, one.taken_for) for one in found] == [("bill", "play a disco song", "song")]
    told = []
    cascade = Cascade.build(encoder, examples, Budget(), 0.95, told.append, None)
    assert any(line.startswith("1 example(s)") for line in told)
    assert cascade.look("play a disco song").score.best == "song"


def test_what_one_intent_costs_another(encoder):
    """Examples that would be their own intent's, were another one not there, name that one."""
    login = ["reset my password now", "my password is wrong", "unlock my login", "I cannot sign in with my password"]
    password = [
        "reset my password",
        "my password is wrong again",
        "unlock my account",
        "I cannot sign in, wrong password",
    ]
    advice = advise(encoder, Examples.of_texts({"login": login, "password": password, "song": SONG}), 128)
    assert {(cost.intent, cost.culprit) for cost in advice.costs} <= {("login", "password"), ("password", "login")}
    assert advice.costs
    assert all(0 < cost.share <= 1 for cost in advice.costs)


def test_what_no_intent_has(tmp_path):
    """Texts of a sample that are alike and reach no intent are a group; those that reach one are not."""
    mesh = tmp_path / "mesh.yaml"
    mesh.write_text(
        'version: 1\nmodels: {general: {endpoints: [{address: "127.0.0.1:8081"}]}}\ndefault_model: general\n'
        f"classifier: {{encoder: bundled}}\nintents: {json.dumps({'bill': {'examples': BILL}, 'song': {'examples': SONG}})}\n"
    )
    rooms = [
        "book a meeting room",
        "reserve the meeting room",
        "is the meeting room free",
        "meeting room for ten please",
    ]
    sample = tmp_path / "sample.txt"
    sample.write_text("\n".join([*rooms, *BILL, "why is the sky blue", "feed the cat"]))
    arguments = [str(mesh), "--sample", str(sample)]
    told = json.loads(CliRunner().invoke(tune, [*arguments, "--json"], catch_exceptions=False).stdout)
    (gap,) = told["intents"]
    assert gap["count"] == len(rooms)
    assert set(gap["texts"]) <= set(rooms)
    assert "asked for    4 texts" in CliRunner().invoke(tune, arguments, catch_exceptions=False).stdout
