"""What the detector of attacks learns from: public sources whose licences allow it, and texts of the project's own."""

from __future__ import annotations

import ast
import json
import re
import sysconfig
from importlib.metadata import distributions
from pathlib import Path
from pydoc_data.topics import topics
from typing import TYPE_CHECKING, NamedTuple

from guardrails.grammar import Grammar

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

FREE_LICENCES = ("CC0", "CC BY 4.0", "CC BY 3.0", "MIT", "Apache-2.0")
"""Of single rows: any other is left out."""
ASKS_MODELS = ("lm-sys/FastChat", "openai/human-eval")
"""What is written for a model to obey is harmless in what a user says alone."""
DIRECT, INDIRECT, BOTH = "d", "i", "di"
OWN_ATTACKS = {
    "OVERRIDE": (900, BOTH),
    "LEAK": (500, BOTH),
    "SECRETS": (500, BOTH),
    "JAILBREAK": (700, BOTH),
    "AGENT": (1400, INDIRECT),
    "TRICKS": (1600, BOTH),
    "PLANTED": (2000, INDIRECT),
    "FOREIGN": (600, BOTH),
}
OWN_HARMLESS = {
    "ORDINARY_IGNORE": (700, BOTH),
    "ROLE": (500, DIRECT),
    "SCENARIO": (500, BOTH),
    "SECURITY": (400, BOTH),
    "PROMPTS": (300, DIRECT),
    "ASKS": (500, DIRECT),
    "LISTED": (1000, BOTH),
    "DOCS": (400, BOTH),
    "ASKED": (2000, DIRECT),
    "QUESTIONS": (800, INDIRECT),
    "FOUND": (1600, BOTH),
    "OTHERS": (300, BOTH),
}
"""List of a grammar -> how many texts of it, and for which side. A request to an assistant is harmless in what a user says, and
an attack in what a tool brings."""
_LONG, _PROSE = 400, 900
_LONG_LISTS = {
    DIRECT: ("LISTED", "DOCS", "ORDINARY_IGNORE", "PROSE"),
    INDIRECT: ("DOCS", "ORDINARY_IGNORE", "SECURITY", "PROSE", "FOUND"),
}
"""Of which texts of several sentences are made."""
_DOCSTRINGS, _TOPICS, _CODE = 1500, 700, 300
_LEAST_DOCSTRING = 150
_TALK, _THREADS, _LISTS, _MOST_TOGETHER = 900, 250, 400, 24
_MODULES, _EACH_PACKAGE = 300, 40
"""Of a package, the files that are looked into and the docstrings that are taken."""
_MOST_CHARACTERS = 3000
_MOST_OF_README = 16_000
_FREE = re.compile(r"\b(?:MIT|Apache|BSD|ISC|PSF|Python Software Foundation)\b")


class Row(NamedTuple):
    """One text."""

    text: str
    attack: bool
    sides: str
    """DIRECT, INDIRECT or BOTH: where it is what `attack` says."""
    source: str


def rows(shared: Path, rng: Random) -> list[Row]:
    """All of them, no text twice. `shared`: the folder of the public data."""
    found = [*_prompts(shared), *_own(rng), *_ordinary(shared, rng), *_prose(rng), *_packages(rng)]
    return list({(row.text, row.attack): row for row in found}.values())


def _prompts(shared: Path) -> Iterator[Row]:
    for row in _lines(shared / "guardrails" / "prompts.jsonl"):
        if row["label"] == "unsafe":
            continue
        attack = row["label"] != "benign"
        sides = DIRECT if row["where"] == "direct" else INDIRECT
        if row["where"] == "direct" and (attack or row["source"] == "piguard-valid"):
            sides = BOTH
        yield Row(row["text"], attack, sides, row["source"] + ("" if attack else "-harmless"))


def _own(rng: Random) -> Iterator[Row]:
    attacks, harmless, languages = (
        Grammar("attacks.txt", "indirect.txt", "intents.txt"),
        Grammar("harmless.txt", "lookalikes.txt", "prose.txt"),
        Grammar("languages.txt"),
    )
    for name, (count, sides) in OWN_ATTACKS.items():
        yield from (Row(text, True, sides, f"own-{name.lower()}") for text in attacks.texts(name, count, rng))
    for name, (count, sides) in OWN_HARMLESS.items():
        yield from (Row(text, False, sides, f"own-{name.lower()}") for text in harmless.texts(name, count, rng))
    for name in languages.lists:
        if name.startswith("ATTACK_"):
            count = 90 if name.endswith(("_de", "_es", "_fr")) else 50
            yield from (Row(text, True, BOTH, "own-languages") for text in languages.texts(name, count, rng))
        elif name.startswith("HARMLESS_"):
            texts = languages.texts(name, 200, rng)
            yield from (Row(text, False, BOTH, "own-languages-harmless") for text in texts)
    for side, lists in _LONG_LISTS.items():
        for _ in range(_LONG):
            text = " ".join(harmless.text(rng.choice(lists), rng) for _ in range(rng.randint(3, 14)))
            yield Row(text, False, side, "own-long")
    for _ in range(_PROSE):
        text = " ".join(harmless.text("PROSE", rng) for _ in range(rng.randint(1, 16)))
        yield Row(text, False, BOTH, "own-prose")


def _ordinary(shared: Path, rng: Random) -> Iterator[Row]:
    clinc = [row["text"] for row in _lines(shared / "intents" / "clinc150.jsonl") if row["split"] in ("train", "val")]
    yield from (Row(text, False, DIRECT, "clinc150") for text in rng.sample(clinc, 2500))
    for _ in range(_LISTS):
        said = rng.sample(clinc, rng.randint(3, _MOST_TOGETHER))
        yield Row(rng.choice((" ", ". ", "\n")).join(said), False, DIRECT, "clinc150-lists")
    for name in ("btc", "wnut17"):
        talk = [row["text"] for row in _lines(shared / "names" / "names.jsonl") if row["source"] == name]
        yield from (Row(text, False, BOTH, name) for text in rng.sample(talk, _TALK))
        for _ in range(_THREADS):
            at = rng.randrange(len(talk) - _MOST_TOGETHER)
            yield Row(" ".join(talk[at : at + rng.randint(4, _MOST_TOGETHER)]), False, BOTH, f"{name}-threads")
    for name in ("no_pii_probe", "ambientmeta", "pl_pii_bench", "datafog_corpus", "pii_synthetic_nano"):
        for row in _lines(shared / "pii" / f"{name}.jsonl"):
            about = row.get("meta") or {}
            licence = about.get("upstream_licence")
            if licence is None or licence in FREE_LICENCES:
                yield Row(row["text"], False, DIRECT if about.get("repo") in ASKS_MODELS else BOTH, name)
    for name in "ac":
        yield from (
            Row(row["text"], False, DIRECT, "real_use")
            for row in _lines(shared / "intents" / "real_use" / f"{name}.jsonl")
        )
    yield from (Row(row["text"], False, BOTH, "reports") for row in _lines(shared / "reports" / "personal_data.jsonl"))


def _prose(rng: Random) -> Iterator[Row]:
    """Docstrings and pieces of code of Python's standard library, and paragraphs of its manual."""
    docstrings, code = [], []
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py")):
        source = path.read_text(encoding="utf-8")
        docstrings += _docstrings(source)
        code += [source[at : at + _MOST_CHARACTERS] for at in range(0, len(source), 4 * _MOST_CHARACTERS)]
    yield from (Row(text, False, BOTH, "code") for text in rng.sample(code, min(len(code), _CODE)))
    yield from (
        Row(text[:_MOST_CHARACTERS], False, BOTH, "stdlib")
        for text in rng.sample(docstrings, min(len(docstrings), _DOCSTRINGS))
    )
    paragraphs = [part for topic in topics.values() for part in topic.split("\n\n") if 150 < len(part) < 1500]
    yield from (
        Row(text, False, BOTH, "python-manual") for text in rng.sample(paragraphs, min(len(paragraphs), _TOPICS))
    )


def _packages(rng: Random) -> Iterator[Row]:
    """What packages of this environment with a free licence say of themselves, and their docstrings: orders to people."""
    for package in sorted(distributions(), key=lambda one: one.name.lower()):
        about = package.metadata
        licence = " ".join(
            [*about.get_all("Classifier", []), about.get("License-Expression", ""), about.get("License", "")[:80]]
        )
        if not _FREE.search(licence) or package.name == "intentmesh":
            continue
        said = about.get_payload()
        if isinstance(said, str) and len(said) > 1500:
            yield Row(said[:_MOST_OF_README], False, BOTH, "readmes")
        paths = sorted(str(package.locate_file(file)) for file in package.files or () if file.suffix == ".py")
        found = [text for path in paths[:_MODULES] for text in _docstrings(_source(path))]
        found = list(dict.fromkeys(found))
        for text in rng.sample(found, min(len(found), _EACH_PACKAGE)):
            yield Row(text[:_MOST_CHARACTERS], False, BOTH, "docstrings")


def _source(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _docstrings(source: str) -> list[str]:
    """The longer ones of a module."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return []
    nodes = (node for node in ast.walk(tree) if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)))
    return [said for node in nodes if (said := ast.get_docstring(node)) and len(said) > _LEAST_DOCSTRING]


def _lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
