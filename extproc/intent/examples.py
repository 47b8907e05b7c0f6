"""What the classifier is taught: the examples of every intent, its name, and texts that belong to none."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from extproc.config.examples import read_examples, read_texts
from extproc.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from extproc.config import Mesh

BACKGROUND = Path(__file__).parents[1] / "assets" / "background.txt"
"""Things that people say to any assistant; one that is near an intent's examples is left out when a head is learned."""

LANGUAGES = Path(__file__).parents[1] / "assets" / "background-languages.txt"
"""The same in 14 other languages, and more of what is said at work and at home, for an encoder that tells it apart."""


@dataclass(frozen=True)
class Examples:
    """Every example of every intent that has any, in an order of their own: that of the file changes nothing."""

    intents: tuple[str, ...]
    """Those with examples."""
    texts: tuple[str, ...]
    labels: NDArray[np.int64]
    """Place in `intents` of each text."""
    titles: tuple[str, ...] = ()
    """For each intent its name and description in words, or an empty string where the name says nothing."""
    outside: tuple[str, ...] = ()
    """Texts that the user says belong to no intent."""
    background: tuple[str, ...] = ()
    """The bundled ones."""
    languages: tuple[str, ...] = ()
    """More bundled ones, most in other languages than English, for an encoder that knows them."""

    @cached_property
    def digest(self) -> str:
        """Changes with anything that the heads are learned from."""
        digest = sha256()
        for part in (
            self.intents,
            self.texts,
            tuple(map(str, self.labels)),
            self.titles,
            self.outside,
            self.background,
            self.languages,
        ):
            for text in part:
                digest.update(text.encode(errors="replace") + b"\0")
            digest.update(b"\1")
        return digest.hexdigest()

    @classmethod
    def of_mesh(cls, mesh: Mesh) -> Examples:
        """Read the examples in a `mesh.yaml` and in the files that it names."""
        by_intent: dict[str, list[str]] = {}
        for name, intent in mesh.intents.items():
            texts = list(intent.examples)
            if intent.examples_file is not None:
                texts += read_examples(intent.examples_file, name)
            if texts:
                by_intent[name] = texts
        outside = list(mesh.classifier.out_of_scope)
        for intent in mesh.intents.values():
            outside += intent.not_examples
        if mesh.classifier.out_of_scope_file is not None:
            outside += read_texts(mesh.classifier.out_of_scope_file)
        return cls.of_texts(by_intent, outside, {name: intent.description for name, intent in mesh.intents.items()})

    @classmethod
    def of_texts(
        cls,
        texts: Mapping[str, list[str]],
        outside: list[str] | None = None,
        descriptions: Mapping[str, str] | None = None,
    ) -> Examples:
        """Intent -> examples. A text that stands twice in one intent counts once; in two intents it is an error."""
        owner: dict[str, str] = {}
        for name, examples in texts.items():
            for text in examples:
                first = owner.setdefault(" ".join(text.split()), name)
                if first != name:
                    raise ConfigError(
                        f"intents {first} and {name} have the same example; a text can mean one of them only"
                    )
        owner.pop("", None)
        names = sorted(texts)
        number = {name: i for i, name in enumerate(names)}
        kept = sorted(owner, key=lambda text: (number[owner[text]], sha256(text.encode(errors="replace")).digest()))
        described = descriptions or {}
        return cls(
            intents=tuple(names),
            texts=tuple(kept),
            labels=np.array([number[owner[text]] for text in kept], np.int64),
            titles=tuple(_title(name, described.get(name, "")) for name in names),
            outside=tuple(sorted({" ".join(text.split()) for text in outside or ()} - {""})),
            background=_lines(BACKGROUND),
            languages=_lines(LANGUAGES),
        )


def _lines(path: Path) -> tuple[str, ...]:
    return tuple(path.read_text(encoding="utf-8").split("\n")[:-1])


def _title(name: str, description: str) -> str:
    """`card_arrival` -> `card arrival`; a name without a word of three letters, as `intent_7`, says nothing."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|[^A-Za-z]+", " ", name).lower().split()
    telling = [word for word in words if len(word) > 2 and word not in {"intent", "class", "label", "test"}]
    return " ".join([*(words if telling else ()), *description.split()])
