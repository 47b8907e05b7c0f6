"""Passwords and user names: what follows their label and can be neither prose, code nor a stand-in for a value."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from extproc.pii.beside import PAIRED, is_paired, value_before
from extproc.pii.finding import Finding
from extproc.pii.stand_ins import NOBODYS, is_stand_in
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
_HINT: Final = r"(?:[ \t]{0,2}[(\[](?:[^()\[\]\n0-9]|[0-9](?![0-9]{2})){1,40}[)\]])?"
"""`password (temporary):`."""
_SIGN: Final = r":=|=>|=(?!=)|:(?!:)|：|->|→|(?<=[ \t])-(?=[ \t])"
_VERB: Final = re.compile(
    rf"""["'”’*_`)\]\\]{{0,3}}{_HINT}\.{{0,40}}["'”’*_`]{{0,2}}(?:[ \t]{{0,9}}(?P<sign>{_SIGN})"""
    r"""(?:(?:\*\*|__)(?=[ \t]))?[ \t]{0,9}"""
    r"""(?P<list>\[[ \t]?(?=\\?["'][^"'\s]{4,64}["'\\]|[^\]\[\s"']{4,64}\]))?"""
    r"""(?:(?:[>|][+-]?[ \t]{0,3})?\r?\n[ \t]{0,12})?|"""
    rf"""[ \t]{{1,3}}(?P<verb>{_ARE})[ \t:]{{1,3}}|(?P<tag>>)|(?P<is>(?<=[a-z])['’]s[ \t])|[ \t]{{1,3}})"""
    r"""(?:[rbufRBUF]{0,2}(?P<quote>\\?["'`“‘«„]|\*{2}(?=\S)))?"""
)
"""What stands between the word password and the password."""
_RELATION: Final = re.compile(
    rf"""(?:,?[ \t]+[^\W\d_][\w'’.-]{{0,24}}){{1,7}}?(?:,?[ \t]+(?P<verb>{_ARE})[ \t:]+|:[ \t]+(?=\S+[ \t.!]*(?:\n|\Z)))"""
    r"""(?P<quote>["'`“‘«]?)"""
)
"""`for the admin user is`, `of my phone: ` where nothing comes after the value."""
_MOST_RELATIONS: Final = 3
"""Words that lead to a value may stand among the words about it as well: `the password printed on the form is`."""
_ASKED: Final = re.compile(
    r"[\"'”’]?(?: (?:please|again|now|then|here|for|to|on|of|the|this|that|my|your|account|wifi|site|login|app)){0,5}"
    r"[?][ \t]{0,2}(?:\r?\n){1,2}[ \t>*-]{0,4}"
    r"(?:[\[(<*]{0,2}[^\W\d_][^\n:]{0,24}[\])>*]{0,2}:[ \t*]{1,3})?"
    r"(?:it['’]?s |it is |that['’]?s )?(?=\S{3,64}[ \t]*(?:\r?\n|\Z))"
)
"""A question for it, answered on the next line with nothing else."""
_PARTICLE: Final = re.compile(r"[ \t]?(?:は|が|是|为|為|는|은|가|이)[ \t]?[「『“\"]?(?P<value>[!-~]{4,128})")
"""What follows a label in a language that sets no spaces, and the value in other letters than its own."""
_TO: Final = re.compile(r"[\"'`”]?[ \t]+to[ \t]+[\"'`“]?")
_LOGIN: Final = re.compile(r"[ \t]{0,3}[:=-][ \t]{0,3}[\w.@+-]{2,64}(?:[ \t]{0,2}[/|][ \t]{0,2}|:)(?P<value>\S{4,128})")
"""`credentials: bob / …`."""
_REACH_OF_PAIR: Final = 96
_REACH_OF_QUESTION: Final = 40
_AND_USER: Final = re.compile(r"(?i:user(?:name)?|login|e-?mail|id)[ ]?(?:[/&+|-]|and)[ ]?\Z")
_LOGINS: Final = frozenset(
    "credentials|credential|creds|login|logins|zugang|zugangsdaten|anmeldedaten|identifiants|credenciales|credenziali|inloggegevens".split(
        "|"
    )
)
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

CODES_TO_PLACES: Final = tuple(
    f"code {leads} {whose} {place}"
    for leads in ("to", "for")
    for whose in ("the", "my", "our")
    for place in (
        *("front door", "back door", "front gate", "garage", "garage door", "house", "apartment", "flat", "lockbox"),
        *("locker", "vault", "office", "key box", "gym", "building door", "main door", "side gate", "storage unit"),
        *(("door", "gate", "safe", "alarm", "building") if whose != "the" else ()),
    )
) + tuple(
    f"combination {leads} {whose} {place}"
    for leads in ("to", "for", "of")
    for whose in ("the", "my", "our")
    for place in ("safe", "lock", "locker", "vault", "padlock", "gun safe", "lockbox", "briefcase", "suitcase")
)
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
        *("one time code", "one time passcode", "otp code", "confirmation code", "reset code", "sim pin", "card pin"),
        *("security pin", "pairing code", "debit pin", "atm pin", "voicemail pin", "phone pin", "unlock pin"),
        *CODES_TO_PLACES,
    }
)
"""Labels of secrets that are nothing but digits: four of them after `token` are a count."""
_LEAST_OF_CARD, _LEAST_OF_CODE, _MOST_OF_CODE = 3, 4, 8
"""Digits of a PIN or of what opens a door."""
_HUMP: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
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
    rf"(?:{_HINT}[\])]?[ \t:=#\"'*_`(\[>|→.-]{{1,24}}(?:\r?\n[ \t|>]{{0,6}})?(?:(?:is|was|ist|est|es|to) )?|"
    r"(?: [a-zA-Z'’]{1,12}){1,8}?(?: (?:is|was|reads)|:) |"
    r" (?:of|for|on)(?: [a-zA-Z'’]{1,12}){1,4} )(?P<value>[0-9]{3,4})(?![\w.%])"
)
"""Three or four digits, as they are on the back of a card."""
_CODE_OF_CARD: Final = re.compile(r"(?P<value>[0-9]{3,4})(?![\w.%])")
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


def _password(text: str, label: Label) -> Finding | None:
    """What stands before the label, or behind it."""
    name = _HUMP.sub(" ", text[label.start : label.end]).lower()
    phrase = " ".join(re.findall(r"[^\W_]+", name))
    behind = _code_of_card if phrase in _CARD_CODES else _behind
    return _before(text, label, phrase) or behind(text, label, phrase)


def _behind(text: str, label: Label, phrase: str) -> Finding | None:  # noqa: C901, PLR0911 - what announces one, case by case
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
    if phrase in _SEEDS:
        seed = _SEED.match(text, at)
        return Finding("PASSWORD", *seed.span(), LABELLED, ("label before", "words of a seed")) if seed else None
    quote = verb["quote"] or ""
    if (sign or phrase.startswith("passphrase")) and (words := _passphrase(text, at)):
        return Finding("PASSWORD", at, words, IN_WORDS, ("label before", "words"))
    scheme = _SCHEME.match(text, at)
    at = scheme.end() if scheme else at
    end = _end(text, at, quote)
    announced = sign or verb["verb"] is not None or verb["is"] is not None
    if quote == "`" and " " in text[at:end]:
        return None  # what a shell puts there
    value = text[at:end]
    if is_digits(value) and phrase in _NUMBERS and (announced or _ENDS_CODE.match(text, end)):
        return Finding("PASSWORD", at, end, LABELLED, ("label before",))
    if is_secret(value, quoted=bool(quote), sign=sign, announced=announced, short=phrase in _SHORT):
        return Finding("PASSWORD", at, end, LABELLED, ("label before",))
    if verb["verb"] in _ABOUT:
        announced = False
    if announced and verb["verb"] is not None:
        return _behind_colon(text, verb.end("verb"))
    return _farther(text, label, phrase, announced=announced)


_SAID_FIRST: Final = re.compile(r"(?:[ \t]+[^\W\d_][\w'’.-]{0,24}){1,6}:[ \t]+(?=\S{4,64}[ \t.!]*(?:\n|\Z))")


def _behind_colon(text: str, at: int) -> Finding | None:
    """The password that follows what is said of it: `the password is case sensitive: `."""
    said = _SAID_FIRST.match(text, at)
    if said is None:
        return None
    end = _end(text, said.end(), "")
    is_one = is_secret(text[said.end() : end], quoted=False, sign=True, announced=True, short=False)
    return Finding("PASSWORD", said.end(), end, RELATED, ("label before",)) if is_one else None


_TOKEN_BEFORE: Final = re.compile(r"(?:\A|(?<=[\s\"'`(“]))[^\s\"'`“”]{3,64}(?=[\"'`”]?\Z)")


def _code_of_card(text: str, label: Label, phrase: str) -> Finding | None:
    """The three or four digits that stand after their label, or after words about it."""
    code = _CARD_CODE.match(text, label.end)
    if code is None:
        places = _places(text, label, phrase, announced=False)
        code = next((found for place in places if (found := _CODE_OF_CARD.match(text, place[0]))), None)
    return Finding("PASSWORD", *code.span("value"), LABELLED, ("label before", "code of a card")) if code else None


_ENDS_CODE: Final = re.compile(r"[ \t]*(?:[.,;!?)\n]|\Z|(?:for|to|and|on|at|is|was|works?|doesn)\b)")


def is_digits(value: str) -> bool:
    """Whether a value is what one types at a door or a cash machine."""
    return _LEAST_OF_CODE <= len(value) <= _MOST_OF_CODE + 1 and value.strip("#*").isdigit()


def _before(text: str, label: Label, phrase: str) -> Finding | None:
    """The password that stands before its label: `hunter2xyz is my password`, `4821 (PIN)`."""
    end = value_before(text, label)
    if not end:
        return None
    token = _TOKEN_BEFORE.search(text, max(0, end - LONGEST), end)
    if token is None:
        return None
    value = token.group()
    is_code = value.isdigit() and phrase in _NUMBERS and _LEAST_OF_CODE <= len(value) <= _MOST_OF_CODE
    of_card = value.isdigit() and phrase in _CARD_CODES and _LEAST_OF_CARD <= len(value) <= _LEAST_OF_CODE
    mixed = any(map(str.isdigit, value)) and any(map(str.isalpha, value)) and phrase not in _SHORT
    if is_code or of_card or (mixed and is_secret(value, quoted=False, sign=False, announced=True, short=False)):
        return Finding("PASSWORD", *token.span(), RELATED, ("label after",))
    return None


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
    if (phrase in _LOGINS or _AND_USER.search(text, max(0, label.start - 16), label.start)) and (
        login := _LOGIN.match(text, label.end)
    ):
        yield login.start("value"), _end(text, login.start("value"), ""), None, True
    following = text[label.end : label.end + _REACH_OF_PAIR]
    if is_paired(following) and (paired := PAIRED.match(text, label.end)):
        quote = text[paired.end() - 1] if text[paired.end() - 1] in "\"'" else ""
        yield paired.end(), _end(text, paired.end(), quote), quote, True
    elif particle := _PARTICLE.match(text, label.end):
        start = particle.start("value")
        yield start, start + len(particle["value"].rstrip(".,?;:")), "", True
    elif text.find("?", label.end, label.end + _REACH_OF_QUESTION) >= 0 and (asked := _ASKED.match(text, label.end)):
        yield asked.end(), _end(text, asked.end(), ""), "", False
    elif not announced:
        yield from _related(text, label, phrase)
    if not announced and _USER_BEFORE.search(text, max(0, label.start - _REACH_OF_USER), label.start):
        at = label.end + (text[label.end : label.end + 1] == " ")
        yield at, _end(text, at, ""), None, False


def _related(text: str, label: Label, phrase: str) -> Iterator[tuple[int, int, str, bool]]:
    """What may be the password after words about it: `printed on the form is`."""
    at = label.end
    for _ in range(_MOST_RELATIONS):
        relation = _RELATION.match(text, at)
        if relation is None:
            return
        end = _end(text, relation.end(), relation["quote"])
        if phrase in _NUMBERS or phrase not in _SHORT or not text[relation.end() : end].isdigit():
            yield relation.end(), end, relation["quote"], False
        if relation["verb"] is None:
            return
        at = relation.end() - 1


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


def is_name(value: str, *, quoted: bool) -> bool:
    """Whether a value after the word user name is one, and neither prose nor code."""
    if is_stand_in(value) or "(" in value or value.lower() in NOBODYS:
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
    if _CODE.search(value) and not (sign and digits and (_BRACKETED.fullmatch(value) or _is_noise(value))):
        return False
    if letters and (digits or symbols):
        return True
    return announced and (
        (digits and len(value) >= 6)
        or (sign and mixed)
        or (sign and letters and len(value) >= 8 and value.isalpha() and "." not in value)
        or (sign and _HYPHENED.fullmatch(value) is not None and _UI_WORDS.isdisjoint(value.split("-")))
    )


def _is_noise(value: str) -> bool:
    """Whether a value is what a generator draws from letters, digits and signs alike, brackets among them."""
    return (
        len(value) >= _LEAST_OF_NOISE
        and sum(c.isdigit() for c in value) >= _DIGITS_OF_NOISE
        and len(set(value) & set("!@#$%^&*+-_=")) >= _SIGNS_OF_NOISE
    )


_LEAST_OF_NOISE, _DIGITS_OF_NOISE, _SIGNS_OF_NOISE = 20, 3, 4
_HYPHENED: Final = re.compile(r"[a-z]{3,12}(?:-[a-z]{3,12}){2,7}")
"""Words as generators of passphrases join them: `correct-horse-battery`."""


_SHORT_BUT_MIXED: Final = 8
"""Characters of both cases, digits and signs, of which no everyday word is made."""
_BRACKETED: Final = re.compile(r"(?=.*[!@#$%^&*?])[^\s(),=.\"']{1,24}\([^\s(),=.\"']{0,24}\)[^\s(),=.;\"']{1,24}")
"""Brackets in the midst of a value that holds signs which no call is followed by: `x(y)z9!Q`."""
_CODE: Final = re.compile(
    r"^[A-Za-z-]+=[\"']|\(\?|\w\(|\(\)|^\(|[A-Za-z_]\[|\.$|^\{[\"']?[A-Za-z_]+[\"']?:|^\[|^<[A-Za-z/]|::|=>|==|^&|://|^[A-Za-z_]+(?:\.[A-Za-z_]+)+$"
)
"""A call, a subscript, a block, an attribute: no password begins or holds it."""
