"""Where the texts are in requests to the well-known APIs: OpenAI's chat, completions, responses and embeddings, Anthropic's
messages, llama.cpp's and Ollama's own.

Everything is searched but what is listed here, by place: keys that the APIs define, words that mean something at their
place, numbers within the range that their place allows. A field that a vendor adds tomorrow is masked, not leaked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from extproc.payload.numbers import ANY_NUMBER, Range, tokens
from extproc.payload.tree import FREE, Node, Use

if TYPE_CHECKING:
    from collections.abc import Iterable


def _listed(words: str) -> list[str]:
    return words.split()


def _node(use: int = Use.TEXT) -> Node:
    """A place in a known API of which nothing else is known."""
    return Node(use, names=True, numbers=ANY_NUMBER)


def _words(words: str) -> Node:
    """A place at which these words stand."""
    return Node(Use.TEXT, words=frozenset(words.encode().split()), names=True, numbers=ANY_NUMBER)


def _same(keys: str, node: Node) -> dict[str, Node]:
    """These keys lead to the same place."""
    return dict.fromkeys(_listed(keys), node)


def _ranges(keys: str, least: int, most: int) -> dict[str, Node]:
    """Under each of these keys stands a number in this range."""
    return {key: Node(Use.TEXT, numbers=Range(key, least, most), names=True) for key in _listed(keys)}


def _searched(keys: Iterable[str], least: int, most: int) -> dict[str, Node]:
    """Under each of these keys stands a number that may be a long one: searched beyond this range, up to what APIs allow."""
    return {
        key: Node(Use.TEXT | Use.TYPED, numbers=Range(key, least, most, searched=_LARGEST), names=True) for key in keys
    }


_LARGEST = 9_223_372_036_854_776_000
"""OpenAI's bound of a seed, both ways: what 64 bits hold, as JavaScript spells it."""
_TIMES = _listed("created created_at updated_at started_at completed_at finished_at expires_at cancelled_at failed_at")
SEARCHED_NUMBERS = frozenset(["seed", *_TIMES])
"""Keys of numbers that are searched beyond 32 bits."""
ROLES = frozenset(_listed("system user assistant tool developer function model critic discriminator unknown ipython"))

_identifier = _node(Use.IDENTIFIER)
_opaque = _node(Use.OPAQUE | Use.TEXT)
_status = _words("in_progress completed incomplete calling generating searching interpreting failed queued cancelled")
_effort = _words("none minimal low medium high xhigh max auto concise detailed")
_types = _words(
    """
    text input_text output_text refusal image image_url input_image input_audio audio input_file file document message
    function function_call function_call_output tool tool_use tool_result server_tool_use mcp_tool_use mcp_tool_result
    thinking redacted_thinking reasoning reasoning_text summary_text item_reference compaction prediction approximate
    computer_call computer_call_output computer_screenshot web_search_call file_search_call code_interpreter_call
    image_generation_call local_shell_call local_shell_call_output shell_call shell_call_output apply_patch_call
    apply_patch_call_output mcp_call mcp_list_tools mcp_approval_request mcp_approval_response custom custom_tool_call
    custom_tool_call_output base64 url content content_block ephemeral search_result search_result_location
    web_search_result web_search_tool_result web_search_tool_result_error web_fetch_tool_result code_execution_tool_result
    bash_code_execution_tool_result text_editor_code_execution_tool_result container_upload url_citation file_citation
    container_file_citation file_path char_location page_location content_block_location web_search_result_location auto
    any none required enabled disabled adaptive allowed_tools object array string number integer boolean null json_object
    json_schema grammar lark regex mcp web_search web_search_preview web_search_2025_08_26 web_search_preview_2025_03_11
    file_search code_interpreter image_generation local_shell shell apply_patch computer computer_use_preview user system
    assistant click double_click drag keypress move screenshot scroll type wait exec logs find open_page search default
    embedding web_search_20250305 web_fetch_20250910 code_execution_20250522 code_execution_20250825 bash_20241022
    bash_20250124 text_editor_20241022 text_editor_20250124 text_editor_20250429 text_editor_20250728 computer_20241022
    computer_20250124 memory_20250818
    """
)
_formats = _words(
    """
    wav mp3 flac opus pcm16 pcm aac json text json_object json_schema png jpeg webp gif url b64_json float base64 int8 uint8
    ubinary binary date-time date time duration email hostname ipv4 ipv6 uri uuid regex int32 int64 double verbose_json srt
    vtt
    """
)
_media = _words(
    """
    image/png image/jpeg image/gif image/webp application/pdf text/plain text/csv text/html application/json audio/wav
    audio/mpeg audio/mp3 audio/flac audio/ogg video/mp4 video/webm application/octet-stream
    """
)

_COMMON = {
    "type": _types,
    "object": _words("chat.completion.message response.output_item list message chat.completion response"),
    "status": _status,
    "detail": _words("auto low high original"),
    "format": _formats,
    "media_type": _media,
    "mime_type": _media,
    **_same(
        """
        id call_id tool_call_id tool_use_id item_id file_id response_id previous_response_id container_id vector_store_id
        approval_request_id server_label tool_name name
        """,
        _identifier,
    ),
    **_same("signature encrypted_content encrypted_index thought_signature", _opaque),
    **_same("arguments input metadata variables", FREE),
    **_ranges("embedding", -1_000_000, 1_000_000),
    **_ranges("index output_index content_index summary_index document_index search_result_index", -1, 10_000_000),
    **_ranges(
        "start_index end_index start_char_index end_char_index start_block_index end_block_index", 0, 100_000_000
    ),
    **_ranges("start_page_number end_page_number", 0, 1_000_000),
    **_searched(_TIMES, 0, 2**32 - 1),
}
"""Keys that mean the same wherever they stand in a message."""
_parts = _node()
_parts.with_keys(
    _same(
        """
        role content text parts image_url image input_image input_audio audio file file_data file_url filename url data source
        citations cited_text title context refusal reasoning reasoning_content thinking tool_calls function function_call
        output outputs summary annotations is_error images caller query queries code logs error message
        """,
        _parts,
    )
)
_parts.with_keys(_COMMON)
_parts.with_keys(
    {
        "cache_control": _node().with_keys({"type": _words("ephemeral"), "ttl": _words("5m 1h")}),
        "phase": _words("commentary final_answer"),
        **_same("action results result", FREE),
        **_ranges("score", -1000, 1000),
    }
)
_role = Node(Use.ROLE | Use.IDENTIFIER, names=True, numbers=ANY_NUMBER)
_message = _node().with_keys(_parts.keys_by_name() | {"role": _role}, _parts)
_messages = _node().with_keys(_parts.keys_by_name(), _parts)
_messages.items = _message

_definition = _node()
_properties = Node(Use.TEXT, names=True, numbers=ANY_NUMBER)
_properties.other = _definition
_definition.with_keys(
    _same(
        """
        function parameters input_schema schema json_schema strict description title enum items prefixItems
        additionalProperties anyOf oneOf allOf not if then else $comment pattern minimum maximum exclusiveMinimum
        exclusiveMaximum multipleOf uniqueItems nullable readOnly writeOnly deprecated propertyNames dependentRequired contains
        tools user_location city country region timezone allowed_domains blocked_domains ranking_options container
        memory_limit server_url server_description always never read_only tool_configuration enabled input_fidelity
        input_image_mask definition disable_parallel_tool_use defer_loading allowed_callers citations configs default_config
        eager_input_streaming
        """,
        _definition,
    )
)
_definition.with_keys(
    {
        "type": _types,
        "format": _formats,
        "output_format": _formats,
        "cache_control": _parts.keys[b"cache_control"],
        **_same("properties patternProperties $defs definitions", _properties),
        **_same("headers filters default examples const input_examples", FREE),
        **_same(
            """
            name id required $ref $id $schema server_label connector_id vector_store_ids file_ids authorization
            authorization_token tool_names allowed_tools
            """,
            _identifier,
        ),
        "mode": _words("auto required none any"),
        "search_context_size": _words("low medium high"),
        "size": _words("auto 1024x1024 1024x1536 1536x1024"),
        "quality": _words("auto low medium high"),
        "background": _words("auto transparent opaque"),
        "moderation": _words("auto low"),
        "syntax": _words("lark regex"),
        "environment": _words("browser mac windows ubuntu linux"),
        "require_approval": _words("always never"),
        "ranker": _words("auto default-2024-11-15 none"),
        **_ranges("minItems maxItems minLength maxLength minProperties maxProperties", 0, 100_000_000),
        **_ranges("max_uses max_num_results partial_images output_compression display_number", 0, 100_000),
        **_ranges("display_width display_height display_width_px display_height_px", 0, 100_000),
        **_ranges("score_threshold", -1000, 1000),
        **_ranges("max_content_tokens max_characters", 0, 100_000_000),
    }
)
"""Tools, schemas and formats: what they say is a text; what programs call them by is an identifier."""

_limits = _ranges(
    """
    max_tokens max_completion_tokens max_output_tokens max_prompt_tokens max_tokens_to_sample n_predict min_tokens n_keep n_ctx
    num_predict num_ctx num_keep max_tool_calls budget_tokens thinking_budget dimensions top_n keep_alive
    """,
    -10,
    100_000_000,
)
_request = {
    "model": Node(Use.MODEL | Use.IDENTIFIER, names=True, numbers=ANY_NUMBER),
    "stream": Node(Use.STREAM | Use.TEXT, names=True, numbers=Range("stream", 0, 1)),
    "messages": _messages,
    **_limits,
    **_ranges(
        """
        temperature top_p min_p typical_p tfs_z xtc_probability xtc_threshold dynatemp_range mirostat_tau mirostat_eta
        presence_penalty frequency_penalty repeat_penalty repetition_penalty length_penalty speed logit_bias
        """,
        -1000,
        1000,
    ),
    **_ranges(
        """
        n best_of top_k top_logprobs logprobs mirostat repeat_last_n n_probs id_slot slot_id store background
        parallel_tool_calls echo cache_prompt ignore_eos raw
        """,
        -10,
        1_000_000,
    ),
    **_searched(["seed"], -(2**31), 2**32 - 1),
    **_same(
        "tools functions tool_choice function_call response_format json_schema mcp_servers output_config", _definition
    ),
    **_same("stop stop_sequences", _node()),
    **_same("instructions system suffix user safety_identifier prediction web_search_options", _parts),
    **_same("prompt_cache_key previous_response_id conversation", _identifier),
    "metadata": FREE,
    "service_tier": _words("auto default flex priority scale standard_only"),
    "truncation": _words("auto disabled"),
    "include": _words(
        """
        reasoning.encrypted_content file_search_call.results web_search_call.results web_search_call.action.sources
        message.input_image.image_url message.output_text.logprobs computer_call_output.output.image_url
        code_interpreter_call.outputs
        """
    ),
    "modalities": _words("text audio image"),
    "encoding_format": _formats,
    **_same("reasoning_effort verbosity", _effort),
    "prompt_cache_retention": _words("in-memory in_memory 24h"),
    "reasoning": _node().with_keys(_same("effort summary generate_summary", _effort)),
    "thinking": _node().with_keys({"type": _types, "display": _words("summarized omitted"), **_limits}),
    "stream_options": _node().with_keys(_same("include_usage include_obfuscation", _node())),
    "text": _node().with_keys({"format": _definition, "verbosity": _effort}),
    "audio": _node().with_keys(
        {"voice": _words("alloy ash ballad coral echo fable nova onyx sage shimmer verse"), "format": _formats}
    ),
    "container": _node().with_keys({"id": _identifier, "skills": _definition}),
}


def _tokens_or(key: str, texts: Node) -> Node:
    """What is read: one text, several, or token ids."""
    node = _node().with_keys(_parts.keys_by_name(), _parts)
    node.items = _node().with_keys(texts.keys_by_name(), _parts)
    node.items.numbers = tokens(key)
    node.items.items = node.items
    return node


LLM = _node().with_keys(
    _COMMON
    | _request
    | {
        "input": _tokens_or("input", _message),
        "prompt": _tokens_or("prompt", _parts),
        "format": _formats,
        "options": _node().with_keys(_request),
    }
)
"""All of them at once: their fields do not collide."""
