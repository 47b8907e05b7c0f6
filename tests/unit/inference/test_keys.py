"""API keys from a file."""

import os

import pytest

from inference import keys
from inference.errors import SettingsError, UnauthorizedError
from inference.keys import ApiKeys


@pytest.fixture
def file(tmp_path):
    """Two keys and a comment."""
    path = tmp_path / "keys"
    path.write_text("# for the tests\n\nfirst-key\n  second-key  \n")
    return path


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer first-key"},
        {"authorization": "bearer  second-key"},
        {"x-api-key": "second-key"},
        {"authorization": "Basic eDp5", "x-api-key": "first-key"},
    ],
)
def test_a_key_opens(file, headers):
    """As a bearer token, or in the header of Anthropic's clients."""
    ApiKeys(file).check(headers)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer "},
        {"authorization": "Bearer first-ke"},
        {"authorization": "Bearer first-key2"},
        {"authorization": "first-key"},
        {"authorization": "Bearer # for the tests"},
        {"x-api-key": ""},
        {"x-api-key": "ключ"},
    ],
)
def test_anything_else_does_not(file, headers):
    """A prefix, a comment, nothing, another scheme."""
    with pytest.raises(UnauthorizedError):
        ApiKeys(file).check(headers)


def test_without_a_file_everybody_may():
    """That is the default: the container listens within the pod."""
    ApiKeys(None).check({})


@pytest.mark.parametrize("text", ["", "\n  \n# only a comment\n"])
def test_a_file_without_keys_is_a_mistake(file, text):
    """Not an open door."""
    file.write_text(text)
    with pytest.raises(SettingsError, match="it holds no key"):
        ApiKeys(file)


def test_a_missing_file_is_a_mistake(tmp_path):
    """With its path."""
    with pytest.raises(SettingsError, match="nowhere: cannot be read"):
        ApiKeys(tmp_path / "nowhere")


def test_keys_are_exchanged_while_the_server_runs(file, monkeypatch):
    """The new ones hold, the old ones no more; an empty or missing file changes nothing."""
    monkeypatch.setattr(keys, "_LOOK_S", -1.0)
    checked = ApiKeys(file)
    file.write_text("third-key\n")
    os.utime(file, ns=(1, 1))
    checked.check({"x-api-key": "third-key"})
    with pytest.raises(UnauthorizedError):
        checked.check({"x-api-key": "first-key"})
    file.write_text("")
    checked.check({"x-api-key": "third-key"})
    file.unlink()
    checked.check({"x-api-key": "third-key"})
