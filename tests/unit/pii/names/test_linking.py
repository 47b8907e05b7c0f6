"""Names of one person are one person."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extproc.pii import linking
from extproc.pii.linking import MOST_COMPARED, NameLinker
from extproc.pii.vault import Vault
from tests.unit.restoring import Answer, restored


@pytest.mark.parametrize(
    "later", ["Okafor", "Aisha", "Aisha's", "A. Okafor", "AISHA OKAFOR", "Ms Okafor", "Aisha N. Okafor"]
)
def test_parts_and_forms_belong_to_the_person(later):
    """A part, an initial, another case, a title or a middle name make nobody new."""
    linker = NameLinker()
    linker.leader("Aisha Okafor")
    assert linker.leader(later) == "Aisha Okafor"


def test_the_first_form_leads_even_if_it_is_a_part():
    """The surname came first: the full name joins it."""
    linker = NameLinker()
    assert [linker.leader(name) for name in ("Okafor", "Aisha Okafor", "Aisha")] == ["Okafor"] * 3


def test_what_fits_two_people_is_nobody_of_them():
    """Two Okafors: the bare surname is not given to either."""
    linker = NameLinker()
    linker.leader("Aisha Okafor")
    linker.leader("Chidi Okafor")
    assert linker.leader("Okafor") == "Okafor"


def test_earlier_decisions_stand():
    """A second Okafor later changes nothing about the first."""
    linker = NameLinker()
    before = [linker.leader(name) for name in ("Aisha Okafor", "Okafor")]
    linker.leader("Chidi Okafor")
    assert [linker.leader(name) for name in ("Aisha Okafor", "Okafor")] == before


@pytest.mark.parametrize("other", ["Tom Baker", "A. Bello", "Bello", "O."])
def test_others_are_others(other):
    """Different words, or a lone initial, are somebody else."""
    linker = NameLinker()
    linker.leader("Aisha Okafor")
    assert linker.leader(other) == other


def test_accents_do_not_part_a_person():
    """Szabó and Szabo are one."""
    linker = NameLinker()
    linker.leader("Imre Szabó")
    assert linker.leader("Szabo") == "Imre Szabó"


def test_one_person_has_one_number():
    """The forms of a name share the number of their placeholder, and each comes back as it was written."""
    vault = Vault()
    placeholders = [
        vault.placeholder("PERSON", name) for name in ("Aisha Okafor", "Okafor", "Tom Baker", "Aisha", "Okafor")
    ]
    assert placeholders == ["[PERSON_1]", "[PERSON_1B]", "[PERSON_2]", "[PERSON_1C]", "[PERSON_1B]"]
    assert (
        restored(vault, "Ms [PERSON_1B], [PERSON_1C] and [PERSON_1]; [PERSON_2]")
        == "Ms Okafor, Aisha and Aisha Okafor; Tom Baker"
    )


@pytest.mark.parametrize("tolerant", [True, False])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_forms_come_back_however_the_answer_is_cut(size, tolerant):
    """A placeholder with a letter is held back like any other."""
    vault = Vault(tolerant=tolerant)
    masked = " ".join(vault.placeholder("PERSON", name) for name in ("Aisha Okafor", "Okafor", "Aisha"))
    restorer = Answer(vault.restorer())
    parts = [restorer.feed(masked[at : at + size]) for at in range(0, len(masked), size)]
    assert "".join(parts) + restorer.close() == "Aisha Okafor Okafor Aisha"


def test_linking_can_be_switched_off():
    """Without it every form is a number of its own."""
    vault = Vault(link=False)
    assert [vault.placeholder("PERSON", name) for name in ("Aisha Okafor", "Okafor")] == ["[PERSON_1]", "[PERSON_2]"]


def test_a_person_with_more_forms_than_letters_gets_a_new_number():
    """Nothing runs out."""
    vault = Vault()
    forms = ["aisha" + " " * n + "okafor" for n in range(1, 30)]
    assert len({vault.placeholder("PERSON", form) for form in forms}) == len(forms)


WORDS = ["aisha", "okafor", "A", "O", "Ms", "bo", "Lee's", "van", "Ödön", "odon", "b"]
NAMES = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join)


@given(st.lists(NAMES, max_size=14))
def test_the_index_finds_whom_everyone_would(names):
    """Comparing a name with those that the index gives decides as comparing it with all does."""
    indexed, plain = NameLinker(), NameLinker()
    plain._fitting = lambda words: [
        at for at, (_, known) in enumerate(plain._people) if linking._fits(words, known) or linking._fits(known, words)
    ]
    assert [indexed.leader(name) for name in names] == [plain.leader(name) for name in names]


def test_a_list_of_customers_is_not_compared_with_itself(monkeypatch):
    """Each name costs a bounded number of comparisons, however many share a word with it."""
    compared = 0
    fits = linking._fits

    def counting(part, whole):
        nonlocal compared
        compared += 1
        return fits(part, whole)

    monkeypatch.setattr(linking, "_fits", counting)
    linker = NameLinker()
    for n in range(600):
        word = "".join("abcdefghij"[int(digit)] for digit in str(n))
        for name in (f"x{word} okafor", f"aisha y{word}", f"{word[0]} okafor", f"{word[:2]} aisha {word[-2:]}"):
            linker.leader(name)
    assert compared < 2400 * MOST_COMPARED
