"""Where requests may go: whatever is denied, no request ends where a rule forbids it, and none is refused that could go on."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from extproc.config.mesh import Mesh
from extproc.config.models import ZONES
from extproc.decision import Duty, Facts, Verdict
from extproc.policy.destinations import Destinations
from extproc.policy.rules import rules_of

NAMES = ("a", "b", "c")
PLACES = st.lists(st.sampled_from(ZONES), min_size=1, max_size=3, unique=True)
FORBIDDEN = st.sets(st.sampled_from(list(itertools.product(NAMES, ZONES))), max_size=8)


def endpoint(zone, number):
    """One in a zone."""
    return {"address": f"h{number}:{1000 + number}", "zone": zone, **({"tls": True} if zone == "external" else {})}


def mesh(places, forbidden, choice, route):
    """Models in these places, and a rule for each place that is forbidden."""
    models = {
        name: {"endpoints": [endpoint(zone, i * 10 + j) for j, zone in enumerate(zones)]}
        for i, (name, zones) in enumerate(zip(NAMES, places, strict=True))
    }
    rules = [
        {
            "name": f"r{i}",
            "when": f'destination.model == "{name}" && destination.zone == "{zone}"',
            "then": {"deny": "no"},
        }
        for i, (name, zone) in enumerate(sorted(forbidden))
    ]
    if choice:
        rules.append({"name": "choice", "when": "true", "then": {"models": sorted(choice)}})
    return Mesh.model_validate(
        {"version": 1, "models": models, "default_model": "c", "routes": [route], "policy": rules}
    )


@settings(max_examples=40, deadline=None)
@given(
    st.tuples(PLACES, PLACES, PLACES),
    FORBIDDEN,
    st.sets(st.sampled_from(NAMES), max_size=2),
    st.sampled_from(NAMES),
    st.sampled_from(ZONES),
    st.sampled_from([None, *ZONES]),
)
def test_what_is_forbidden(places, forbidden, choice, routed, residency, confined):
    """Against what a person would do by hand: the first candidate that has a zone left, as far as the first that is forbidden."""
    settings = mesh(places, forbidden, choice, {"model": routed, "residency": residency})
    bound = min(ZONES.index(residency), ZONES.index(confined) if confined else len(ZONES))
    zones = {
        name: sorted((z for z in some if ZONES.index(z) <= bound), key=ZONES.index)
        for name, some in zip(NAMES, places, strict=True)
    }
    order = [name for name in dict.fromkeys((routed, "c")) if not choice or name in choice]
    order += [name for name in sorted(choice) if name not in order]
    wanted = None
    for name in order:
        left = list(itertools.takewhile(lambda z, name=name: (name, z) not in forbidden, zones[name]))
        if left:
            wanted = (name, left)
            break
    verdicts = (Verdict("other", "confine", "x", confined),) if confined else ()
    duties = (Duty("policy", "models", "choice"),) if choice else ()
    facts = Facts(verdicts=verdicts, duties=duties)
    destinations = Destinations(settings, rules_of(settings))
    ruling = destinations.judge(facts)
    if wanted is None:
        assert [verdict.action for verdict in ruling.verdicts] == ["block"]
        return
    assert all(verdict.action != "block" for verdict in ruling.verdicts)
    decision = destinations._router.decide(facts._replace(verdicts=verdicts + ruling.verdicts))
    reached = [zone for zone in zones[decision.model] if ZONES.index(zone) <= ZONES.index(decision.residency)]
    assert (decision.model, reached) == wanted
