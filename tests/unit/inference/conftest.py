"""A real llama.cpp with a model of random weights, made once."""

import pytest
from llama_cpp import _utils as llama_utils

from inference.engine import Engine
from inference.metrics import Metrics
from inference.model import Model
from inference.scheduler import Scheduler
from inference.settings import Settings

CONTEXT_TOKENS = 512
SLOTS = 4


@pytest.fixture(scope="session", autouse=True)
def _closed_files():
    """The library opens /dev/null twice when it is imported, and leaves both open, of which Python complains at its end."""
    yield
    llama_utils.outnull_file.close()
    llama_utils.errnull_file.close()


@pytest.fixture(scope="session")
def engine(tiny):
    """The model, loaded."""
    settings = Settings(model=tiny, slots=SLOTS, batch_tokens=64, threads=1)
    model = Model(settings, lambda _: True)
    engine = Engine(model, settings, context_tokens=CONTEXT_TOKENS, slots=SLOTS)
    yield engine
    engine.close()
    model.close()


@pytest.fixture
def scheduler(engine):
    """A scheduler that starts with nothing cached."""
    for slot in range(SLOTS):
        engine.forget(slot)
    return Scheduler(engine, Metrics(), slots=SLOTS, batch_tokens=64, stall_s=0.25, slot_cache_bytes=1 << 20)
