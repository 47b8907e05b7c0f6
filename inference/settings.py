"""The settings of one inference server: one table, read once from flags, `INTENTMESH_INFERENCE_*` and defaults."""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from inference.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

_WEIGHTS_PER_THREAD = 16 << 20
_LEAST_SLOTS_PER_LANE = 4
PREFIX = "INTENTMESH_INFERENCE_"
CacheType = Literal["f32", "f16", "bf16", "q8_0", "q4_0"]


class Settings(BaseModel):
    """What the server is told. Immutable; every field is a flag (`--context-tokens`) and a variable of the environment."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    model: Path
    """The GGUF file."""
    alias: str | None = None
    """The model's name in answers and in /v1/models. Default: the file's name without `.gguf`."""
    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = Field(default=8080, ge=0, le=65535)
    """Port to listen on; 0 takes a free one and prints it."""

    slots: int = Field(default=8, ge=1, le=256)
    """How many requests are answered at the same time."""
    context_tokens: int = Field(default=4096, ge=0)
    """Context of each slot, prompt and answer together; at most what the model was trained for. 0: exactly that."""
    batch_tokens: int = Field(default=512, ge=32, le=16384)
    """The most tokens in one step."""
    prefill_stall_ms: int = Field(default=250, ge=1)
    """While others are speaking, a prompt is read in chunks that take about this long."""
    max_queue: int = Field(default=32, ge=0)
    """Requests that may wait for a slot; one more is refused at once with 503 and Retry-After."""
    max_tokens: int = Field(default=1024, ge=1)
    """Length of an answer when the request names none."""
    grace_s: float = Field(default=30.0, ge=0)
    """After SIGTERM, answers that have begun may take this long to finish."""
    max_body_bytes: int = Field(default=8 * 1024 * 1024, ge=1024)
    """The largest request body."""

    threads: int = Field(default=0, ge=0)
    """Threads of computation. 0: the processors this container may use, but one per 16 MiB of weights at most."""
    lanes: int = Field(default=0, ge=0, le=64)
    """Contexts that compute side by side, the slots shared out among them. 0: one per processor that `threads` leaves."""
    gpu_layers: int = Field(default=0, ge=-1)
    """Layers on the GPU; -1 is all. If fewer arrive there, the server says so and does not start."""
    main_gpu: int = Field(default=0, ge=0)
    """The GPU for the whole model when `split` is none."""
    split: Literal["none", "layer", "row"] = "layer"
    """How a model is split over several GPUs."""
    tensor_split: str = ""
    """Shares of the GPUs, as 3,1."""
    flash_attention: Literal["auto", "on", "off"] = "auto"
    """Flash attention; auto lets llama.cpp decide by the backend."""
    cache_type: CacheType = "f16"
    """Type of the KV cache: q8_0 halves it and, on a CPU, quickens answers at the cost of slower prompts."""
    mmap: bool = True
    """Map the file instead of reading it."""
    mlock: bool = False
    """Keep the weights in memory."""
    memory_limit_mib: int = Field(default=0, ge=0)
    """Refuse a model that needs more. 0: the container's limit, or what the machine has left."""

    api_key_file: Path | None = None
    """A file of API keys, one in a line: only who sends one may use the model. /health and /metrics stay open."""
    chat_template: Path | None = None
    """A Jinja file instead of the chat template in the GGUF."""
    log_requests: bool = False
    """Log a line per request: counts and times, never text."""
    verbose: bool = False
    """Print what llama.cpp says."""

    @property
    def name(self) -> str:
        """The model's name in answers."""
        return self.alias or self.model.stem

    def threads_for(self, weights_bytes: int) -> int:
        """Threads of computation, chosen if not set.

        Threads meet after every operation. On a small model that gains little, and on a busy machine each meeting
        waits for whoever was descheduled: with 0.4 million parameters and two threads on two busy processors a step
        took 220 ms, with one thread under 1 ms.
        """
        return self.threads or max(1, min(available_processors(), weights_bytes // _WEIGHTS_PER_THREAD))

    def lanes_for(self, weights_bytes: int) -> int:
        """Contexts side by side, chosen if not set.

        Where one thread is best for a model, further processors compute further sequences: nothing is waited for,
        and a long prompt stalls its own lane alone. A lane has four slots or more, so that it can batch.
        """
        if self.lanes:
            return min(self.lanes, self.slots)
        if self.gpu_layers or self.threads:
            return 1
        free = available_processors() // self.threads_for(weights_bytes)
        return max(1, min(free, self.slots // _LEAST_SLOTS_PER_LANE))


def read_settings(flags: Mapping[str, object], environment: Mapping[str, str]) -> Settings:
    """Flags go before the environment; an unknown variable of ours is a mistake, and every mistake is one message."""
    known = {PREFIX + name.upper(): name for name in Settings.model_fields}
    values: dict[str, object] = {}
    for variable, value in environment.items():
        if not variable.startswith(PREFIX):
            continue
        if variable not in known:
            near = difflib.get_close_matches(variable, known, n=1)
            raise SettingsError(f"unknown variable {variable}" + (f"; did you mean {near[0]}?" if near else ""))
        values[known[variable]] = value
    values.update({name: value for name, value in flags.items() if value is not None})
    if "model" not in values:
        raise SettingsError(f"no model: give --model FILE.gguf or set {PREFIX}MODEL")
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        mistakes = (f"--{str(e['loc'][0]).replace('_', '-')}: {e['msg']}" for e in error.errors())
        raise SettingsError("; ".join(mistakes)) from None


def available_processors() -> int:
    """Processors that this process may use: its affinity, cut to the container's quota."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return count
    if quota == "max":
        return count
    return max(1, min(count, round(int(quota) / int(period))))
