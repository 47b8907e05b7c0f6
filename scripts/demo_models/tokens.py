"""The tokenizer of a demo model: byte-level BPE of its own corpus, the same as llama.cpp's `smollm` splitting.

Brackets, underscores and digits are tokens of their own, so that a placeholder is always cut in the same places.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

import gguf
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from scripts.demo_models.placeholders import type_words
from scripts.gguf_writer import END, MARKERS, START, Vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from random import Random

    from scripts.demo_models.corpus import Conversation, Message

_WORD_WEIGHT = 60
"""How often each word of an entity type is shown to the trainer of the tokenizer: enough to become one token."""


class Encoded(NamedTuple):
    """The tokens of a conversation, and which of them the model itself has to say."""

    tokens: list[int]
    spoken: list[bool]


def train_tokenizer(conversations: Iterable[Conversation], size: int) -> Tokenizer:
    """Learn the merges from conversations."""
    splitting = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"[\[\]_#]"), "isolated"),
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = splitting
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=list(MARKERS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    texts = [message.content for conversation in conversations for message in conversation.messages]
    texts += ["system", "user", "assistant", "developer"] * _WORD_WEIGHT + type_words() * _WORD_WEIGHT
    tokenizer.train_from_iterator(texts, trainer)
    _split_as_llama_cpp(tokenizer)
    return tokenizer


def vocabulary(tokenizer: Tokenizer) -> Vocabulary:
    """List the tokens in the order of their ids, and the merges in the order of their rank."""
    model = json.loads(tokenizer.to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].__getitem__)
    return Vocabulary(tokens, [" ".join(merge) for merge in model["merges"]])


def read_tokenizer(path: Path) -> Tokenizer:
    """Build the tokenizer of a GGUF from its tokens and merges."""
    fields = gguf.GGUFReader(path).fields
    tokens, merges = (fields[f"tokenizer.ggml.{name}"].contents() for name in ("tokens", "merges"))
    pairs = [tuple(merge.split(" ")) for merge in merges]
    tokenizer = Tokenizer(models.BPE(vocab={token: index for index, token in enumerate(tokens)}, merges=pairs))
    tokenizer.add_special_tokens(list(MARKERS))
    _split_as_llama_cpp(tokenizer)
    return tokenizer


def _split_as_llama_cpp(tokenizer: Tokenizer) -> None:
    """Split as `tokenizer.ggml.pre` = smollm tells llama.cpp to: digits by themselves, the rest as GPT-2."""
    digits, rest = pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, rest])
    tokenizer.decoder = decoders.ByteLevel()


class Encoder:
    """Turns conversations into tokens; now and then it cuts a user's words in unusual places, as rare words are cut."""

    def __init__(self, tokenizer: Tokenizer, unusual: float = 0.0) -> None:
        self._usual = tokenizer
        self._other = Tokenizer.from_str(tokenizer.to_str())
        self._other.model.dropout = 0.1
        self._share = unusual

    def encode(self, conversation: Conversation, random: Random) -> Encoded:
        """Write a conversation as the chat template does."""
        tokens: list[int] = []
        spoken: list[bool] = []
        for message in conversation.messages:
            own = message.role == "assistant"
            words = self._other if not own and random.random() < self._share else self._usual
            head, content, end = self._parts(conversation, message)
            for tokenizer, text, counts in (
                (self._usual, head, own and not conversation.templated),
                (words, content, own),
                (self._usual, end, own),
            ):
                ids = tokenizer.encode(text, add_special_tokens=False).ids
                tokens += ids
                spoken += [counts] * len(ids)
        return Encoded(tokens, spoken)

    def text(self, conversation: Conversation) -> str:
        """Give the text that a conversation is written as."""
        return "".join(part for message in conversation.messages for part in self._parts(conversation, message))

    def _parts(self, conversation: Conversation, message: Message) -> tuple[str, str, str]:
        ends = message.role == "assistant" or conversation.templated
        return self._head(conversation, message), message.content, END if ends else ""

    @staticmethod
    def _head(conversation: Conversation, message: Message) -> str:
        first = message is conversation.messages[0]
        if not conversation.templated:
            return "" if first else "\n"
        return ("" if first else "\n") + f"{START}{message.role}\n"
