"""A classifier elsewhere: what it is sent, what its answer means, and that its failures are failures."""

import asyncio
import json
from time import monotonic

import httpx
import pytest

from extproc.config.guardrails import ModerationGuard
from extproc.decision import Facts
from extproc.errors import ConfigError
from extproc.guardrails.check import Finding, Question
from extproc.guardrails.moderation import ModerationCheck
from extproc.guardrails.passages import Passage

SAID = {
    "results": [
        {
            "flagged": True,
            "categories": {"violence": True, "hate": False},
            "category_scores": {"violence": 0.8, "hate": 0.3},
        }
    ]
}


def asked(answer, **settings):
    """What comes of one text, and the request that was sent."""
    seen = []

    def respond(request):
        seen.append(request)
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

    guard = ModerationGuard.model_validate(
        {"kind": "moderation", "url": "http://guard.test/v1/moderations", **settings}
    )

    async def run():
        check = ModerationCheck(guard)
        check._client = httpx.AsyncClient(transport=httpx.MockTransport(respond))
        found = check.look(Question([Passage("user", "Hello.", "messages[0]")], Facts()), monotonic() + 1)
        return await found

    return asyncio.run(run()), seen[0]


def test_what_is_sent(monkeypatch):
    """Texts, the model, the key from the environment."""
    monkeypatch.setenv("GUARD_KEY", "k-1")
    _, request = asked(SAID, model="m", key_env="GUARD_KEY")
    assert json.loads(request.content) == {"input": ["Hello."], "model": "m"}
    assert request.headers["authorization"] == "Bearer k-1"


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({}, Finding(0.8, True)),
        ({"threshold": 0.9}, Finding(0.8, False)),
        ({"categories": ["violence"]}, Finding(0.8, True, "violence")),
        ({"categories": ["hate"]}, Finding(0.3, False, "hate")),
        ({"categories": ["hate", "violence"], "threshold": 0.25}, Finding(0.8, True, "violence")),
    ],
)
def test_what_its_answer_means(settings, found):
    """Its own flags, or a threshold on its scores; all categories, or those that are named."""
    assert asked(SAID, **settings)[0] == found


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500),
        httpx.Response(200, text="no JSON"),
        {"results": []},
        {"error": {"message": "no"}},
        {"results": [{"flagged": True}]},
        {"results": [{"flagged": "false", "categories": {}}]},
        {"results": [{"flagged": None, "categories": {}}]},
        {"results": [None]},
        ["results"],
        {"results": [{"flagged": False, "categories": {}, "category_scores": {"x": "high"}}]},
        httpx.Response(200, text='{"results": [{"flagged": false, "categories": {}, "category_scores": {"x": NaN}}]}'),
        httpx.Response(200, text=" " * 2**21 + json.dumps(SAID)),
        httpx.Response(302, headers={"location": "http://elsewhere.test/"}),
    ],
)
def test_an_answer_that_is_none_is_a_failure(answer):
    """Never taken for one that flags nothing."""
    with pytest.raises((httpx.HTTPStatusError, ValueError, KeyError, TypeError)):
        asked(answer)


def test_a_category_that_the_classifier_does_not_know_is_a_failure():
    """It would never count, and nobody would notice."""
    with pytest.raises(KeyError, match="violense"):
        asked(SAID, categories=["violense"])


def test_a_key_that_is_not_there_is_told_at_the_start(monkeypatch):
    """Not with the first request."""
    monkeypatch.delenv("GUARD_KEY", raising=False)
    guard = ModerationGuard(kind="moderation", url="http://x/", key_env="GUARD_KEY")
    with pytest.raises(ConfigError, match="GUARD_KEY"):
        ModerationCheck(guard)
