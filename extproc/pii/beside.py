"""How a label and its value stand beside each other where no space or colon joins them: in two fields, or the label behind it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from extproc.pii.vocabulary import Label

_NUMBER: Final = r"value|number|numero|número|numéro|nummer"
_HOLDS: Final = rf"(?i:{_NUMBER}|numer|text|content|raw|plain|current)"
_IS: Final = r"""\\?["']?[ \t]{0,3}[:=][ \t]{0,3}"""
PAIRED: Final = re.compile(
    r"""\\?["'’]?(?:\s{0,24}</key>\s{0,24}<string>|(?:[ \t]{0,3},\s{0,24}|\s{1,24})(?:type=["'][a-z]{1,12}["'][ \t]{1,3})?"""
    rf"""\\?["']?(?i:(?:id|doc|document|field)_?)?(?i:{_NUMBER}){_IS}\\?["']?|"""
    r"""[ \t]{0,3}[:=][ \t]{0,3}\{\s{0,24}"""
    r"""(?:\\?["'][a-z]{1,16}\\?["']:[ ]?\\?["'][^"'{}\n]{0,24}["'],\s{0,12}){0,2}"""
    rf"""\\?["']?{_HOLDS}{_IS}\\?["']?|"""
    rf""">\s{{0,24}}<{_HOLDS}>)"""
)
"""What parts the name of a field from its value where both are fields: `name: DB_PASSWORD` over `value: `, in XML and forms; or
where the value is a field of its own below it: `"passport": {"number": `."""
_SIGN_OF_PAIR: Final = re.compile(r"[{]|><|alue|ALUE|um(?:ber|ero|éro|mer)|úmero")


def is_paired(following: str) -> bool:
    """Whether what follows a label may be what `PAIRED` is."""
    return _SIGN_OF_PAIR.search(following) is not None


_ENDS: Final = re.compile(
    r"(?: ?(?:number|no\.?|nr\.?|id|code))?['’\"”*_`]{0,2}(?:[ \t]*(?:[.,;!?)\]\n]|\Z)|"
    r"[ \t](?:and|or|for|to|of|on|at|so|but|if|please|und|et|y|e)\b)"
)
"""What a label ends a clause with, rather than that it goes on: `76983425 is my account number, please`."""
_BEFORE: Final = re.compile(
    r"(?:[ \t]?[(\[]|,? (?:is|was|as|ist|war|est|es|è|é|jest|er|är) "
    r"(?:(?:my|his|her|our|their|the|mein|meine|unsere|mon|ma|notre|mi|il mio|la mia|o meu|a minha|mijn|moje) )?"
    r"(?:(?:new|old|current|temporary) )?)\Z"
)
"""What stands between a value and the label behind it: `76983425 (account number)`, `4821 is my PIN`."""
_REACH: Final = 32
"""Characters of that."""
_LEADS_BACK: Final = frozenset("( [")


def value_before(text: str, label: Label) -> int:
    """Where the value ends that stands before this label; 0 where none does."""
    char = text[label.start - 1 : label.start]
    if char not in _LEADS_BACK or not char:
        return 0
    low = max(0, label.start - _REACH)
    if char == " " and not any(verb in text[low : label.start] for verb in _VERBS_BEFORE):
        return 0
    joint = _BEFORE.search(text, low, label.start)
    if joint is None or not joint.start() or text[joint.start() - 1].isspace() or _ENDS.match(text, label.end) is None:
        return 0
    return joint.start()


_VERBS_BEFORE: Final = (
    " is ",
    " as ",
    " was ",
    " ist ",
    " war ",
    " est ",
    " es ",
    " è ",
    " é ",
    " jest ",
    " er ",
    " är ",
)
