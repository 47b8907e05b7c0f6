"""People whose name is a word or a town too, by what they do: `Paris sent the wrong form`, `please tell Minh that`.

For one word that begins a sentence the models have no more to go by than its list, and of a town they are told not to ask.
A few searches for verbs tell where to look, and most texts hold none of them before what people do things to.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from extproc.pii.names.spans import Span
from extproc.pii.names.words import load

if TYPE_CHECKING:
    from collections.abc import Iterator

SCORE: Final = 0.7
_ALSO_NAMES: Final = frozenset(
    "paris dallas austin houston phoenix boston chelsea brooklyn madison carolina berlin london orlando lincoln jackson minh "
    "milan siena vienna kenya asia israel troy cleveland tucson reno denver memphis india china "
    "will mark hope faith hunter dale summer sunny june may april dawn grant chase chance robin rich jack bill rose "
    "grace joy patience mercy destiny harmony melody heaven angel dean mason carter taylor tyler parker "
    "walker cooper porter baker miller smith young price banks woods rivers august "
    "page reed lane park wells field glen heath cliff forest wade chip buddy buck guy gene ray jay ruby pearl amber crystal "
    "olive ginger rosemary basil pepper sage saffron clementine sandy stormy windy misty hazel ivy fern brandy sherry bishop "
    "major victor valentine christian noel pat drew skip rob sue penny bunny kitty birdie lark wren drake peregrine "
    "florence sydney victoria adelaide alexandria georgia virginia savannah charlotte aurora israel jordan trinity".split()
)
"""Names that are everyday words, towns or countries too: given names of the lists that list words, too."""
_NO_DOERS: Final = frozenset("china india kenya israel asia germany france".split())
"""Countries, which send and say things as often."""
_SENT: Final = (
    "sent gave paid called phoned emailed texted messaged forgot lost filled signed wants wanted asked told left bought ordered "
    "received returned wrote needs hasn't has didn't doesn't said says split complained moved quit resigned submitted uploaded "
    "broke forwarded replied never still already works lives thinks thought got booked cancelled canceled missed rang drove"
).split()
_DOES: Final = re.compile(rf"[A-Z][a-z]{{1,15}}(?:-[a-z]{{2,10}})? (?P<verb>{'|'.join(_SENT)})(?= )")
"""There are far fewer capitals in a text than places at which each verb in turn may stand."""
_TELLS: Final = tuple(f" {verb} " for verb in "tell ask told asked remind".split())
_NAME_BEFORE: Final = re.compile(
    r"(?:\A|[.!?:;>•\"“'(\n][ \t]{0,4}|[-*] |, |\band |\bthat |\bbecause |\bwhen |\bif |\bas |\bbut |\bso |\bsince |\bafter )"
    r"(?P<name>[A-Z][a-z]{1,15}(?:-[a-z]{2,10})?)\Z"
)
_AND_BEFORE: Final = re.compile(r"(?P<name>[A-Z][a-z]{1,15}) and [A-Z][a-z]{1,15}\Z")
_LONGEST: Final = 40
_OBJECT: Final = re.compile(
    r"(?P<personal>me|us|him|her|them|my|his|our|their|your|you|it back|the wrong|on leave|back|again|twice|yesterday|"
    r"paid|not paid|not "
    r"signed|to (?:know|cancel|return|pay|speak|talk|change|see|get))\b|(?P<plain>the|a|an|in|out|for|that|to|at|about|"
    r"this|no|two|"
    r"three|some|not|been|already|never|sent|received)\b"
)
_PERSONAL: Final = frozenset(
    "forgot lost paid emailed phoned texted wants wanted rang quit complained resigned bought drove".split()
)
_SAYS: Final = frozenset(
    "has said says needs left got moved still already never works lives didn't doesn't hasn't thinks thought".split()
)
_TOLD: Final = re.compile(
    r"(?P<name>[A-Z][a-z]{1,15}) (?:that|if|whether|about|not to|to (?:call|send|sign|come|pay|bring|give))\b"
)


def find(text: str) -> Iterator[Span]:
    """People who do something, or are told something, one word each."""
    if text.islower():
        return
    for does in _DOES.finditer(text):
        yield from _doer(text, does.start("verb") - 1, does["verb"], does.end() + 1)
    for spaced in _TELLS:
        at = text.find(spaced)
        while at >= 0:
            told = _TOLD.match(text, at + len(spaced))
            if told and told["name"].lower() in _ALSO_NAMES - _NO_DOERS:
                yield Span("PERSON", *told.span("name"), SCORE)
            at = text.find(spaced, at + 1)


def _doer(text: str, end: int, verb: str, after: int) -> Iterator[Span]:
    """Who does it, if it is done to what people do it to."""
    if not text[end - 1].isalpha():
        return
    low = max(0, end - _LONGEST)
    match = _NAME_BEFORE.search(text, low, end)
    if match is None:
        return
    done = _OBJECT.match(text, after)
    word = match["name"].lower()
    personal = done is not None and done["personal"] is not None
    if word in _ALSO_NAMES:
        known = personal or (done is not None and word not in _NO_DOERS and verb not in _SAYS)
    else:
        known = (
            word not in load("common")
            and word not in load("places")
            and word not in load("ambiguous")
            and (personal and verb not in _SAYS and (word in load("given") or verb in _PERSONAL or verb == "sent"))
        )
    if not known:
        return
    yield Span("PERSON", *match.span("name"), SCORE)
    first = _AND_BEFORE.search(text, low, end)
    if first and first["name"].lower() not in load("common"):
        yield Span("PERSON", *first.span("name"), SCORE)
