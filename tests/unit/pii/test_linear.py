"""Whatever the text, the time grows as its length does."""

from __future__ import annotations

import time

import pytest

from tests.unit.pii.shared import analyze

HOSTILE = [
    "a@",
    "1-", "1 ", "a.a.", "DE89 ", "::", "http://", "password: ", "(1)", "+1 ", "[", " ", "phone 555-1234 ", "a,b\n", "|1|2\n",
    "sk-", "eyJaaaaaaaa.", "-----BEGIN PRIVATE KEY-----", "1.1.1.1.", "deadbeef:", "QUJD/+", "PESEL 1 2 3 ", "4111 ", "\u200b1",
    "1.5,x", 'token "', "12345678-1234-", "电话138", "born in Bonn ",
    "password for the x ", "KEY=", "a@ ", "dot ", "curl -u ", "Cookie: a=",
    "BEGIN ", "0049 ", "12 a st ",
    "glc_/", "glc_aB3dE9fG/", "sl.", "%AAAA", "b3BlbnNzaC1rZXktdjE/", "eyJhbGciOi.",
    "password? ", 'account": {"a": "b", ', "account is ", "(account ", " is my pin ", "4111_", "4111 - ", "1\u00b7", "bot123456:",
    "a.key=", "account....", "password printed on ", "passport><value>", "account?\n", "pin,type: ", "password: [",
    "<<", "%40", "account (x) ", "имя ", "先生", "1\u0303", "http://a:", "m: 1 ",
]  # fmt: skip


@pytest.mark.parametrize("unit", HOSTILE)
def test_time_grows_with_length(unit):
    """Four times the text takes about four times as long: far from the sixteen of a quadratic scan."""

    def seconds(size):
        text = (unit * size)[:size]
        best = float("inf")
        for _ in range(2):
            start = time.thread_time()
            analyze(text)
            best = min(best, time.thread_time() - start)
        return best

    seconds(500)
    assert seconds(12_000) < 10 * seconds(3_000) + 0.005


@pytest.mark.parametrize("separator", [",", "\u3001", "=", "|"])
def test_long_texts_without_spaces(separator):
    """A text that is searched in windows, and has no gap to cut it at, is searched as well as any other."""
    mails = [f"user{i}@example.org" for i in range(9000)]
    text = separator.join(mails)
    found = [text[r.start : r.end] for r in analyze(text) if r.entity_type == "EMAIL_ADDRESS"]
    assert found == mails
