"""The recognizer of names: gate, budget, repeats, counts. The model here is a list of words."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extproc.config.names import NameSettings
from extproc.config.pii import PiiSettings
from extproc.errors import NamesOverBudgetError
from extproc.pii.names import recognizer, wanted
from extproc.pii.names.recognizer import NameRecognizer
from extproc.pii.names.repeats import _all, _each, _occurrences
from extproc.pii.names.spans import Span


class Words:
    """Finds the words it was given, a token each."""

    def __init__(self, **kinds):
        self.kinds = kinds
        self.windows = []

    def read(self, text, windows, budget=None):
        """The names inside the windows, as the bundled model would give them."""
        self.windows = list(windows)
        spans, used = [], 0
        for done, (start, end) in enumerate(windows):
            used += len(text[start:end].split())
            if budget is not None and used > budget:
                return spans, done
            spans += [
                Span(self.kinds[m[0]], m.start(), m.end(), 0.9)
                for m in re.compile("|".join(self.kinds) or "$^").finditer(text, start, end)
            ]
        return spans, len(windows)


def find(text, model, *, entities=("PERSON",), key=None, **settings):
    """Type and words of what is found."""
    names = NameRecognizer(NameSettings(**settings), frozenset(entities), model)
    return [(r.entity_type, text[r.start : r.end]) for r in names(text, key)], names


def test_a_text_without_cues_does_not_wake_the_model():
    """The gate: nothing is read, and it is counted as not read."""
    model = Words(rain="PERSON")
    found, names = find("it may rain today", model)
    assert (found, model.windows, names.counts.texts, names.counts.read) == ([], [], 1, 0)


def test_always_reads_all():
    """`run: always` does without cues."""
    assert find("it may rainn today", Words(rainn="PERSON"), run="always")[0] == [("PERSON", "rainn")]


def test_a_key_announces():
    """Under `recipient` any value is read."""
    assert find("the rainn", Words(rainn="PERSON"), key="recipient")[0] == [("PERSON", "rainn")]


@pytest.mark.parametrize("key", ["first_name", "customerName", "Patient Name", "surname"])
def test_a_key_that_holds_a_name_is_enough(key):
    """Its whole value is the name: in any case, in any language, and no model is asked."""
    model = Words()
    assert (find("okwudili nwosu", model, key=key)[0], model.windows) == ([("PERSON", "okwudili nwosu")], [])


@pytest.mark.parametrize("key", ["name", "filename", "hostname", "model_name"])
def test_other_names_are_left_to_the_model(key):
    """Files, hosts, models and functions have names too."""
    assert find("get weather", Words(), key=key)[0] == []


def test_only_wanted_types():
    """A place is not reported where only people are wanted."""
    text = "tell Okonkwo in Enugu"
    assert find(text, Words(Okonkwo="PERSON", Enugu="LOCATION"))[0] == [("PERSON", "Okonkwo")]


def test_names_found_once_are_found_everywhere():
    """What the model read in one sentence stands in others too."""
    text = "Okonkwo called. " + "It rained all day and nobody was there to see it at all. Okonkwo called. " * 4
    found, _ = find(text, Words(Okonkwo="PERSON"))
    assert found == [("PERSON", "Okonkwo")] * 5


PARTS = [
    "Ann",
    "Anna",
    "O'Brien",
    "Jean-Luc",
    "Okafor",
    "Holdings",
    "3Com",
    "&Co",
    "Öre",
    " ",
    ",",
    ".",
    "'s",
    "-",
    "_",
    "2",
    "\n",
]


@given(
    st.lists(st.sampled_from(PARTS), max_size=25).map("".join),
    st.sets(st.sampled_from([*PARTS[:9], "Okafor Holdings"])),
)
def test_many_names_are_found_where_few_are(text, names):
    """Looked up all at once or searched for one by one: the same where a name stands as a word of its own."""

    def whole(occurrences):
        ends = ((start, start + len(name)) for start, name in occurrences)
        return {(a, b) for a, b in ends if not re.match(r"\w", text[a - 1 : a]) and not re.match(r"\w", text[b:])}

    assert whole(_all(text, names)) == whole(_each(text, names))


def test_letters_without_end_are_passed_over():
    """A name may begin anywhere in them, and what follows is read no farther than names are long."""
    text = "Ann" * 300_000 + " Ann"
    found = _occurrences(text, {"Ann": "PERSON", "Okafor": "PERSON"})
    assert list(found) == [(len(text) - 3, len(text), "PERSON")]


@pytest.mark.parametrize("at", range(2**16 - 5, 2**16 + 2))
def test_a_name_across_two_blocks_is_found(at):
    """A long text is looked through in blocks."""
    text = " " * at + "Ann" + " " * 100
    assert list(_all(text, ["Ann"])) == [(at, "Ann")]


def test_long_texts_write_names_with_capitals():
    """Beyond a chat message, a word all small or all large is nobody unless a list of names has it."""
    text = (
        "It rained all day, and nobody was there to see it. " * 9
        + "QUOTHEN Okonkwo and chinedu and CHINEDU agreed hereby. "
    )
    model = Words(QUOTHEN="PERSON", Okonkwo="PERSON", chinedu="PERSON", CHINEDU="PERSON", hereby="PERSON")
    assert [name for _, name in find(text, model)[0]] == ["Okonkwo", "chinedu", "CHINEDU"]
    assert ("PERSON", "QUOTHEN") in find(text[-60:], model)[0]


@pytest.mark.parametrize(
    ("entity_type", "word", "found"),
    [
        ("PERSON", "Canada", False),
        ("PERSON", "Okonkwo", True),
        ("ADDRESS", "and 40", False),
        ("ADDRESS", "14 harbour road", True),
    ],
)
def test_letters_must_bear_the_model_out(entity_type, word, found):
    """No one is called by one everyday word; an address has a capital or a street's word."""
    text = f"Ask Adeyemi about {word} today"
    assert bool(find(text, Words(**{word: entity_type}), entities=("PERSON", "ADDRESS"))[0]) == found


def test_a_firm_of_that_name_stays_whole():
    """A person's surname inside another name is not cut out of it."""
    text = "Chinedu Okonkwo left Okonkwo Holdings"

    class Both(Words):
        def read(self, text, windows, budget):
            return [Span("PERSON", 0, 15, 0.9), Span("ORGANIZATION", 21, 37, 0.9)], len(windows)

    assert find(text, Both())[0] == [("PERSON", "Chinedu Okonkwo")]


LONG = (
    " ".join(f"Okonkwo{c} and Adeyemi{c} called again, and it rained." for c in "abcdefghijklmnop") * 2
    + " my name is Chinedu Obi"
)


def test_beyond_the_budget_cues_alone():
    """The rest of a long text is searched without the model, and counted."""
    found, names = find(LONG, Words(Okonkwoa="PERSON"), budget_tokens=200)
    assert names.counts.over_budget == 1
    assert [found[0], found[-1]] == [("PERSON", "Okonkwoa"), ("PERSON", "Chinedu Obi")]


def test_within_the_budget_all_is_read():
    """No text is cut short that the budget allows for."""
    assert find(LONG, Words(Okonkwop="PERSON"), budget_tokens=2000)[1].counts.over_budget == 0


def test_beyond_the_budget_block():
    """Or the request is refused, by policy; the message holds nothing of the text."""
    with pytest.raises(NamesOverBudgetError) as error:
        find(LONG, Words(), budget_tokens=64, over_budget="block")
    assert "64 tokens" in str(error.value)
    assert "Okonkwo" not in str(error.value)


@pytest.mark.parametrize(
    ("entities", "types"),
    [
        ({}, {"PERSON", "ADDRESS"}),
        ({"LOCATION": "replace"}, {"PERSON", "ADDRESS", "LOCATION"}),
        ({"PERSON": "keep", "ORGANIZATION": "mask"}, {"ADDRESS", "ORGANIZATION"}),
        ({"PERSON": "keep", "ADDRESS": "keep"}, set()),
    ],
)
def test_types_by_default_and_by_choice(entities, types):
    """People and addresses by default, places and firms when `pii.entities` names them, nothing that is kept."""
    assert wanted(PiiSettings(entities=entities)) == types


def test_the_extended_pack_holds_all_of_them():
    """Places and firms are personal in some trades only, as postcodes and plates are."""
    assert wanted(PiiSettings(packs=("extended",))) == {"PERSON", "ADDRESS", "LOCATION", "ORGANIZATION"}


def test_switched_off():
    """Without types, or by `enabled: false`, there is no recognizer and no model is loaded."""
    assert recognizer(NameSettings(), frozenset()) is None
    assert recognizer(NameSettings(enabled=False), frozenset({"PERSON"})) is None


@pytest.mark.parametrize(("text", "found"), [('assert find("ali") == 1', False), ("ask ali about it", True)])
def test_a_small_word_in_quotes_is_a_string(text, found):
    """Code quotes words that are names elsewhere."""
    assert bool(find(text, Words(ali="PERSON"))[0]) == found
