"""`POST /v1/feedback`: what is kept of it, masked and for its owner alone, and what is refused with what would be right."""

import asyncio
import json
import stat
from functools import cache

import pytest
import yaml

from extproc.config import parse
from extproc.config.loader import InvalidMeshError
from extproc.decision import Inquiry, Refuse, Respond
from extproc.errors import FeedbackFullError, FeedbackStoreError
from extproc.feedback import read_feedback
from extproc.feedback.store import append
from extproc.pipeline import Pipeline

HEADERS = {":method": "POST", ":path": "/v1/feedback", "content-type": "application/json"}


@pytest.fixture(scope="module", name="kept_in")
def _kept_in(tmp_path_factory):
    return tmp_path_factory.mktemp("feedback")


@pytest.fixture
def folder(kept_in):
    """The same for all tests, so that one pipeline serves them, and empty for each."""
    for path in kept_in.iterdir():
        path.unlink()
    return kept_in


parsed = cache(parse)
PIPELINES = {}
"""By their meshes, which stay in the cache."""


def mesh_of(folder, **sections):
    """A mesh that keeps feedback beside itself."""
    sections = {
        "version": 1,
        "intents": {"refund": {"exact": ["money back"]}, "order": {"exact": ["where is it"]}},
        "models": {"general": {"endpoints": [{"address": "127.0.0.1:8083"}]}},
        "default_model": "general",
        "prompts": {"named": {"greet": {"1": {"template": "hello"}, "2": {"template": "hi"}}}},
        "pii": {"names": {"enabled": False}},
        "feedback": {"file": str(folder / "feedback.jsonl")},
    } | sections
    return parsed(yaml.safe_dump(sections))


def sent(mesh, body, **headers):
    """What becomes of it."""
    pipeline = PIPELINES.get(id(mesh))
    if pipeline is None:
        pipeline = PIPELINES[id(mesh)] = Pipeline.build(mesh)
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    inquiry = Inquiry(mesh.read[0], "/v1/feedback", HEADERS | headers, body)
    return asyncio.run(pipeline.inspect(inquiry))


def test_a_label_is_kept_masked(folder):
    """With what was decided, the day, and nothing of who or when; the file is its owner's."""
    mesh = mesh_of(folder)
    told = sent(mesh, {"text": "ada@example.org wants her money", "intent": "refund"})
    assert isinstance(told, Respond)
    assert told.status == 200
    assert b"ada" not in told.body
    (line,) = mesh.feedback.file.read_text().splitlines()
    row = json.loads(line)
    assert row.pop("time")[:2] == "20"
    assert row == {"text": "[EMAIL_ADDRESS_1] wants her money", "intent": "refund", "decided": None}
    assert stat.S_IMODE(mesh.feedback.file.stat().st_mode) == 0o600


def test_what_was_decided_is_kept_beside_it(folder):
    """So that a decision that was right can be told from one that was not."""
    mesh = mesh_of(folder)
    sent(mesh, {"text": "money back", "intent": None})
    (entry,) = read_feedback(mesh.feedback.file)
    assert (entry.labelled, entry.intent, entry.decided) == (True, None, "refund")


@pytest.mark.parametrize("prompt", ["greet@2", "greet@2#0123456789ab"])
def test_a_rating_of_a_prompt(folder, prompt):
    """By the version, as `x-intentmesh-prompt` of the answer has told it."""
    mesh = mesh_of(folder)
    sent(mesh, {"prompt": prompt, "rating": "up"})
    (entry,) = read_feedback(mesh.feedback.file)
    assert (entry.prompt, entry.rating, entry.text, entry.labelled) == ("greet@2", "up", None, False)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"[]", "must be an object"),
        ({"text": "x", "intent": "refund", "note": "ada"}, "it has: text, intent, prompt, rating"),
        ({"text": "x", "intent": "refnd"}, "there are: order, refund; null"),
        ({"text": "x", "intent": 3}, "there are: order, refund; null"),
        ({"intent": "refund"}, "there is no `text`"),
        ({"text": " ", "intent": "refund"}, "not empty"),
        ({"text": "x " * 3000, "intent": "refund"}, "4000 characters"),
        ({"text": "x"}, "with its `intent`, or a `rating`"),
        ({"rating": "up"}, "give one of them"),
        ({"rating": 5, "prompt": "greet@1"}, "one of: up, down"),
        ({"rating": "up", "prompt": "greet@9"}, "there are: greet@1, greet@2"),
        ({"rating": "up", "prompt": ["greet"]}, "there are: greet@1, greet@2"),
    ],
)
def test_mistakes(folder, body, why):
    """Each is told with what would be right, and nothing is kept of it."""
    mesh = mesh_of(folder)
    told = sent(mesh, body)
    assert isinstance(told, Refuse)
    assert told.error.status == 400
    assert why in str(told.error)
    assert "ada" not in str(told.error)
    assert not mesh.feedback.file.exists()


def test_a_body_that_is_no_json_is_refused(folder):
    """Though bodies that cannot be read may pass elsewhere."""
    mesh = mesh_of(folder)
    told = sent(mesh, b"money")
    assert isinstance(told, Refuse)
    assert not mesh.feedback.file.exists()


def test_blocked_values_are_kept_nowhere(folder):
    """What no upstream may see, no file sees."""
    mesh = mesh_of(folder, pii={"names": {"enabled": False}, "entities": {"EMAIL_ADDRESS": {"operator": "block"}}})
    told = sent(mesh, {"text": "ada@example.org", "intent": "refund"})
    assert isinstance(told, Refuse)
    assert not mesh.feedback.file.exists()


def test_who_is_denied_gives_no_feedback(folder):
    """The policy is asked first."""
    rules = [{"name": "none", "when": "request.tokens > 0", "then": {"deny": "no"}}]
    mesh = mesh_of(folder, policy={"rules": rules})
    assert isinstance(sent(mesh, {"text": "x", "intent": "refund"}), Refuse)
    assert not mesh.feedback.file.exists()


def test_full(folder):
    """Nothing is thrown away: the line is refused, and the file stays as it is."""
    mesh = mesh_of(folder, feedback={"file": str(folder / "feedback.jsonl"), "max_bytes": 4096})
    body = {"text": "where is it " * 70, "intent": "order"}
    statuses = [getattr(sent(mesh, body), "status", 507) for _ in range(5)]
    assert statuses == [200, 200, 200, 200, 507]
    assert mesh.feedback.file.stat().st_size <= 4096
    assert len(read_feedback(mesh.feedback.file)) == 4
    with pytest.raises(FeedbackFullError):
        append(mesh.feedback.file, b"x" * 4096, 4096)


def test_only_a_plain_file(folder):
    """No link is followed, no pipe is waited for; a file that others could read is closed to them."""
    (folder / "link").symlink_to(folder / "elsewhere")
    with pytest.raises(FeedbackStoreError):
        append(folder / "link", b"{}\n", 100)
    with pytest.raises(FeedbackStoreError):
        append(folder, b"{}\n", 100)
    with pytest.raises(FeedbackStoreError):
        append(folder / "none" / "file", b"{}\n", 100)
    (folder / "open").write_text("")
    (folder / "open").chmod(0o644)
    append(folder / "open", b"{}\n", 100)
    assert stat.S_IMODE((folder / "open").stat().st_mode) == 0o600


def test_off_unless_wanted(folder):
    """Without the section the path is any other one's."""
    mesh = mesh_of(folder, feedback=None)
    assert all(rule.path != "/v1/feedback" for rule in mesh.read)


@pytest.mark.parametrize(
    ("sections", "key", "why"),
    [
        ({"pii": {"enabled": False}}, "feedback", "pii.enabled"),
        ({"shadow": True}, "feedback", "shadow"),
        ({"feedback": {"file": "/nowhere/at/all/f.jsonl"}}, "feedback.file", "no folder"),
        ({"feedback": {"file": "/tmp"}}, "feedback.file", "not a plain file"),
        ({"feedback": {"file": "f", "path": "feedback"}}, "feedback.path", "start with `/`"),
        ({"feedback": {}}, "feedback.file", "missing"),
    ],
)
def test_check(folder, sections, key, why):
    """What could not be kept as it has to be is a mistake in the file."""
    with pytest.raises(InvalidMeshError) as found:
        mesh_of(folder, **sections)
    assert any(problem.key == key and why in problem.message for problem in found.value.problems)
