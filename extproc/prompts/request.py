"""A request that names a prompt, with the prompt in it.

It is named as OpenAI's clients do, by `prompt: {id, version, variables}` in the body, or by a header, for services that know
nothing of chats: then the body is the variables, or has them under `variables` beside other fields of the API.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from extproc.config.wire_names import PROMPT_HEADER
from extproc.errors import PromptError, UnreadableBodyError
from extproc.payload.translate.fields import encoded, parsed

if TYPE_CHECKING:
    from collections.abc import Callable

    from extproc.prompts.library import Chosen, Library

_NAMED: Final = re.compile(rb'"prompt"\s*:\s*\{')
_STORED: Final = "pmpt_"
"""How ids of prompts begin that OpenAI stores: they are the upstream's."""
_NAMES: Final = dict.fromkeys(("id", "version", "variables"))
"""Of what names a prompt, in the order in which they are told."""
_SAID: Final = {"openai": "messages", "anthropic": "messages", "openai-responses": "input"}


def may_name(body: bytes, header: str) -> bool:
    """Whether a request may name a prompt: cheap, for all of them."""
    return bool(header) or _NAMED.search(body) is not None


def prompted(
    body: bytes, header: str, dialect: str, library: Library, caller: Callable[[], str]
) -> tuple[bytes, Chosen] | None:
    """The body with the prompt in it, and which one it is; None: none of ours is named.

    Raises PromptError, and UnreadableBodyError for a body that is no object of JSON though a prompt is named.
    """
    value = parsed(body)
    if not isinstance(value, dict):
        if header:
            raise UnreadableBodyError(f"a request with {PROMPT_HEADER} needs a body that is an object of JSON")
        return None
    if header:
        name, _, wanted = header.partition("@")
        chosen = library.get(name, wanted or None, caller())
        value = _of_service(value, _SAID[dialect])
    else:
        named = value.get("prompt")
        if not isinstance(named, dict) or (asked_for := _asked(named, library, caller)) is None:
            return None
        chosen = asked_for
        value = {key: item for key, item in value.items() if key != "prompt"}
        value["variables"] = named.get("variables")
    variables = value.pop("variables", None)
    if variables is None:
        variables = {}
    if not isinstance(variables, dict):
        raise PromptError("`prompt.variables` must be an object")
    text = chosen.render(variables)
    if chosen.version.model and value.get("model") in (None, "", "auto"):
        value["model"] = chosen.version.model
    return encoded(put(value, text, dialect, chosen.version.role)), chosen


def _asked(named: dict[str, Any], library: Library, caller: Callable[[], str]) -> Chosen | None:
    """The version that `prompt` names; None: it is not ours."""
    known, version = named.get("id"), named.get("version")
    if not isinstance(known, str) or (not library.has(known) and known.startswith(_STORED)):
        return None
    if named.keys() - _NAMES.keys():
        raise PromptError(f"`prompt` has no such key; its keys are: {', '.join(_NAMES)}")
    if version is not None and not isinstance(version, str | int):
        raise PromptError("`prompt.version` must be a version or a label")
    return library.get(known, None if version is None else str(version), caller())


def _of_service(value: dict[str, Any], field: str) -> dict[str, Any]:
    """A body of variables alone, or of an API's fields with the variables beside them."""
    if "variables" in value or field in value:
        return dict(value)
    return {"variables": value}


def put(value: dict[str, Any], text: str, dialect: str, role: str | None) -> dict[str, Any]:
    """A request with a text before all that it says."""
    key = _SAID[dialect]
    turns = value.get(key)
    if isinstance(turns, str):
        turns = [{"role": "user", "content": turns}]
    messages = turns if isinstance(turns, list) else []
    role = role or ("system" if messages else "user")
    if role == "user" or dialect == "openai":
        return {**value, key: [{"role": role, "content": text}, *messages]}
    field = "system" if dialect == "anthropic" else "instructions"
    given = value.get(field)
    if isinstance(given, list):
        return {**value, field: [{"type": "text", "text": text}, *given], key: messages}
    return {**value, field: f"{text}\n\n{given}" if isinstance(given, str) and given else text, key: messages}
