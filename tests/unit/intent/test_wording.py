"""What of a text is read for its intent: what is declined is not, nor addresses; long texts have parts; short turns lean back."""

import pytest

from extproc.intent.wording import coordinated, is_long, leans_back, negated_words, neutral, parts, wanted


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("I do NOT want a refund", ""),
        ("please do not cancel my order", ""),
        ("Don't translate this", ""),
        ("no need to come", ""),
        ("Never mind, it works again", ""),
        ("ich will kein Konto eröffnen", ""),
        ("bitte die Karte nicht sperren", ""),
        ("Rückerstattung nicht mehr nötig", ""),
        ("je ne veux pas annuler", ""),
        ("no quiero cancelar", ""),
        ("I do not need a new laptop, please close the ticket", "please close the ticket"),
        ("I don't want a voucher but my money back", "my money back"),
        ("the printer is fine now, thanks", "thanks"),
        ("I haven't been asking for a refund", ""),
        ("I had not asked you to reset my password", ""),
        ("I'm not requesting a new laptop", ""),
        ("We weren't planning to cancel, close the ticket", "close the ticket"),
        ("I won't need the monitor", ""),
        ("I did not say that I want a refund", ""),
        ("it was not my intention to cancel", ""),
        ("ich wollte keine R\u00fcckerstattung", ""),
        ("Ich habe nicht um eine R\u00fcckerstattung gebeten", ""),
        ("je n'ai pas demand\u00e9 de remboursement", ""),
        ("je ne voulais pas de remboursement", ""),
        ("no he pedido un reembolso", ""),
        ("no quer\u00eda un reembolso", ""),
    ],
)
def test_what_is_declined(text, kept):
    """The clauses in which somebody declines something, or says that it is settled, are cut out."""
    assert kept == wanted(text)


@pytest.mark.parametrize(
    ("text"),
    [
        "my parcel has not arrived",
        "meine Bestellung ist noch nicht angekommen",
        "VPN won't connect",
        "the printer does not work",
        "I can't log in",
        "pip is not recognized as a command",
        "I don't want my order anymore",
        "do not you have it in blue",
        "don't know my password",
        "noch nichts erstattet worden",
        "where is my order",
        "I have not received the refund I asked for",
        "I did not request this charge",
        "did you not want it back?",
        "I asked for a refund and have not heard anything",
        "ich habe die Ware nicht erhalten",
        "je n'ai pas re\u00e7u mon remboursement",
        "no he recibido mi reembolso",
    ],
)
def test_what_is_missed_is_not_declined(text):
    """That something does not happen is what most requests for help are about."""
    assert wanted(text) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("the printer is not jammed", ["jammed"]),
        ("the spindle isn't overheating", ["overheating"]),
        ("the printer is jammed", []),
        ("no alarm today", ["alarm"]),
        ("der Drucker ist nicht kaputt", ["kaputt"]),
        ("the printer has not been jammed", ["jammed"]),
        ("it hasn't ever been locked", ["locked"]),
        ("it was never locked", ["locked"]),
        ("why did you not refund it", []),
    ],
)
def test_negated_words(text, words):
    """The words right behind a negator."""
    assert words == negated_words(text)


@pytest.mark.parametrize(
    "noise",
    [
        "[EMAIL_ADDRESS_1]",
        "[PERSON_12]",
        "ada.lovelace@example.org",
        "https://example.org/refund?order=1",
        "10.2.3.4",
        "2001:db8:85a3:0:0:8a2e:370:7334",
        "550e8400-e29b-41d4-a716-446655440000",
    ],
)
def test_addresses_are_neutral(noise):
    """They say nothing about what is asked."""
    assert neutral(f"turbine 3 reports to {noise} again").split() == ["turbine", "3", "reports", "to", "again"]


@pytest.mark.parametrize("text", ["version 1.2.3", "order [4711]", "at 12:30", "state-of-the-art", "e.g. this"])
def test_what_only_looks_like_an_address_stays(text):
    """Numbers, times and brackets of people's own."""
    assert text == neutral(text)


def test_parts():
    """Sentences, each once; quoted mail, logs and fenced code are left to when there is nothing else."""
    text = "Hello. My card is lost! My card is lost!\n> before\nVon: a\n```\ncode here\n```\n2026-11-20 09:12 WARN x\nThanks"
    assert parts(text) == ["Hello.", "My card is lost!", "Thanks"]
    assert parts("2026-11-20 09:12 WARN tunnel down") == ["2026-11-20 09:12 WARN tunnel down"]
    assert len(parts("One more. " * 3 + " ".join(f"Number {i} is this." for i in range(500)))) <= 41
    assert is_long("word " * 30)
    assert not is_long("where is my order")


def test_several():
    """A text that asks for two things has two parts; a conjunction of two nouns may be one thing."""
    assert coordinated("I need a second monitor and access to the finance share") == [
        "I need a second monitor",
        "access to the finance share",
    ]
    assert coordinated("salt and pepper") == []
    assert coordinated("where is my order") == []


@pytest.mark.parametrize(
    "text", ["and the second one?", "looks good, commit it", "yes please", "ja bitte", "weiter so"]
)
def test_leans_back(text):
    """It is understood with what came before only."""
    assert leans_back(text)


@pytest.mark.parametrize(
    "text", ["what is the capital of Peru", "my account is locked, unlock it for me as soon as you can"]
)
def test_stands_for_itself(text):
    """It can be understood by itself."""
    assert not leans_back(text)
