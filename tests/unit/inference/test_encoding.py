"""Packed request bodies: whatever they hold, they are unpacked whole and within the limit, or refused."""

import gzip
import zlib

import brotli
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.encoding import decoded
from inference.errors import BodyTooLargeError, InvalidRequestError, UnsupportedEncodingError


def _raw_deflate(body):
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


PACK = {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress, "zstd": zstandard.compress}
BODY = b'{"messages": [{"role": "user", "content": "hello"}]}' * 40


@pytest.mark.parametrize("name", PACK)
@given(body=st.binary(max_size=3000))
@settings(max_examples=20, deadline=None)
def test_every_body_comes_back(name, body):
    """Byte for byte."""
    assert decoded(PACK[name](body), name, 3000) == body


def test_codings_may_be_stacked():
    """They are undone from the last to the first; identity is none."""
    assert decoded(brotli.compress(gzip.compress(BODY)), " gzip, identity,BR", 5000) == BODY
    with pytest.raises(UnsupportedEncodingError):
        decoded(BODY, "gzip, gzip, gzip, gzip", 5000)


def test_the_spellings_that_are_sent():
    """Raw deflate, several members of gzip and several frames of zstd, and gzip's old name."""
    assert decoded(_raw_deflate(BODY), "deflate", 5000) == BODY
    assert decoded(gzip.compress(BODY[:9]) + gzip.compress(BODY[9:]), "x-gzip", 5000) == BODY
    assert decoded(zstandard.compress(BODY[:9]) + zstandard.compress(BODY[9:]), "zstd", 5000) == BODY
    stream = zstandard.ZstdCompressor().compressobj()
    assert decoded(stream.compress(BODY) + stream.flush(), "zstd", 5000) == BODY  # without its size


@pytest.mark.parametrize("name", PACK)
@pytest.mark.parametrize("cut", [1, 2, 5, 10])
def test_half_a_body_is_refused(name, cut):
    """A body that is cut off is never taken for a shorter one."""
    with pytest.raises(InvalidRequestError, match=f"not whole {name}"):
        decoded(PACK[name](BODY)[:-cut], name, 5000)


@pytest.mark.parametrize("name", PACK)
def test_another_coding_than_named(name):
    """Plain JSON under the name of a coding."""
    with pytest.raises(InvalidRequestError, match="not whole"):
        decoded(BODY, name, 5000)


@pytest.mark.parametrize("name", PACK)
def test_a_bomb_is_unpacked_to_the_limit_only(name):
    """Megabytes of zeros in a few bytes cost what the limit allows."""
    with pytest.raises(BodyTooLargeError):
        decoded(PACK[name](bytes(3 << 20)), name, 1000)
    assert len(decoded(PACK[name](bytes(1000)), name, 1000)) == 1000


def test_unknown_codings_are_named():
    """The answer says which ones are read."""
    with pytest.raises(UnsupportedEncodingError, match="gzip, deflate, br, zstd"):
        decoded(BODY, "lz4", 5000)
