"""Reading the header of a GGUF file, so that a damaged or foreign one is refused before llama.cpp maps it.

Only the header is read, never the weights. Layout: magic, version, counts; key-value pairs; tensor descriptions;
padding; tensor data.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from inference.errors import ModelFileError

if TYPE_CHECKING:
    from pathlib import Path

Value = bool | int | float | str | list["Value"] | None

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_STRING, _ARRAY = 8, 9
_POOLING_RANK = 4
_LONG_ARRAY = 64
"""Longer arrays (the vocabulary) are skipped, not kept."""
_MOST_ENTRIES = 1 << 20
_FOREIGN = {
    b"PK\x03\x04": "a zip archive (a PyTorch checkpoint?)",
    b"lmgg": "the old GGML format",
    b"tjgg": "the old GGJT format",
    b"<!DO": "an HTML page (a failed download?)",
    b"<htm": "an HTML page (a failed download?)",
    b"vers": "a Git LFS pointer, not the file itself (git lfs pull)",
}
# ggml type -> (elements, bytes) of a block; types that are not here are left to llama.cpp.
_BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 36),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292), 16: (256, 66),
    17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110), 22: (256, 82), 23: (256, 136),
    24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8), 29: (256, 56), 30: (1, 2), 34: (256, 54),
    35: (256, 66), 39: (32, 17),
}  # fmt: skip
_FILE_TYPES = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K", 11: "Q3_K_S", 12: "Q3_K_M",
    13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K", 19: "IQ2_XXS", 20: "IQ2_XS",
    21: "Q2_K_S", 22: "IQ3_XS", 23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL", 26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S",
    29: "IQ2_M", 30: "IQ4_XS", 31: "IQ1_M", 32: "BF16", 36: "TQ1_0", 37: "TQ2_0", 38: "MXFP4",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """What the header says."""

    metadata: dict[str, Value]
    """Keys and values; long arrays are None."""
    tensor_count: int
    tensor_bytes: int
    """Size of the weights, as far as their types are known."""

    @property
    def architecture(self) -> str:
        """As `llama`."""
        return str(self.metadata.get("general.architecture", ""))

    @property
    def quantization(self) -> str:
        """As `Q4_K_M`."""
        kind = self.metadata.get("general.file_type")
        return _FILE_TYPES.get(kind, f"type {kind}") if isinstance(kind, int) else "unknown"

    def number(self, key: str, default: int = 0) -> int:
        """An architecture's own number, as `context_length`; the largest, where each layer has its own."""
        value = self.metadata.get(f"{self.architecture}.{key}", default)
        if isinstance(value, list):
            value = max((v for v in value if isinstance(v, int)), default=default)
        return int(value) if isinstance(value, int | float) else default

    @property
    def embeds(self) -> bool:
        """Whether this is an embedding model: it says how to pool its tokens into one vector."""
        return self.number("pooling_type") > 0

    @property
    def ranks(self) -> bool:
        """Whether this is a reranker: what it pools becomes a score."""
        return self.number("pooling_type") == _POOLING_RANK


def read_header(path: Path) -> GgufHeader:
    """Read and check a file's header; every fault is a ModelFileError with the path and the reason."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            if size < 24:
                raise ModelFileError(f"{path}: {size} bytes are no GGUF file")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return _Reader(path, data).read()
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read: {error.strerror}") from None


class _Reader:
    def __init__(self, path: Path, data: mmap.mmap) -> None:
        self._path = path
        self._data = data
        self._at = 0

    def read(self) -> GgufHeader:
        self._check_magic()
        tensor_count, pair_count = self._scalar("<Q"), self._scalar("<Q")
        if max(tensor_count, pair_count) > _MOST_ENTRIES:
            raise self._fault(f"it claims {tensor_count} tensors and {pair_count} keys")
        metadata = {self._string(): self._value(self._scalar("<I")) for _ in range(pair_count)}
        if not isinstance(metadata.get("general.architecture"), str):
            raise self._fault("it names no architecture (general.architecture)")
        ends = [self._tensor_end() for _ in range(tensor_count)]
        alignment = metadata.get("general.alignment", 32)
        if not isinstance(alignment, int) or alignment < 1:
            raise self._fault(f"its alignment is {alignment}")
        start = -(-self._at // alignment) * alignment
        needed = start + max(ends, default=0)
        if needed > len(self._data):
            raise self._fault(
                f"it should have {needed:,} bytes and has {len(self._data):,}: the download did not finish?"
            )
        return GgufHeader(metadata, tensor_count, max(ends, default=0))

    def _check_magic(self) -> None:
        magic = self._take(4)
        if magic != _MAGIC:
            what = _FOREIGN.get(magic, "no GGUF file")
            raise ModelFileError(f"{self._path}: this is {what}; give a file in the GGUF format")
        version = self._scalar("<I")
        if version not in _VERSIONS:
            swapped = version > 0xFFFF
            raise self._fault("it is big-endian" if swapped else f"GGUF version {version} is not 2 or 3")

    def _value(self, kind: int) -> Value:
        if kind in _SCALARS:
            return self._scalar(_SCALARS[kind])
        if kind == _STRING:
            return self._string()
        if kind != _ARRAY:
            raise self._fault(f"there is no value type {kind}")
        inner, count = self._scalar("<I"), self._scalar("<Q")
        if inner == _ARRAY:
            raise self._fault("it has an array of arrays")
        if inner in _SCALARS and count > _LONG_ARRAY:
            self._take(count * struct.calcsize(_SCALARS[inner]))
            return None
        if inner == _STRING and count > _LONG_ARRAY:
            for _ in range(count):
                self._take(self._scalar("<Q"))
            return None
        return [self._value(inner) for _ in range(count)]

    def _tensor_end(self) -> int:
        """Where a tensor's data end, relative to the data's start; its own start if its type is unknown here."""
        self._string()
        dimensions = self._scalar("<I")
        if dimensions > 4:
            raise self._fault(f"a tensor has {dimensions} dimensions")
        elements = 1
        for _ in range(dimensions):
            elements *= self._scalar("<Q")
        kind, offset = self._scalar("<I"), self._scalar("<Q")
        per_block, block_bytes = _BLOCKS.get(kind, (1, 0))
        return int(offset + elements // per_block * block_bytes)

    def _string(self) -> str:
        return self._take(self._scalar("<Q")).decode("utf-8", "replace")

    def _scalar(self, layout: str) -> int:
        return struct.unpack(layout, self._take(struct.calcsize(layout)))[0]  # type: ignore[no-any-return]

    def _take(self, count: int) -> bytes:
        end = self._at + count
        if end > len(self._data):
            raise self._fault("it ends within its header: the download did not finish?")
        taken = self._data[self._at : end]
        self._at = end
        return taken

    def _fault(self, reason: str) -> ModelFileError:
        return ModelFileError(f"{self._path}: damaged GGUF file: {reason} (at byte {self._at:,})")
