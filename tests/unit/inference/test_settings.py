"""Settings are read once, and a mistake in them is one message."""

import pytest

from inference.errors import ModelFileError, SettingsError
from inference.gguf import GgufHeader, read_header
from inference.memory import check_fits, context_of, need_of
from inference.settings import Settings, read_settings

PREFIX = "INTENTMESH_INFERENCE_"


def test_a_flag_goes_before_the_environment():
    """Flags, then environment, then defaults."""
    environment = {PREFIX + "MODEL": "a.gguf", PREFIX + "PORT": "1", PREFIX + "SLOTS": "3"}
    settings = read_settings({"port": 2, "slots": None}, environment)
    assert (settings.port, settings.slots, settings.name) == (2, 3, "a")


@pytest.mark.parametrize(
    ("flags", "environment", "message"),
    [
        ({}, {}, "no model: give --model"),
        ({"model": "x"}, {PREFIX + "PROT": "1"}, "did you mean INTENTMESH_INFERENCE_PORT"),
        ({"model": "x", "port": 99999}, {}, "--port: "),
        ({"model": "x", "slots": 0}, {}, "--slots: "),
        ({"model": "x"}, {PREFIX + "CONTEXT_TOKENS": "many"}, "--context-tokens: "),
        ({"model": "x", "cache_type": "q3"}, {}, "--cache-type: "),
    ],
)
def test_a_wrong_setting_is_named(flags, environment, message):
    """Each bad value once."""
    with pytest.raises(SettingsError, match=message):
        read_settings(flags, environment)


def test_variables_of_others_are_not_ours():
    """The environment may hold settings of the processor."""
    assert read_settings({"model": "x.gguf"}, {"INTENTMESH_LOG_LEVEL": "debug"}).name == "x"


@pytest.mark.parametrize(("weights", "processors"), [(1 << 20, 1), (17 << 20, 1), (1 << 40, 2)])
def test_small_models_take_one_thread(monkeypatch, weights, processors):
    """Threads follow the size of the weights, up to the processors."""
    monkeypatch.setattr("inference.settings.available_processors", lambda: 2)
    assert processors == Settings(model="x").threads_for(weights)
    assert Settings(model="x", threads=7).threads_for(weights) == 7


@pytest.mark.parametrize(
    ("slots", "weights", "flags", "lanes"),
    [
        (8, 1 << 20, {}, 2),
        (4, 1 << 20, {}, 1),
        (8, 1 << 30, {}, 1),
        (8, 1 << 20, {"threads": 2}, 1),
        (8, 1 << 20, {"lanes": 3}, 3),
    ],
)
def test_processors_that_a_small_model_leaves_are_lanes(monkeypatch, slots, weights, flags, lanes):
    """A lane per spare processor, of four slots or more."""
    monkeypatch.setattr("inference.settings.available_processors", lambda: 2)
    assert lanes == Settings(model="x", slots=slots, **flags).lanes_for(weights)


def big_header() -> GgufHeader:
    """The header of a model in the shape of Llama-3.1-8B at 4 bits."""
    numbers = {
        "context_length": 131072,
        "embedding_length": 4096,
        "block_count": 32,
        "feed_forward_length": 14336,
        "attention.head_count": 32,
        "attention.head_count_kv": 8,
        "vocab_size": 128256,
    }
    metadata = {"general.architecture": "llama", **{f"llama.{key}": value for key, value in numbers.items()}}
    return GgufHeader(metadata, 291, 4_900_000_000)


def test_a_model_above_the_limit_is_refused_with_the_numbers():
    """The message says what it needs, what there is, and what to do."""
    settings = Settings(model="big.gguf", memory_limit_mib=4096)
    with pytest.raises(ModelFileError, match=r"needs about 9,\d{3} MiB .*--memory-limit-mib is 4,096 MiB.*--slots"):
        check_fits(big_header(), settings)


def test_the_cache_is_counted_by_its_type():
    """8 slots of 4,096 tokens, 32 layers of 8 heads of 128: 4 GiB in f16, 2.1 in q8_0."""
    assert need_of(big_header(), Settings(model="x")).cache == 4 << 30
    assert need_of(big_header(), Settings(model="x", cache_type="q8_0")).cache == (4 << 30) * 34 // 64


def test_a_small_model_fits(tiny):
    """The need of a tiny model is mostly the process."""
    settings = Settings(model=tiny)
    check_fits(read_header(tiny), settings)
    assert need_of(read_header(tiny), settings).total < 300 << 20


@pytest.mark.parametrize(("asked", "given"), [(0, 131072), (4096, 4096), (1 << 20, 131072)])
def test_the_context_is_at_most_what_was_trained(asked, given):
    """More context than the model knows would be noise."""
    assert given == context_of(big_header(), Settings(model="x", context_tokens=asked))
