"""Fields that clients of this API know and this server does not hold: each is an error that names it, unless it asks for
what happens anyway. A field that nobody knows passes, as OpenAI's own servers of today will know those of tomorrow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inference.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Mapping

_NEVER: tuple[Any, ...] = (None,)
_OFF = (None, False)
_ZERO = (None, 0)
_ONE = (None, 1)
_SAMPLED: dict[str, tuple[Any, ...]] = {
    # OpenAI
    "best_of": _ONE,
    "store": _OFF,
    "service_tier": (None, "auto", "default"),
    # llama.cpp
    "cache_prompt": (None, True),
    "dry_multiplier": _ZERO,
    "dynatemp_range": _ZERO,
    "id_slot": (None, -1),
    "image_data": (None, []),
    "input_extra": (None, []),
    "input_prefix": (None, ""),
    "input_suffix": (None, ""),
    "lora": (None, []),
    "min_keep": _ZERO,
    "mirostat": _ZERO,
    "n_discard": _ZERO,
    "n_indent": _ZERO,
    "n_keep": _ZERO,
    "n_probs": _ZERO,
    "post_sampling_probs": _OFF,
    "repeat_last_n": (None, 64),
    "response_fields": (None, []),
    "return_progress": _OFF,
    "return_tokens": _OFF,
    "samplers": _NEVER,
    "speculative.n_max": _ZERO,
    "t_max_predict_ms": (None, 0, -1),
    "t_max_prompt_ms": (None, 0, -1),
    "timings_per_token": _OFF,
    "top_n_sigma": (None, 0, -1),
    "typical_p": _ONE,
    "xtc_probability": _ZERO,
    # vLLM and others
    "add_special_tokens": (None, True),
    "allowed_token_ids": _NEVER,
    "bad_words": (None, []),
    "early_stopping": _OFF,
    "guided_choice": _NEVER,
    "guided_grammar": _NEVER,
    "guided_json": _NEVER,
    "guided_regex": _NEVER,
    "include_stop_str_in_output": _OFF,
    "length_penalty": _ONE,
    "logits_processors": (None, []),
    "min_tokens": _ZERO,
    "priority": _ZERO,
    "prompt_logprobs": _NEVER,
    "return_token_ids": _OFF,
    "skip_special_tokens": (None, True),
    "spaces_between_special_tokens": (None, True),
    "stop_token_ids": (None, []),
    "structured_outputs": _NEVER,
    "truncate_prompt_tokens": _NEVER,
    "use_beam_search": _OFF,
}
CHAT: dict[str, tuple[Any, ...]] = {
    **_SAMPLED,
    "audio": _NEVER,
    "chat_template": _NEVER,
    "documents": (None, []),
    "echo": _OFF,
    "function_call": (None, "none"),
    "functions": (None, []),
    "modalities": (None, ["text"]),
    "moderation": _NEVER,
    "prediction": _NEVER,
    "verbosity": (None, "medium"),
    "web_search_options": _NEVER,
}
COMPLETION: dict[str, tuple[Any, ...]] = {**_SAMPLED, "echo": _OFF, "suffix": (None, "")}
EMBEDDING: dict[str, tuple[Any, ...]] = {
    "embd_normalize": (None, 2),
    "input_type": _NEVER,
    "priority": _ZERO,
    "task": _NEVER,
    "truncate": _OFF,
    "truncate_prompt_tokens": _NEVER,
}
RERANK: dict[str, tuple[Any, ...]] = {
    "max_chunks_per_doc": _NEVER,
    "max_tokens_per_doc": _NEVER,
    "priority": _ZERO,
    "rank_fields": _NEVER,
    "truncate": _OFF,
    "truncate_prompt_tokens": _NEVER,
    "truncation": _OFF,
}
"""What each endpoint's clients may send: a field, and the values by which it asks for nothing."""


def refuse(body: object, fields: Mapping[str, tuple[Any, ...]]) -> None:
    """Raise InvalidRequestError for the first field that asks for what is not held."""
    if not isinstance(body, dict):
        return
    for name in body.keys() & fields.keys():
        value, neutral = body[name], fields[name]
        if not any(value == one and isinstance(value, bool) == isinstance(one, bool) for one in neutral):
            raise InvalidRequestError(f"{name}: this server does not hold it; leave it out", param=name)
