"""The bundled encoder: the same vectors as the original's, whatever the batch, at a cost that does not grow with the text."""

from pathlib import Path

import numpy as np
import pytest

from extproc.encoder import Encoder, mean_pool
from extproc.errors import ConfigError

REFERENCES = Path(__file__).parent / "data" / "reference_embeddings.npz"


@pytest.fixture(scope="module")
def encoder():
    """The bundled model, loaded once."""
    return Encoder.load()


def test_agrees_with_float32(encoder):
    """Int8 weights turn a vector by a few degrees at most: cosine to the original in float32 of 0.98 and more."""
    with np.load(REFERENCES) as references:
        texts, expected = references["texts"].tolist(), references["embeddings"].astype(np.float32)
    vectors = encoder.embed([encoder.tokenize(text, 126) for text in texts])
    cosines = (vectors * expected).sum(axis=1)
    assert cosines.min() > 0.975
    assert cosines.mean() > 0.988


def test_batch_changes_nothing(encoder):
    """A text beside a longer one gets the hidden states that it gets alone, up to the rounding of shared int8 scales."""
    rows = [
        encoder.tokenize(text, 128) for text in ("hot bearing", "please cancel my order and refund the whole amount")
    ]
    together = encoder.embed(rows)
    alone = np.concatenate([encoder.embed([row]) for row in rows])
    assert (together * alone).sum(axis=1).min() > 0.985


def test_named_hidden_states(encoder):
    """Hidden states of earlier layers come from the same pass, by name, and the last one is the same with or without."""
    rows = [encoder.tokenize("hot bearing", 128)]
    (last,), _ = encoder.run(rows)
    (again, first), mask = encoder.run(rows, ["last_hidden_state", "hidden_0"])
    assert encoder.hidden_layers == ["hidden_0", "hidden_2", "hidden_4"]
    assert first.shape == last.shape == (1, 4, 384)
    assert np.array_equal(last, again)
    assert np.allclose(mean_pool(last, mask), encoder.embed(rows), atol=1e-5)


@pytest.mark.parametrize("text", ["", "\N{FIRE}", "a" * 1_000_000, "word " * 200_000, "\x00\x01", "\ud800"])
def test_any_text_has_ids(encoder, text):
    """No text is too odd or too long: a vector of length one comes back."""
    ids = encoder.tokenize(text, 128)
    assert len(ids) <= 128
    assert np.isclose(np.linalg.norm(encoder.embed([ids])), 1, atol=1e-4)


def test_long_text_is_head_and_tail(encoder):
    """Above the budget both ends are read and the middle is not."""
    ids = encoder.tokenize("first " + "middle " * 10_000 + "last", 16)
    assert encoder.tokenizer.decode(ids).split()[0] == "first"
    assert encoder.tokenizer.decode(ids).split()[-1] == "last"


def test_unknown_model():
    """A model that fastembed does not know is a mistake in the configuration, with its name."""
    with pytest.raises(ConfigError, match="no-such-model"):
        Encoder.load("no-such-model")
