"""All prompts of a mesh, compiled; which version a caller gets."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from extproc.errors import PromptError
from extproc.prompts.template import Template

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from extproc.config.prompts import Prompts, PromptVersion

DEFAULT_LABEL: Final = "prod"


@dataclass(frozen=True, slots=True)
class Chosen:
    """One version of a prompt."""

    name: str
    number: str
    version: PromptVersion
    digest: str
    """Of the template and its settings: what tells that a version was changed after all."""
    template: Template

    def __str__(self) -> str:
        return f"{self.name}@{self.number}#{self.digest}"

    def render(self, variables: Mapping[str, Any]) -> str:
        """Filled in. Raises PromptError."""
        return self.template.render(variables)


class Library:
    """The prompts of one `mesh.yaml`."""

    def __init__(self, prompts: Prompts) -> None:
        self._prompts = {
            name: {number: _chosen(name, number, versions[number]) for number in sorted(versions, key=_order)}
            for name, versions in sorted(prompts.named.items())
        }

    def __iter__(self) -> Iterator[Chosen]:
        for versions in self._prompts.values():
            yield from versions.values()

    def __bool__(self) -> bool:
        return bool(self._prompts)

    def has(self, name: str) -> bool:
        """Whether there is a prompt of this name."""
        return name in self._prompts

    def get(self, name: str, wanted: str | None = None, caller: str = "") -> Chosen:
        """A version of a prompt: the one of this number or label; else by weights, the one labelled `prod`, or the latest.

        Raises PromptError with what there is.
        """
        versions = self._prompts.get(name)
        if versions is None:
            raise PromptError(f"there is no such prompt; there are: {', '.join(self._prompts) or 'none'}")
        if wanted is not None:
            if wanted in versions:
                return versions[wanted]
            labelled = {label: chosen for chosen in versions.values() for label in chosen.version.labels}
            if wanted in labelled:
                return labelled[wanted]
            known = ", ".join((*versions, *labelled))
            raise PromptError(f"the prompt {name} has no such version or label; there are: {known}")
        weighted = [(chosen, chosen.version.weight) for chosen in versions.values() if chosen.version.weight]
        if weighted:
            return _by_weight(weighted, f"{name}\0{caller}")
        production = [chosen for chosen in versions.values() if DEFAULT_LABEL in chosen.version.labels]
        return production[0] if production else list(versions.values())[-1]


def _by_weight(weighted: list[tuple[Chosen, int]], caller: str) -> Chosen:
    """The same one for the same caller, as long as the weights stay."""
    digest = hashlib.blake2b(caller.encode(errors="surrogatepass"), digest_size=8).digest()
    at = int.from_bytes(digest, "big") % sum(weight for _, weight in weighted)
    for chosen, weight in weighted:
        if at < weight:
            return chosen
        at -= weight
    raise AssertionError("some version has the rest")


def _chosen(name: str, number: str, version: PromptVersion) -> Chosen:
    content = version.model_dump_json(exclude={"labels", "weight", "description"})
    digest = hashlib.sha256(content.encode()).hexdigest()[:12]
    return Chosen(name, number, version, digest, Template(f"{name}@{number}", version))


def _order(number: str) -> tuple[int, str]:
    """Numbers as numbers: 10 comes after 9; words before them."""
    return (int(number), "") if number.isdecimal() else (-1, number)
