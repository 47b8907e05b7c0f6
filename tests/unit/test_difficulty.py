"""How hard a request is likely to be: its weights are those of the prompts, and its work is bounded."""

import numpy as np
import pytest

from extproc.config.mesh import Mesh
from extproc.decision import Inquiry
from extproc.difficulty import FEATURES, READ_CHARACTERS, WEIGHTS, difficulty_of, features
from extproc.intent.measure import auroc
from extproc.pipeline import Pipeline
from tests.quality.fit_difficulty import crossed, fitted, rows


def test_the_weights_are_those_of_the_prompts():
    """To the digit that is written down; and prompts that were not fitted to are told apart."""
    x, hard = rows()
    assert len(WEIGHTS) == len(FEATURES) + 1
    assert np.allclose(fitted(x, hard), WEIGHTS, atol=0.006)
    told = crossed(x, hard)
    assert auroc(told[hard], told[~hard]) >= 0.95


@pytest.mark.parametrize(
    "text", ["", " ", "?", "\N{FIRE}", "\ud800", "a" * 100_000, "prove " * 50_000, "$" * 100_000, "\\a" * 50_000]
)
def test_any_text(text):
    """From 0 to 1, whatever is said."""
    assert 0 <= difficulty_of(text) <= 1


def test_only_both_ends_are_looked_at():
    """What a caller sends costs no more than so much."""
    middle = "prove the theorem " * 10_000
    end = "hello " * READ_CHARACTERS
    assert features(f"{end[:READ_CHARACTERS]}{middle}{end[:READ_CHARACTERS]}")[1] == 0


@pytest.mark.parametrize(
    ("easy", "hard"),
    [
        (
            "what is the capital of Spain",
            "derive the capital asset pricing model, state each assumption and discuss two objections",
        ),
        ("hello", "prove that the sum of two odd numbers is even, and generalise it"),
        (
            "Wie geht es dir",
            "Vergleiche drei Architekturen, analysiere ihre Kosten und begründe eine Entscheidung mit Zahlen",
        ),
    ],
)
def test_order(easy, hard):
    """A greeting is easier than a proof."""
    assert difficulty_of(easy) < 0.3
    assert difficulty_of(hard) > 0.7


MESH = {
    "version": 1,
    "models": {name: {"endpoints": [{"address": f"127.0.0.1:{port}"}]} for name, port in (("small", 1), ("large", 2))},
    "routes": [{"when": {"difficulty": ">0.7"}, "model": "large"}],
    "default_model": "small",
    "pii": {"names": {"enabled": False}},
}
HARD = "design a distributed lock with fencing tokens, compare it with leases, and prove that it is safe"


@pytest.mark.parametrize(("text", "model"), [("hello", "small"), (HARD, "large")])
@pytest.mark.parametrize("how", ["route", "policy"])
async def test_rules_ask_for_it(text, model, how):
    """Routes and policies alike."""
    mesh = dict(MESH)
    if how == "policy":
        mesh |= {
            "routes": [],
            "policy": {"rules": [{"name": "hard", "when": "request.difficulty > 0.7", "then": {"models": ["large"]}}]},
        }
    pipeline = Pipeline.build(Mesh.model_validate(mesh))
    headers = {":method": "POST", ":path": "/v1/chat/completions", "content-type": "application/json"}
    body = b'{"messages":[{"role":"user","content":"%s"}]}' % text.encode()
    outcome = await pipeline.inspect(Inquiry(pipeline.mesh.intercept[0], "/v1/chat/completions", headers, body))
    assert outcome.model == model
