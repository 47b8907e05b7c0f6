"""What of a text is worth reading for its intent: not addresses, not what is pasted, not what somebody says they do *not* want.

    neutral      addresses and placeholders of masked data are cut out: what is masked must not move a decision
    may_decline  whether any word could decline, settle or negate something: most texts have none, and are not looked at further
    wanted       clauses in which something is declined or told to be settled are cut out
    parts        the sentences of a long text, people's own first
    leans_back   whether a short turn is to be read with what came before

Lists of words stand in English, German, French and Spanish.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LONG_WORDS: Final = 24
"""From so many words on, a text that nobody is sure of is looked at in parts."""
MOST_PARTS: Final = 40
"""Sentences of a text that are looked at, from both ends of a longer one."""
READ_CHARACTERS: Final = 12_000
"""Of a long text, as much from each end is cut into parts."""
_LONGEST_PART: Final = 320
_TAIL: Final = 2048
"""Characters at the end of a long text that are cut into sentences first."""
_NEUTRAL: Final = re.compile(
    r"\[[A-Z][A-Z_]{1,40}_\d{1,6}\]|\b(?:https?|ftp)://[^\s<>\"']+|\bwww\.[^\s<>\"']+|[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+"
    r"|\b\d{1,3}(?:\.\d{1,3}){3}\b|\b(?:[0-9a-fA-F]{1,4}:){4,7}[0-9a-fA-F]{1,4}\b|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"
)
_SIGN: Final = re.compile(r"[@\[:.-](?=\S)")
_WORD_END: Final = re.compile(r"\S*")
_NOT: Final = (
    r"(?:(?<!\byou\s)not|(?:do(?:es)?|did|have|has|had|am|is|are|was|were|will|would)\s*n[o'\u2019]?t"
    r"|wo\s*n['\u2019]t|no longer|never)"
)
"""Whatever the tense: `have not`, `didn't`, `was not`. `did you not` asks."""
_OFTEN: Final = r"(?:(?:really|actually|even|longer|yet|ever|been(?=\s+\w+ing\b))\s+){0,3}"
_NEED: Final = r"(?:need|wish|require|intend|plann?|ask|look(?=(?:ed|ing)?\s+(?:for|to)\b))(?:ed|ing)?|mean|meant"
_WANT: Final = r"want(?:ed|ing)?"
_SPOKEN_OF: Final = "(?!you\\b|we\\b|i\\b|they\\b|know\\b|see\\b|have\\b|understand\\b|get\\b)"
"""After `do not` at the beginning: a question, or something that is missed."""
_GERMAN_FINITE: Final = (
    "ist|sind|war|waren|hat|habe|haben|wird|werden|wurde|kann|kannst|k\u00f6nnen|konnte|l\u00e4sst|bin"
)
_NOT_WANTED: Final = "|".join(
    (
        rf"\b{_NOT}\s+{_OFTEN}{_WANT}\b(?!.*\bany\s?(?:more|longer)\b)",
        rf"\b{_NOT}\s+{_OFTEN}(?:{_NEED})\b",
        # `I did not request this charge` is a report, and declines nothing
        rf"\b{_NOT}\s+{_OFTEN}request(?:ed|ing)?\s+(?:an?|any|to)\b|\bwould(?:\s*n[o'\u2019]?|\s+no)t\s+(?:like|care)\b",
        rf"\b{_NOT}\s+(?:think|say|said|saying)\s+(?:that\s+)?(?:i|we)\s+{_OFTEN}(?:{_WANT}|{_NEED})\b",
        r"\b(?:no|not)\s+(?:my\s+|our\s+|any\s+)?intention\b",
        rf"^\W*(?:so\s+|and\s+|but\s+)?(?:please\s+|pls\s+)?(?:do\s*n[o']?t|do not|don\u2019t|never)\s+{_SPOKEN_OF}\w+",
        r"\bno\s+need\b|\bnot\s+(?:necessary|needed|required|interested)\b|\bnever\s?mind\b",
        r"\bno\s+\w+\s+(?:needed|required|necessary|wanted)\b",
        r"\bich\s+(?:will|m\u00f6chte|brauche|ben\u00f6tige|wollte|brauchte)\s+(?:\w+\s+){0,2}?(?:kein\w*|nicht)\b",
        r"\bhabe?\s+(?:\w+\s+){0,3}?(?:kein\w*|nicht|nie)\s+(?:\w+\s+){0,4}?(?:gewollt|verlangt|gebeten|gew\u00fcnscht|gebraucht|vor)\b",
        r"\bkein\w*\s+(?:\w+\s+){0,2}(?:n\u00f6tig|erforderlich|gew\u00fcnscht|mehr)\b",
        r"\bnicht\s+(?:mehr\s+)?(?:n\u00f6tig|notwendig|erforderlich)\b|\bbitte\s+(?:\w+\s+){0,3}nicht\b",
        rf"^(?!.*\b(?:{_GERMAN_FINITE})\b)\W*(?:\w+\s+){{0,4}}nicht\s+(?!mehr\b)\w+(?:en|rn|ln)\W*$",
        r"\bje\s+ne\s+(?:veux|voulais|souhaite|souhaitais|d\u00e9sire|demande|demandais)\s+(?:pas|plus)\b",
        r"\bpas\s+besoin\b|\bne\s+\w+ez\s+pas\b|\bn['\u2019]\w+ez\s+pas\b",
        r"\bn['\u2019](?:ai|avais|avons)\s+(?:pas|jamais)\s+(?:demand\u00e9|voulu|souhait\u00e9|eu\s+besoin)\b",
        r"\bno\s+(?:quiero|quer\u00eda|quise|necesito|necesitaba|deseo|deseaba|hace\s+falta)\b",
        r"\bno\s+(?:he|hab\u00eda)\s+(?:querido|pedido|solicitado)\b",
    )
)
_SETTLED: Final = (
    r"\b(?:is|are|it'?s|works?|working|everything(?:'s)?)\s+(?:all\s+)?(?:fine|ok|okay|good|solved|resolved|fixed)\s*(?:now|again|already)\b"
    r"|\b(?:already|has\s+been|have\s+been|was|is|are|got)\s+(?:solved|resolved|fixed|settled)\b|\bworks?\s+again\b|\bfunktioniert\s+wieder\b"
    r"|\b(?:hat\s+sich|ist)\s+(?:schon\s+|bereits\s+)?(?:erledigt|gel\u00f6st|behoben)\b|\bgeht\s+(?:jetzt\s+)?wieder\b|\beverything\s+is\s+fine\b"
)
_DECLINED: Final = re.compile(f"{_NOT_WANTED}|{_SETTLED}", re.IGNORECASE)
_NO: Final = "not|no|never|dont|doesnt|didnt|havent|hasnt|hadnt|wasnt|wouldnt|nicht|nie|ne|pas"
_DECLINERS: Final = f"{_NO}|nevermind|fine|ok|okay|solved|resolved|fixed|settled|again|wieder|erledigt|behoben"
_NEGATORS: Final = f"{_NO}|nothing|none|cannot|cant|wont|isnt|without|nie|nichts|ohne|rien|sin|nada|nunca"
_MAYBE: Final = re.compile(rf"n't|n\u2019t|\b(?:{_DECLINERS}|kein\w*|gel\u00f6st)\b|\bn['\u2019]", re.IGNORECASE)
_WORDS: Final = re.compile(r"\w+").findall
DECLINING: Final = frozenset(f"{_NEGATORS}|{_DECLINERS}".split("|"))
"""Words in ASCII one of which has to stand in a text that `wanted` or `negated_words` makes anything of, or what follows."""
_CLAUSE: Final = re.compile(
    r"(?<=[.!?;,\n])\s+|\s+(?:but|aber|sondern|instead|stattdessen|mais|pero|sino)\s+|\s+[\u2013\u2014-]\s+",
    re.IGNORECASE,
)
_NEGATED: Final = re.compile(
    # what has not been so, or was never
    r"\b(?:not|never|(?:has|have|had)n['\u2019]?t)\s+(?:(?:ever|yet|really|actually|even)\s+)?been\s+(\w+)"
    r"|\b(?:is|are|was|were|isn'?t|aren'?t|wasn'?t|it'?s|ist|sind|war|est|es|est\u00e1)\s+(?:not|never|nicht|nie|pas|no)?\s*(?:at\s+all\s+)?(\w+)"
    r"|\b(?:(?<!\byou\s)not|no|nicht|kein|keine|keinen|pas|sin|without|ohne)\s+(?:a\s+|an\s+|any\s+|the\s+|in\s+)?(\w+)",
    re.IGNORECASE,
)
NEGATOR: Final = re.compile(rf"n't\b|n\u2019t\b|\b(?:{_NEGATORS}|kein\w*)\b", re.IGNORECASE)
_SENTENCE_END: Final = re.compile(r"[.!?\u3002\uff01\uff1f\n]\s*")
_COORDINATED: Final = re.compile(r",?\s+(?:and\s+also|and|und\s+auch|und|et|y|sowie|plus|also)\s+", re.IGNORECASE)
_PASTED_LINE: Final = re.compile(
    r"\s*(?:>|\||\d{4}-\d\d-\d\d|\[?\d\d:\d\d(?::\d\d)?|at\s[\w.$<>]+\(|File \"|Traceback|(?:From|To|Cc|Sent|Subject|Date|Von|An"
    r"|Betreff|Gesendet|Datum|De|Objet|Asunto)\s?:|-{4,}|={4,}|[{}<\[]|(?:PS |\$ |# )|(?:INFO|WARN|ERROR|DEBUG)\b)"
)
_BACK: Final = re.compile(
    r"^\W*(?:and|or|also|what\s+about|how\s+about|now|again|yes|yep|yeah|no|ok|okay|sure|please|thanks|thank\s+you|great|good|perfect|nice|looks"
    r"|the\s+(?:second|other|first|third|last|next|same)|same|still|continue|go\s+on|more|another|next|ja|nein|und|oder|auch|bitte|danke|gut|super"
    r"|weiter|nochmal|noch\s+\w+|immer\s+noch|das\s+\w+e|oui|non|et|merci|encore|d'accord|s\u00ed|si|y|gracias|otra|vale|sigue)\b"
    r"|\b(?:it|that|this|them|these|those|one|ones|the\s+same|there|es|das|dies\w*|den|sie|\u00e7a|cela|eso|esto)\W*$"
    r"|\b(?:do|did|commit|fix|change|undo|redo|try|make|run|show|apply|merge|rewrite|shorten|translate|explain)\s+(?:it|that|this|them|these|those)\b",
    re.IGNORECASE,
)
LEANS_WORDS: Final = 9
"""A turn of more words stands for itself."""


def neutral(text: str) -> str:
    """Without addresses and placeholders. None of them has white space in it: only words are read that have a sign of one."""
    sign = _SIGN.search(text)
    if sign is None:
        return text
    out: list[str] = []
    end = 0
    while sign is not None:
        start, stop = sign.start(), _WORD_END.match(text, sign.start()).end()  # type: ignore[union-attr]
        while start > end and not text[start - 1].isspace():
            start -= 1
        out += [text[end:start], _NEUTRAL.sub(" ", text[start:stop])]
        end = stop
        sign = _SIGN.search(text, end)
    return "".join([*out, text[end:]])


def may_decline(text: str) -> bool:
    """Whether `wanted` or `negated_words` may find anything: a set is asked about a text's words in less time than either is."""
    if not text.isascii():
        return True
    low = text.lower()
    return declines_in_part(low) or not DECLINING.isdisjoint(_WORDS(low))


def declines_in_part(low: str) -> bool:
    """Whether a text in small letters has what declines within a word, or as the beginning of one."""
    return "n'" in low or "kein" in low


def wanted(text: str) -> str | None:
    """A text without the clauses in which something is declined, or is told to be settled. None: there are none such."""
    if _MAYBE.search(text) is None:
        return None
    clauses = _CLAUSE.split(text)
    kept = [clause for clause in clauses if _DECLINED.search(clause) is None]
    return None if len(kept) == len(clauses) else " ".join(kept).strip()


def negated_words(text: str) -> list[str]:
    """Words that a negator stands right before, in small letters."""
    if NEGATOR.search(text) is None:
        return []
    return [
        word.lower() for found in _NEGATED.finditer(text) if NEGATOR.search(found[0]) for word in found.groups() if word
    ]


def words_of(text: str) -> list[str]:
    """In small letters."""
    return _WORDS(text.lower())


def leans_back(text: str) -> bool:
    """Whether a turn is so short, and worded so, that it can only be understood with what came before."""
    count = len(text.split(None, LEANS_WORDS + 1))
    return count <= LEANS_WORDS and (count <= 2 or _BACK.search(text) is not None)


def is_long(text: str) -> bool:
    """Whether it is to be looked at in parts where the whole says too little."""
    return len(text) > 4 * LONG_WORDS and len(text.split(None, LONG_WORDS)) > LONG_WORDS


def parts(text: str) -> list[str]:
    """The sentences of a long text, each once: people's own, or all of them where nothing seems to be."""
    if len(text) > 2 * READ_CHARACTERS:
        text = f"{text[:READ_CHARACTERS]}\n{text[-READ_CHARACTERS:]}"
    fenced = False
    own: list[str] = []
    pasted: list[str] = []
    for line in text.split("\n"):
        if line.lstrip().startswith("```"):
            fenced = not fenced
            continue
        (pasted if fenced or _PASTED_LINE.match(line) else own).append(line)
    return _sentences(own) or _sentences(pasted)


def coordinated(text: str) -> list[str]:
    """The parts of a text that asks for several things: `a monitor and access to the share`. Empty: it asks for one."""
    found = [part.strip() for sentence, _ in _split(text) for part in _COORDINATED.split(sentence)]
    found = [part for part in found if len(part.split()) >= 2]
    return found if 1 < len(found) <= 6 else []


def _sentences(lines: Sequence[str]) -> list[str]:
    """Each once; of many, half of so many from each end."""
    text, half = "\n".join(lines), MOST_PARTS // 2
    head: dict[str, None] = {}
    end = 0
    for sentence, after in _split(text):
        end = after
        if any(map(str.isalpha, sentence)):
            head[sentence[:_LONGEST_PART]] = None
        if len(head) == half:
            break
    else:
        return [*head]
    rest, size = text[end:], _TAIL
    while True:
        cut = size < len(rest)  # what stands first then may be the end of a sentence
        tail = dict.fromkeys(part[:_LONGEST_PART] for part, _ in _split(rest[-size:]) if any(map(str.isalpha, part)))
        if not cut or len(tail) > half:
            return [*dict.fromkeys([*head, *[*tail][-half:]])]
        size *= 4


def _split(text: str) -> Iterator[tuple[str, int]]:
    """The sentences, and where each ends."""
    at = 0
    for end in _SENTENCE_END.finditer(text):
        # in Latin script only before a space: `3.5`
        if len(end[0]) > 1 or end[0] not in ".!?":
            yield text[at : end.end()].strip(), end.end()
            at = end.end()
    yield text[at:].strip(), len(text)
