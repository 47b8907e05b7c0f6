"""The bundled graphs: what they say is the same on every processor."""

from importlib import resources
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

ASSETS = Path(str(resources.files("extproc.assets")))
LARGEST_INPUT, LARGEST_SUM = 255, 32767
PRODUCTS = {"MatMulInteger", "MatMulIntegerToFloat", "DynamicQuantizeMatMul"}
"""Of bytes; the second input are the weights."""


def graphs(graph):
    """It and those of its branches."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield from graphs(attribute.g)


@pytest.mark.parametrize("name", ["names/names.onnx", "names/light.onnx", "all-MiniLM-L6-v2/model.onnx"])
def test_no_sum_of_two_products_is_cut_off(name):
    """Processors without VNNI add two neighbouring products in 16 bits, and keep no more than fits."""
    parts = [*graphs(onnx.load(ASSETS / name).graph)]
    stored = {tensor.name: tensor for part in parts for tensor in part.initializer}
    products = [node for part in parts for node in part.node if node.op_type in PRODUCTS]
    assert products
    for node in products:
        weight = numpy_helper.to_array(stored[node.input[1]], str((ASSETS / name).parent))
        assert weight.dtype == np.int8
        pairs = weight.astype(int).reshape(-1, 2, weight.shape[1])
        sums = np.maximum(pairs.clip(min=0).sum(axis=1), -pairs.clip(max=0).sum(axis=1))
        assert sums.max() * LARGEST_INPUT <= LARGEST_SUM, node.name
