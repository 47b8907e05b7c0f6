"""A request for a model that speaks another API than its caller: brought there masked, and its answer brought back."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from extproc.decision import Verdict
from extproc.errors import ERRORS_FROM, UntranslatableError
from extproc.payload import translate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from extproc.config.intercept import Intercept
    from extproc.config.models import Model
    from extproc.payload import ResponseEditor
    from extproc.payload.translate import AnswerTranslation, Dialect, Spoken

STEP: Final = "translate"
_POSITION: Final = re.compile(r"\[\d+\]")
CALLER_HEADERS: Final = (
    "anthropic-beta",
    "anthropic-version",
    "anthropic-dangerous-direct-browser-access",
    "openai-organization",
    "openai-project",
)
"""What clients say to the API that they speak, and another would not understand."""


@dataclass(frozen=True, slots=True)
class Pair:
    """What a caller speaks, what its model speaks, and what becomes of the rest."""

    caller: Spoken
    upstream: Dialect
    drop: bool

    def request(self, body: bytes, model: str | None) -> translate.Translated:
        """The request as the upstream gets it. Raises UntranslatableError."""
        return translate.request(self.caller, self.upstream, body, model=model, drop=self.drop)


class Translations:
    """Which requests have to be translated, for the models of one mesh."""

    def __init__(self, models: Mapping[str, Model], *, attempts: bool = False) -> None:
        """`attempts`: those at a model that others may stand in for; the first pass leaves them to each attempt."""
        self._attempts = attempts
        self.models = models
        self._reframed = any(model.platform is not None and model.api == "anthropic" for model in models.values())
        self._spoken_by_all = {
            api for api in translate.CALLER_DIALECTS if all(model.speaks(api) for model in models.values())
        }

    def possible(self, rule: Intercept, target: str) -> bool:
        """Whether a request to this path may have to be."""
        spoken = translate.spoken(rule, target.partition("?")[0])
        return spoken is not None and (self._reframed or spoken.dialect not in self._spoken_by_all)

    def pair(self, rule: Intercept, path: str, name: str) -> Pair | None:
        """Between what a request that goes to a model is brought; None: it goes as it is.

        Raises UntranslatableError for what the model's API has nothing for.
        """
        model = self.models[name]
        if model.fallback and not self._attempts:
            return None
        spoken = translate.spoken(rule, path)
        if spoken is None:
            if model.api is not None and (other := translate.only_openai(rule, path, model.api)):
                raise UntranslatableError(
                    f"the model that gets this request speaks {other[1]}, which has no {other[0]}"
                )
            return None
        if model.speaks(spoken.dialect):
            return None
        upstream: Dialect = "openai" if model.api in (None, "llama.cpp") else model.api  # type: ignore[assignment]
        return Pair(spoken, upstream, model.drop_unsupported)


class AnswerLink:
    """The first link of an answer's chain. Made for one answer."""

    name: Final = STEP
    masked: Final = True
    needs_body: Final = True

    def __init__(self, answer: AnswerTranslation) -> None:
        self._answer = answer
        self._status = 200

    def headers(self, headers: Mapping[str, str]) -> Mapping[str, str]:
        """See HeadersEdit: an error in words becomes one of JSON, an answer in one piece a stream where one was asked for."""
        status = headers.get(":status", "")
        self._status = int(status) if status.isdigit() else 200
        media = headers.get("content-type", "").lower()
        if self._answer.streamed and self._status < ERRORS_FROM:
            return {} if media.startswith("text/event-stream") else {"content-type": "text/event-stream"}
        return {} if "json" in media or media.startswith("text/event-stream") else {"content-type": "application/json"}

    def editor(self, content_type: str, content_encoding: str) -> ResponseEditor:
        """See AnswerEdit."""
        media = content_type.partition(";")[0].strip().lower()
        return self._answer.editor(status=self._status, media=media, content_encoding=content_encoding)


def dropped(names: tuple[str, ...]) -> tuple[Verdict, ...]:
    """What was left out of a request, told: by the names of fields, of which there are few, and not by where they stood."""
    places = dict.fromkeys(_POSITION.sub("", name) for name in names)
    return tuple(Verdict(STEP, "flag", f"dropped {name}") for name in places)
