"""Who calls, as far as Envoy has verified it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extproc.config.identity import IdentitySettings
from extproc.config.loader import InvalidMeshError, parse
from extproc.identity import ANONYMOUS, Caller, Callers
from extproc.identity.certificates import forwarded_id

RED = "spiffe://mesh/ns/red"
CERTIFICATE = {"x-forwarded-client-cert": f'By=spiffe://mesh/ns/us;Hash=ab;Subject="CN=a,O=b";URI={RED}'}


def callers(**settings):
    """What tells callers, by this section."""
    return Callers(IdentitySettings.model_validate(settings))


def test_a_certificate_says_who_it_is():
    """The SPIFFE id nearest to us; a project too, where nothing else says one. A header counts after it."""
    known = callers(certificate=True, headers={"project": "x-team"})
    assert known.caller(CERTIFICATE)[:3] == (RED, RED, "")
    assert known.caller(CERTIFICATE | {"x-team": "blue"}).project == RED
    assert known.caller({"x-team": "blue"})[:3] == ("", "blue", "")
    assert known.caller({"x-team": "my name is Ada"}) is ANONYMOUS


def test_envoy_s_own_connection_counts_before_a_header():
    """Its peer is nearer than whom another proxy tells of."""
    assert callers(certificate=True).caller(CERTIFICATE, None, "spiffe://mesh/ns/blue").id == "spiffe://mesh/ns/blue"
    assert callers(certificate=True).caller({}, None, "https://not.a/spiffe") is ANONYMOUS


def test_claims_of_a_verified_token():
    """Nested ones too, of any verified payload; they count before certificates and headers."""
    known = callers(certificate=True, jwt={"project": "realm.project", "team": "https://x.example/team"})
    payload = {"sub": "ada", "realm": {"project": "red"}, "https://x.example/team": "science", "role": "x"}
    caller = known.caller(CERTIFICATE, {"corporate": payload})
    assert caller == Caller("ada", "red", "science", payload, "jwt")
    caller = known.caller(CERTIFICATE, {"corporate": {"realm": 3, "sub": ["ada"]}})
    assert (caller.id, caller.project, caller.source) == (RED, RED, "certificate")


def test_of_several_tokens_the_first_by_name_counts():
    """Whatever order they come in."""
    tokens = {"b": {"sub": "bob", "x": 1}, "a": {"sub": "ada"}}
    for metadata in (tokens, dict(reversed(tokens.items()))):
        caller = callers(jwt={}).caller({}, metadata)
        assert (caller.id, caller.claims) == ("ada", {"sub": "ada", "x": 1})


def test_what_is_known_by_id():
    """Project and team where no token tells them: the whole id before the beginnings, these in their order."""
    known = callers(
        certificate=True,
        jwt={},
        callers=[
            {"id": "spiffe://mesh/ns/*", "project": "mesh", "team": "platform"},
            {"id": "spiffe://mesh/*", "project": "never"},
            {"id": RED, "project": "red"},
            {"id": "ada", "team": "science"},
        ],
    )
    assert known.caller(CERTIFICATE)[:3] == (RED, "red", "")
    assert known.caller({}, None, "spiffe://mesh/ns/blue")[:3] == ("spiffe://mesh/ns/blue", "mesh", "platform")
    assert known.caller({}, {"p": {"sub": "ada"}})[:3] == ("ada", "unknown", "science")


def test_nobody_in_particular():
    """Where nothing is told, or nothing that is looked at, the caller is anonymous: no header says anything by itself."""
    everything = CERTIFICATE | {"x-team": "a", "l5d-client-id": "a.b", "authorization": "Bearer x", "x-user": "root"}
    assert callers().caller(everything, {"p": {"sub": "ada"}}, RED) is ANONYMOUS
    assert callers(headers={"project": "x-team"}).caller({"x-team": "a b"}) is ANONYMOUS
    assert (ANONYMOUS.id, ANONYMOUS.project, ANONYMOUS.team, dict(ANONYMOUS.claims)) == ("", "unknown", "", {})


def test_trusted_headers():
    """Those that are named, and no others."""
    known = callers(headers={"id": "X-User", "team": "x-group"})
    assert known.caller({"x-user": "ada", "x-group": "science", "x-project": "red"}) == Caller(
        "ada", "unknown", "science", {}, "header"
    )


def test_linkerd_tells_in_a_header_of_its_own():
    """And `x-forwarded-client-cert` counts for nothing there."""
    assert callers(certificate="linkerd").caller(CERTIFICATE | {"l5d-client-id": "app.ns.id"}).id == "app.ns.id"
    assert callers(certificate="linkerd").caller(CERTIFICATE) is ANONYMOUS


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (f"URI={RED}", RED),
        (f"By=spiffe://mesh/us;URI={RED};DNS=a.example", RED),
        (f"URI=spiffe://mesh/ns/evil,By=x;URI={RED}", RED),
        (f"URI={RED},By=x;Hash=y", ""),
        (f'By=x;Subject="CN=a;URI=spiffe://mesh/ns/evil";URI={RED}', RED),
        ('By=x;Subject="CN=a;URI=spiffe://mesh/ns/evil"', ""),
        ('By=x;Subject="CN=\\";URI=spiffe://mesh/ns/evil"', ""),
        (f'Subject="never closed,By=x;Subject="CN=a";URI={RED}', RED),
        (f"URI={RED};URI=spiffe://mesh/ns/evil", ""),
        ("URI=https://mesh/ns/red", ""),
        ("", ""),
    ],
)
def test_forwarded_certificates(header, found):
    """The last element is the proxy's own; whatever a client wrote before it, quotes left open too, changes nothing."""
    assert forwarded_id(header) == found


@given(st.text(alphabet='",;\\=URIspiffe:/x', max_size=60))
def test_nothing_before_the_last_element_counts(before):
    """For any beginning."""
    assert forwarded_id(f'{before},By=x;Subject="CN=\\"a, b\\"";URI={RED}') == RED


def test_mistakes_are_told():
    """With what would be right."""
    models = "models: {m: {endpoints: [{address: '127.0.0.1:1'}]}}\ndefault_model: m\nversion: 1\n"
    with pytest.raises(InvalidMeshError, match=r"identity.certficate: there is no key .*did you mean `certificate`"):
        parse(models + "identity: {certficate: true}")
    with pytest.raises(InvalidMeshError, match="stands at the end only"):
        parse(models + "identity: {callers: [{id: 'a*b'}]}")
