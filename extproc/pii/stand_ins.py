"""What stands for a password or a key and is none: `CHANGE_ME`, `your-api-key`, `xxxx`, `${PASSWORD}`."""

from __future__ import annotations

import re
from typing import Final

_WORDS_OF_STAND_INS: Final = frozenset(
    "a access account add admin bit bits an and any api apikey app application auth aws base bearer bot change "
    "changeit changeme client "
    "code db default demo dummy enter example fake fill foo generated goes bar baz key here hidden id in insert is it key later "
    "login mail me mine my name new none not null of old openai or our own paste pass passphrase password passwd pat "
    "placeholder private put pw pwd real redacted removed replace replaced sample secret secure set some something "
    "string super supersecret supersecretkey mysecret test that the this to todo token tbd user username value very "
    "with x xxx your yours "
    "dev development local staging insecure unsafe only please ci sk pk ghp unit mock stub temp".split()
)
_STAND_INS: Final = frozenset(
    "add change changeit changeme default demo dummy enter example fake fill generated goes here hidden insert my "
    "paste placeholder "
    "put redacted removed replace replaced sample test todo tbd xxx your yours foo bar baz some something dev development local "
    "insecure unsafe".split()
)
_CLEAR: Final = frozenset(
    "changeme changeit replace replaceme replaced placeholder example dummy fake sample redacted removed todo fillme "
    "mock mocked stub setme notreal invalid lorem ipsum".split()
)
"""Stand-ins beside which any word may stand, and numbers behind them: `changeme123`, `fake-stripe-key`."""
_PHRASES: Final = (
    *map(frozenset, (("change", "me"), ("set", "me"), ("not", "real"), ("do", "not", "use"), ("do", "not", "commit"))),
)
"""Words that are one together."""
_COUNTED: Final = "12345678901234567890"
"""Digits in their order, from which a number is taken that means nothing."""
_LEET: Final = re.compile(
    r"\$(?:ecret|uper|ummer|ecure|ecurity|pring|unshine|amsung|occer|tar|tart|erver|trong|ervice|ales|upport|ystem|chool|ilver|tuff)"
    r"(?=[A-Za-z0-9_]*[0-9])",
    re.IGNORECASE,
)
"""A dollar sign for an S, and a digit: no variable of a shell, as `$ecret_99` could be one."""
_BEHIND: Final = re.compile(r"[0-9!]{1,6}\Z")
_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz"
_PARTS: Final = re.compile(r"[-_. :]+")
_HUMPS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_TO_BE_PUT: Final = _CLEAR | {"here", "your", "insert"}
_SPELLED_OUT: Final = 6
"""Letters of `abcdef123456`."""
_SEQUENCE: Final = re.compile(r"[A-Za-z]*[0-9]*")
_ONE_SIGN: Final = re.compile(r"(?:[xX0*#•.?_-]|\\u2022)+")
_PLACEHOLDER: Final = re.compile(
    r"![a-z]+|\$\{.*|#\{.*|:[A-Za-z_]+|\$\(.*|\$(?:(?-i:[A-Z_][A-Z0-9_]*)|[A-Za-z_]+[0-9]{0,2}|[0-9]+)|<[^<>0-9]*>?|<[^<>]*>|"
    r"(?P<around>%{1,2}|@{1,2}|_{2}|#{1,2}|~)[A-Z][A-Z_-]*(?P=around)|%[-0-9.]*[a-z]|%\([^)]*\)?[a-z]?|"
    r"[a-z_-]{2,16}[-_](?:[x*#•]{4,}|\.{3,}|…|0{6,})|[a-z]{0,8}x{6,}|"
    r"\{\{?[^{}0-9]*\}?\}?|\{\{?[^{}]*\}\}?|\[[^\]0-9]*\]?|@[a-z_.]+|"
    r"(?:none|null|nil|true|false|undefined|required|optional|string|str|text|test|example|password|passwd|pass|passw|pwd|pw|"
    r"secret|token|(?:super|top|very|my)?[-_]?secret[-_]?(?:key|token|password|value)?|"
    r"(?:required|nullable|sometimes|string|min|max)[|:].*|redacted|hidden|unknown|empty|n/?a|todo|tbd|bytes|bool|boolean|int|integer|number|any|object|secretstr|secretbytes|"
    r"secretstring|varchar|char)(?:[\[(<].*)?|"
    r"(?:env|os|process|self|this|config|conf|cfg|settings|props|args|opts|options|request|req|data|params|form|input|ctx|"
    r"secrets|vault|var|local|module|each|user|app|import|state|credentials?|same-origin|include|omit)(?:[.\[(].*)?|"
    r"(?:get|my|your|input|config|settings|user|new|old|default|the)[A-Za-z_.-]*(?:\(.*)?",
    re.IGNORECASE,
)
"""What stands for a value: a variable, a type, a template's field, a word that says what is to be put there."""


def is_stand_in(value: str) -> bool:  # noqa: PLR0911 - a list of reasons
    """Whether a value only stands for one: `CHANGE_ME`, `your-api-key`, `xxxx`, `${PASSWORD}`."""
    if _LEET.match(value):
        return False
    if (
        _ONE_SIGN.fullmatch(value)
        or _OF_SAMPLES.fullmatch(value)
        or _PLACEHOLDER.fullmatch(value)
        or len({*value} - {"-"}) < 2
    ):
        return True
    if len(value) > 5 and _SEQUENCE.fullmatch(value) and _counts(value.lower()):
        return True
    parts = [part for part in _PARTS.split(value.lower().strip("<>[]{}()\"'")) if part]
    words = [part for part in parts if not (part.isdigit() and _means_nothing(part))]
    if value.lower() in NOBODYS or _REPEATED.fullmatch(value) or (words and words[-1] in _LAST_WORDS):
        return True
    clear = any(_BEHIND.sub("", word) in _CLEAR for word in words)
    if clear or any(phrase.issubset(words) for phrase in _PHRASES):
        return all(_BEHIND.sub("", word).isalpha() for word in words)
    if not _STAND_INS.isdisjoint(words) and all(word in _WORDS_OF_STAND_INS or not word.strip("x") for word in words):
        return True
    humps = [hump.lower() for hump in _HUMPS.findall(value)] if value.isalnum() and value[-1].isalpha() else []
    return not _TO_BE_PUT.isdisjoint(humps) and all(hump in _WORDS_OF_STAND_INS for hump in humps)


_OF_SAMPLES: Final = re.compile(
    r"(?:(?:0123456789|1234567890)(?i:abcdef))+(?:0123456789|1234567890)?|[A-Z]{0,6}EXAMPLE(?:KEY|TOKEN|SECRET)?|"
    r"(?:[A-Za-z]{2,5}[-_])?(?i:your)[a-z]{0,12}(?:key|token|secret|password)(?:here)?"
)
"""Digits in their order, and what manuals say in capitals or in one word."""
_REPEATED: Final = re.compile(r"(?=.{16})([0-9a-fA-F]{1,8})\1+")
_LAST_WORDS: Final = frozenset("placeholder redacted changeme dummy".split())
NOBODYS: Final = frozenset(
    "username user user_name login admin administrator root guest anonymous nobody test tester demo default system service "
    "postgres mysql oracle sa ubuntu ec2-user centos debian vagrant jenkins deploy www-data nginx git bot readonly".split()
)
"""Accounts that every machine has, whose password is their name in every manual."""


def _counts(value: str) -> bool:
    """Whether letters and digits stand in their order, nothing left out, ten or more of them if any is a digit."""
    letters = value.rstrip("0123456789")
    digits = value[len(letters) :]
    if not (_ALPHABET.startswith(letters) and _COUNTED.startswith(digits)):
        return False
    return not digits or (len(value) >= 10 and len(letters) <= _SPELLED_OUT)


def _means_nothing(digits: str) -> bool:
    """Whether digits are a year, a small number, or one that everybody types."""
    return len(digits) < 5 or _COUNTED.startswith(digits) or not digits.strip("0")
