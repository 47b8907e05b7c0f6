"""API keys: printed once, kept as digests, good until they expire or are revoked."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from extproc.cli import cli
from extproc.config.api_keys import PREFIX, digest, read_keys
from extproc.config.identity import IdentitySettings
from extproc.config.loader import InvalidMeshError, parse
from extproc.errors import ConfigError, UnauthorizedError
from extproc.identity import ANONYMOUS, Caller, Callers

MODELS = "models: {m: {endpoints: [{address: '127.0.0.1:1'}]}}\ndefault_model: m\nversion: 1\n"


def keys(*arguments, file):
    """A command, that succeeds."""
    result = CliRunner().invoke(cli, ["keys", *arguments, "--file", str(file)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def made(file, *more):
    """A new key, and its id."""
    found = json.loads(keys("new", "--owner", "ada", "--json", *more, file=file))
    return found["key"], found["id"]


def callers(file, **settings):
    """What tells callers, by this file."""
    return Callers(IdentitySettings.model_validate({"keys": {"file": file}, **settings}))


def test_a_key_says_who_it_is(tmp_path):
    """Its owner, project and team, with `Bearer` and without, whatever else is said."""
    file = tmp_path / "keys.yaml"
    key, _ = made(file, "--project", "red", "--team", "science", "--expires", "90d")
    known = callers(file, jwt={}, certificate=True, headers={"id": "x-user"})
    whole = Caller("ada", "red", "science", {}, "key")
    for value in (key, f"Bearer {key}", f"bearer  {key} "):
        assert known.caller({"authorization": value, "x-user": "root"}) == whole
    other = known.caller({"authorization": f"Bearer {key}"}, {"p": {"sub": "bob", "role": "x"}})
    assert (other.id, other.source, other.claims) == ("ada", "key", {"sub": "bob", "role": "x"})


def test_the_file_holds_no_key(tmp_path):
    """Digests; and it is for its owner's eyes."""
    file = tmp_path / "keys.yaml"
    key, _ = made(file)
    text = file.read_text()
    assert key not in text
    assert key.removeprefix(PREFIX)[:12] not in text
    assert digest(key) in text
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(key) > 40
    assert made(file)[0] != key
    assert len(read_keys(file)) == 2


def test_what_is_no_key_of_ours_is_nobody_s(tmp_path):
    """Another token in the same header is left alone; one that begins as ours do and is unknown is refused."""
    file = tmp_path / "keys.yaml"
    key, _ = made(file)
    known = callers(file)
    for value in ("", "Bearer sk-abc", "Basic eDp5", f"x{key}"):
        assert known.caller({"authorization": value}) is ANONYMOUS
    for value in (key[:-1], key + "x", PREFIX, PREFIX + "x" * 100_000, PREFIX + "\xe9"):
        with pytest.raises(UnauthorizedError, match="the API key is not known"):
            known.caller({"authorization": f"Bearer {value}"})


def test_a_revoked_key_is_refused(tmp_path):
    """From the next reading on, and stays in the list."""
    file = tmp_path / "keys.yaml"
    key, number = made(file)
    other, _ = made(file)
    keys("revoke", number, file=file)
    with pytest.raises(UnauthorizedError, match=f"the API key {number} is revoked"):
        callers(file).caller({"authorization": key})
    assert callers(file).caller({"authorization": other}).id == "ada"
    rows = json.loads(keys("list", "--json", file=file))
    assert [row["state"] for row in rows] == ["revoked", "good"]
    assert "sha256" not in rows[0]
    before = file.read_text()
    keys("revoke", number, file=file)
    assert file.read_text() == before


def test_an_expired_key_is_refused(tmp_path):
    """At its moment."""
    file = tmp_path / "keys.yaml"
    key, number = made(file, "--expires", "1h")
    assert callers(file).caller({"authorization": key}).id == "ada"
    late = f"{datetime.now(UTC) - timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}"
    (entry,) = read_keys(file)
    file.write_text(file.read_text().replace(entry.expires.strftime("%Y-%m-%dT%H:%M:%SZ"), late))
    with pytest.raises(UnauthorizedError, match=f"the API key {number} is expired"):
        callers(file).caller({"authorization": key})


def test_nobody_may_be_anonymous(tmp_path):
    """Where the section says so."""
    file = tmp_path / "keys.yaml"
    key, _ = made(file)
    known = callers(file, anonymous="deny")
    assert known.caller({"authorization": key}).id == "ada"
    with pytest.raises(UnauthorizedError, match="the caller is not known"):
        known.caller({})
    with pytest.raises(InvalidMeshError, match="refuses everybody"):
        parse(MODELS + "identity: {anonymous: deny, headers: {project: x-team}}")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "cannot be read: No such file or directory; `intentmesh keys new` makes one"),
        ("a: [", "not YAML"),
        ("[]", "has no list `keys`"),
        ("keys: [{id: zz}]", "keys[0].id"),
        ("keys: [3]", "keys[0]"),
        (
            "keys:\n" + "".join(f"- {{id: 0000000a, sha256: '{i}{'0' * 63}', owner: x, created: 2026-01-01}}\n" for i in (1, 2)),
            "two keys have the id 0000000a",
        ),
    ],
)  # fmt: skip
def test_a_file_with_a_mistake(tmp_path, text, sentence):
    """`check` tells it at its key, and nothing serves with it."""
    file = tmp_path / "keys.yaml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(InvalidMeshError) as caught:
        parse(MODELS + "identity: {keys: {file: keys.yaml}}", folder=tmp_path)
    (problem,) = caught.value.problems
    assert problem.key == "identity.keys.file"
    assert sentence in problem.message
    with pytest.raises(ConfigError):
        callers(file)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["new", "--owner", "a", "--expires", "soon"], "neither 90d nor a date"),
        (["new", "--owner", "a", "--expires", "2020-01-01"], "is over"),
        (["new", "--owner", ""], "owner"),
        (["new"], "Missing option '--owner'"),
        (["revoke", "0badf00d"], "there is no key 0badf00d"),
        (["list"], "cannot be read"),
    ],
)
def test_commands_tell_what_is_wrong(tmp_path, arguments, sentence):
    """And change nothing."""
    file = tmp_path / "keys.yaml"
    result = CliRunner().invoke(cli, ["keys", *arguments, "--file", str(file)])
    assert result.exit_code != 0
    assert sentence in f"{result.output} {result.exception}"
    assert not file.exists()


def test_the_file_that_the_mesh_names(tmp_path, monkeypatch):
    """Without an option, the one beside ./mesh.yaml, though it is not there yet."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mesh.yaml").write_text(MODELS + "identity: {keys: {file: who.yaml}}")
    result = CliRunner().invoke(cli, ["keys", "new", "--owner", "ada"], catch_exceptions=False)
    assert result.stdout.startswith(PREFIX)
    assert read_keys(tmp_path / "who.yaml")[0].owner == "ada"


def test_the_workload_beside_us(monkeypatch):
    """What leaves it is its own, whatever it says of itself; what comes in is not."""
    name = "spiffe://mesh/ns/$(NAMESPACE)/sa/$(SERVICE_ACCOUNT)"
    settings = IdentitySettings.model_validate({"workload": name, "certificate": True})
    with pytest.raises(ConfigError, match="set INTENTMESH_NAMESPACE"):
        Callers(settings)
    monkeypatch.setenv("INTENTMESH_NAMESPACE", "shop")
    monkeypatch.setenv("INTENTMESH_SERVICE_ACCOUNT", "web")
    own = "spiffe://mesh/ns/shop/sa/web"
    forged = {"x-forwarded-client-cert": "URI=spiffe://mesh/ns/shop/sa/root"}
    assert Callers(settings).caller(forged, outbound=True)[:2] == (own, own)
    assert Callers(settings).caller({}, outbound=True).source == "workload"
    assert Callers(settings).caller({}) is ANONYMOUS
