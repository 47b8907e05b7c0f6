"""The bundled encoder: the same vectors as the original's, whatever the batch, at a cost that does not grow with the text."""

from pathlib import Path

import numpy as np
import pytest

from extproc.embedding.encoder import Encoder
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


def test_means_of_layers(encoder):
    """The mean over the tokens is an output for some layers; that of the last one is what fastembed makes of its states."""
    rows = [encoder.tokenize(text, 128) for text in ("hot bearing", "please cancel my order")]
    (last, first), mask = encoder.run(rows, ["mean_6", "mean_0"])
    assert first.shape == last.shape == (2, 384)
    assert mask.sum(axis=1).tolist() == [4, 6]
    assert np.allclose(last, encoder.embed(rows), atol=1e-5)


def test_two_halves_are_the_whole(encoder):
    """Stopping halfway and going on gives what one pass gives; who goes on alone is not widened by who stayed behind."""
    rows = [encoder.tokenize(text, 128) for text in ("hot bearing", "please cancel my order and refund it")]
    (middle, last), _ = encoder.run(rows, ["mean_3", "mean_6"])
    halfway = encoder.start(rows, ["mean_3"])
    assert np.array_equal(middle, halfway.outputs[0])
    assert np.array_equal(last, encoder.finish(halfway, [0, 1], ["mean_6"])[0])
    (alone,) = encoder.finish(halfway, [0], ["mean_6"])
    assert float(alone[0] @ last[0]) > 0.985


def test_quiet_to_load(capfd):
    """Nothing is written where a user would look for what went wrong."""
    Encoder.load()
    assert capfd.readouterr() == ("", "")


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
