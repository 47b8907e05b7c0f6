"""Requests of generateContent, as an upstream gets them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from extproc.payload.translate import seals
from extproc.payload.translate.content import present
from extproc.payload.translate.conversation import (
    Block,
    Call,
    Choice,
    Form,
    Media,
    Refusal,
    Request,
    Result,
    Text,
    Thinking,
    Thought,
    Tool,
    Turn,
)
from extproc.payload.translate.fields import mistake, parsed_arguments

if TYPE_CHECKING:
    from extproc.payload.translate.fields import Losses

_CONFIG: Final = {
    "max_tokens": "maxOutputTokens",
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "stop": "stopSequences",
    "seed": "seed",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
}
_LEVELS: Final = {"minimal": "MINIMAL", "low": "LOW", "medium": "MEDIUM", "high": "HIGH"}
_MODES: Final = {"auto": "AUTO", "none": "NONE", "any": "ANY", "one": "ANY"}
"""Whether tools are to be called. Forced calls keep to their schemas; where the model may choose, `VALIDATED` has it do so."""


def path(request: Request) -> str:
    """Where a request goes: its model is in the path."""
    method = "streamGenerateContent?alt=sse" if request.stream else "generateContent"
    return f"{_model(request)}:{method}"


def count_path(request: Request) -> str:
    """Where its tokens are counted."""
    return f"{_model(request)}:countTokens"


def _model(request: Request) -> str:
    if not request.model:
        raise mistake("model", "the name of a model")
    return f"/v1beta/models/{quote(request.model.removeprefix('models/'), safe='')}"


def write(request: Request, losses: Losses) -> dict[str, Any]:
    """A request of this API."""
    body: dict[str, Any] = {}
    opening, turns = request.opening()
    if system := [part for turn in opening for part in _Parts(losses, {}).of(turn)]:
        body["systemInstruction"] = {"parts": system}
    body["contents"] = _contents(turns, losses)
    config: dict[str, Any] = {}
    request.put(config, _CONFIG)
    _write_form(config, request)
    _write_thinking(config, request)
    if config:
        body["generationConfig"] = config
    _write_tools(body, request, losses)
    return body


def write_count(request: Request, losses: Losses) -> dict[str, Any]:
    """The same, to be counted."""
    request.take("begun")
    return {"contents": write(request, losses)["contents"]} if not _has_more(request) else _count_all(request, losses)


def _has_more(request: Request) -> bool:
    return "tools" in request.settings or any(turn.role in ("system", "developer") for turn in request.turns)


def _count_all(request: Request, losses: Losses) -> dict[str, Any]:
    name = request.model.removeprefix("models/")
    return {"generateContentRequest": {"model": f"models/{name}", **write(request, losses)}}


def _write_form(config: dict[str, Any], request: Request) -> None:
    form: Form | None = request.take("form")
    if form is not None:
        config["responseMimeType"] = "application/json"
        if form.schema is not None:
            config["responseJsonSchema"] = form.schema


def _write_thinking(config: dict[str, Any], request: Request) -> None:
    setting = request.settings.get("thinking")
    if setting is None:
        return
    thinking: Thinking = setting.value
    made: dict[str, Any] = {}
    if thinking.off:
        made["thinkingBudget"] = 0
    elif thinking.budget is not None:
        made["thinkingBudget"] = thinking.budget
    elif thinking.effort in _LEVELS:
        made["thinkingLevel"] = _LEVELS[thinking.effort]
    elif thinking.effort is not None:
        return
    if not thinking.off:
        made["includeThoughts"] = thinking.shown is not False
    request.take("thinking")
    config["thinkingConfig"] = made


def _write_tools(body: dict[str, Any], request: Request, losses: Losses) -> None:
    tools: list[Tool] | None = request.take("tools")
    choice: Choice | None = request.take("tool_choice")
    if request.settings.get("parallel") and request.settings["parallel"].value:
        request.take("parallel")
    if not tools:
        request.take("parallel")
        return
    body["tools"] = [{"functionDeclarations": [_function(tool, losses) for tool in tools]}]
    mode = _MODES[choice.mode] if choice is not None else None
    if mode in (None, "AUTO") and any(tool.strict for tool in tools):
        mode = "VALIDATED"
    if mode is not None:
        calling: dict[str, Any] = {"mode": mode}
        if choice is not None and choice.mode == "one":
            calling["allowedFunctionNames"] = [choice.name]
        body["toolConfig"] = {"functionCallingConfig": calling}


def _function(tool: Tool, losses: Losses) -> dict[str, Any]:
    losses.lose_cache(tool)
    return present(name=tool.name, description=tool.description, parametersJsonSchema=tool.parameters or None)


def _contents(turns: list[Turn], losses: Losses) -> list[dict[str, Any]]:
    """Turns of one side after the other are one content: all results of calls have to stand together."""
    contents: list[dict[str, Any]] = []
    parts = _Parts(losses, {})
    for turn in turns:
        if turn.role in ("system", "developer"):
            losses.lose(f"{turn.place}.role")
        role = "model" if turn.role == "assistant" else "user"
        made = parts.of(turn)
        if contents and contents[-1]["role"] == role:
            contents[-1]["parts"] += made
        elif made:
            contents.append({"role": role, "parts": made})
    return contents


class _Parts:
    """Makes parts of blocks, and knows which function a result is of."""

    def __init__(self, losses: Losses, names: dict[str, str]) -> None:
        self._losses = losses
        self._names = names

    def of(self, turn: Turn) -> list[dict[str, Any]]:
        """The parts of a turn. A seal stands on the part that it comes before, or on the last."""
        made: list[dict[str, Any]] = []
        seal = ""
        for block in turn.blocks:
            self._losses.lose_cache(block)
            if isinstance(block, Thought):
                if block.signature.startswith(seals.GEMINI):
                    seal = block.signature.removeprefix(seals.GEMINI)
                else:
                    self._losses.lose_thought(block.place, sealed=block.sealed)
                continue
            if name := _name_of(block):
                made.append({"text": name})
            part = self._part(block, turn.role)
            if part is not None:
                if seal:
                    part["thoughtSignature"], seal = seal, ""
                made.append(part)
        if seal and made:
            made[-1]["thoughtSignature"] = seal
        return made

    def _part(self, block: Block, role: str) -> dict[str, Any] | None:
        match block:
            case Text(text=text) | Refusal(text=text):
                return {"text": text} if text else None
            case Call():
                self._names[block.id] = block.name
                place = f"{block.place}.function.arguments"
                call = {"id": block.id, "name": block.name, "args": parsed_arguments(block.arguments, place)}
                return {"functionCall": call}
            case Result():
                return self._result(block)
            case Media(data=data) if data and role == "user":
                if block.detail and block.detail != "auto":
                    self._losses.lose(f"{block.place}.image_url.detail")
                return {"inlineData": {"mimeType": block.media_type, "data": data}}
            case Media(url=url) if url.startswith("https://generativelanguage.googleapis.com/") and role == "user":
                return {"fileData": {"fileUri": url}}
        self._losses.lose_block(block)
        return None

    def _result(self, result: Result) -> dict[str, Any] | None:
        name = self._names.get(result.id)
        if name is None:
            raise mistake(result.place, "the result of a call that stands before it")
        said, media = [], []
        for block in result.content:
            self._losses.lose_cache(block)
            if name := _name_of(block):
                said.append(name)
            if isinstance(block, Text):
                said.append(block.text)
            elif (part := self._part(block, "user")) is not None:
                media.append(part)
        response = {"error" if result.failed else "output": "\n".join(said)}
        made: dict[str, Any] = {"id": result.id, "name": name, "response": response}
        if media:
            made["parts"] = media
        return {"functionResponse": made}


def _name_of(block: Block) -> str:
    """What a file is called, which is said before it: this API has no place for that."""
    return block.name if isinstance(block, Media) else ""
