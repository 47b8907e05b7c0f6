"""Which language a text is in; what says too little is in none."""

import pytest

from extproc.language import language_of


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("my account is locked, please unlock it", "en"),
        ("MY ACCOUNT IS LOCKED", "en"),
        ("meine Bestellung ist noch nicht angekommen", "de"),
        ("j'ai oubli\u00e9 mon mot de passe", "fr"),
        ("\u8fd4\u91d1\u3057\u3066\u304f\u3060\u3055\u3044", "ja"),
        ("VPN", ""),
        ("", ""),
        (" \n\t", ""),
        ("12345", ""),
        ("\ud800", ""),
        ("bonjour\nje voudrais\nun remboursement", "fr"),
    ],
)
def test_languages(text, language):
    """By its code."""
    assert language == language_of(text)


def test_a_long_text_is_read_at_its_ends():
    """The time does not grow with the text."""
    assert language_of("wo bleibt mein Paket? " * 100_000) == "de"
