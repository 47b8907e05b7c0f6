"""A GGUF that says what a test wants it to: a real llama.cpp and its sampler, with weights that are a script.

Every layer is zero, so a token's own embedding alone decides what follows it, and the output's embedding of the next
token is the same direction. A script's pieces are tokens of its own; what the prompt ends with says which one begins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import gguf
import numpy as np

from scripts.make_gguf import letter_vocabulary

if TYPE_CHECKING:
    from pathlib import Path

_WIDTH = 512
_FIRST = "<|script-{}|>"
_END = "<|im_end|>"
_CONTROL = ("<|endoftext|>", "<|im_start|>", _END)


def cue(name: str) -> str:
    """The control token that a template ends with, for the script of this name to be said."""
    return _FIRST.format(name)


def make_scripted(
    path: Path,
    template: str,
    scripts: dict[str, list[str]],
    controls: tuple[str, ...] = (),
    added: tuple[str, ...] = (),
) -> Path:
    """Write a model that says `scripts[name]`, piece by piece, after `cue(name)`, and ends.

    A piece that is one of `controls` is that control token. A script says each of these at most once. `added` are
    tokens that were added by hand, which llama.cpp reads in any text.
    """
    base = letter_vocabulary(400)
    tokens = list(base.tokens)
    kinds = [gguf.TokenType.CONTROL] * len(_CONTROL) + [gguf.TokenType.NORMAL] * (len(tokens) - len(_CONTROL))
    follows: dict[int, int] = {}
    letters = dict(zip(range(256), tokens[len(_CONTROL) :], strict=False))

    def add(text: str, kind: gguf.TokenType) -> int:
        tokens.append(text)
        kinds.append(kind)
        return len(tokens) - 1

    known = {text: add(text, gguf.TokenType.CONTROL) for text in controls}
    known |= {text: add(text, gguf.TokenType.USER_DEFINED) for text in added}
    for name, pieces in scripts.items():
        at = add(cue(name), gguf.TokenType.CONTROL)
        for piece in pieces:
            # each piece is a token of its own, which no merge makes: the prompt's texts never hold it
            spelled = "".join(letters[byte] for byte in piece.encode())
            following = known[piece] if piece in known else add(spelled, gguf.TokenType.NORMAL)
            assert tokens.count(tokens[following]) == 1, f"{piece!r} is a token already: cut the script elsewhere"
            assert following not in follows, f"{piece!r} is said twice"
            follows[at] = following
            at = following
        follows[at] = tokens.index(_END)
    _write(path, template, tokens, kinds, list(base.merges), follows)
    return path


def _write(
    path: Path,
    template: str,
    tokens: list[str],
    kinds: list[gguf.TokenType],
    merges: list[str],
    follows: dict[int, int],
) -> None:
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name(path.stem)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_context_length(8192)
    writer.add_embedding_length(_WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(32)
    writer.add_head_count(4)
    writer.add_head_count_kv(4)
    writer.add_rope_dimension_count(_WIDTH // 4)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges(merges)
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(value=False)
    writer.add_chat_template(template)
    random = np.random.default_rng(0)
    embedding = random.normal(size=(len(tokens), _WIDTH)).astype(np.float32)
    embedding /= np.linalg.norm(embedding, axis=1, keepdims=True)
    output = random.normal(scale=0.02, size=embedding.shape).astype(np.float32)
    for token, following in follows.items():
        output[following] += 4 * embedding[token]  # the norm brings an embedding to the length of a root of its width
    zero = np.zeros((_WIDTH, _WIDTH), np.float32)
    tensors = {
        "token_embd.weight": embedding,
        "output_norm.weight": np.ones(_WIDTH, np.float32),
        "output.weight": output,
        "blk.0.attn_norm.weight": np.ones(_WIDTH, np.float32),
        "blk.0.ffn_norm.weight": np.ones(_WIDTH, np.float32),
        **{f"blk.0.attn_{part}.weight": zero for part in ("q", "k", "v", "output")},
        "blk.0.ffn_gate.weight": np.zeros((32, _WIDTH), np.float32),
        "blk.0.ffn_up.weight": np.zeros((32, _WIDTH), np.float32),
        "blk.0.ffn_down.weight": np.zeros((_WIDTH, 32), np.float32),
    }
    for name, tensor in tensors.items():
        writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
