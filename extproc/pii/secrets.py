"""Keys and tokens by the prefix that their vendor gives them; JSON web tokens; PEM blocks; wallets."""

from __future__ import annotations

import itertools
import re

from extproc.pii import edges
from extproc.pii.finding import Finding
from extproc.pii.stand_ins import is_stand_in
from extproc.pii.vendors import INFIXES, VENDORS

OF_A_VENDOR, NAMED = 0.97, 0.8
"""Scores: of a key that says whose it is, above a label and a check; of a random value under a key's name, as of a password."""
WHOLE, BELOW_WHOLE = 2.0, 0.4
"""Ranks: a key goes as a whole, and what its name alone announces gives way to what a header or a program delimits."""
_B64 = r"[A-Za-z0-9_-]"
_COMPILED = {prefix: re.compile(pattern) for prefix, pattern in VENDORS.items()}
_INFIXES = {sign: re.compile(pattern) for sign, pattern in INFIXES.items()}
_RUN = re.compile(r"[A-Za-z0-9_.~:/+=-]*")
LONG, _LONGEST = 17, 256
"""Letters and digits of which such a key holds as many at least in one group, and characters of all of it."""
_WIDTHS = sorted({len(prefix) for prefix in VENDORS})
_BEGUN = frozenset(match[0] for prefix in VENDORS if (match := re.match("[A-Za-z]+(?![A-Za-z0-9])", prefix)))
_NAMES = frozenset(
    "key pat sk ak auth apikey authkey secretkey accesskey masterkey privatekey sharedkey signingkey encryptionkey licensekey "
    "servicekey accountkey sessionkey hmackey subscriptionkey storagekey salt sessionid session sid csrftoken".split()
)
"""Last words of names under which a key stands."""
KEYS = (
    _BEGUN
    | _NAMES
    | frozenset(word.lower() for word in _BEGUN)
    | frozenset(prefix[:4] for prefix in VENDORS if prefix.isalpha() and len(prefix) >= 4)
)
"""Words, and beginnings of words, at which a secret may begin or its name end."""
_STARTS = frozenset(prefix[:2] for prefix in VENDORS)
_TELEGRAM = re.compile(
    rf"(?:bot)?[0-9]{{6,12}}:(?:AA{_B64}{{30,40}}|(?=[^0-9\s]{{0,34}}[0-9])(?=[^A-Z\s]{{0,34}}[A-Z])(?=[^a-z\s]{{0,34}}[a-z]){_B64}{{34,36}})"
    r"(?![A-Za-z0-9_-])"
)
_DISCORD = re.compile(rf"[MNO]{_B64}{{22,27}}\.{_B64}{{6}}\.{_B64}{{25,}}")
_MANY = 5
"""Different characters that a key has at least: `xxxx` stands for one."""


_JOINED = frozenset({"eyJ", "SG.", "sg.", "bce-v3/", "sk-"})
"""Prefixes of keys in which something has to follow a part of any length. No other such key begins within that part."""
_LONG_KEY = 512
"""Characters by which a key is judged. What goes on for longer is taken whole, and no other is looked for within it: a run of
beginnings would be read from each of them to its end."""


class VendorKeys:
    """The keys of one text."""

    __slots__ = ("_end", "_start", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._start = self._end = 0
        """Of the last one that is long."""

    def at(self, start: int) -> Finding | None:
        """The key that begins here."""
        if self._start < start < self._end:
            return None
        finding = _vendor_key(self._text, start)
        if finding is not None and finding.end - start >= _LONG_KEY:
            self._start, self._end = start, finding.end
        return finding


def _vendor_key(text: str, start: int) -> Finding | None:
    """The key that begins here, wherever others do."""
    if start and (text[start - 1].isalnum() or (text[start - 1] in "_-" and not edges.begins(text, start))):
        return None
    if text[start : start + 2] not in _STARTS:
        return None
    for width in _WIDTHS:
        pattern = _COMPILED.get(text[start : start + width])
        if pattern is None:
            continue
        is_joined = text[start : start + width] in _JOINED
        match = pattern.match(text, start, len(text) if is_joined else start + _LONG_KEY)
        if match is None:
            continue
        is_long = match.end() - start >= _LONG_KEY
        if not is_long and text[match.end() : match.end() + 1].isalnum():
            continue
        body = max(_PARTS.split(match.group()[width:_LONG_KEY]), key=len)
        if len(set(body)) < _MANY or (body.isalpha() and width > 2 and not body.isupper() and not _is_scrambled(body)):
            continue
        if is_long:
            match = pattern.match(text, start) or match
        kind = "JWT" if match.group().startswith("eyJ") else "SECRET_KEY"
        return Finding(kind, start, match.end(), OF_A_VENDOR, ("vendor prefix",), rank=WHOLE)
    return None


def _is_scrambled(letters: str) -> bool:
    """Whether the letters change their case more often than those of any name in camel case."""
    changes = sum(a.isupper() != b.isupper() for a, b in itertools.pairwise(letters))
    return changes > _MOST_HUMPS * len(letters)


_MOST_HUMPS = 0.4
"""Changes of case per letter: two for each word of five."""


def within(text: str, start: int, end: int) -> Finding | None:
    """The key that a long group of letters and digits is part of, if it has the sign of its vendor in its midst."""
    while start > 0 and end - start < _LONGEST and (text[start - 1].isalnum() or text[start - 1] in "_.~:/-"):
        start -= 1
    run = _RUN.match(text, start, start + _LONGEST)
    value = run.group().rstrip(".") if run else ""
    for sign, pattern in _INFIXES.items():
        match = pattern.search(value) if sign in value else None
        if match is None:
            continue
        before, after = value[: match.start()], value[match.end() :]
        if not (before[-1:].isalnum() or after[:1].isalnum()):
            return Finding(
                "SECRET_KEY",
                start + match.start(),
                start + match.end(),
                OF_A_VENDOR,
                ("vendor's sign in its midst",),
                rank=WHOLE,
            )
    return None


def bot_token(text: str, start: int) -> Finding | None:
    """The token of a Telegram or Discord bot that begins here: a number or its base64, and a signature."""
    match = (_DISCORD if text[start] in "MNO" else _TELEGRAM).match(text, start)
    return Finding("SECRET_KEY", *match.span(), OF_A_VENDOR, ("shape of a bot's token",), rank=WHOLE) if match else None


_TAIL = r"(?:[_-](?:base|value|val|prod(?:uction)?|dev|staging|stage|test|live|primary|secondary|old|new|[0-9]{1,2}|v[0-9]))?"
_NAMED = re.compile(
    rf"""{_TAIL}["'`\\*]{{0,3}}\]?[ \t]{{0,20}}(?:=>|:=|[:=])[ \t]{{0,20}}(?:\\?["'`])?(?:base64:)?"""
    r"""(?P<value>[A-Za-z0-9+/_.~$!@%^-]{12,512}={0,3})(?![A-Za-z0-9(\[])""",
    re.IGNORECASE,
)
_QUALIFIED = re.compile(r"([A-Za-z0-9]+)[_\-. ]?\Z")
_NO_SECRETS = frozenset(
    "public pub publishable foreign partition sort cache hot arrow host map dict object row column index group "
    "translation locale i18n message event routing shift lookup composite unique natural surrogate idempotency pub tab enter "
    "escape delete space answer parent child entity cors node item field json sub the a each any this that tracking "
    "order dedupe dedup sharding shard join config feature flag storage s3 blob bucket image file video upload etag".split()
)
_MAY_BE_NONE = frozenset({"primary", "secondary"})
"""Keys of a table, unless they are as long as a secret."""
_ALONE_LEAST, _WITH_LEAST = 20, 14
"""Characters of a random value under a key's bare name, and under one with a qualifier, which says more."""
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_PARTS = re.compile(r"[-_./]")


def named_key(text: str, start: int, end: int) -> Finding | None:
    """The key under a name that ends here: `STRIPE_KEY=`, `AccountKey=`, `subscription-key: `."""
    if text[start:end].lower() not in _NAMES:
        return None
    match = _NAMED.match(text, end)
    if match is None:
        return None
    before = _QUALIFIED.search(text, max(0, start - 40), start)
    qualifier = (
        before[1].lower() if before and text[before.end(1) : start].strip(" ") == text[before.end(1) : start] else ""
    )
    value = match["value"]
    if qualifier in _NO_SECRETS or len(value) < (_WITH_LEAST if qualifier else _ALONE_LEAST):
        return None
    if qualifier in _MAY_BE_NONE and len(value) < _ALONE_LEAST:
        return None
    if not is_random(value) or is_stand_in(value) or (not qualifier and _UUID.fullmatch(value)):
        return None
    return Finding("PASSWORD", *match.span("value"), NAMED, ("name of a key", "random"), rank=BELOW_WHOLE)


def is_random(value: str) -> bool:
    """Whether nobody wrote this: letters and digits change places within its parts."""
    digits = sum(c.isdigit() for c in value)
    if digits < 2 or len(value) - digits < 2 or len(set(value)) < 6:
        return False
    if _UUID.fullmatch(value):
        return True
    mixed: list[str] = [part for part in _PARTS.split(value) if not part.isalpha() and not part.isdigit()]
    changes: int = sum(
        (a.isdigit() != b.isdigit()) or (a.isalpha() and b.isalpha() and a.isupper() != b.isupper())
        for part in mixed
        for a, b in itertools.pairwise(part)
    )
    return changes >= max(4, len(value) // 6)
