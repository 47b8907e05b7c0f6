"""Will it fit? The memory that a model needs, and what this container has, before anything is mapped."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from inference.errors import ModelFileError

if TYPE_CHECKING:
    from inference.gguf import GgufHeader
    from inference.settings import Settings

_CACHE_BYTES = {"f32": 4.0, "f16": 2.0, "bf16": 2.0, "q8_0": 34 / 32, "q4_0": 18 / 32}
_PROCESS_BYTES = 150 << 20
"""Python, llama.cpp and their libraries."""
_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Need:
    """Bytes that a model will take."""

    weights: int
    cache: int
    compute: int

    @property
    def total(self) -> int:
        """All of it, with the process itself."""
        return self.weights + self.cache + self.compute + _PROCESS_BYTES

    def __str__(self) -> str:
        parts = (
            f"weights {self.weights / _MIB:,.0f}, KV cache {self.cache / _MIB:,.0f}, work {self.compute / _MIB:,.0f}"
        )
        return f"{self.total / _MIB:,.0f} MiB ({parts}, process {_PROCESS_BYTES / _MIB:,.0f})"


def context_of(header: GgufHeader, settings: Settings) -> int:
    """Context tokens of a slot: what was asked for, at most what the model was trained for."""
    trained = header.number("context_length") or settings.context_tokens or 4096
    return min(settings.context_tokens or trained, trained)


def need_of(header: GgufHeader, settings: Settings) -> Need:
    """Estimate what loading will take, from the header alone."""
    layers, width = header.number("block_count"), header.number("embedding_length")
    heads = header.number("attention.head_count", 1) or 1
    kv_heads = header.number("attention.head_count_kv", heads)
    key = header.number("attention.key_length", width // heads)
    value = header.number("attention.value_length", width // heads)
    tokens = context_of(header, settings) * settings.slots
    encoder = header.metadata.get(f"{header.architecture}.attention.causal") is False  # keeps no cache
    cache = 0 if encoder else int(tokens * layers * kv_heads * (key + value) * _CACHE_BYTES[settings.cache_type])
    vocabulary = header.number("vocab_size")
    widest = max(header.number("feed_forward_length"), width) * 4
    compute = settings.batch_tokens * (widest + width * 6) * 4 + settings.slots * vocabulary * 8
    return Need(header.tensor_bytes, cache, compute)


def check_fits(header: GgufHeader, settings: Settings) -> None:
    """Raise ModelFileError, with the numbers, for a model above the memory limit. What goes to a GPU is not counted."""
    if settings.gpu_layers:
        return
    need = need_of(header, settings)
    limit, source = memory_limit(settings)
    if need.total > limit:
        raise ModelFileError(
            f"{settings.model}: needs about {need}, and {source} is {limit / _MIB:,.0f} MiB. Take a smaller or more "
            "quantised file, or fewer --slots, --context-tokens, or --cache-type q8_0"
        )


def memory_limit(settings: Settings) -> tuple[int, str]:
    """The smallest limit that holds for this process, in bytes, and where it comes from."""
    if settings.memory_limit_mib:
        return settings.memory_limit_mib * _MIB, "--memory-limit-mib"
    limits = [(limit, "the container's memory limit") for limit in _cgroup_limits()]
    available = [line.split()[1] for line in _lines(Path("/proc/meminfo")) if line.startswith("MemAvailable:")]
    limits += [(int(kib) * 1024, "the machine's available memory") for kib in available]
    return min(limits, default=(1 << 62, "the address space"))


def _cgroup_limits() -> list[int]:
    """Limits of this process's cgroup and of those above it, in version 2 and in version 1."""
    root = Path("/sys/fs/cgroup")
    files = [root / "memory" / "memory.limit_in_bytes"]
    for line in _lines(Path("/proc/self/cgroup")):
        _, controllers, name = line.split(":", 2)
        if controllers == "":
            group = root / name.lstrip("/")
            files += [folder / "memory.max" for folder in (group, *group.parents) if folder.is_relative_to(root)]
        elif "memory" in controllers.split(","):
            files.append(root / "memory" / name.lstrip("/") / "memory.limit_in_bytes")
    texts = [line for file in files for line in _lines(file)]
    return [int(text) for text in texts if text.isdigit() and int(text) < 1 << 60]


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return []
