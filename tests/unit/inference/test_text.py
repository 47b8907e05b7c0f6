"""From bytes of tokens to text that may be shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.text import TextAssembler


def feed(data: bytes, size: int, stops=()):
    """The text of all pieces, and the stop string that was met."""
    assembler = TextAssembler(stops)
    shown = ""
    for at in range(0, len(data), size):
        shown += assembler.feed(data[at : at + size])
        if assembler.stopped is not None:
            break
    return shown + assembler.close(), assembler.stopped


@given(st.text(st.characters(codec="utf-8"), max_size=40), st.integers(1, 5))
def test_text_is_whole_at_any_split(text, size):
    """However tokens cut a text's bytes, the same text comes out."""
    assert (text, None) == feed(text.encode(), size)


@pytest.mark.parametrize("size", range(1, 12))
def test_stop_string_is_found_at_any_split(size):
    """A stop string ends the text wherever tokens cut it, and is not shown."""
    assert feed(b"one two<END> three", size, ("<END>",)) == ("one two", "<END>")


@pytest.mark.parametrize("size", range(1, 12))
def test_what_only_begins_like_a_stop_string_is_shown(size):
    """Text held back as a possible stop string comes when it turns out not to be one."""
    assert feed(b"a <EN b <E", size, ("<END>",)) == ("a <EN b <E", None)


def test_the_first_of_several_stop_strings_counts():
    """Where two stop strings are in one piece, the earlier one ends the text."""
    assert feed(b"xbyc", 10, ("c", "b")) == ("x", "b")


def test_no_piece_holds_a_part_of_a_character():
    """A character comes with the token that completes it."""
    assembler = TextAssembler()
    assert [assembler.feed(bytes([byte])) for byte in "👍".encode()] == ["", "", "", "👍"]


def test_an_unfinished_character_at_the_end_is_dropped():
    """When max_tokens cuts a character, its first bytes are not shown as rubbish."""
    assert feed("ok 東".encode()[:-1], 2) == ("ok ", None)
