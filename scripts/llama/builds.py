"""The ways to build llama.cpp, the fastest first, each safer than the one before; which of them suit a processor.

`-march=native` is fastest and trusts two things: that the processor has what it says (a hypervisor may know better), and
that the compiler is right about instructions that few have tried. Where one of them is wrong the first token dies by
SIGILL, or is another token, so each build is proved, and the next one does without the newest instructions.
"""

from __future__ import annotations

import platform
import re
import subprocess
import tempfile
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

AMX = ("-mno-amx-tile", "-mno-amx-int8", "-mno-amx-bf16")
AVX512 = (*AMX, "-mno-avx512f")
_AVX2 = ("AVX", "AVX2", "BMI2", "FMA", "F16C")
X86_AVX2 = {"GGML_NATIVE": "OFF", "GGML_SSE42": "ON", **{f"GGML_{name}": "ON" for name in _AVX2}}
X86_BASELINE = {**X86_AVX2, **{f"GGML_{name}": "OFF" for name in _AVX2}}
ARM_BASELINE = {"GGML_NATIVE": "OFF", "GGML_CPU_ARM_ARCH": "armv8-a"}
TILES = """
#include <immintrin.h>
struct { unsigned char palette, row, none[14]; unsigned short bytes[16]; unsigned char rows[16]; } typedef Tiles;
void configure(void) {
    Tiles tiles = {0};
    tiles.palette = 1; tiles.bytes[0] = 20011; tiles.rows[0] = 113;
    _tile_loadconfig(&tiles);
    _tile_zero(0);
}
"""
"""Configures a tile with two numbers that stand nowhere else."""
ARM_FEATURES = {"asimddp": "+dotprod", "asimdhp": "+fp16"}
PORTABLE = {
    "GGML_NATIVE": "OFF",
    "GGML_BACKEND_DL": "ON",
    "GGML_CPU_ALL_VARIANTS": "ON",
    # where llama.cpp installs these libraries; as a string, since CMake would make an absolute path of a path
    "CMAKE_INSTALL_BINDIR:STRING": "llama_cpp/lib",
}
X86_VARIANTS = ("x64", "haswell", "alderlake", "skylakex", "cascadelake", "icelake", "zen4", "sapphirerapids")
"""Of llama.cpp's 14, those between which much lies: AVX2, its VNNI, AVX-512, that with VNNI, VBMI, BF16, AMX."""
ARM_VARIANTS = ("armv8.0_1", "armv8.2_1", "armv8.2_2", "armv8.6_1", "armv8.6_2")
"""Of llama.cpp's 8: dot products, half floats, SVE with products of matrices, SVE2. gcc 12 knows no SME."""


@dataclass(frozen=True, slots=True)
class Build:
    """One way to build llama.cpp."""

    name: str
    what: str
    """For whoever set-up tells what it has chosen."""
    cmake: dict[str, str] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    """Compiler flags for ggml."""
    variants: tuple[str, ...] = ()
    """Where the code is chosen when it runs: for which processors there is some, by llama.cpp's names."""

    @property
    def libraries(self) -> set[str]:
        """What its wheel must hold."""
        cpu = (f"ggml-cpu-{name}" for name in self.variants) if self.variants else ("ggml-cpu",)
        return {f"llama_cpp/lib/lib{name}.so" for name in ("llama", "ggml", "ggml-base", *cpu)}


@dataclass(frozen=True, slots=True)
class Processor:
    """What decides how to build: the architecture, and what the processor says it has."""

    machine: str
    flags: frozenset[str]


def this_processor() -> Processor:
    """The one that runs this."""
    info = Path("/proc/cpuinfo")
    text = info.read_text(errors="replace") if info.exists() else ""
    found = re.search(r"^(?:flags|Features)\s*:(.*)$", text, re.MULTILINE)
    return Processor(platform.machine(), frozenset(found[1].split()) if found else frozenset())


def suitable(processor: Processor, compiler: str) -> tuple[list[Build], list[str]]:
    """The builds to try on that processor, in their order, and why one that would be faster is not among them."""
    native = Build("native", "for exactly this processor")
    if processor.machine == "x86_64":
        return _for_x86(native, processor, compiler)
    if processor.machine in ("aarch64", "arm64"):
        tags = "".join(tag for feature, tag in ARM_FEATURES.items() if feature in processor.flags)
        older = Build("armv8.2", "without SVE and SME", {**ARM_BASELINE, "GGML_CPU_ARM_ARCH": f"armv8.2-a{tags}"})
        return [native, *([older] if tags else []), Build("baseline", "for any ARMv8", ARM_BASELINE)], []
    return [native, Build("baseline", f"for any {processor.machine}", {"GGML_NATIVE": "OFF"})], []


def _for_x86(native: Build, processor: Processor, compiler: str) -> tuple[list[Build], list[str]]:
    builds, reasons = [native], []
    if "amx_tile" in processor.flags:
        builds.append(Build("no-amx", "for this processor, without AMX", flags=AMX))
        if not configures_tiles(compiler):
            builds.remove(native)
            reasons.append(_no_tiles(compiler))
    if "avx512f" in processor.flags:
        builds.append(Build("no-avx512", "for this processor, without AVX-512", flags=AVX512))
    if {"avx2", "bmi2", "fma", "f16c"} <= processor.flags:
        builds.append(Build("avx2", "for any x86-64 with AVX2", X86_AVX2))
    return [*builds, Build("baseline", "for any x86-64 with SSE 4.2", X86_BASELINE)], reasons


def portable(machine: str, compiler: str) -> tuple[Build, list[str]]:
    """One build for every processor of an architecture, as an image needs it, and why something is not in it.

    `inference.backends` chooses where it runs, after a proof.
    """
    what = f"for any {machine}, chosen where it runs"
    if machine in ("aarch64", "arm64"):
        return Build("portable", what, PORTABLE, variants=ARM_VARIANTS), []
    if machine != "x86_64":
        return Build("portable", f"for any {machine}", {"GGML_NATIVE": "OFF"}), []
    if configures_tiles(compiler):
        return Build("portable", what, PORTABLE, variants=X86_VARIANTS), []
    without = tuple(name for name in X86_VARIANTS if name != "sapphirerapids")
    return Build("portable", what, PORTABLE, variants=without), [_no_tiles(compiler)]


def _no_tiles(compiler: str) -> str:
    return f"AMX is left out: {compiler} drops what configures its tiles (it would die by SIGILL)"


@cache
def configures_tiles(compiler: str) -> bool:
    """Whether optimised code still stores the configuration of AMX's tiles before it is loaded.

    In the headers of gcc 11 and 12 `_tile_loadconfig` says that it reads 8 bytes of the 64, so the optimiser drops the
    stores to the rest, and the first instruction on a tile that was never configured is illegal. It shows in the
    assembly, on any machine.
    """
    with tempfile.TemporaryDirectory() as folder:
        source, assembly = Path(folder, "tiles.c"), Path(folder, "tiles.s")
        source.write_text(TILES)
        command = [compiler, "-O2", "-mamx-tile", "-S", str(source), "-o", str(assembly)]
        try:
            done = subprocess.run(command, capture_output=True, check=False)
        except OSError:
            return False
        if done.returncode:
            return False
        text = assembly.read_text(errors="replace")
    return "$20011" in text and "$113" in text
