"""A real encoder, tiny and of random weights: a BERT with word pieces and absolute positions, as embedding models are."""

import gguf
import numpy as np

WIDTH, LAYERS, FEED_FORWARD, CONTEXT = 32, 2, 64, 128
_WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def make_bert(path, *, separator=True, ranks=0, seed=0):
    """Write it to `path`; without a separator its tokenizer is incomplete; with `ranks` it is a reranker of so many scores."""
    tokens = [*_WORDS, *(f"▁{letter}" for letter in _LETTERS), *_LETTERS, "▁hello", "▁world"]
    writer = gguf.GGUFWriter(path, "bert")
    writer.add_name("bert")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_block_count(LAYERS)
    writer.add_head_count(4)
    writer.add_layer_norm_eps(1e-12)
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.RANK if ranks else gguf.PoolingType.MEAN)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_tokenizer_model("bert")
    writer.add_token_list(tokens)
    writer.add_token_types([3] * len(_WORDS) + [1] * (len(tokens) - len(_WORDS)))
    writer.add_token_type_count(2)
    # `seperator` is how GGUF spells it
    for name, token in (("bos", 2), ("eos", 3), ("unk", 1), ("seperator", 3), ("pad", 0), ("cls", 2), ("mask", 4)):
        if separator or name != "seperator":
            writer.add_uint32(f"tokenizer.ggml.{name}_token_id", token)
    random = np.random.default_rng(seed)

    def add(name, *shape):
        weights = (
            random.normal(0, 0.3, shape) if len(shape) == 2 else np.full(shape, float(name.endswith("norm.weight")))
        )
        writer.add_tensor(name, weights.astype(np.float32))

    add("token_embd.weight", len(tokens), WIDTH)
    add("position_embd.weight", CONTEXT, WIDTH)
    add("token_types.weight", 2, WIDTH)
    _norm(add, "token_embd_norm")
    for layer in range(LAYERS):
        for part, rows, columns in (
            ("attn_q", WIDTH, WIDTH),
            ("attn_k", WIDTH, WIDTH),
            ("attn_v", WIDTH, WIDTH),
            ("attn_output", WIDTH, WIDTH),
            ("ffn_up", FEED_FORWARD, WIDTH),
            ("ffn_down", WIDTH, FEED_FORWARD),
        ):
            add(f"blk.{layer}.{part}.weight", rows, columns)
            add(f"blk.{layer}.{part}.bias", rows)
        _norm(add, f"blk.{layer}.attn_output_norm")
        _norm(add, f"blk.{layer}.layer_output_norm")
    if ranks:
        if ranks > 1:
            writer.add_classifier_output_labels([f"label {number}" for number in range(ranks)])
        add("cls.weight", WIDTH, WIDTH)
        add("cls.bias", WIDTH)
        add("cls.output.weight", ranks, WIDTH)
        add("cls.output.bias", ranks)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _norm(add, name):
    add(f"{name}.weight", WIDTH)
    add(f"{name}.bias", WIDTH)
