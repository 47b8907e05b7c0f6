"""What models cost."""

import re

import pytest
from genai_prices import Usage, calc_price
from hypothesis import given
from hypothesis import strategies as st

from extproc.config.models import Model
from extproc.config.prices import FREE, Consumption, Rate, Step, rate_of

HOSTS = {
    "gpt-4o": "api.openai.com",
    "o3": "api.openai.com",
    "claude-sonnet-4-5": "api.anthropic.com",
    "gemini-2.5-pro": "generativelanguage.googleapis.com",
}


def model(host, **fields):
    """A model of a provider."""
    return Model.model_validate({"endpoints": [{"address": f"{host}:443", "zone": "external", "tls": True}]} | fields)


@given(
    st.sampled_from(sorted(HOSTS)),
    st.integers(0, 400_000),
    st.integers(0, 20_000),
    st.floats(0, 1),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_list_prices_are_those_of_the_package(name, read, written, cached, stored, thought):
    """Cache and steps by input size included: what the package itself makes of the same usage."""
    rate = rate_of("USD", "m", model(HOSTS[name], upstream_name=name))
    used = Consumption(read, written, int(read * cached * 0.5), int(read * stored * 0.5), int(written * thought))
    usage = Usage(
        input_tokens=used.input,
        output_tokens=used.output,
        cache_read_tokens=used.cache_read,
        cache_write_tokens=used.cache_write,
        output_reasoning_tokens=used.reasoning,
    )
    expected = float(calc_price(usage, name, provider_api_url=f"https://{HOSTS[name]}/").total_price)
    assert rate.cost(used) == pytest.approx(expected, abs=1e-9)
    assert re.fullmatch(r"genai-prices [\d.]+, newest price of \d{4}-\d\d-\d\d", rate.source)


def test_mesh_yaml_stands_above_the_list():
    """Also where it says that a model is free."""
    said = model("api.openai.com", upstream_name="gpt-4o", price_per_million={"input": 0})
    assert rate_of("USD", "m", said).cost(Consumption(1000, 1000)) == 0
    assert rate_of("USD", "m", said).source == "mesh.yaml"


@pytest.mark.parametrize(
    ("currency", "host", "name"),
    [
        ("EUR", "api.openai.com", "gpt-4o"),
        ("USD", "llm.example.com", "gpt-4o"),
        ("USD", "api.openai.com", "nobody-knows"),
    ],
)
def test_nobody_says(currency, host, name):
    """Bills in another currency, a host that is no provider's, a model that is not listed."""
    assert rate_of(currency, "m", model(host, upstream_name=name)) is FREE


def test_a_model_of_ones_own_has_no_list_price():
    """Whatever it is called."""
    own = Model.model_validate({"endpoints": [{"address": "127.0.0.1:8081"}], "upstream_name": "gpt-4o"})
    assert rate_of("USD", "gpt-4o", own) is FREE


@given(*(st.integers(0, 10**9) for _ in range(5)))
def test_counts_that_contradict_one_another(read, written, cached, stored, thought):
    """Charge neither less than nothing nor more than the dearest of each."""
    rate = Rate((Step(-1, 2.0),), (Step(-1, 8.0),), (Step(-1, 0.5),), (Step(-1, 2.5),), (Step(-1, 9.0),))
    cost = rate.cost(Consumption(read, written, cached, stored, thought))
    assert 0 <= cost <= (read * 2.5 + written * 9) / 1e6 + 1e-6
