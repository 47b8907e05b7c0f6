"""Passwords and user names: what follows their label and can be neither prose, code nor a stand-in for a value."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from extproc.pii.finding import Finding
from extproc.slices import in_slices

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from extproc.pii.vocabulary import Label

_ARE: Final = (
    r"(?:(?:was|is|has been|were|got|wurde) )?(?:set|changed|reset|updated) to|is now|is still|will be|would be|should be|"
    r"(?:was |got |has been )?(?:changed|updated|reset|switched|rotated) from|"
    r"is|was|are|ist|lautet|est|es|è|é|jest|to|are:|wurde|er|är|on|to:|=|:"
)
_ABOUT: Final = frozenset({"on", "to"})
"""Words that lead to a value, or to where it stands: `the password on the sticker is`."""
_HINT: Final = r"(?:[ \t]{0,2}[(\[][^()\[\]\n0-9]{1,40}[)\]])?"
"""`password (temporary):`."""
_SIGN: Final = r":=|=>|=(?!=)|:(?!:)|：|->|→|(?<=[ \t])-(?=[ \t])"
_VERB: Final = re.compile(
    rf"""["'”’*_`)\]\\]{{0,3}}{_HINT}\.?["'”’*_`]{{0,2}}(?:[ \t]{{0,9}}(?P<sign>{_SIGN})[ \t]{{0,9}}"""
    r"""(?:(?:[>|][+-]?[ \t]{0,3})?\r?\n[ \t]{0,12})?|"""
    rf"""[ \t]{{1,3}}(?P<verb>{_ARE})[ \t:]{{1,3}}|(?P<tag>>)|[ \t]{{1,3}})"""
    r"""(?:[rbufRBUF]{0,2}(?P<quote>\\?["'`“‘«„]|\*{2}(?=\S)))?"""
)
"""What stands between the word password and the password."""
_RELATION: Final = re.compile(
    rf"""(?:[ \t]+[^\W\d_][\w'’.-]{{0,24}}){{1,7}}?(?:[ \t]+(?P<verb>{_ARE})[ \t:]+|:[ \t]+(?=\S+[ \t.!]*(?:\n|\Z)))"""
    r"""(?P<quote>["'`“‘«]?)"""
)
"""`for the admin user is`, `of my phone: ` where nothing comes after the value."""
_PARTICLE: Final = re.compile(r"[ \t]?(?:は|が|是|为|為|는|은|가|이)[ \t]?[「『“\"]?(?P<value>[!-~]{4,128})")
"""What follows a label in a language that sets no spaces, and the value in other letters than its own."""
PAIRED: Final = re.compile(
    r"""["'’]?(?:\s{0,24}</key>\s{0,24}<string>|(?:[ \t]{0,3},\s{0,24}|\s{1,24})(?:type=["'][a-z]{1,12}["'][ \t]{1,3})?"""
    r"""\\?["']?(?i:value)\\?["']?[ \t]{0,3}[:=][ \t]{0,3}\\?["']?)"""
)
"""What parts the name of a field from its value where both are fields: `name: DB_PASSWORD` over `value: `, in XML and forms."""
_TO: Final = re.compile(r"[\"'`”]?[ \t]+to[ \t]+[\"'`“]?")
_LOGIN: Final = re.compile(r"[ \t]{0,3}[:=-][ \t]{0,3}[\w.@+-]{2,64}(?:[ \t]{0,2}[/|][ \t]{0,2}|:)(?P<value>\S{4,128})")
"""`credentials: bob / …`."""
_LOGINS: Final = frozenset({"credentials", "credential", "creds", "login", "logins"})
_USER_BEFORE: Final = re.compile(
    r"(?i:user(?:name)?|login|usr|account)[ :=]{1,3}[\w.@+-]{2,64}[ ,;/|]{1,3}(?:and |with )?\Z"
)
_REACH_OF_USER: Final = 96
_SCHEME: Final = re.compile(r"(?:Bearer|Basic|Token) +", re.IGNORECASE)
LABELLED, RELATED, IN_WORDS, USER_SCORE = 0.8, 0.75, 0.7, 0.66
"""Scores of a secret right after its label, of one with words between, of words, and of a user's name. What has a shape of its
own goes before all of them (0.84 and more), and of two of these the nearer and the rarer one."""
ABOVE_NAMES: Final = 0.05
"""Rank of a user's name: it goes before the person whose name is a part of it."""
LONGEST: Final = 128
_RUN: Final = re.compile(rf"[^\s“”]{{1,{LONGEST}}}")
_QUOTED: Final = {
    '"': '"',
    "'": "'",
    "`": "`",
    "“": "”",
    "‘": "’",
    "«": "»",
    "„": "“",
    "**": "**",
    '\\"': '\\"',
    "\\'": "\\'",
}
_NEXT_FIELD: Final = re.compile(
    r"[;,&|](?=[ \t]*[A-Za-z_][\w .-]{0,40}[=:])|[,}\]](?=[\"'{\[,}\]])|</|<br|"
    r"\\[nrt\"']|[\"'`]\s*[,;)}\]]|[\"'`]\s*$|[\"'`](?=[:=][ \"'])|\\$"
)
"""Where another field begins, or what the value stands in ends: `Password=secret;Encrypt=True`."""
_GOES_ON: Final = re.compile(
    r"\\{1,4}[nrt](?![0-9]{2,4}[-:/.])(?=[A-Za-z]*[0-9])(?=[0-9]*[A-Za-z])[A-Za-z0-9]{3,64}+(?![ \t]*[=:]|[\w./-])"
)
r"""What reads as a line break and is no end of a value: letters and digits behind it are no word and no field. `hunt\ner2x9`."""
_BRACKETS: Final = {")": "(", "]": "[", "}": "{", ">": "<"}

_WORDS_OF_STAND_INS: Final = frozenset(
    "a access account add admin bit bits an and any api apikey app application auth aws base bearer bot change "
    "changeit changeme client "
    "code db default demo dummy enter example fake fill foo generated goes bar baz key here hidden id in insert is it key later "
    "login mail me mine my name new none not null of old openai or our own paste pass passphrase password passwd pat "
    "placeholder private put pw pwd real redacted removed replace replaced sample secret secure set some something "
    "string super supersecret supersecretkey mysecret test that the this to todo token tbd user username value very "
    "with x xxx your yours "
    "dev development local staging insecure unsafe only please ci".split()
)
_STAND_INS: Final = frozenset(
    "add change changeit changeme default demo dummy enter example fake fill generated goes here hidden insert my "
    "paste placeholder "
    "put redacted removed replace replaced sample test todo tbd xxx your yours foo bar baz some something dev development local "
    "insecure unsafe".split()
)
_CLEAR: Final = frozenset(
    "changeme changeit replace replaceme replaced placeholder example dummy fake sample redacted removed todo fillme".split()
)
"""Stand-ins beside which any word may stand, and numbers behind them: `changeme123`, `fake-stripe-key`."""
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
_NUMBERS: Final = frozenset(
    {
        *(
            "pin",
            "pin code",
            "otp",
            "passcode",
            "one time password",
            "security code",
            "verification code",
            "login code",
        ),
        *(
            "alarm code",
            "door code",
            "gate code",
            "entry code",
            "access code",
            "lock code",
            "garage code",
            "puk",
            "puk code",
        ),
        *("safe combination", "lockbox code", "keypad code", "sms code", "2fa code", "mfa code", "authentication code"),
        *("unlock code", "code sent to my phone", "code you sent", "code they sent", "code i got", "code i received"),
        *(
            "code texted to me",
            "code from the sms",
            "code for the alarm",
            "code for the door",
            "code for the gate",
            "code for the safe",
        ),
        *("code to the alarm", "code to the door", "code to the gate", "code to the safe", "code to the building"),
    }
)
"""Labels of secrets that are nothing but digits: four of them after `token` are a count."""
_LEAST_OF_CARD, _LEAST_OF_CODE, _MOST_OF_CODE = 3, 4, 8
"""Digits of a PIN or of what opens a door."""
_PARTS: Final = re.compile(r"[-_. :]+")
_HUMP: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
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
_PROSE: Final = frozenset(
    "the a an to for and or not in on with of by that this was were has have had been be is are as at if it".split()
)
_UI_WORDS: Final = _PROSE | frozenset(
    "must should can could may might will would shall please enter your you my our their his her its we they i forgot reset "
    "field required optional invalid incorrect wrong missing link click here hint strong weak policy minimum maximum at "
    "least most characters character length long short change changed new old current confirm repeat again generator "
    "manager validation error errors message expired expires password passwords passphrase phrase seed words word token secret "
    "string value default none null type label use used using do does don don't never always no yes when where which "
    "who what how why from into than then so but all any each every only also just same store stored hash hashed "
    "login log sign user username account recovery twelve twenty four".split()
)
"""Words that a passphrase is not made of, and what forms and manuals say of passwords is."""
_PHRASE: Final = re.compile(r"[a-z]{2,12}(?:[ -][a-z]{2,12}){3,11}(?=[\"'`.,;)]?[ \t]*(?:\r?\n|\Z|[\"'`]))")
_SEED: Final = re.compile(
    r"(?:[0-9]{1,2}[.)][ \t]?)?[a-z]{3,8}(?:(?:[ \t,]{1,3}|[ \t,]{0,2}\r?\n[ \t]{0,8})(?:[0-9]{1,2}[.)][ \t]?)?[a-z]{3,8}){11,23}"
    r"(?![a-z])"
)
"""Twelve to twenty-four words, as wallets give them out."""
_SEEDS: Final = frozenset(
    "seed phrase|seed words|recovery phrase|recovery words|mnemonic|mnemonic phrase|secret recovery phrase|backup phrase|"
    "secret phrase|wallet phrase|wallet seed|seed".split("|")
)
_CARD_CODES: Final = frozenset(
    {"cvv", "cvc", "cvn", "cvv number", "cvc number", "cvv code", "cvc code", "card verification code", "security code"}
)
_CARD_CODE: Final = re.compile(
    r"(?:[ \t:=#\"']{1,6}(?:is |was |ist |est |es )?|(?: [a-zA-Z'’]{1,12}){1,8}?(?: (?:is|was|reads)|:) |"
    r" (?:of|for|on)(?: [a-zA-Z'’]{1,12}){1,4} )(?P<value>[0-9]{3,4})(?![\w.%])"
)
"""Three or four digits, as they are on the back of a card."""
_SHORT: Final = frozenset({"pin", "pin code", "otp", "pass", "pw", "token", "secret", "bearer", "authorization", "pat"})
"""Words that say other things too: what follows them must look like a secret."""


def passwords(text: str, labels: Iterable[Label]) -> list[Finding]:
    """What follows the word password or user name."""
    found = []
    for label in in_slices(labels, 256):
        finding = None
        if "PASSWORD" in label.kinds:
            finding = _password(text, label)
        elif "USERNAME" in label.kinds:
            finding = _user_name(text, label)
        if finding is not None:
            found.append(finding)
            if finding.entity_type == "PASSWORD" and (new := _changed_to(text, finding)):
                found.append(new)
    return found


def _password(text: str, label: Label) -> Finding | None:  # noqa: C901, PLR0911 - what announces a password, case by case
    name = _HUMP.sub(" ", text[label.start : label.end]).lower()
    phrase = " ".join(re.findall(r"[^\W_]+", name))
    verb = _VERB.match(text, label.end)
    if verb is None:
        return _farther(text, label, phrase, announced=True)
    if verb["tag"] is not None and text[label.start - 1 : label.start] != "<":
        return None
    if ("\n" in verb.group() and ")" in verb.group()) or (verb["quote"] and text.startswith(verb["quote"], verb.end())):
        return None  # a signature and the line below it; three quotation marks
    at, sign = verb.end(), verb["sign"] is not None or verb["tag"] is not None
    if verb["tag"] is not None and text[at : at + 1] == "@":
        return None  # `<user>:<password>@host`
    if phrase in _CARD_CODES:
        code = _CARD_CODE.match(text, label.end)
        return Finding("PASSWORD", *code.span("value"), LABELLED, ("label before", "code of a card")) if code else None
    if phrase in _SEEDS:
        seed = _SEED.match(text, at)
        return Finding("PASSWORD", *seed.span(), LABELLED, ("label before", "words of a seed")) if seed else None
    quote = verb["quote"] or ""
    if (sign or phrase.startswith("passphrase")) and (words := _passphrase(text, at)):
        return Finding("PASSWORD", at, words, IN_WORDS, ("label before", "words"))
    scheme = _SCHEME.match(text, at)
    at = scheme.end() if scheme else at
    end = _end(text, at, quote)
    announced = sign or verb["verb"] is not None
    if quote == "`" and " " in text[at:end]:
        return None  # what a shell puts there
    value = text[at:end]
    is_code = announced and phrase in _NUMBERS and value.isdigit() and _LEAST_OF_CODE <= len(value) <= _MOST_OF_CODE
    if is_code or is_secret(value, quoted=bool(quote), sign=sign, announced=announced, short=phrase in _SHORT):
        return Finding("PASSWORD", at, end, LABELLED, ("label before",))
    if verb["verb"] in _ABOUT:
        announced = False
    return None if announced and verb["verb"] is not None else _farther(text, label, phrase, announced=announced)


def is_code(key: str, value: str) -> bool:
    """Whether a value is the digits that the key of a field asks for: a PIN, the code of a card."""
    if not (value.isdigit() and value.isascii() and _LEAST_OF_CARD <= len(value) <= _MOST_OF_CODE):
        return False
    words = re.findall(r"[^\W_]+", _HUMP.sub(" ", key).lower())
    phrases = {" ".join(words[-n:]) for n in (1, 2, 3)}
    if len(value) <= _LEAST_OF_CODE and not _CARD_CODES.isdisjoint(phrases):
        return True
    return len(value) >= _LEAST_OF_CODE and not _NUMBERS.isdisjoint(phrases)


def _farther(text: str, label: Label, phrase: str, *, announced: bool) -> Finding | None:
    """The password that does not follow its label, but words about it, a user's name, or the name of a field of its own."""
    for start, end, quote, sign in _places(text, label, phrase, announced=announced):
        if is_secret(text[start:end], quoted=False, sign=sign, announced=True, short=phrase in _SHORT | _LOGINS):
            return Finding(
                "PASSWORD", start, end, RELATED, ("user and password",) if quote is None else ("label before",)
            )
    return None


def _places(text: str, label: Label, phrase: str, *, announced: bool) -> Iterator[tuple[int, int, str | None, bool]]:
    """Start and end of what may be the password of a label, its quotation mark (None: a user's name stands before it instead),
    and whether a sign announces it.
    """
    if phrase in _LOGINS and (login := _LOGIN.match(text, label.end)):
        yield login.start("value"), _end(text, login.start("value"), ""), None, True
    if paired := PAIRED.match(text, label.end):
        quote = text[paired.end() - 1] if text[paired.end() - 1] in "\"'" else ""
        yield paired.end(), _end(text, paired.end(), quote), quote, True
    elif particle := _PARTICLE.match(text, label.end):
        start = particle.start("value")
        yield start, start + len(particle["value"].rstrip(".,?;:")), "", True
    elif not announced and (relation := _RELATION.match(text, label.end)):
        end = _end(text, relation.end(), relation["quote"])
        if phrase in _NUMBERS or phrase not in _SHORT or not text[relation.end() : end].isdigit():
            yield relation.end(), end, relation["quote"], False
    if not announced and _USER_BEFORE.search(text, max(0, label.start - _REACH_OF_USER), label.start):
        at = label.end + (text[label.end : label.end + 1] == " ")
        yield at, _end(text, at, ""), None, False


def _changed_to(text: str, finding: Finding) -> Finding | None:
    """The new password, where one was changed from another."""
    if not text[finding.start - 6 : finding.start].rstrip(" \"'`“:").endswith(" from"):
        return None
    to = _TO.match(text, finding.end)
    if to is None:
        return None
    end = _end(text, to.end(), "")
    if is_secret(text[to.end() : end], quoted=False, sign=False, announced=True, short=False):
        return Finding("PASSWORD", to.end(), end, RELATED, ("changed to",))
    return None


def _user_name(text: str, label: Label) -> Finding | None:
    verb = _VERB.match(text, label.end)
    related = verb is not None and not (verb["sign"] or verb["verb"])
    if related:
        verb = _RELATION.match(text, label.end)
    if verb is None or "\n" in verb.group():
        return None
    quote = verb["quote"] or ""
    end = _end(text, verb.end(), quote)
    value = text[verb.end() : end]
    parameter = verb.group() == "=" and text[end : end + 1] in ("&", ";")
    if 2 + (not quote) < len(value) <= 64 and " " not in value and is_name(value, quoted=bool(quote) or parameter):
        if related and value.isalpha():
            return None
        return Finding(
            "USERNAME", verb.end(), end, USER_SCORE, ("label before",), rank=0.0 if "@" in value else ABOVE_NAMES
        )
    return None


def _passphrase(text: str, at: int) -> int:
    """End of the four words or more that fill the rest of the line, or of the quotes; 0 where there are none."""
    match = _PHRASE.match(text, at)
    if match is None or is_stand_in(match.group()) or not _UI_WORDS.isdisjoint(re.split("[ -]", match.group())):
        return 0
    return match.end()


def _end(text: str, at: int, quote: str) -> int:
    """Where the value ends that begins here."""
    if quote:
        closes = _QUOTED.get(quote, quote[-1])
        closing = text.find(closes, at, at + LONGEST)
        while (
            len(closes) == 1
            and closing > at
            and (_is_escaped(text, at, closing) or text[closing + 1 : closing + 2].isalnum())
        ):
            closing = text.find(closes, closing + 1, at + LONGEST)
        if closing > at and "\n" not in text[at:closing]:
            return closing
    run = _RUN.match(text, at)
    if run is None:
        return at
    value = run.group()
    field = _NEXT_FIELD.search(value)
    while field is not None and (more := _GOES_ON.match(text, at + field.start())):
        field = _NEXT_FIELD.search(value, more.end() - at)
    if field is not None and field.start() >= 1:
        value = value[: field.start()]
    while value:
        last = value[-1]
        if last in ".,:;\"'`?" or (last in _BRACKETS and value.count(last) > value.count(_BRACKETS[last])):
            value = value[:-1]
        elif last == "*" and value.endswith("**"):
            value = value[:-2]
        else:
            break
    return at + len(value)


def _is_escaped(text: str, start: int, at: int) -> bool:
    """Whether an odd number of backslashes stands before a quotation mark."""
    before = text[start:at]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


def is_stand_in(value: str) -> bool:  # noqa: PLR0911 - a list of reasons
    """Whether a value only stands for one: `CHANGE_ME`, `your-api-key`, `xxxx`, `${PASSWORD}`."""
    if _LEET.match(value):
        return False
    if _ONE_SIGN.fullmatch(value) or _PLACEHOLDER.fullmatch(value) or len({*value} - {"-"}) < 2:
        return True
    if len(value) > 5 and _SEQUENCE.fullmatch(value) and _counts(value.lower()):
        return True
    parts = [part for part in _PARTS.split(value.lower().strip("<>[]{}()\"'")) if part]
    words = [part for part in parts if not (part.isdigit() and _means_nothing(part))]
    if value.lower() in _NOBODYS or _REPEATED.fullmatch(value) or (words and words[-1] in _LAST_WORDS):
        return True
    clear = any(_BEHIND.sub("", word) in _CLEAR for word in words)
    if clear or ("change" in words and "me" in words):
        return all(_BEHIND.sub("", word).isalpha() for word in words)
    if not _STAND_INS.isdisjoint(words) and all(word in _WORDS_OF_STAND_INS or not word.strip("x") for word in words):
        return True
    humps = [hump.lower() for hump in _HUMPS.findall(value)] if value.isalnum() and value[-1].isalpha() else []
    return not _TO_BE_PUT.isdisjoint(humps) and all(hump in _WORDS_OF_STAND_INS for hump in humps)


_REPEATED: Final = re.compile(r"(?=.{16})([0-9a-fA-F]{1,8})\1+")
_LAST_WORDS: Final = frozenset("placeholder redacted changeme dummy".split())
_NOBODYS: Final = frozenset(
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


def is_name(value: str, *, quoted: bool) -> bool:
    """Whether a value after the word user name is one, and neither prose nor code."""
    if is_stand_in(value) or "(" in value or value.lower() in _NOBODYS:
        return False
    if not quoted and "." in value:
        return False
    return quoted or any(c.isdigit() or c in "_.-" for c in value) or value.islower()


def is_secret(value: str, *, quoted: bool, sign: bool, announced: bool, short: bool) -> bool:  # noqa: PLR0911 - a list of reasons
    """Whether a value after the word password is one, and neither prose nor code."""
    if (
        len(value) < 4
        or "\n" in value
        or value.count(" ") > 3
        or is_stand_in(value)
        or value.lower() in _PROSE
        or value.startswith("(?")
    ):
        return False
    inner = value.strip("()[]{}<>\"'`,;:")
    letters = any(c.isalpha() for c in inner)
    digits = any(c.isdigit() for c in inner)
    symbols = any(not c.isalnum() and c not in "._-/' " for c in inner)
    mixed = value != value.lower() and value != value.upper() and not value.istitle()
    if short and not announced:
        long = len(value) >= 16 or (len(value) >= _SHORT_BUT_MIXED and symbols and value != value.lower())
        return letters and digits and long and not set("=(,") & set(value)
    if short and not ((letters and digits and len(value) >= 6) or (symbols and letters)):
        return value.isdigit() and 4 <= len(value) <= 8 and announced
    if quoted:
        return digits or symbols or mixed or (announced and " " not in value and len(value) >= 6)
    if _CODE.search(value) and not (sign and digits and _BRACKETED.fullmatch(value)):
        return False
    if letters and (digits or symbols):
        return True
    return announced and (
        (digits and len(value) >= 6)
        or (sign and mixed)
        or (sign and letters and len(value) >= 8 and value.isalpha() and "." not in value)
    )


_SHORT_BUT_MIXED: Final = 8
"""Characters of both cases, digits and signs, of which no everyday word is made."""
_BRACKETED: Final = re.compile(r"(?=.*[!@#$%^&*?])[^\s(),=.\"']{1,24}\([^\s(),=.\"']{0,24}\)[^\s(),=.;\"']{1,24}")
"""Brackets in the midst of a value that holds signs which no call is followed by: `x(y)z9!Q`."""
_CODE: Final = re.compile(
    r"\(\?|\(\?|\w\(|\(\)|^\(|[A-Za-z_]\[|\.$|^\{[\"']?[A-Za-z_]+[\"']?:|^\[|^<[A-Za-z/]|::|=>|==|^&|://|^[A-Za-z_]+(?:\.[A-Za-z_]+)+$"
)
"""A call, a subscript, a block, an attribute: no password begins or holds it."""
