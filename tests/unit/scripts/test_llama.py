"""Set-up's llama.cpp: which builds suit a processor, and that none is kept with which a child has not decoded."""

import json
import shlex
import shutil
import subprocess
import sys
import zipfile
from itertools import product

import pytest

from inference import proof
from inference.exits import in_words
from scripts.llama.builds import (
    AMX,
    ARM_VARIANTS,
    AVX512,
    X86_VARIANTS,
    Build,
    Processor,
    configures_tiles,
    portable,
    suitable,
)
from scripts.llama.choice import RECORD, Choice, NothingComputesError
from scripts.llama.wheel import Builder, BuildError, keep_variants, shares

NATIVE, SAFER, BASELINE = (Build(name, f"for {name}") for name in ("native", "safer", "baseline"))
BUILDS = (NATIVE, SAFER, BASELINE)
GCC = shutil.which("gcc")
DECODES = "def decode(): pass"
DIES = "import os, signal\ndef decode(): os.kill(os.getpid(), signal.SIGILL)"
DOES_NOT_LOAD = "raise OSError('libllama.so: cannot open shared object file')"


def a_wheel(folder, body):
    """A wheel whose only module decodes, or does not."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "llama_cpp_python-0.0.1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("fake_llama.py", body)
    return path


def run_wheel(wheel):
    """What a child says that decodes with a wheel: as the real proof, but for what it imports."""
    with zipfile.ZipFile(wheel) as archive:
        body = archive.read("fake_llama.py").decode()
    return ENDS[body] if body in ENDS else ENDS.setdefault(body, run_body(wheel))


ENDS = {}
"""Each module is run by a child once."""


def run_body(wheel):
    """Run the module of a wheel in a child; how it ended, if badly."""
    code = "import fake_llama; fake_llama.decode()"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], env={"PYTHONPATH": str(wheel)}, capture_output=True, check=False
    )
    return None if done.returncode == 0 else in_words(done.returncode)


class Machine:
    """A cache, a compiler whose every build is written down, and what set-up said."""

    def __init__(self, folder, **bodies):
        self.folder, self.bodies = folder, bodies
        self.built, self.said = [], []
        self.choice = Choice(folder / "cache" / "0.0.1-x86_64", self.make, run_wheel, self.said.append)

    def make(self, build):
        """The compiler."""
        self.built.append(build.name)
        return a_wheel(self.folder / build.name, self.bodies[build.name])


def test_a_wheel_that_dies_is_refused_and_replaced(tmp_path):
    """The build that dies of an illegal instruction is named with its signal, and the next one is kept instead."""
    machine = Machine(tmp_path, native=DIES, safer=DECODES)
    chosen = machine.choice.choose(BUILDS)
    assert (chosen.name, chosen.kept) == ("safer", False)
    assert machine.built == ["native", "safer"]
    assert machine.said == ["the build native (for native) died of SIGILL (illegal instruction); it is not kept"]
    assert {RECORD, chosen.wheel.name} == {path.name for path in chosen.wheel.parent.iterdir()}
    assert run_wheel(chosen.wheel) is None


@pytest.mark.parametrize("bodies", list(product((DECODES, DIES, DOES_NOT_LOAD), repeat=3)))
def test_the_first_that_decodes_is_kept(tmp_path, bodies):
    """Of every outcome of three builds: the first that decodes, none after it is built, and without any nothing is kept."""
    names = [build.name for build in BUILDS]
    machine = Machine(tmp_path, **dict(zip(names, bodies, strict=True)))
    if DECODES not in bodies:
        with pytest.raises(NothingComputesError, match=r"native .*; safer .*; baseline "):
            machine.choice.choose(BUILDS)
        assert not (tmp_path / "cache" / "0.0.1-x86_64").exists()
        return
    first = bodies.index(DECODES)
    assert names[first] == machine.choice.choose(BUILDS).name
    assert names[: first + 1] == machine.built
    again = machine.choice.choose(BUILDS)
    assert (names[first], True) == (again.name, again.kept)
    assert names[: first + 1] == machine.built


def test_a_kept_wheel_is_proved_too(tmp_path):
    """A wheel in the cache that dies (another processor, another libc, a broken disk) is built anew."""
    machine = Machine(tmp_path, native=DECODES)
    kept = machine.choice.choose(BUILDS).wheel
    a_wheel(kept.parent, DIES)
    chosen = machine.choice.choose(BUILDS)
    assert (machine.built, chosen.kept) == (["native", "native"], False)
    assert "the wheel that was kept (native) died of SIGILL" in machine.said[0]


@pytest.mark.parametrize("broken", ["no record", "not JSON", "no wheel"])
def test_half_a_cache_entry_is_none(tmp_path, broken):
    """What an interrupted set-up left is built over."""
    machine = Machine(tmp_path, native=DECODES)
    kept = machine.choice.choose(BUILDS).wheel
    if broken == "no wheel":
        kept.unlink()
    elif broken == "no record":
        (kept.parent / RECORD).unlink()
    else:
        (kept.parent / RECORD).write_text("{")
    assert not machine.choice.choose(BUILDS).kept


def test_a_safer_build_is_kept_once_it_was_asked_for(tmp_path):
    """Who asked for a build has it from then on, until another is asked for."""
    machine = Machine(tmp_path, native=DECODES, safer=DECODES, baseline=DECODES)
    assert machine.choice.choose(BUILDS).name == "native"
    assert machine.choice.choose(BUILDS, "baseline").name == "baseline"
    assert machine.choice.choose(BUILDS).name == "baseline"
    assert ((chosen := machine.choice.choose(BUILDS, "native")).name, chosen.kept) == ("native", False)
    assert json.loads((chosen.wheel.parent / RECORD).read_text())["build"] == "native"


def gcc_like(folder, name, *options):
    """A compiler that is gcc with options after its own."""
    path = folder / name
    path.write_text(f'#!/bin/sh\nexec "{GCC}" "$@" {" ".join(options)}\n')
    path.chmod(0o755)
    return str(path)


def x86(*flags):
    """A processor with these flags."""
    return Processor("x86_64", frozenset(flags))


@pytest.mark.skipif(GCC is None, reason="gcc is not installed")
def test_a_compiler_is_asked_whether_it_configures_tiles(tmp_path):
    """Unoptimised code keeps the stores that gcc 12 drops; a compiler that knows no AMX, or is none, configures nothing."""
    if subprocess.run([GCC, "-mamx-tile", "-E", "-"], input=b"", capture_output=True, check=False).returncode:
        pytest.skip("this gcc knows no AMX")
    assert configures_tiles(gcc_like(tmp_path, "right", "-O0"))
    assert not configures_tiles(gcc_like(tmp_path, "unknown", "-mno-such-option"))
    assert not configures_tiles(str(tmp_path / "none"))
    version = int(
        subprocess.run([GCC, "-dumpversion"], capture_output=True, text=True, check=True).stdout.split(".")[0]
    )
    if version in (11, 12):
        assert not configures_tiles(GCC)


@pytest.mark.skipif(GCC is None, reason="gcc is not installed")
def test_builds_of_x86(tmp_path):
    """Each build does without what the one before has; AMX is left out where the compiler cannot configure it."""
    right = gcc_like(tmp_path, "right", "-O0") if configures_tiles(gcc_like(tmp_path, "right", "-O0")) else None
    wrong = str(tmp_path / "none")
    haswell = ("avx2", "bmi2", "fma", "f16c")
    old, plain, wide = x86("sse4_2", "avx"), x86(*haswell), x86(*haswell, "avx512f")
    tiled = x86(*haswell, "avx512f", "amx_tile")
    names = lambda processor, compiler: [build.name for build in suitable(processor, compiler)[0]]  # noqa: E731
    assert names(old, wrong) == ["native", "baseline"]
    assert names(plain, wrong) == ["native", "avx2", "baseline"]
    assert names(wide, wrong) == ["native", "no-avx512", "avx2", "baseline"]
    assert names(tiled, wrong) == ["no-amx", "no-avx512", "avx2", "baseline"]
    assert (suitable(wide, wrong)[1], len(suitable(tiled, wrong)[1])) == ([], 1)
    if right:
        assert names(tiled, right) == ["native", "no-amx", "no-avx512", "avx2", "baseline"]
        assert suitable(tiled, right)[1] == []


@pytest.mark.skipif(GCC is None, reason="gcc is not installed")
@pytest.mark.parametrize(("flags", "gone"), [(AMX, "AMX"), (AVX512, "AVX512"), (AVX512, "AMX")])
def test_flags_switch_it_off(flags, gone):
    """What a build does without is not compiled, whatever `-march` brings along."""
    command = [GCC, *flags, "-march=sapphirerapids", "-dM", "-E", "-"]
    done = subprocess.run(command, input="", capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("this gcc is not for x86-64, or too old")
    assert f"__{gone}" not in done.stdout


@pytest.mark.parametrize(
    ("features", "names"),
    [
        ((), ["native", "baseline"]),
        (("asimddp",), ["native", "armv8.2", "baseline"]),
        (("asimddp", "asimdhp", "sve"), ["native", "armv8.2", "baseline"]),
    ],
)
def test_builds_of_arm(features, names):
    """ARM64 has its own: what it says, then without SVE, then the first of its line."""
    builds, reasons = suitable(Processor("aarch64", frozenset(features)), "cc")
    assert (names, []) == ([build.name for build in builds], reasons)
    assert builds[-1].cmake["GGML_CPU_ARM_ARCH"] == "armv8-a"


@pytest.mark.skipif(GCC is None, reason="gcc is not installed")
def test_an_image_is_for_every_processor(tmp_path):
    """Of its architecture; code for AMX is in it only where the compiler configures the tiles."""
    wrong, right = str(tmp_path / "none"), gcc_like(tmp_path, "right", "-O0")
    build, reasons = portable("x86_64", wrong)
    assert (set(X86_VARIANTS) - set(build.variants), len(reasons)) == ({"sapphirerapids"}, 1)
    if configures_tiles(right):
        assert (portable("x86_64", right)[0].variants, portable("x86_64", right)[1]) == (X86_VARIANTS, [])
    assert (portable("aarch64", wrong)[0].variants, portable("aarch64", wrong)[1]) == (ARM_VARIANTS, [])


def test_variants_are_kept_by_name(tmp_path):
    """Of llama.cpp's list those that are wanted, and every other line of the file; one that it does not have is an error."""
    path = tmp_path / "CMakeLists.txt"
    text = "function(ggml_add_cpu_backend_variant tag_name)\nif (x86)\n{}endif()\n"
    lines = {
        name: f"    ggml_add_cpu_backend_variant({name}{options})\n"
        for name, options in (("x64", ""), ("haswell", "   SSE42 AVX2"), ("armv8.2_1", " DOTPROD"))
    }
    path.write_text(text.format("".join(lines.values())))
    keep_variants(path, ("x64", "armv8.2_1"))
    assert path.read_text() == text.format(lines["x64"] + lines["armv8.2_1"])
    with pytest.raises(BuildError, match="has no haswell"):
        keep_variants(path, ("haswell", "x64"))


FAKE_PYTHON = """#!{python}
import io, json, os, sys, tarfile, zipfile
from pathlib import Path
assert sys.argv[1:3] == ["-m", "pip"]
command = next(a for a in sys.argv[3:] if not a.startswith("-"))
if command == "download":
    folder = Path(sys.argv[sys.argv.index("--dest") + 1])
    with tarfile.open(folder / "llama_cpp_python-0.0.1.tar.gz", "w:gz") as archive:
        text = b"    ggml_add_cpu_backend_variant(x64)\\n    ggml_add_cpu_backend_variant(zen4 AVX512)\\n"
        entry = tarfile.TarInfo("llama_cpp_python-0.0.1/vendor/llama.cpp/ggml/src/CMakeLists.txt")
        entry.size = len(text)
        archive.addfile(entry, io.BytesIO(text))
elif command == "wheel":
    folder = Path(sys.argv[sys.argv.index("--wheel-dir") + 1])
    folder.mkdir(parents=True)
    (folder / "asked.json").write_text(json.dumps({{"source": sys.argv[-1], **os.environ}}))
    print("  [1/2] cc a.c")
    if "-DFAIL=ON" in os.environ["CMAKE_ARGS"]:
        sys.exit("a.c: too hard")
    with zipfile.ZipFile(folder / "llama_cpp_python-0.0.1-py3-none-any.whl", "w") as archive:
        for name in ("llama", "ggml", "ggml-base", "ggml-cpu", "ggml-cpu-zen4"):
            archive.writestr("llama_cpp/lib/lib" + name + ".so", "")
"""


@pytest.fixture
def builder(tmp_path):
    """A builder whose Python has a pip that builds nothing."""
    python = tmp_path / "python"
    python.write_text(FAKE_PYTHON.format(python=sys.executable))
    python.chmod(0o755)
    (tmp_path / "build").mkdir()
    return Builder(python, "llama-cpp-python==0.0.1", tmp_path / "build", tmp_path / "log", lambda _: None)


def test_what_is_built(builder, monkeypatch):
    """Only the libraries, without what the build does without, with what the user adds last; sources are unpacked once."""
    monkeypatch.setenv("CMAKE_ARGS", "-DGGML_CUDA=ON '-DX=a b'")
    for build in (Build("no-amx", "", flags=AMX), Build("slow", "", {"GGML_NATIVE": "OFF"})):
        asked = json.loads((builder.build(build).parent / "asked.json").read_text())
        arguments = shlex.split(asked["CMAKE_ARGS"])
        assert {"-DLLAVA_BUILD=OFF", *(f"-D{key}={value}" for key, value in build.cmake.items())} <= set(arguments)
        assert f"-DINTENTMESH_CPU_FLAGS={';'.join(build.flags)}" in arguments
        assert arguments[-2:] == ["-DGGML_CUDA=ON", "-DX=a b"]
        assert int(asked["CMAKE_BUILD_PARALLEL_LEVEL"]) > 0


def test_a_build_that_fails_says_why(builder, monkeypatch):
    """The end of the log, and where it is."""
    monkeypatch.setenv("CMAKE_ARGS", "-DFAIL=ON")
    with pytest.raises(BuildError, match=r"failed \(exit 1\); the whole log is .*log[\s\S]*a\.c: too hard"):
        builder.build(Build("native", ""))


def test_a_wheel_without_its_libraries_is_none(builder):
    """What the server will look for is in the wheel, a library for each variant."""
    with pytest.raises(BuildError, match=r"llama_cpp/lib/libggml-cpu-x64.so is not in the wheel"):
        builder.build(Build("portable", "", variants=("x64", "zen4")))
    assert builder.build(Build("smaller", "", variants=("zen4",))).exists()


@pytest.mark.parametrize(
    ("output", "percent"),
    [
        (b"", None),
        (b"  Preparing\n", None),
        (b"  [1/79] g++ a\n  [40/79] g++ [1/2] b\n", 50),
        (b"[79/79] link\n", 100),
        (b"  [  7%] Building C object\n", 7),
    ],
)
def test_progress(output, percent):
    """The last step that ninja or make tells."""
    assert percent == shares(output)


def test_the_bundled_model_is_decoded():
    """What set-up asks of a wheel, asked of the one that runs these tests."""
    assert proof.complaint() is None


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGILL)", "died of SIGILL (illegal instruction)"),
        ("raise RuntimeError('libllama.so: no such file')", "exit code 1: RuntimeError: libllama.so: no such file"),
    ],
)
def test_the_proof_tells_what_is_wrong(tmp_path, monkeypatch, body, wrong):
    """A llama_cpp that dies, or cannot be loaded, found before the one that is installed."""
    package = tmp_path / "llama_cpp"
    package.mkdir()
    (package / "__init__.py").write_text(body)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert wrong in proof.complaint()


def test_wrong_numbers_are_found(monkeypatch):
    """Code that computes, but differently for one token than for many, is refused."""
    from inference.engine import Engine
    from inference.errors import EngineError

    engine_logits = Engine.logits
    monkeypatch.setattr(Engine, "logits", lambda engine, at: engine_logits(engine, at) * (-1 if at == 0 else 1))
    with pytest.raises(EngineError, match="token by token"):
        proof.decode()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "ended with exit code 0"),
        (3, "ended with exit code 3"),
        (-4, "died of SIGILL (illegal instruction)"),
        (-99, "died of signal 99"),
    ],
)
def test_endings_in_words(code, words):
    """A return code, said."""
    assert words == in_words(code)
