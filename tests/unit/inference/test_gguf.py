"""Damaged and foreign files are refused with one clear message."""

import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inference.errors import ModelFileError
from inference.gguf import read_header


def test_header_of_a_good_file(tiny):
    """The header tells architecture, sizes and quantisation."""
    header = read_header(tiny)
    assert (
        header.architecture,
        header.quantization,
        header.number("context_length"),
        header.number("block_count"),
        header.embeds,
    ) == ("llama", "Q8_0", 2048, 2, False)
    assert header.tensor_bytes < tiny.stat().st_size < header.tensor_bytes + 200_000


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "0 bytes are no GGUF file"),
        (b"GGUF", "4 bytes are no GGUF file"),
        (b"PK\x03\x04" + bytes(100), "zip archive"),
        (b"<!DOCTYPE html><html>" + bytes(100), "HTML page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
        (b"anything at all, but no model", "no GGUF file"),
        (b"GGUF" + struct.pack("<I", 9) + bytes(40), "version 9"),
        (b"GGUF" + struct.pack(">I", 3) + bytes(40), "big-endian"),
        (b"GGUF" + struct.pack("<IQQ", 3, 1 << 50, 1) + bytes(40), "claims"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 0) + bytes(40), "names no architecture"),
    ],
)
def test_a_foreign_file_is_named_for_what_it_is(tmp_path, content, reason):
    """The message says what the file is, or what is wrong in it."""
    path = tmp_path / "x.gguf"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=reason):
        read_header(path)


@pytest.mark.parametrize("share", [0.01, 0.1, 0.3, 0.9, 0.9999])
def test_a_file_that_ends_early_is_refused(tiny, tmp_path, share):
    """A download that broke off is found by its length, wherever it broke."""
    path = tmp_path / "short.gguf"
    path.write_bytes(tiny.read_bytes()[: int(tiny.stat().st_size * share)])
    with pytest.raises(ModelFileError, match="the download did not finish"):
        read_header(path)


def test_a_missing_file_is_one_message(tmp_path):
    """No stack trace for a wrong path."""
    with pytest.raises(ModelFileError, match="No such file"):
        read_header(tmp_path / "none.gguf")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_changed_header_is_read_or_refused(tiny, tmp_path, data):
    """Whatever bytes change in a header, the answer is a header or a ModelFileError, never a crash."""
    content = bytearray(tiny.read_bytes()[:4000])
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(4, 600))] = data.draw(st.integers(0, 255))
    path = tmp_path / "changed.gguf"
    path.write_bytes(content)
    with pytest.raises(ModelFileError):
        read_header(path)  # always: 4,000 bytes are never the whole file
