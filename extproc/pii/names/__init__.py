"""People, places, organisations and street addresses: what has no pattern.

`recognizer(settings, entities)` builds the recognizer that `Analyzer` calls beside its table of patterns.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from extproc.config.names import NAME_TYPES, NAME_TYPES_BY_DEFAULT
from extproc.pii.names.cascade import NameCascade
from extproc.pii.names.engine import TokenClassifier
from extproc.pii.names.light import LightModel
from extproc.pii.names.recognizer import NameRecognizer
from extproc.pii.names.runner import NameModel

if TYPE_CHECKING:
    from extproc.config.names import NameSettings
    from extproc.config.pii import PiiSettings

__all__ = ["LightModel", "NameCascade", "NameModel", "NameRecognizer", "TokenClassifier", "recognizer", "wanted"]


@cache
def _bundled() -> tuple[LightModel, NameModel]:
    """One of each per process."""
    return LightModel(), NameModel()


def wanted(settings: PiiSettings) -> frozenset[str]:
    """The types that the name model looks for: people and addresses, all with the pack `extended`, or as `pii.entities` says."""
    by_pack = NAME_TYPES if "extended" in settings.packs else NAME_TYPES_BY_DEFAULT
    kept = {name for name, operator in settings.entities.items() if operator.operator == "keep"}
    return frozenset(({*by_pack, *settings.entities} & {*NAME_TYPES}) - kept)


def recognizer(settings: NameSettings, entities: frozenset[str]) -> NameRecognizer | None:
    """The recognizer for these types; None where none is wanted."""
    if not settings.enabled or not entities:
        return None
    if settings.engine:
        return NameRecognizer(settings, entities, TokenClassifier(settings.engine))
    return NameRecognizer(settings, entities, NameCascade(entities, *_bundled(), settings.second_look_tokens))
