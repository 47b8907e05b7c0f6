"""Text -> findings: one scan collects candidates, one resolver decides."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache

from extproc.config.pii import PACKS, PiiSettings
from extproc.pii.results import RecognizerResult

TextRecognizer = Callable[[str], Iterable[RecognizerResult]]
"""A recognizer that reads whole texts, as the name model does; its findings go through the same resolver."""

_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+")


class Analyzer:
    """Finds personal data. Immutable after construction, so all streams share one."""

    def __init__(self, settings: PiiSettings, extra: Sequence[TextRecognizer] = ()) -> None:
        self._settings = settings
        self._extra = tuple(extra)

    def analyze(self, text: str, key: str | None = None) -> list[RecognizerResult]:
        """Findings in the order of the text, none overlapping another. `key` labels the text as a whole: a JSON key."""
        del key
        found = [RecognizerResult("EMAIL_ADDRESS", *m.span(), 1.0, ("shape",)) for m in _EMAIL.finditer(text)]
        for recognize in self._extra:
            found += recognize(text)
        return sorted(found, key=lambda result: result.start)


@cache
def _with_every_pack() -> Analyzer:
    return Analyzer(PiiSettings(packs=PACKS))


def analyze(text: str) -> list[RecognizerResult]:
    """Find personal data at default configuration with every pack on."""
    return _with_every_pack().analyze(text)
