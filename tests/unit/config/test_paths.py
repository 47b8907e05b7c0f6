"""Which rule holds for a path, however it is spelled: what any upstream may read as an intercepted path is one."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extproc.config.intercept import Intercept, rule_for
from extproc.config.paths import plain_path, readings

V1 = Intercept(path_prefix="/v1/")
TICKETS = Intercept(path="/Tickets/New")
RULES = [V1, TICKETS]

DISGUISES = [
    *("/v1/chat", "/V1/chat", "/v1;x=1/chat", "/;/v1/chat", "/v1./chat", "/%5cv1/chat", "/%761/chat", "//v1//chat"),
    *(
        "/./v1/chat",
        "/x/../v1/chat",
        "/x/..;/v1/chat",
        "/%2e/v1/chat",
        "/v1%2fchat",
        "/v1%252fchat",
        "/%25%37%361/chat",
    ),
    *("/v1%20/chat", "/v1 /chat", "/v1%09/chat", "/v1.../chat", "/v1. /chat", "/%c0%afv1/chat", "/%u0076%u0031/chat"),
    *("/v1/../v1/chat", "/v1/../other", "/v1/%2e%2e/other", "\\\\v1\\\\chat", "/x%2f..%2fv1/chat", "/v1%00/chat"),
]


@pytest.mark.parametrize("path", DISGUISES)
def test_disguises(path):
    """Case, parameters, dots, backslashes, encodings: the rule of `/v1/` holds."""
    assert rule_for(RULES, "POST", path) is V1


@pytest.mark.parametrize(
    "path", ["/", "/v2/chat", "/v1", "/v10/chat", "/x/v1/chat", "/v1/../../v2", "/metrics", "/a;/v1x/", "/v1%3Fx"]
)
def test_other_paths_are_none_of_our_business(path):
    """But for `/v1/../../v2`, which is a path under `/v1/` to who reads it as it stands."""
    assert (rule_for(RULES, "POST", path) is None) == (path != "/v1/../../v2")


@pytest.mark.parametrize(
    "path", ["/tickets/new", "/Tickets/New/", "/TICKETS//NEW", "/tickets/new;a=b", "/tickets/x/../new"]
)
def test_an_exact_path(path):
    """The same for a rule of one path."""
    assert rule_for(RULES, "PUT", path) is TICKETS
    assert rule_for(RULES, "PUT", path + "/more") is None


@pytest.mark.parametrize(
    ("method", "holds"), [("POST", True), ("post", True), ("Post", True), ("GET", False), ("get", False)]
)
def test_methods(method, holds):
    """A method in small letters is the method."""
    assert (rule_for(RULES, method, "/v1/chat") is V1) == holds


@given(st.text(max_size=30).map(lambda text: "/" + text))
def test_any_path(path):
    """Read without a crash, and without its disguises it has none."""
    plain = plain_path(path)
    assert plain.startswith("/")
    assert "//" not in plain
    assert len(readings(path)) in (1, 3)


@given(st.lists(st.text("abc123-_", min_size=1, max_size=4), min_size=1, max_size=4), st.integers(0, 3), st.data())
def test_any_encoding(segments, levels, data):
    """Any character, encoded any number of times up to three, is that character."""
    path = "/" + "/".join(segments)
    disguised = path
    for _ in range(levels):
        at = data.draw(st.integers(0, len(disguised) - 1))
        disguised = disguised[:at] + f"%{ord(disguised[at]):02X}" + disguised[at + 1 :]
    if levels < 3:
        assert plain_path(disguised) == path
    assert quote(path) == path
