"""Reading JSON of a known API with nothing overlooked: what is not read is reported, what has the wrong type is a mistake."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any, Final, TypeVar, overload

from extproc.errors import UntranslatableError

if TYPE_CHECKING:
    from extproc.payload.translate.conversation import Block, Tool

Read = TypeVar("Read")

_WORDS: Final = {
    str: "a text", bool: "true or false", int: "a whole number", float: "a number", list: "a list", dict: "an object",
}  # fmt: skip
_MOST_NAMED: Final = 8
KNOWN: Final = frozenset(
    """
    model messages input instructions system stream stream_options include_usage include_obfuscation max_tokens
    max_completion_tokens max_output_tokens max_tool_calls temperature top_p top_k min_p typical_p stop stop_sequences seed n
    best_of logprobs top_logprobs logit_bias frequency_penalty presence_penalty repetition_penalty tools tool_choice functions
    function_call parallel_tool_calls response_format text reasoning reasoning_effort thinking output_config output_format user
    safety_identifier metadata store service_tier modalities audio prediction verbosity prompt_cache_key prompt_cache_options
    prompt_cache_retention web_search_options moderation background conversation previous_response_id prompt include truncation
    context_management container mcp_servers inference_geo speed cache_control diagnostics user_profile_id
    role content name tool_calls tool_call_id refusal annotations reasoning_content thinking_blocks id type status phase citations
    source title context is_error signature data detail strict description parameters input_schema schema format url file_data
    file_url file_id filename image_url encrypted_content summary call_id arguments output namespace caller budget_tokens
    display effort defer_loading allowed_callers input_examples eager_input_streaming disable_parallel_tool_use access_programs
    generate_summary task_budget betas extra_body grammar json_schema chat_template_kwargs mirostat cache_prompt id_slot
    workspace_id transformations toolset_name tool_use_id media_type user_id prompt_cache_breakpoint function file input_audio
    background_options image output_schema async
    """.split()  # noqa: SIM905 - the names of fields read better as words
)
"""Names that a message of ours may say. Any other key is the caller's own word."""


KINDS: Final = frozenset(
    """
    server_tool_use web_search_tool_result web_fetch_tool_result code_execution_tool_result bash_code_execution_tool_result
    text_editor_code_execution_tool_result tool_search_tool_result container_upload tool_reference browser_state mcp_tool_use
    mcp_tool_result item_reference computer_call computer_call_output file_search_call web_search_call image_generation_call
    code_interpreter_call local_shell_call local_shell_call_output shell_call shell_call_output apply_patch_call
    apply_patch_call_output mcp_list_tools mcp_approval_request mcp_approval_response mcp_call custom_tool_call
    custom_tool_call_output tool_search_call tool_search_output compaction compaction_trigger program program_output
    additional_tools custom web_search web_search_preview file_search computer computer_use_preview mcp code_interpreter
    image_generation local_shell shell namespace tool_search apply_patch bash memory text_editor web_fetch code_execution
    tool_search_tool_bm25 tool_search_tool_regex browser audio computer_screenshot
    browser_toolset computer_toolset configuration_update programmatic_tool_calling
    """.split()  # noqa: SIM905 - the same
)
"""Kinds of parts, items and tools that a message of ours may say, without the date that some end with."""
_DATE: Final = re.compile(r"_20\d\d_?\d\d_?\d\d\Z")


class Losses:
    """What cannot be carried from one API to another: refused together by its names, or dropped where that is wanted."""

    def __init__(self, towards: str, *, drop: bool) -> None:
        self._towards = towards
        self._drop = drop
        self.names: list[str] = []
        self._unread: list[str] = []

    @property
    def told(self) -> tuple[str, ...]:
        """All that is left out."""
        return (*self.names, *self._unread)

    def lose(self, name: str) -> None:
        """This cannot be carried."""
        if name not in self.names[:64]:
            self.names.append(name)

    def lose_kind(self, name: str, kind: str | None) -> None:
        """Nor can what stands here, which is of a kind of its API's; what is none is the caller's own word."""
        told = kind is not None and _DATE.sub("", kind) in KINDS
        self.lose(f"{name} ({kind})" if told else name)

    def lose_block(self, block: Block) -> None:
        """Nor can this part of a turn."""
        self.lose(f"{block.place} ({block.noun})")

    def lose_thought(self, name: str, *, sealed: bool) -> None:
        """Thought of an earlier turn cannot be carried. Without a seal no model would read it, and callers only bring back what
        they were answered: it is left out and told, never refused.
        """
        if sealed:
            self.lose(f"{name} (sealed thought)")
        elif name not in self._unread[:64]:
            self._unread.append(name)

    def lose_cache(self, marked: Block | Tool) -> None:
        """Nor can the mark be that what comes before is to be cached, where it stands."""
        if marked.cache:
            self.lose(f"{marked.place}.cache_control")

    def settle(self) -> None:
        """Raises UntranslatableError for what may not be dropped."""
        if self.names and not self._drop:
            named = ", ".join(f"`{name}`" for name in self.names[:_MOST_NAMED])
            more = f" and {len(self.names) - _MOST_NAMED} more" if len(self.names) > _MOST_NAMED else ""
            raise UntranslatableError(
                f"the model that gets this request speaks {self._towards}, which cannot carry {named}{more}: "
                "leave it out, or set `drop_unsupported: true` for the model"
            )


def mistake(place: str, right: str) -> UntranslatableError:
    """The error for a value that is not what its API wants there."""
    return UntranslatableError(f"`{place}` must be {right}" if place else f"the body must be {right}")


class Fields:
    """An object of JSON, read field by field. Null is as good as nothing."""

    def __init__(self, value: Any, place: str, losses: Losses) -> None:
        if not isinstance(value, dict):
            raise mistake(place, "an object")
        self._left = value.copy()
        self.place = place
        self.losses = losses

    def at(self, name: str) -> str:
        """Where a field stands."""
        return f"{self.place}.{name}" if self.place else name

    def has(self, name: str) -> bool:
        """Whether a field is there, and not null."""
        return self._left.get(name) is not None

    def any(self, name: str) -> Any:
        """A field of any type."""
        return self._left.pop(name, None)

    @overload
    def get(self, name: str, kind: type[Read]) -> Read | None: ...
    @overload
    def get(self, name: str, kind: type[Read], default: Read) -> Read: ...
    def get(self, name: str, kind: type[Read], default: Read | None = None) -> Read | None:
        """A field of this type."""
        value = self._left.pop(name, None)
        if value is None:
            return default
        wanted = (int, float) if kind is float else kind
        if not isinstance(value, wanted) or (isinstance(value, bool) and kind is not bool):
            raise mistake(self.at(name), _WORDS[kind])
        return value  # type: ignore[return-value]

    def need(self, name: str, kind: type[Read]) -> Read:
        """The same, and it has to be there."""
        value = self.get(name, kind)
        if value is None:
            raise mistake(self.at(name), _WORDS[kind])
        return value

    def inner(self, name: str) -> Fields | None:
        """An object within."""
        value = self.get(name, dict)
        return None if value is None else Fields(value, self.at(name), self.losses)

    def items(self, name: str) -> list[Fields]:
        """A list of objects."""
        return self.listed(name, self.get(name, list, []))

    def listed(self, name: str, values: list[Any]) -> list[Fields]:
        """The objects of a list that stands there."""
        return [Fields(value, f"{self.at(name)}[{i}]", self.losses) for i, value in enumerate(values)]

    def texts(self, name: str) -> list[str] | None:
        """A text, or a list of them."""
        value = self.any(name)
        if value is None:
            return None
        values = value if isinstance(value, list) else [value]
        if not all(isinstance(text, str) for text in values):
            raise mistake(self.at(name), "a text or a list of texts")
        return values

    def word(self, name: str, words: tuple[str, ...]) -> str | None:
        """One of these words."""
        value = self.any(name)
        if value is not None and value not in words:
            raise mistake(self.at(name), "one of " + ", ".join(words))
        return value  # type: ignore[no-any-return]

    def skip(self, name: str, *harmless: Any) -> None:
        """A field that says nothing, where it has one of these values."""
        if self._left.get(name) in harmless:
            self._left.pop(name, None)

    def forget(self, *names: str) -> None:
        """Fields that say nothing to an upstream."""
        for name in names:
            self._left.pop(name, None)

    def close(self) -> None:
        """What has not been read cannot be carried, unless there is nothing in it."""
        for name, value in self._left.items():
            if value is not None and value not in ([], {}):
                where = self.place or "the body"
                self.losses.lose(self.at(name) if name in KNOWN else f"a field of {where} that its API does not have")


def parsed_arguments(arguments: str, place: str) -> dict[str, Any]:
    """Arguments of a call as an object."""
    try:
        value = json.loads(arguments or "{}")
    except (ValueError, RecursionError):
        raise mistake(place, "an object of JSON") from None
    if not isinstance(value, dict):
        raise mistake(place, "an object of JSON")
    return value


def compact(value: Any) -> str:
    """JSON without spaces."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def encoded(value: Any) -> bytes:
    """The same as bytes; half of a surrogate pair, which is no character, stays escaped."""
    try:
        return compact(value).encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


def parsed(body: bytes) -> Any:
    """A body of JSON; None where it is none, or says what no JSON can say again."""
    try:
        return json.loads(body, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError):
        return None


def _refuse(word: str) -> None:
    raise ValueError(word)


def _finite(number: str) -> float:
    """A number that JSON can say again."""
    value = float(number)
    if not math.isfinite(value):
        raise ValueError("no number of JSON")
    return value
