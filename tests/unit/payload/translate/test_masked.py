"""Whatever a request says and wherever: an upstream of another API gets it masked."""

import asyncio
import base64
import copy
import json
import re

import pytest

from extproc.config import parse
from extproc.decision import Forward, Inquiry
from extproc.identity import Caller
from extproc.pipeline import Pipeline
from tests.unit.payload.translate.test_table import FEATURES, body_of

MAIL = "ada@example.org"
MODELS = "".join(
    f'  {api}: {{endpoints: [{{address: "127.0.0.1:1"}}], api: {api}, drop_unsupported: true}}\n'
    for api in ("openai", "openai-responses", "anthropic", "gemini")
)
MESH = f"version: 1\nmodels:\n{MODELS}default_model: openai\npii: {{names: {{enabled: false}}}}\n"
PATHS = {"openai": "/v1/chat/completions", "openai-responses": "/v1/responses", "anthropic": "/v1/messages"}
_CODED = re.compile(r"[A-Za-z0-9+/]{16,}={0,2}")


def read(body):
    """What a body says, within base64 too."""
    said = body.decode()
    coded = [base64.b64decode(run).decode("latin-1") for run in _CODED.findall(said) if len(run) % 4 == 0]
    return "\n".join([said, *coded])


def places(value, at=()):
    """Where texts stand in a value of JSON."""
    if isinstance(value, dict | list):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in pairs:
            yield from places(inner, (*at, key))
    elif isinstance(value, str) and at[-1] not in ("type", "role", "model"):
        yield at


def with_mail(body, at):
    """The same with an address at this place, as its kind may hold one."""
    changed = copy.deepcopy(body)
    within = changed
    for key in at[:-1]:
        within = within[key]
    old, said = within[at[-1]], f"I am {MAIL}"
    if at[-1] == "arguments":
        said = json.dumps({"a": said})
    elif old.startswith("https://"):
        said = f"https://x.example/{MAIL}"
    elif old.startswith("data:text/plain"):
        said = "data:text/plain;base64," + base64.b64encode(said.encode()).decode()
    elif old.startswith("data:"):
        said = old
    within[at[-1]] = said
    return changed


@pytest.mark.parametrize(
    ("caller", "upstream"), [("openai", "anthropic"), ("openai-responses", "gemini"), ("anthropic", "openai")]
)
def test_no_place_of_a_request_brings_an_original_to_another_api(caller, upstream):
    """Each text of each feature, one at a time."""
    mesh = parse(MESH)
    pipeline, path = Pipeline.build(mesh), PATHS[caller]
    headers = {":method": "POST", ":path": path, "content-type": "application/json"}

    async def masked():
        tried = 0
        for feature, by_caller in FEATURES.items():
            body = body_of(caller, by_caller.get(caller, {})) | {"model": upstream}
            for at in places(body):
                sent = json.dumps(with_mail(body, at)).encode()
                outcome = await pipeline.inspect(Inquiry(mesh.intercept[0], path, headers, sent, Caller()))
                if isinstance(outcome, Forward):
                    assert outcome.body is not None
                    assert MAIL not in read(outcome.body), (feature, at)
                    tried += 1
                else:
                    assert MAIL not in str(outcome.error), (feature, at)
        return tried

    assert asyncio.run(masked()) > 80
