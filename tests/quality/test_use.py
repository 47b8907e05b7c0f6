"""Meshes as teams write them, two to six examples an intent, and texts as people send them: five meshes, 209 texts, English,
German and others. With the bundled encoder alone, and with the multilingual one beside it.
"""

import json
from math import sqrt
from pathlib import Path

import pytest
import yaml

from extproc.config import parse
from extproc.embedding.encoder import Encoder
from extproc.embedding.encoders import Encoders
from extproc.intent import Classifier

OURS = Path(__file__).parent / "data" / "use"
THEIRS = Path(__file__).parents[3] / "shared" / "data" / "intents" / "real_use"
pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.skipif(not THEIRS.is_dir(), reason="needs ../shared/data/intents: the floors are of all five meshes"),
]


def meshes_in(folder):
    """Name -> the intents of a mesh, and its rows; both in one file."""
    found = {}
    for path in sorted(folder.glob("*.jsonl")):
        intents, rows = {}, []
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            if row["split"] == "train":
                intents.setdefault(row["intent"], {"examples": []})["examples"].append(row["text"])
            else:
                rows.append((row["text"], row["intent"]))
        found[path.stem] = intents, rows
    return found


def meshes():
    """All of them."""
    found = meshes_in(OURS)
    for path in sorted(THEIRS.glob("*.jsonl")):
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        found[path.stem] = (
            yaml.safe_load(path.with_suffix(".yaml").read_text(encoding="utf-8"))["intents"],
            [(row["text"], row["intent"]) for row in rows],
        )
    return found


def mesh_of(intents):
    """A mesh with these intents and nothing else."""
    model = {"general": {"endpoints": [{"address": "127.0.0.1:8081"}]}}
    return parse(yaml.safe_dump({"version": 1, "models": model, "default_model": "general", "intents": intents}))


def interval(hits, of):
    """Wilson's, at 95 %."""
    if not of:
        return "none"
    share, z = hits / of, 1.96
    middle, half = share + z * z / (2 * of), z * sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    low, high = ((middle + sign * half) / (1 + z * z / of) for sign in (-1, 1))
    return f"{share:.2f} ({low:.2f} to {high:.2f})"


def measured(encoders):
    """Over all meshes: the share of texts in scope whose best guess is right, of those that reach their intent, and of what is
    accepted that is right.
    """
    inside = best = reached = accepted = 0
    for name, (intents, rows) in meshes().items():
        classifier = Classifier(mesh_of(intents), encoders, keep=False)
        scores = [(classifier.classify_now(text), intent) for text, intent in rows]
        classifier.close()
        of = sum(intent is not None for _, intent in scores)
        guessed = sum(intent is not None and score.best == intent for score, intent in scores)
        right = sum(score.intent is not None and score.intent == intent for score, intent in scores)
        taken = sum(score.intent is not None for score, _ in scores)
        print(f"{name}: best {interval(guessed, of)}, reach {interval(right, of)}, precision {interval(right, taken)}")
        inside, best, reached, accepted = inside + of, best + guessed, reached + right, accepted + taken
    print(
        f"all: best {interval(best, inside)}, reach {interval(reached, inside)}, precision {interval(reached, accepted)}"
    )
    return best / inside, reached / inside, reached / accepted


def test_bundled():
    """English alone: what is not English is not understood, and hardly accepted."""
    best, reached, precision = measured(Encoders(Encoder.load()))
    assert best >= 0.70
    assert reached >= 0.40
    assert precision >= 0.78


def test_multilingual(multilingual):
    """Both side by side: nine texts in ten are guessed right."""
    best, reached, precision = measured(multilingual)
    assert best >= 0.88
    assert reached >= 0.76
    assert precision >= 0.87
