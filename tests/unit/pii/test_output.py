"""What a model utters is masked as it would be in a request: by the same labels, in the same encodings, at any cut."""

import base64
import json
import re

import pytest

from extproc.config.intercept import Intercept
from extproc.config.pii import PiiSettings
from extproc.payload import parse, response_editor
from extproc.pii import Analyzer, Anonymizer, AnswerEditors, Redactor, Vault

SETTINGS = PiiSettings(packs=("us", "extended"), names={"enabled": False})
ANALYZER = Analyzer(SETTINGS)
ANONYMIZER = Anonymizer(SETTINGS, ANALYZER)
REDACTOR = Redactor(SETTINGS, ANALYZER)
RULE = Intercept(path_prefix="/v1/", redact_output=True)
UTTERED = [
    "password: hunter2hunter2 ok",
    "SSN:\n536-22-1845",
    "ssn 536221845 thanks",
    "jane.doe%40example.com",
    "https://x.example/?m=jane.doe%40example.com&y",
    "jane.doe&#64;example.com",
    "jane.doe=40example.com",
    '{"ssn": "536221845"}',
    '{"password": "hunter2hunter2hunter2"}',
    '{"a": {"ssn": 536221845, "card_number": 4111111111111111, "n": 12345}}',
    json.dumps({"text": "SSN:\n536-22-1845\nCard:\n4111 1111 1111 1111\nMail: jane\u00fc@example.com"}),
    json.dumps({"out": json.dumps({"password": "hunter2hunter2hunter2"})}),
    "| name | ssn |\n|---|---|\n| x | 536221845 |\n| y | 536221846 |",
    "name,ssn\nx,536221845\ny,536221846",
    '{"jane@example.com": 1}',
    "phone number is 4155550132 now",
    "Account number: 000123456789",
    "IBAN DE89 3704 0044 0532 0130 00.",
    "date of birth: 12 March 1985",
    "The passport no. of hers is X12345678.",
    'log: "mail\\u0040x jane\\u0040example.com"',
]


def asked(text):
    """As it would be masked in a request, without the numbers of placeholders."""
    body = json.dumps({"messages": [{"role": "user", "content": text}]}).encode()
    document = parse(RULE, "/v1/chat/completions", "application/json", "", body)
    sent = document.replace(ANONYMIZER.anonymize(document.segments).edits)
    return re.sub(r"(\[[A-Z_]+?)_\d+\]", r"\1]", json.loads(sent)["messages"][0]["content"])


def streamed(text, size):
    """As it leaves in deltas of one size."""
    events = [{"choices": [{"index": 0, "delta": {"content": text[i : i + size]}}]} for i in range(0, len(text), size)]
    stream = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
    out = response_editor(RULE, "text/event-stream", "", AnswerEditors(Vault(), REDACTOR)).feed(stream, end=True)
    blocks = out.decode().split("\n\n")[:-1]
    return "".join(json.loads(block[6:])["choices"][0]["delta"]["content"] for block in blocks)


@pytest.mark.parametrize("text", UTTERED)
def test_as_in_a_request(text):
    """Whole, and in deltas cut anywhere."""
    expected = asked(text)
    assert expected != text
    answer = json.dumps({"choices": [{"message": {"content": text}}]}).encode()
    editor = response_editor(RULE, "application/json", "", AnswerEditors(Vault(), REDACTOR))
    assert json.loads(editor.feed(answer, end=True))["choices"][0]["message"]["content"] == expected
    for size in (1, 3, 8, 500):
        assert streamed(text, size) == expected


def test_base64_of_a_text():
    """A text that is base64 is taken out as a whole."""
    secret = base64.b64encode(b"my mail is jane.doe@example.com and ssn 536-22-1845").decode()
    for size in (1, 8, 500):
        assert secret[:20] not in streamed(f"so {secret} it is", size)


def test_log_probabilities_of_what_is_masked():
    """Tokens, their bytes and their alternatives say nothing of it."""
    tokens = ["to ", "eve", "@", "evil", ".org", " now"]
    items = [{"token": t, "bytes": list(t.encode()), "top_logprobs": [{"token": t, "bytes": None}]} for t in tokens]
    body = json.dumps({"choices": [{"message": {"content": "".join(tokens)}, "logprobs": {"content": items}}]}).encode()
    editor = response_editor(RULE, "application/json", "", AnswerEditors(Vault(), REDACTOR))
    out = editor.feed(body, end=True).decode()
    assert "evil" not in out
    choice = json.loads(out)["choices"][0]
    assert "".join(item["token"] for item in choice["logprobs"]["content"]) == choice["message"]["content"]
