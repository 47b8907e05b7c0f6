"""The graph of an encoder in ONNX, written operator by operator, with int8 weights. For those who build one: it wants `onnx`.

It stops halfway where it is told to (`stop_early`), and goes on from there (`resume`, `resume_from`): a classifier that is
sure after half of the layers need not run the others. The mean over a text's tokens is an output for some of the layers
(`mean_3`). The three projections of an attention are one matrix. And the fusions are those that are faster: fused attention
and dense layers with their bias; but not the fused residual and norm, which onnxruntime runs in scalar code (250 microseconds
at 128 tokens, against 38 for the two operators that it stands for).

Whoever knows nothing of halves feeds `input_ids` and `attention_mask` and gets `last_hidden_state`: the other inputs have
defaults. Both halves are branches of an `If`, so that there is one file, one session and one copy of the weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Container, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

HEADS, WIDTH, EPSILON = 12, 384, 1e-12
"""Of every encoder that is built here: both are of the family that MiniLM began."""
INPUTS = ("input_ids", "attention_mask")
WEIGHTS = "model.data"
LARGE = 65_536
"""Tensors of more bytes stand in a file of their own, beside the graph: onnxruntime maps it instead of copying it, and the
rows of tokens that nobody writes are never read (40 MB less of memory)."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How many layers, where they are halved, and which of their means are outputs (0: before the first)."""

    name: str
    layers: int
    half: int
    pooled: tuple[int, ...]


def quantise_columns(weight: Floats) -> tuple[NDArray[np.int8], Floats]:
    """Int8 with a scale per column.

    Processors without VNNI add two neighbouring products of a uint8 activation and an int8 weight in 16 bits, and
    saturate. The scale is so wide that no pair of neighbours can: the same text gets the same decision everywhere.
    """
    pairs = weight.reshape(-1, 2, weight.shape[1])
    largest_pair = np.maximum(pairs.clip(min=0).sum(axis=1), -pairs.clip(max=0).sum(axis=1)).max(axis=0)
    scale = np.maximum(np.abs(weight).max(axis=0) / 127, largest_pair / (32767 // 255 - 1))
    return np.round(weight / scale).astype(np.int8), scale.astype(np.float32)


class Graph:
    """An ONNX graph under construction, and the weights that it is made of."""

    def __init__(self, weights: Mapping[str, Floats]) -> None:
        self.weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, value: NDArray[np.generic]) -> str:
        """Store a tensor; return its name."""
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def add(self, op: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """Append a node; return the name of its output, which is its own."""
        self.nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        return output

    def dense(self, x: str, sources: list[str], output: str) -> str:
        """`x @ weight + bias` of one or several layers side by side; `x` is quantised on the fly."""
        joined = np.concatenate([self.weights[f"{source}.weight"].T for source in sources], axis=1)
        weight, scale = quantise_columns(joined)
        inputs = [
            x,
            self.constant(f"{output}.weight", weight),
            self.constant(f"{output}.scale", scale),
            self.constant(f"{output}.zero", np.zeros_like(scale, np.int8)),
            self.constant(f"{output}.bias", np.concatenate([self.weights[f"{source}.bias"] for source in sources])),
        ]
        return self.add("DynamicQuantizeMatMul", inputs, output, domain="com.microsoft")

    def norm(self, x: str, source: str, output: str) -> str:
        """Layer norm with the scale and bias of a layer of the original."""
        scale, bias = (
            self.constant(f"{output}.{kind}", self.weights[f"{source}.{kind}"]) for kind in ("weight", "bias")
        )
        return self.add("LayerNormalization", [x, scale, bias], output, epsilon=EPSILON)

    def residual_norm(self, x: str, y: str, source: str, output: str) -> str:
        """`Sum`, because onnxruntime would fuse an `Add` with the norm into the slower operator."""
        return self.norm(self.add("Sum", [x, y], f"{output}.sum"), source, output)

    def embed(self) -> str:
        """Token rows (int8 with a scale per row) plus places; of the two segments there is only the first."""
        table = self.weights["embeddings.word_embeddings.weight"]
        scale = np.abs(table).max(axis=1, keepdims=True) / 127
        rounded = self.constant("tokens.weight", np.round(table / scale).astype(np.int8))
        rows = self.add("Gather", [rounded, "input_ids"], "tokens.rows")
        rows = self.add("Cast", [rows], "tokens.float", to=TensorProto.FLOAT)
        scales = self.constant("tokens.scale", scale.astype(np.float32))
        scales = self.add("Gather", [scales, "input_ids"], "tokens.scales")
        tokens = self.add("Mul", [rows, scales], "tokens")
        segment = self.weights["embeddings.token_type_embeddings.weight"][0]
        places = self.constant("places", self.weights["embeddings.position_embeddings.weight"] + segment)
        zero, one = self.constant("zero", np.array([0])), self.constant("one", np.array([1]))
        length = self.add("Gather", [self.add("Shape", ["input_ids"], "shape"), one], "length")
        place = self.add("Slice", [places, zero, length, zero], "place")
        return self.norm(self.add("Add", [tokens, place], "embeddings"), "embeddings.LayerNorm", "hidden_0")

    def layer(self, x: str, i: int) -> str:
        """Attention, then two dense layers, each added to its input and normalised."""
        source, name = f"encoder.layer.{i}", f"layer_{i}"
        parts = [f"{name}.{part}" for part in ("query", "key", "value")]
        joined = self.dense(x, [f"{source}.attention.self.{part}" for part in ("query", "key", "value")], f"{name}.qkv")
        self.nodes.append(helper.make_node("Split", [joined], parts, name=f"{name}.split", axis=-1, num_outputs=3))
        context = self.add(
            "MultiHeadAttention", [*parts, "", "mask"], f"{name}.context", domain="com.microsoft", num_heads=HEADS
        )
        y = self.dense(context, [f"{source}.attention.output.dense"], f"{name}.attention")
        y = self.residual_norm(x, y, f"{source}.attention.output.LayerNorm", f"{name}.middle")
        z = self.dense(y, [f"{source}.intermediate.dense"], f"{name}.wide")
        z = self.add("Gelu", [z], f"{name}.gelu", domain="com.microsoft")
        z = self.dense(z, [f"{source}.output.dense"], f"{name}.narrow")
        return self.residual_norm(y, z, f"{source}.output.LayerNorm", f"hidden_{i + 1}")

    def pool(self, x: str, depth: int) -> Output:
        """Mean over the tokens of each text, of length one."""
        sums = self.add("MatMul", ["tokens.mask", x], f"mean_{depth}.sum")
        flat = self.add("Squeeze", [sums, "middle_axis"], f"mean_{depth}.flat")
        return Output(self.add("LpNormalization", [flat], f"mean_{depth}.of_layer", axis=-1, p=2), f"mean_{depth}")

    def branch(self, name: str, outputs: list[Output]) -> onnx.GraphProto:
        """The nodes so far as one way through an `If`."""
        infos = [output.inside for output in outputs]
        return helper.make_graph(self.nodes, name, [], infos, self.constants)


class Output:
    """A tensor that a branch hands out, under a name of its own outside."""

    def __init__(self, source: str, name: str) -> None:
        self.source, self.name = source, name
        self.shape: list[str | int | None] = (
            ["batch", WIDTH] if name.startswith("mean_") else ["batch", "tokens", WIDTH]
        )

    @property
    def inside(self) -> onnx.ValueInfoProto:
        """As the branch knows it."""
        return helper.make_tensor_value_info(self.source, TensorProto.FLOAT, self.shape)

    @property
    def outside(self) -> onnx.ValueInfoProto:
        """As an output of the whole."""
        return helper.make_tensor_value_info(self.name, TensorProto.FLOAT, self.shape)


def layers(graph: Graph, x: str, span: range, pooled: Container[int]) -> tuple[str, list[Output]]:
    """Some layers on top of `x`, and the means that are asked for."""
    means = []
    for i in span:
        x = graph.layer(x, i)
        if i + 1 in pooled:
            means.append(graph.pool(x, i + 1))
    return x, means


def either(graph: Graph, switch: str, outputs: list[Output], way: Graph, otherwise: dict[str, str]) -> None:
    """`way`, unless `switch` is set: then what stands in for its outputs, by name or `nothing`."""
    idle = Graph({})
    stand_ins = []
    for output in outputs:
        source = otherwise.get(output.name, "no_means" if output.name.startswith("mean_") else "no_states")
        stand_ins.append(Output(idle.add("Identity", [source], f"{switch}.{output.name}"), output.name))
    graph.nodes.append(
        helper.make_node(
            "If",
            [switch],
            [output.name for output in outputs],
            name=f"unless_{switch}",
            then_branch=idle.branch(switch, stand_ins),
            else_branch=way.branch(f"not_{switch}", outputs),
        )
    )


def build_graph(weights: Mapping[str, Floats], shape: Shape) -> onnx.ModelProto:
    """`input_ids`, `attention_mask` -> `last_hidden_state`, the middle one, and the means of some layers."""
    graph = Graph(weights)
    graph.add("Cast", ["attention_mask"], "mask", to=TensorProto.INT32)
    middle_axis = graph.constant("middle_axis", np.array([1]))
    floats = graph.add("Cast", ["attention_mask"], "mask.floats", to=TensorProto.FLOAT)
    graph.add("Unsqueeze", [floats, middle_axis], "tokens.mask")
    graph.constant("no_states", np.zeros((1, 0, WIDTH), np.float32))
    graph.constant("no_means", np.zeros((0, WIDTH), np.float32))
    for switch in ("resume", "stop_early"):
        graph.constant(switch, np.array([False]))
    graph.constant("resume_from", np.zeros((1, 0, WIDTH), np.float32))

    first = Graph(weights)
    x = first.embed()
    means = [first.pool(x, 0)]
    x, more = layers(first, x, range(shape.half), shape.pooled)
    front = [Output(x, "middle_state"), *means, *more]
    either(graph, "resume", front, first, {"middle_state": "resume_from"})
    second = Graph(weights)
    x, means = layers(second, "middle_state", range(shape.half, shape.layers), shape.pooled)
    back = [Output(x, "last_hidden_state"), *means]
    either(graph, "stop_early", back, second, {})

    ids = [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"]) for name in INPUTS]
    switches = [helper.make_tensor_value_info(name, TensorProto.BOOL, [1]) for name in ("resume", "stop_early")]
    states = helper.make_tensor_value_info("resume_from", TensorProto.FLOAT, ["resumed", "tokens_resumed", WIDTH])
    body = helper.make_graph(
        graph.nodes,
        shape.name,
        [*ids, *switches, states],
        [output.outside for output in (*back, *front)],
        graph.constants,
    )
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(body, opset_imports=opsets, ir_version=9, producer_name="intentmesh")


def save(graph: onnx.ModelProto, folder: Path) -> None:
    """As `model.onnx`, its large tensors beside it."""
    (folder / WEIGHTS).unlink(missing_ok=True)  # onnx would append to it
    onnx.save(graph, folder / "model.onnx", save_as_external_data=True, location=WEIGHTS, size_threshold=LARGE)
