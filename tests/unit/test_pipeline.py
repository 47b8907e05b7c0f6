"""What a pipeline does with a body and a target as a whole."""

import asyncio
import contextlib
import gc

from extproc.config.mesh import Mesh
from extproc.decision import Inquiry
from extproc.errors import BlockedEntityError, UnreadableBodyError
from extproc.intent import IntentScore
from extproc.pii import Analyzer, Anonymizer
from extproc.pipeline import Pipeline
from extproc.routing import Router
from extproc.threads import LARGE_BYTES

MESH = {
    "version": 1,
    "intercept": [{"path_prefix": "/v1/", "payload": "auto"}],
    "models": {"general": {"endpoints": [{"address": "127.0.0.1:8083"}]}},
    "default_model": "general",
    "pii": {"names": {"enabled": False}},
}


async def test_a_query_is_kept_to_the_byte():
    """A target with bytes beyond ASCII, one character each, is as it was where nothing in it is masked, and beside it."""
    rules = [{"path_prefix": "/v1/", "payload": "auto", "query": True}]
    pipeline = Pipeline.build(Mesh.model_validate({**MESH, "intercept": rules}))
    rule = pipeline.mesh.intercept[0]
    for query, expected in (
        ("q=caf\xc3\xa9", None),
        ("q=\xe9 ada@example.org", "/v1/search?q=\xe9 %5BEMAIL_ADDRESS_1%5D"),
    ):
        inquiry = Inquiry(rule, f"/v1/search?{query}", {"content-type": "application/json"}, b"{}")
        assert (await pipeline.inspect(inquiry)).target == expected


async def test_a_refused_body_is_let_go_at_once():
    """Nothing of a refused request waits for the garbage collector: hundreds of them would fill the memory before."""
    pipeline = Pipeline.build(Mesh.model_validate(MESH))
    rule = pipeline.mesh.intercept[0]
    gc.collect()
    gc.disable()
    try:
        inquiry = Inquiry(rule, "/v1/chat/completions", {"content-type": "application/json"}, b"[" * LARGE_BYTES)
        with contextlib.suppress(UnreadableBodyError):  # `pytest.raises` would keep the traceback
            await pipeline.inspect(inquiry)
        del inquiry
        await asyncio.sleep(0.05)  # the thread lets go of its work after it has told of it
        assert not [found for found in gc.get_objects() if type(found) is Inquiry and len(found.body) == LARGE_BYTES]
    finally:
        gc.enable()


class Questions:
    """A classifier that only notes when it is asked, waited for and told that nobody wants to know."""

    waiting = object()

    def __init__(self, told):
        self.told = told

    def ask(self, text, *_):
        """See Classifier."""
        self.told.append("asked")
        return self

    async def answer(self, asked):
        """See Classifier."""
        self.told.append("answered")
        return IntentScore(None, 0.0, "abstain", "unsure")

    def cancel(self):
        """See Asked."""
        self.told.append("cancelled")

    def close(self):
        """See Classifier."""


async def test_the_transformer_reads_while_the_text_is_masked():
    """The intent is asked for before masking and waited for after it; a refused request waits for nothing."""
    told = []
    for operator, expected in (
        ("replace", ["asked", "masked", "answered"]),
        ("block", ["asked", "masked", "cancelled"]),
    ):
        told.clear()
        mesh = Mesh.model_validate(
            {**MESH, "pii": {**MESH["pii"], "entities": {"EMAIL_ADDRESS": {"operator": operator}}}}
        )

        class Noted(Anonymizer):
            """Masks, and notes it."""

            def anonymize(self, *args, **options):
                """See Anonymizer."""
                told.append("masked")
                return super().anonymize(*args, **options)

        pipeline = Pipeline(mesh, Noted(mesh.pii, Analyzer(mesh.pii)), Questions(told), Router(mesh))
        rule = pipeline.mesh.intercept[0]
        inquiry = Inquiry(rule, "/v1/chat/completions", {}, b'{"prompt": "write to ada@example.org"}')
        with contextlib.suppress(BlockedEntityError):
            await pipeline.inspect(inquiry)
        assert expected == told
