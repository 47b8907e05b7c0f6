"""Models that a cloud serves: their requests and answers as the cloud wants them, after everything else was done to them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from extproc.errors import ERRORS_FROM, UntranslatableError
from extproc.payload.answer import Recoded
from extproc.payload.coding import codings, decode
from extproc.payload.translate import spoken
from extproc.payload.translate.platforms import EVENT_STREAM, Reframed, hosted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from extproc.config.models import Model
    from extproc.decision import Forward, Inquiry
    from extproc.payload import ResponseEditor

STEP: Final = "platform"
MOST_BODY_BYTES: Final = 2**31
"""What was read before is within its limits."""


def on_platform(model: Model, inquiry: Inquiry, forward: Forward) -> Forward:
    """A request that goes to a model, as the cloud that serves it wants it. Raises UntranslatableError."""
    if model.platform is None:
        return forward
    headers, removed = inquiry.headers, forward.remove_headers
    target = inquiry.target if forward.target is None else forward.target
    body = inquiry.body if forward.body is None else forward.body
    api = spoken(inquiry.rule, inquiry.path)
    if model.api == "anthropic":
        if api is None:
            raise UntranslatableError(f"{model.platform.name} serves this model for messages, and for nothing else")
        names = () if "content-encoding" in removed else codings(headers.get("content-encoding", ""))
        body = decode(body, names, MOST_BODY_BYTES) if names else body
    beta = "" if "anthropic-beta" in removed else headers.get("anthropic-beta", "")
    new = hosted(model.platform, model.api, target, body, beta=beta, counts=api is not None and api.counts)
    return replace(
        forward,
        body=None if new.body == inquiry.body else new.body,
        target=new.target,
        remove_headers=(*removed, *new.remove_headers),
        answer=(FramesLink(), *forward.answer) if new.reframes else forward.answer,
    )


class FramesLink:
    """The first link of an answer's chain: what comes of the cloud is what the API says. Made for one answer."""

    name: Final = STEP
    masked: Final = True
    unframes: Final = True

    def __init__(self) -> None:
        self._status, self._media = 200, ""

    def headers(self, headers: Mapping[str, str]) -> Mapping[str, str]:
        """See HeadersEdit."""
        status = headers.get(":status", "")
        self._status = int(status) if status.isdigit() else 200
        self._media = headers.get("content-type", "").partition(";")[0].strip().lower()
        if self._status >= ERRORS_FROM:
            return {"content-type": "application/json"}
        return {"content-type": "text/event-stream"} if self._media == EVENT_STREAM else {}

    def editor(self, content_type: str, content_encoding: str) -> ResponseEditor:
        """See AnswerEdit."""
        del content_type
        editor = Reframed(status=self._status, media=self._media)
        names = codings(content_encoding)
        return Recoded(editor, names) if names else editor
