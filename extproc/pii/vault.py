"""What stands for what in one exchange. Lives and dies with it: no store, no lock, nothing shared."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, TypeVar

from extproc.pii.keys import letters
from extproc.pii.linking import NameLinker
from extproc.pii.restorer import Originals
from extproc.slices import in_slices

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_Sliced = TypeVar("_Sliced", str, bytes)

_MOST_COMPARED = 256 * 2**20
"""Characters of a request that are searched for what its answer says; what is found beyond counts as news, and is masked."""
_WINDOW = 65536
_OVERLAP = 256
_ESCAPES = r"[\s_\\-]*+"
_FORMS = "BCDEFGHJKLMNPQRSTUVWXYZ"


class Vault:
    """Placeholders of one request and the values behind them.

    A value is what the request held, to the letter: two spellings of one address have two placeholders, so that each
    comes back as it was written. Only the names of one person share a number: "Okafor" after "Aisha Okafor" is
    `[PERSON_1B]`, which a model reads as the person that it is, and which comes back as "Okafor".
    Nothing can be asked out of a vault that its own request did not put in.

    With a `key` placeholders end in a few letters of a keyed hash instead of a number: an upstream that remembers what
    it was told hears the same of the same value in every request, and never the same of another.
    """

    def __init__(
        self, *, tolerant: bool = True, link: bool = True, key: bytes | None = None, restore_in_urls: bool = True
    ) -> None:
        self._originals: dict[str, str] = {}
        self._placeholders: dict[tuple[str, str, bool], str] = {}
        self._numbers: set[str] = set()
        self._hosts: dict[str, frozenset[str]] | None = None if restore_in_urls else {}
        self._key = key
        self._counts: dict[str, int] = {}
        self._taken: dict[str, set[int]] = {}
        self._known: set[str] = set()
        self._links = link and key is None
        self._linker: NameLinker | None = None
        self._forms: dict[str, int] = {}
        self._texts: tuple[str, ...] = ()
        self._may_compare = _MOST_COMPARED
        self._restored_by: Originals | None = None
        self.tolerant = tolerant

    def __len__(self) -> int:
        return len(self._originals)

    def __repr__(self) -> str:
        return f"<Vault with {len(self)} placeholders>"

    @property
    def originals(self) -> Mapping[str, str]:
        """Placeholder -> value."""
        return self._originals

    def reserve(self, entity_types: Iterable[str], texts: Iterable[str], body: bytes = b"") -> None:
        """Look once for what could be taken for a placeholder of these types: those numbers are not given out."""
        new = [entity_type for entity_type in entity_types if entity_type not in self._taken]
        taken: dict[str, set[int]] = {entity_type: set() for entity_type in new}
        windows = (window for text in texts for window in _windows(text))
        every = chain(windows, (window.decode(errors="replace") for window in _windows(body)))
        for window in in_slices(every, 32):
            large = window.upper()  # in one case, so that a search begins where the first letters stand
            for entity_type in new:
                if entity_type.partition("_")[0].upper() in large:
                    taken[entity_type].update(_numbers(entity_type, large))
        self._taken.update(taken)

    def placeholder(self, entity_type: str, value: str, *, number: bool = False) -> str:
        """The placeholder of a value: the one it has already, or the next of its type.

        `number`: it is a number of JSON, which comes back as one where its placeholder fills a string.
        """
        known = self._placeholders.get((entity_type, value, number))
        if known is not None:
            return known
        placeholder = self._of_person(value) if entity_type == "PERSON" else None
        if placeholder is None:
            placeholder = self._numbered(entity_type) if self._key is None else self._hashed(entity_type, value, number)
        self._placeholders[entity_type, value, number] = placeholder
        return self.admit(placeholder, value, number=number)

    def admit(self, placeholder: str, value: str, *, number: bool = False) -> str:
        """Restore this, which stands for a value: a token that was encrypted here, or came with the request."""
        self._originals[placeholder] = value
        if number:
            self._numbers.add(placeholder)
        self._restored_by = None
        return placeholder

    def remember_hosts(self, placeholder: str, hosts: frozenset[str]) -> None:
        """Note that the request held a value in a URL of these hosts: into such it may come back."""
        if self._hosts is not None and hosts:
            self._hosts[placeholder] = self._hosts.get(placeholder, frozenset()) | hosts
            self._restored_by = None

    @property
    def minds_urls(self) -> bool:
        """Whether it matters in which URLs the request held a value."""
        return self._hosts is not None

    def _hashed(self, entity_type: str, value: str, number: bool) -> str:
        assert self._key is not None
        attempt = int(number)
        while (placeholder := f"[{entity_type}_{letters(self._key, entity_type, value, attempt)}]") in self._originals:
            attempt += 2  # two values of one request that hash alike
        return placeholder

    def _numbered(self, entity_type: str) -> str:
        number = self._counts.get(entity_type, 0) + 1
        while number in self._taken.get(entity_type, ()):
            number += 1
        self._counts[entity_type] = number
        return f"[{entity_type}_{number}]"

    def _of_person(self, name: str) -> str | None:
        """The number of a person whom the request named before in another form, and a letter for this one."""
        if self._links and self._linker is None:
            self._linker = NameLinker()
        leader = self._linker.leader(name) if self._linker else name
        first = self._placeholders.get(("PERSON", leader, False))
        form = self._forms.get(leader, 0)
        if first is None or form == len(_FORMS):
            return None
        self._forms[leader] = form + 1
        return f"{first[:-1]}{_FORMS[form]}]"

    def remember(self, value: str) -> None:
        """Note a value that the request held, whatever was done with it: it is no news when the model utters it."""
        self._known.add(value.casefold())

    def remember_texts(self, texts: Iterable[str]) -> None:
        """Note all that the request said, for answers that are redacted: what was no finding there may be one in the answer."""
        self._texts = tuple(texts)

    def knows(self, value: str) -> bool:
        """Whether the request held this value."""
        if value.casefold() in self._known:
            return True
        for text in self._texts:
            self._may_compare -= len(text)
            if self._may_compare < 0:
                return False
            if value in text:
                return True
        return False

    @property
    def restorer(self) -> Originals:
        """Makes the restorers of the texts of an answer."""
        if self._restored_by is None:
            self._restored_by = Originals(
                self._originals, tolerant=self.tolerant, numbers=frozenset(self._numbers), hosts=self._hosts
            )
        return self._restored_by


def _windows(text: _Sliced) -> Iterator[_Sliced]:
    """A text in pieces that overlap by more than a placeholder: what is looked at takes no memory of the text's size."""
    for start in range(0, len(text), _WINDOW):
        yield text[start : start + _WINDOW + _OVERLAP]


def _numbers(entity_type: str, large: str) -> Iterator[int]:
    return (int(match[1]) for match in _written(entity_type).finditer(large))


@lru_cache(maxsize=512)
def _written(entity_type: str) -> re.Pattern[str]:
    """Every spelling of a type with a number, in large letters and brackets aside, that a tolerant restorer could take for a
    placeholder.
    """
    name = _ESCAPES.join(map(re.escape, entity_type.upper().split("_")))
    return re.compile(rf"{name}{_ESCAPES}0*([0-9]{{1,9}})", re.ASCII)
