"""The trained network as an ONNX graph with int8 weights."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from onnxruntime.quantization import QuantType, quantize_dynamic

if TYPE_CHECKING:
    from names.network import NameTagger


def export(model: NameTagger, folder: Path) -> Path:
    """Write `names.onnx`: inputs `ids` and `shapes` (batch x length) and `asked` (batch x wanted), output `logits`."""
    model.eval()
    sample = torch.ones((2, 16), dtype=torch.int64)
    axes, wanted = {0: "batch", 1: "length"}, {0: "batch", 1: "wanted"}
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        full = Path(scratch) / "full.onnx"
        torch.onnx.export(
            model,
            (sample, sample, sample[:, :5]),
            str(full),
            input_names=["ids", "shapes", "asked"],
            output_names=["logits"],
            dynamic_axes={"ids": axes, "shapes": axes, "asked": wanted, "logits": wanted},
            dynamo=False,
            opset_version=17,
        )
        quantize_dynamic(full, folder / "names.onnx", per_channel=True, reduce_range=True, weight_type=QuantType.QInt8)
    return folder / "names.onnx"
