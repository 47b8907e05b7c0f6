"""Files that a setting or an option names, whatever they are: read, or refused with a reason, in bounded time."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from extproc.config import files, load
from extproc.config.api_keys import read_keys
from extproc.config.files import contents
from extproc.errors import ConfigError

GOOD = """version: 1
models:
  general: {endpoints: [{address: "127.0.0.1:8083"}]}
default_model: general
intents: {}
routes: []
"""


@pytest.fixture(autouse=True)
def _hasty(monkeypatch):
    monkeypatch.setattr(files, "PATIENCE_S", 0.05)


def special(folder: Path) -> dict[str, Path]:
    """Everything that is no file, by why it cannot be read."""
    os.mkfifo(folder / "pipe")
    (folder / "loop").symlink_to("loop")
    (folder / "dangling").symlink_to("nowhere")
    (folder / "file").write_text("x")
    return {
        "nothing was written to it for 0.05 s": folder / "pipe",
        "Too many levels of symbolic links": folder / "loop",
        "No such file or directory": folder / "dangling",
        "Not a directory": folder / "file" / "mesh.yaml",
        "Is a directory": folder,
        "it is larger than": Path("/dev/zero"),
        "File name too long": folder / ("a" * 300),
    }


def test_a_mesh_that_is_no_file(tmp_path):
    """One line, with the path and the reason; no wait without end, and no memory without end."""
    for reason, path in special(tmp_path).items():
        with pytest.raises(ConfigError) as raised:
            load(path)
        assert str(raised.value).startswith(f"{path}: cannot be read: {reason}")
        assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("key", "setting"),
    [
        ("telemetry.otlp.endpoint", "telemetry: {{otlp: {{endpoint: 'file:{path}'}}}}"),
        ("intents.a.examples_file", "intents: {{a: {{patterns: [x], examples_file: '{path}'}}}}"),
    ],
    ids=["reference", "examples"],
)
def test_a_file_that_a_mesh_names(tmp_path, key, setting):
    """Whatever it is: refused at its key, beside whatever else is wrong."""
    for reason, path in special(tmp_path).items():
        mesh = tmp_path / "mesh.yaml"
        mesh.write_text(
            GOOD.replace("intents: {}\n", "" if "intents" in setting else "intents: {}\n") + setting.format(path=path)
        )
        with pytest.raises(ConfigError) as raised:
            load(mesh)
        assert f": {key}: " in str(raised.value)
        assert f"cannot be read: {reason}" in str(raised.value)


def test_a_pipe_that_somebody_writes_to(tmp_path):
    """As a shell's `<(...)` hands one over."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=(GOOD,))
    keeps = os.open(pipe, os.O_RDWR)
    writer.start()
    writer.join()
    reader = threading.Timer(0.02, os.close, (keeps,))
    reader.start()
    assert contents(pipe).decode() == GOOD
    reader.join()


@pytest.mark.parametrize("end", [GOOD, GOOD.replace("\n", "\r\n"), GOOD.replace("\n", "\r"), f"\ufeff{GOOD}"])
def test_whatever_ends_a_line(tmp_path, end):
    """Windows' line ends and its byte order mark are no mistake."""
    path = tmp_path / "mesh.yaml"
    path.write_bytes(end.encode())
    assert load(path).default_model == "general"


@pytest.mark.parametrize(
    "text",
    [
        "keys: [" + "[" * 3000,
        "a: 2026-02-30\nkeys: &k [*k]",
        "keys: []\nkeys: []",
        "keys: \0",
        "keys: !!int no",
        "\t",
        "{{ x }}",
    ],
)
def test_a_file_of_keys_holds_anything(tmp_path, text):
    """It is refused with its name, and nothing else comes of it."""
    path = tmp_path / "keys.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as raised:
        read_keys(path)
    assert str(raised.value).startswith(f"{path}: ")
