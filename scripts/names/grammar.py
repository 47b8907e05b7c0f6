"""Turns the notation of `prose.py` into sentences with labelled spans."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from extproc.pii.names.words import load
from names import words
from names.lexicon import foreign_words
from names.plain import PLAIN
from names.prose import BIOGRAPHY, BUSINESS, CHAT, FORMS, NEWS, PLACES_AND_THINGS

if TYPE_CHECKING:
    from names.lexicon import Lexicon, Person

FAMILIES = {
    "biography": BIOGRAPHY,
    "places": PLACES_AND_THINGS,
    "news": NEWS,
    "business": BUSINESS,
    "chat": CHAT,
    "forms": FORMS,
    "plain": PLAIN,
    "foreign": "",
}
WEIGHTS = {"biography": 22, "places": 16, "news": 11, "business": 15, "chat": 12, "forms": 8, "plain": 16, "foreign": 7}
INNERMOST = re.compile(r"\[([^\[\]]*\|[^\[\]]*)\]")
SLOT = re.compile(r"\{\{|\}\}|\{([A-Za-z_]+)(2?)(?:\.([a-z]+))?\}")
MONTHS = "January February March April May June July August September October November December".split()
WEEKDAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
SAYINGS = (
    "we are not ready|it was a hard year|the deal is done|we will fight this|nobody told us|this is only the beginning|prices will rise|the file is missing|"
    "connection refused|the value must not be empty|I did what I had to do|we are proud of the team|it is too early to say|you can check the order status|"
    "the meeting starts at noon|see the attached file|the server is down|it never stopped raining|everything went as planned|the results speak for themselves"
).split("|")
JOB_TITLES = (
    "Senior Account Manager|Head of Sales|Chief Financial Officer|Software Engineer|Regional Director|Office Manager|HR Business Partner|Paralegal|"
    "Customer Success Lead|Project Coordinator|VP Engineering|Attending Physician|Claims Adjuster|Recruiter|Data Analyst|Partner|CEO|CTO|Nurse Practitioner"
).split("|")
FAMILY_NAMES = "Asteraceae Noctuidae Cerambycidae Orchidaceae Cyprinidae Hylidae Fabaceae Geometridae Poaceae Rosaceae Salticidae".split()


@cache
def templates(family: str, part: str) -> tuple[str, ...]:
    """A family's lines; one line in twelve is kept for the held-out check."""
    lines = [line for line in FAMILIES[family].strip().split("\n") if line]
    return tuple(line for i, line in enumerate(lines) if (i % 12 == 5) == (part == "held_out"))


@cache
def everyday() -> tuple[str, ...]:
    """Words that name nobody, from the list that the recognizer's gate uses."""
    return tuple(sorted(word for word in load("common") if len(word) > 3 and word.isascii()))


class Writer:
    """Writes labelled texts. The same seed writes the same texts."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon, self.rng, self.part = lexicon, lexicon.rng, lexicon.part

    def text(self) -> tuple[str, list[tuple[int, int, str]], str]:
        """One text of one to four sentences of one family: text, spans, family."""
        rng = self.rng
        family = rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        if family == "foreign":
            return (*self._case(*_join(self._foreign())), family)
        lines = templates(family, self.part)
        count = 1 if family in {"forms", "plain"} or rng.random() < 0.55 else rng.choice([2, 2, 3, 4])
        people: dict[str, Person] = {}
        pieces: list[tuple[str, str | None]] = []
        for i in range(count):
            if i:
                pieces.append((" " if rng.random() < 0.85 else "\n", None))
            if i and rng.random() < 0.12:
                pieces.extend(self._sentence(rng.choice(templates("plain", self.part)), {}))
            else:
                if i and rng.random() < 0.5:
                    people = {}
                pieces.extend(self._sentence(rng.choice(lines), people))
        return (*self._case(*_join(pieces)), family)

    def _foreign(self) -> list[tuple[str, str | None]]:
        """Words of another language, a capital at the start, a heading at times; in every other text somebody's name."""
        rng = self.rng
        locale = rng.choice(list(words.FOREIGN_LABELS))
        known = foreign_words(locale)
        pieces: list[tuple[str, str | None]] = []
        if rng.random() < 0.25:
            heading = " ".join(rng.choice(known) for _ in range(rng.randint(1, 4)))
            pieces.append(
                (
                    rng.choice([heading.upper(), heading.title(), heading.capitalize()])
                    + rng.choice(["\n", "\n\n", ": "]),
                    None,
                )
            )
        for _ in range(rng.choice([1, 1, 2, 3])):
            sentence = [rng.choice(known) for _ in range(rng.randint(3, 11))]
            if locale == "de_DE":
                sentence = [w.capitalize() if rng.random() < 0.3 else w for w in sentence]
            text = " ".join(sentence)
            pieces.append((text[0].upper() + text[1:], None))
            if rng.random() < 0.4:
                person = self.lexicon.person()
                form = rng.choice(words.FOREIGN_LABELS[locale].split("|"))
                pieces.append((rng.choice([" ", ". ", "\n", ", "]), None))
                for part in re.split(r"(\{[plfco]\})", form):
                    match part:
                        case "{p}":
                            pieces.append((person.plain(), "PERSON"))
                        case "{l}":
                            pieces.append((person.last, "PERSON"))
                        case "{f}":
                            pieces.append((person.first, "PERSON"))
                        case "{c}":
                            pieces.append((self.lexicon.city(), "LOCATION"))
                        case "{o}":
                            pieces.append((self.lexicon.organisation(), "ORGANIZATION"))
                        case _:
                            pieces.append((part, None))
            pieces.append((rng.choice([". ", ".\n", "\n", "? ", "; "]), None))
        return pieces

    def _case(self, text: str, spans: list[tuple[int, int, str]]) -> tuple[str, list[tuple[int, int, str]]]:
        r = self.rng.random()
        if r < 0.09 and len(text.lower()) == len(text):
            text = text.lower()
        elif r < 0.11 and len(text.upper()) == len(text):
            text = text.upper()
        elif r < 0.13:
            text = "".join(
                text[i].lower() if not any(s <= i < e for s, e, _ in spans) else text[i] for i in range(len(text))
            )
        elif r < 0.15:  # names alone in lower or upper case
            change = str.lower if self.rng.random() < 0.6 else str.upper
            for s, e, _ in spans:
                if len(change(text[s:e])) == e - s:
                    text = text[:s] + change(text[s:e]) + text[e:]
        return text, spans

    def _sentence(self, line: str, people: dict[str, Person]) -> list[tuple[str, str | None]]:
        while match := INNERMOST.search(line):
            line = line[: match.start()] + self.rng.choice(match[1].split("|")) + line[match.end() :]
        line = line.replace("\\n", "\n").replace("\\t", "\t").replace('\\"', '"')
        pieces: list[tuple[str, str | None]] = []
        last = 0
        for match in SLOT.finditer(line):
            pieces.append((line[last : match.start()], None))
            last = match.end()
            if match[0] in {"{{", "}}"}:
                pieces.append((match[0][0], None))
            else:
                pieces.append(self._fill(match[1], match[1] + match[2], match[3], people, match.start() == 0))
        pieces.append((line[last:], None))
        return pieces

    def _fill(
        self, slot: str, name: str, form: str | None, people: dict[str, Person], opens: bool
    ) -> tuple[str, str | None]:
        if slot in {"P", "Q"}:
            if form is None or name not in people:
                if form is None and name in people and self.rng.random() < 0.25:
                    person = people[name]
                    return person.last if self.rng.random() < 0.7 else person.first, "PERSON"
                people[name] = self.lexicon.person()
            person = people[name]
            return {"first": person.first, "last": person.last, "plain": person.plain()}.get(
                form or "", ""
            ) or person.full(), "PERSON"
        lexicon = self.lexicon
        if slot in {"city", "country", "region", "loc"}:
            place = {"city": lexicon.city, "country": lexicon.country, "region": lexicon.region, "loc": lexicon.place}[
                slot
            ]()
            return place, "LOCATION"
        if slot == "org":
            return lexicon.organisation(), "ORGANIZATION"
        if slot == "addr":
            return lexicon.address(), "ADDRESS"
        return self._plain(slot, opens), None

    def _plain(self, slot: str, opens: bool) -> str:
        rng = self.rng
        noun, adjective = rng.choice(words.NOUNS), rng.choice(words.ADJECTIVES)
        match slot:
            case "noun":
                return noun
            case "noun_cap":
                return noun.title()
            case "noun_upper":
                return noun.upper()
            case "adj":
                return adjective
            case "adj_cap":
                return adjective.title()
            case "adj_upper":
                return adjective.upper()
            case "work":
                patterns = [
                    "The {a} {n}",
                    "{a} {n}",
                    "{n} of {m}",
                    "{n}",
                    "The {n}",
                    "{a} {n}s",
                    "A {n} for {m}",
                    "The {n} and the {m}",
                    "{a}",
                    "In the {n}",
                ]
                return rng.choice(patterns).format(
                    a=adjective.title(), n=noun.title(), m=rng.choice(words.NOUNS).title()
                )
            case "nat":
                return rng.choice(words.NATIONS)
            case "nats":
                nation = rng.choice(words.NATIONS)
                return nation if nation.endswith(("sh", "ch", "ese", "ss")) else f"{nation}s"
            case "job":
                return rng.choice(words.JOBS)
            case "jobtitle":
                return rng.choice(JOB_TITLES)
            case "title":
                return rng.choice(words.TITLES)
            case "role":
                return rng.choice(words.ROLES)
            case "product":
                return rng.choice(words.PRODUCTS)
            case "event":
                event = rng.choice(words.EVENTS)
                return event[0].upper() + event[1:] if opens else event
            case "word":
                return rng.choice(everyday())
            case "word_cap":
                return rng.choice(everyday()).capitalize()
            case "acronym":
                return "".join(rng.choice("ABCDEFGHIKLMNOPRSTUV") for _ in range(rng.choice([2, 3, 3, 4])))
            case "party":
                return rng.choice(words.PARTIES)
            case "medical":
                return rng.choice(words.MEDICAL)
            case "fin":
                return rng.choice(words.MONEY_WORDS)
            case "term":
                return rng.choice(words.TERMS)
            case "term_upper":
                return rng.choice(words.TERMS).upper()
            case "say":
                return rng.choice(SAYINGS)
            case "say_cap":
                return rng.choice(SAYINGS).capitalize()
            case "say_upper":
                return rng.choice(SAYINGS).upper()
            case "month":
                return rng.choice(MONTHS)
            case "weekday":
                return rng.choice(WEEKDAYS)
            case "year":
                return str(rng.randint(1750, 2026))
            case "n":
                return str(rng.choice([rng.randint(1, 9), rng.randint(1, 99), rng.randint(1, 999)]))
            case "digit":
                return str(rng.randint(1, 9))
            case "ord":
                return rng.choice("first second third fourth fifth sixth seventh eighth ninth tenth".split())
            case "date":
                day, month, year = rng.randint(1, 28), rng.choice(MONTHS), rng.randint(1900, 2026)
                return rng.choice(
                    [
                        f"{day} {month} {year}",
                        f"{month} {day}, {year}",
                        f"{year}-0{rng.randint(1, 9)}-{day:02}",
                        f"{day}/0{rng.randint(1, 9)}/{year}",
                    ]
                )
            case "time":
                return rng.choice(
                    [
                        f"{rng.randint(1, 12)}{rng.choice(['am', 'pm', ' a.m.', ' PM'])}",
                        f"{rng.randint(0, 23):02}:{rng.randint(0, 59):02}",
                    ]
                )
            case "money":
                return (
                    rng.choice("$€£")
                    + str(rng.randint(1, 999))
                    + rng.choice(["", " million", "m", ",000", ".50", " billion"])
                )
            case "phone":
                return rng.choice(
                    [
                        f"+{rng.randint(1, 99)} {rng.randint(100, 999)} {rng.randint(1000000, 9999999)}",
                        f"({rng.randint(200, 999)}) 555-0{rng.randint(100, 199)}",
                    ]
                )
            case "ref":
                return rng.choice(
                    [
                        f"#{rng.randint(1000, 99999)}",
                        f"{rng.choice('ABCDEFMPT')}{rng.choice('RNKX')}-{rng.randint(1000, 999999)}",
                        str(rng.randint(10000, 99999999)),
                    ]
                )
            case "mail":
                return f"{rng.choice('abcdefghjklmnprst')}.{noun}@{rng.choice(['example', adjective, noun])}.{rng.choice(['com', 'org', 'net', 'co.uk', 'de'])}"
            case "ip":
                return ".".join(str(rng.randint(1, 254)) for _ in range(4))
            case "iso":
                return f"{rng.randint(2018, 2026)}-0{rng.randint(1, 9)}-1{rng.randint(0, 9)}T{rng.randint(10, 23)}:{rng.randint(10, 59)}:{rng.randint(10, 59)}Z"
            case "handle":
                return adjective + rng.choice(["_", "", "the"]) + noun + rng.choice(["", "99", "_x"])
            case "tag":
                return rng.choice([noun, adjective.title() + noun.title(), noun.title()])
            case "initial":
                return rng.choice("ABCDEFGHJKLMNPRST")
            case "genus":
                return rng.choice(["Lepto", "Micro", "Pseudo", "Campto", "Phyllo", "Crypto", "Steno"]) + rng.choice(
                    ["phora", "dactylus", "carpus", "ceras", "psis", "nema", "glossa"]
                )
            case "species":
                return rng.choice(
                    "vulgaris australis montanus minor elegans orientalis niger pallidus gracilis africana".split()
                )
            case "family":
                return rng.choice(FAMILY_NAMES)
            case _:
                raise KeyError(slot)


def _join(pieces: list[tuple[str, str | None]]) -> tuple[str, list[tuple[int, int, str]]]:
    text, spans = "", []
    for piece, label in pieces:
        if label:
            spans.append((len(text), len(text) + len(piece), label))
        text += piece
    return text, spans
