"""The weights of `extproc/difficulty.py`, and how good they are on prompts that they were not fitted to.

python -m tests.quality.fit_difficulty
"""

import json
from pathlib import Path

import numpy as np

from extproc.difficulty import FEATURES, features
from extproc.intent.measure import auroc

ROWS = Path(__file__).parent / "data" / "difficulty.jsonl"
PENALTY = 2.0
FOLDS = 5


def rows():
    """Features and labels."""
    read = [json.loads(line) for line in ROWS.read_text(encoding="utf-8").splitlines()]
    return np.array([features(row["text"]) for row in read]), np.array([row["hard"] for row in read])


def fitted(x, hard):
    """Logistic regression by Newton's method; the last weight, which stands by itself, is not penalised."""
    x = np.concatenate([x, np.ones((len(x), 1))], axis=1)
    pull = np.diag([PENALTY] * (x.shape[1] - 1) + [1e-6])
    weights = np.zeros(x.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-(x @ weights)))
        weights -= np.linalg.solve((x * (p * (1 - p))[:, None]).T @ x + pull, x.T @ (p - hard) + pull @ weights)
    return weights


def crossed(x, hard):
    """Probabilities by those that were fitted to the other folds."""
    told = np.zeros(len(hard))
    for fold in range(FOLDS):
        held = np.arange(len(hard)) % FOLDS == fold
        told[held] = 1 / (1 + np.exp(-(np.c_[x[held], np.ones(held.sum())] @ fitted(x[~held], hard[~held]))))
    return told


def main():
    """Print them."""
    x, hard = rows()
    told = crossed(x, hard)
    weights = fitted(x, hard)
    print(dict(zip((*FEATURES, "alone"), weights.round(3).tolist(), strict=True)))
    print("WEIGHTS =", tuple(weights.round(2).tolist()))
    print("AUROC", auroc(told[hard], told[~hard]), "right", float(((told > 0.5) == hard).mean()))


if __name__ == "__main__":
    main()
