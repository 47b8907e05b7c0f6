"""What a request went on without is told, by rule and cause; nothing else is."""

import pytest

from extproc.decision import Facts, Inspection, Unenforced, Verdict, unenforced

BLOCK = Verdict("policy", "block", "cards")
DRY = BLOCK._replace(enforced=False)


def inspection(*verdicts, reason=None, entities=(), more=()):
    """Of a request on which this was said."""
    return Inspection(Facts(verdicts=verdicts, unenforced=more), entities=dict.fromkeys(entities, 1), reason=reason)


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (inspection(), ()),
        (inspection(Verdict("policy", "flag", "x", enforced=False), Verdict("policy", "confine", "y", "pod")), ()),
        (inspection(DRY, DRY), (("policy", "cards", "dry_run"),)),
        (inspection(reason="late"), (("intent", "classifier", "late"),)),
        (inspection(reason="classifier:ValueError"), (("intent", "classifier", "failed"),)),
        (inspection(reason="unreadable"), (("payload", "body", "unreadable"),)),
        (
            inspection(DRY, more=(Unenforced("budget", "team", "store_away"),)),
            (("policy", "cards", "dry_run"), ("budget", "team", "store_away")),
        ),
    ],
)
def test_ledger(found, told):
    """One entry for each thing."""
    assert unenforced(found) == told


def test_in_shadow_nothing_is_enforced():
    """Blocks, refusals of ours and masking stand in the ledger; what is left alone anyway does not."""
    found = inspection(BLOCK, DRY, entities=[("PERSON", "replace"), ("URL", "keep")])
    assert unenforced(found, shadow=True, error="DeniedError") == (
        ("policy", "cards", "shadow"),
        ("policy", "cards", "dry_run"),
        ("refusal", "DeniedError", "shadow"),
        ("pii", "masking", "shadow"),
    )
    assert unenforced(inspection(entities=[("URL", "keep")]), shadow=True) == ()
