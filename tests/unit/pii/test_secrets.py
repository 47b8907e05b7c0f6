"""Keys, tokens and wallets: made up by their vendors' rules."""

from __future__ import annotations

import random
import re
import string

import pytest

from extproc.pii.vendors import VENDORS
from tests.unit.pii.shared import analyze

_RANDOM = random.Random(7)
ALNUM = string.ascii_letters + string.digits


def made(length, alphabet=ALNUM):
    """Random characters, a digit among them."""
    return "".join(_RANDOM.choice(alphabet) for _ in range(length - 1)) + "7"


@pytest.mark.parametrize(
    ("prefix", "length", "alphabet"),
    [
        ("AKIA", 16, string.ascii_uppercase + string.digits),
        ("ghp_", 36, ALNUM),
        ("github_pat_", 40, ALNUM + "_"),
        ("glpat-", 20, ALNUM + "-_"),
        ("xoxb-", 40, string.digits + "-"),
        ("sk_live_", 24, ALNUM),
        ("sk-proj-", 48, ALNUM + "-_"),
        ("sk-ant-api03-", 60, ALNUM + "-_"),
        ("AIzaSy", 33, ALNUM + "-_"),
        ("hf_", 34, ALNUM),
        ("npm_", 36, ALNUM),
        ("pypi-", 80, ALNUM + "-_"),
        ("SK", 32, "0123456789abcdef"),
        ("dop_v1_", 64, "0123456789abcdef"),
        ("hvs.", 40, ALNUM),
    ],
)
def test_vendor_prefix(prefix, length, alphabet):
    """A vendor's key is found whole, wherever it stands."""
    key = prefix + made(length, alphabet).replace("--", "-a")
    for text in (key, f"use {key}, please", f'{{"k":"{key}"}}', f"X={key}\n"):
        assert [key] == [text[r.start : r.end] for r in analyze(text)], text


def of_vendor(pattern):
    """A key of a prefix and a run of one alphabet; None for a pattern that is more than that."""
    size = re.search(r"\{(\d+),\}$", pattern)
    if size is None:
        return None
    prefix = re.sub(r"\\(.)", r"\1", pattern[: pattern.rindex("[")])
    bodies = (made(int(size[1]), alphabet) for alphabet in ("0123456789abcdef", string.ascii_uppercase + string.digits))
    return next((prefix + body for body in bodies if re.fullmatch(pattern, prefix + body)), None)


def test_every_vendor_of_the_table():
    """A key of any vendor is found whole; one of a single letter over and over only stands for one."""
    keys = [key for pattern in VENDORS.values() if (key := of_vendor(pattern))]
    assert len(keys) > 150
    texts = [f"use {key} now" for key in keys]
    found = [[text[r.start : r.end] for r in analyze(text)] for text in texts]
    assert [key for key, values in zip(keys, found, strict=True) if values != [key]] == []
    held = [f"{prefix}{'x' * 64}" for prefix, pattern in VENDORS.items() if of_vendor(pattern)]
    assert [key for key in held if any(r.entity_type == "SECRET_KEY" for r in analyze(f"use {key} now"))] == []


def test_pem_block():
    """A private key goes with its frame; one without an end goes to the end."""
    block = f"-----BEGIN RSA PRIVATE KEY-----\n{made(64)}\n-----END RSA PRIVATE KEY-----"
    text = f"see\n{block}\nok"
    assert [("PRIVATE_KEY", block)] == [(r.entity_type, text[r.start : r.end]) for r in analyze(text)]
    assert [r.entity_type for r in analyze(text[:60])] == ["PRIVATE_KEY"]


@pytest.mark.parametrize(
    ("value", "is_wallet"),
    [
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", True),
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", False),
        ("bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq", True),
        ("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", True),
        ("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD", False),
        ("0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed", True),
    ],
)
def test_wallets(value, is_wallet):
    """A cryptocurrency address passes its own checksum: Base58Check, Bech32, EIP-55."""
    assert is_wallet == any(r.entity_type == "CRYPTO" for r in analyze(f"pay {value} now"))


@pytest.mark.parametrize("prefix", ["gAAAAAB", "eyJhbGciOiJIUzI1NiJ9.eyJ", "glc_eyJ", "sl."])
def test_long_keys_go_whole(prefix):
    """However long, to the end; and the next one is looked for again behind it."""
    body = "".join(f"{i:x}Zq" for i in range(2000))
    key = prefix + body + ("." + body if prefix.startswith("eyJ") else "")
    text = f"first {key} then ghp_{'a1B2c3D4e5' * 4} end"
    assert [text[r.start : r.end] for r in analyze(text)] == [key, f"ghp_{'a1B2c3D4e5' * 4}"]


def test_the_longest_part_of_a_path_says_whether_it_is_filled_in():
    """Not the last one, which a service's own word or a letter may be."""
    url = "https://hooks.example.net/bot987654321:AAF8vXz7TbN0mWc5RyPfGd8Ea1UiOoKtQwE/x"
    filled_in = "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"
    assert [url[r.start : r.end] for r in analyze(url) if r.entity_type == "URL_CREDENTIALS"] == [url]
    assert "URL_CREDENTIALS" not in {r.entity_type for r in analyze(filled_in)}
