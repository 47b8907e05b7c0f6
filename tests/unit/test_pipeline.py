"""What a pipeline does with a body and a target as a whole."""

import asyncio
import contextlib
import gc

from extproc.config.mesh import Mesh
from extproc.errors import UnreadableBodyError
from extproc.pipeline import LARGE_BODY_BYTES, Inquiry, Pipeline

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
    rule = pipeline.rule_for("POST", "/v1/search")
    for query, expected in (
        ("q=caf\xc3\xa9", None),
        ("q=\xe9 ada@example.org", "/v1/search?q=\xe9 %5BEMAIL_ADDRESS_1%5D"),
    ):
        inquiry = Inquiry(rule, f"/v1/search?{query}", {"content-type": "application/json"}, b"{}")
        assert (await pipeline.inspect(inquiry)).target == expected


async def test_a_refused_body_is_let_go_at_once():
    """Nothing of a refused request waits for the garbage collector: hundreds of them would fill the memory before."""
    pipeline = Pipeline.build(Mesh.model_validate(MESH))
    rule = pipeline.rule_for("POST", "/v1/chat/completions")
    gc.collect()
    gc.disable()
    try:
        inquiry = Inquiry(rule, "/v1/chat/completions", {"content-type": "application/json"}, b"[" * LARGE_BODY_BYTES)
        with contextlib.suppress(UnreadableBodyError):  # `pytest.raises` would keep the traceback
            await pipeline.inspect(inquiry)
        del inquiry
        await asyncio.sleep(0.05)  # the thread lets go of its work after it has told of it
        assert not [found for found in gc.get_objects() if isinstance(found, Inquiry)]
    finally:
        gc.enable()
