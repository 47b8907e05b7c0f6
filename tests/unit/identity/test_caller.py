"""Who calls, as far as Envoy has verified it."""

from extproc.config.telemetry import ProjectSettings
from extproc.identity import ANONYMOUS, caller_of


def test_project_of_a_certificate():
    """The SPIFFE id nearest to us counts; what is not a name is not one."""
    settings = ProjectSettings(spiffe=True, header="x-team")
    certificate = 'By=spiffe://mesh/ns/us;Hash=ab;Subject="CN=a,O=b";URI=spiffe://mesh/ns/red'
    assert caller_of(settings, {"x-forwarded-client-cert": certificate}).project == "spiffe://mesh/ns/red"
    assert caller_of(settings, {"x-team": "blue"}).project == "blue"
    assert caller_of(settings, {"x-team": "my name is Ada"}).project == "unknown"


def test_project_of_a_verified_claim():
    """A nested claim of any verified payload; it counts before every header."""
    settings = ProjectSettings(claim="realm.project", header="x-team")
    claims = {"payload": {"realm": {"project": "red"}}}
    assert caller_of(settings, {"x-team": "blue"}, claims).project == "red"
    assert caller_of(settings, {"x-team": "blue"}, {"payload": {"realm": 3}}).project == "blue"


def test_nobody_in_particular():
    """Where nothing is told, or nothing that is read, the caller is anonymous."""
    certificate = {"x-forwarded-client-cert": "URI=spiffe://mesh/ns/red"}
    assert caller_of(ProjectSettings(), certificate) is ANONYMOUS
    assert caller_of(ProjectSettings(header="x-team"), {"x-team": "a b"}) is ANONYMOUS
    assert (ANONYMOUS.id, ANONYMOUS.project, dict(ANONYMOUS.claims)) == ("", "unknown", {})


def test_the_id_is_the_certificate_s():
    """Whoever else pays: a claim names the project, the certificate who asks."""
    settings = ProjectSettings(spiffe=True, claim="project")
    headers = {"x-forwarded-client-cert": "URI=spiffe://mesh/ns/red"}
    caller = caller_of(settings, headers, {"payload": {"project": "blue", "role": "x"}})
    assert (caller.id, caller.project) == ("spiffe://mesh/ns/red", "blue")
    assert caller.claims == {"payload": {"project": "blue", "role": "x"}}
