"""People whose name is a word or a town too, by what they do: `Paris sent the wrong form`, `please tell Minh that`.

For one word that begins a sentence the models have no more to go by than its list, and of a town they are told not to ask.
Read only where a cue stands: of these words what follows them is one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from extproc.pii.names.spans import Span
from extproc.pii.names.words import load

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SCORE: Final = 0.7
WHY: Final = "what people do"
"""Evidence."""
ALSO_NAMES: Final = frozenset(
    "paris dallas austin houston phoenix boston chelsea brooklyn madison carolina berlin london orlando lincoln jackson minh "
    "milan siena vienna kenya asia israel troy cleveland tucson reno denver memphis india china "
    "will mark hope faith hunter dale summer sunny june may april dawn grant chase chance robin rich jack bill rose "
    "grace joy patience mercy destiny harmony melody heaven angel dean mason carter taylor tyler parker "
    "walker cooper porter baker miller smith young price banks woods rivers august "
    "page reed lane park wells field glen heath cliff forest wade chip buddy buck guy gene ray jay ruby pearl amber crystal "
    "olive ginger rosemary basil pepper sage saffron clementine sandy stormy windy misty hazel ivy fern brandy sherry bishop "
    "major victor valentine christian noel pat drew skip rob sue penny bunny kitty birdie lark wren drake peregrine "
    "bao rohini rahim iskandar trang thanh vinh thana shivaji mahindra "
    "florence sydney victoria adelaide alexandria georgia virginia savannah charlotte aurora israel jordan trinity".split()
)
"""Names that are everyday words, towns or countries too: given names of the lists that list words, too."""
_NO_DOERS: Final = frozenset("china india kenya israel asia germany france".split())
"""Countries, which send and say things as often."""
_TOLD: Final = ALSO_NAMES - _NO_DOERS
_SENT: Final = (
    r"sent|gave|paid|called|phoned|emailed|texted|messaged|forgot|lost|filled|signed|wants|wanted|asked|told|left|bought|ordered|"
    r"received|returned|wrote|needs|hasn't|has|didn't|doesn't|said|says|split|complained|moved|quit|resigned|submitted|uploaded|"
    r"broke|forwarded|replied|never|still|already|works|lives|thinks|thought|got|booked|cancelled|canceled|missed|rang|drove"
)
_OBJECT: Final = (
    r"(?P<personal>me|us|him|her|them|my|his|our|their|your|you|it back|the wrong|on leave|back|again|twice|yesterday|paid|"
    r"not (?:paid|signed)|(?=[+(]?[0-9][0-9 -]{7}|[\w.+-]{1,40}@)|to (?:know|cancel|return|pay|speak|talk|change|see|get))\b|"
    r"(?P<plain>the|a|an|in|out|for|that|to|at|about|this|no|two|three|some|not|been|already|never|sent|received)\b"
)
_DOES: Final = re.compile(
    rf"(?P<name>[A-Z][a-z]{{1,15}}(?:-[a-z]{{2,10}})?) (?:(?P<verb>{_SENT}) (?:{_OBJECT})|"
    r"(?P<told>that|if|whether|about|not to|to (?:call|send|sign|come|pay|bring|give))\b)"
)
"""A capital begins it: so `re` goes from capital to capital. What stands before it is looked at where the rest is there."""
_BEGINS: Final = re.compile(
    r"(?:(?:\A|[.!?:;>•\"“'(\n])[ \t]{0,4}|[-*,] |\b(?:if|as|so|and|but|that|when) )(?:(?P<first>[A-Z][a-z]{1,15}) and )?\Z"
)
"""What stands before who does something: the beginning of a sentence or of a part of one, and who else does it."""
_TELLS: Final = re.compile(r"\b(?:[Tt]ell|[Aa]sk|told|asked|[Rr]emind) \Z")
_INTRODUCES: Final = re.compile(
    r"\s{0,4}(?:hi|hello|hey|hiya|yo|good (?:morning|evening|afternoon)|greetings)(?: \w{2,12})?[ ,!.-]{1,3}"
    r"(?:i[’']?m|i am|this is|it[’']?s) (?-i:(?P<name>[a-z]{3,16}))"
    r"(?=[,.!\n]|\s?\Z| (?:and|from|here|with|at|again|speaking|calling)\b)",
    re.IGNORECASE,
)
_LONGEST_BEFORE: Final = 32
"""Characters of what is looked at before a name: another name, `and`, and what it begins after."""
_PERSONAL: Final = frozenset(
    "forgot lost paid emailed phoned texted wants wanted rang quit complained resigned bought drove".split()
)
_SAYS: Final = frozenset(
    "has said says needs left got moved still already never works lives didn't doesn't hasn't thinks thought".split()
)


def find(text: str, windows: Iterable[tuple[int, int]]) -> Iterator[Span]:
    """People of these windows who do something, or are told something, one word each."""
    for start, end in windows:
        for match in _DOES.finditer(text, start, end):
            before = max(0, match.start() - _LONGEST_BEFORE), match.start()
            if match["told"] is None:
                begins = _BEGINS.search(text, *before)
                if begins is not None:
                    yield from _doers(match, begins)
            elif match["name"].lower() in _TOLD and _TELLS.search(text, *before):
                yield Span("PERSON", *match.span("name"), SCORE)


def introduced(text: str) -> Iterator[Span]:
    """Who says their name in small letters where a talk begins: `hi im tamsin and …`."""
    match = _INTRODUCES.match(text)
    if match and not any(match["name"] in load(listed) for listed in ("common", "dictionary", "places")):
        yield Span("PERSON", *match.span("name"), SCORE)


def _doers(match: re.Match[str], begins: re.Match[str]) -> Iterator[Span]:
    """Who does it, if it is done to what people do it to."""
    word, verb, personal = match["name"].lower(), match["verb"], match["personal"] is not None
    if word in ALSO_NAMES:
        known = personal or (word not in _NO_DOERS and verb not in _SAYS)
    else:
        known = (
            personal
            and verb not in _SAYS
            and _is_unlisted(word)
            and (word in load("given") or verb in _PERSONAL or verb == "sent")
        )
    if not known:
        return
    if begins["first"] is not None and begins["first"].lower() not in load("common"):
        yield Span("PERSON", *begins.span("first"), SCORE)
    yield Span("PERSON", *match.span("name"), SCORE)


def _is_unlisted(word: str) -> bool:
    """Whether a word is of no list but that of names."""
    return not any(word in load(listed) for listed in ("common", "places", "ambiguous"))
