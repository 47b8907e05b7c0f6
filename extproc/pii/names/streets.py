"""Street addresses by their grammar: number, street, unit, place. Models see the words; this sees where they begin and end."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

from extproc.pii.names.spans import Span
from extproc.pii.names.words import load

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from extproc.pii.names.cues import Window

SCORE: Final = 0.8
GRAMMAR: Final = "grammar of an address"
"""Evidence of what is found here."""
_BEFORE, _AFTER = 48, 64
"""Characters around a window that may belong to an address which it cuts."""
_DIGIT: Final = re.compile(r"[0-9]")

_UP: Final = r"[A-ZÀ-ÖØ-ÞĀ-ŽΑ-ΩЀ-ЯİŞĞ]"
_NAME: Final = rf"{_UP}[\w'’.-]{{0,24}}"
_SMALL: Final = (
    r"(?:de|del|della|delle|dei|la|las|los|le|les|du|des|da|do|dos|das|d'|l'|van|der|den|ter|zur|zum|von|of|the|w|i|"
    r"y|e|św\.|gen\.|im\.)"
)
_NAMES: Final = rf"(?:{_SMALL} ){{0,2}}(?:[dlDL]['’])?{_NAME}(?: (?:{_SMALL} ){{0,2}}(?:[dl]['’])?{_NAME}){{0,3}}"
_NUMBER: Final = (
    r"[0-9]{1,5}(?:(?:[a-zA-Zа-я](?![a-zа-я:]|\.[A-Za-z0-9])| [a-zA-Zа-я](?![a-zа-я.:]))(?: [0-9]{1,3}\b)?)?"
    r"(?:[/-](?:[0-9]{1,4}[a-zA-Z]?|[A-Z]\b)){0,3}(?:-[IVX]{1,4}\b)?"
)
_CITY: Final = rf"{_UP}[^\W\d_](?:[^\W\d_]|['’.-](?=[^\W\d_])){{0,24}}\.?"
_CITIES: Final = (
    rf"(?:(?:St|Ste|TP|Mt|Ft|Bad|San|Sankt)\.? )?{_CITY}"
    rf"(?:[ -](?:(?:am|an der|sur|de|la|le|do|da|del|dos|upon|on|im|in) )?{_CITY}){{0,3}}"
)
_UNIT: Final = (
    r"(?:(?:,? ?|\n)(?:(?i:apt|apto|apartment|suite|ste|unit|flat|floor|fl|room|rm|bldg|building|lot|wohnung|whg|piso|"
    r"planta|puerta|esc|depto|dpto|int|"
    r"interno|scala|appt|appartement|bâtiment|bât|étage|bus|m|lok|lokal|mieszkanie|kv|кв|корп|корпус|стр|эт|daire|d|"
    r"kat|k|lgh|andar|bloco|ap)\b"
    r"\.?:? ?#?[\w-]{1,6}|#[ ]?[\w-]{1,6}|[0-9]{1,2}[ºª°o.](?: ?(?:izq|dcha|izda|der|esq|dto|[A-Z])\b\.?){0,2}|(?:tv|"
    r"th|mf)\b|[A-Z] [0-9]{1,3}\b|[0-9]{1,3}(?:st|nd|rd|th) (?i:floor|fl\b)\.?)){0,3}"
)
_PLACE: Final = (
    rf"(?:,? (?:[A-Z]{{1,2}}-)?[0-9]{{2,6}}(?:[ -][0-9A-Z]{{2,4}})? {_NAME}(?:[ -](?:(?:am|an der|sur|de|la|le|do|da|"
    rf"del) )?{_NAME}){{0,3}}"
    rf"|"
    rf", {_CITY}(?: {_CITY}){{0,2}}(?:[/,] ?{_CITY}(?: {_CITY})?)?(?:,? [A-Z]{{2,3}}\b)?(?:,? (?:[0-9]{{4,6}}(?:-[0-9]{{3,4}})?|"
    rf"[A-Z]{{1,2}}[0-9][0-9A-Z]? [0-9][A-Z]{{2}}|[0-9][A-Z] ?[0-9]))?"
    rf"| {_CITY}(?: {_CITY})?, (?:[A-Z]{{2,3}}\b|{_CITY})(?:,? [0-9]{{4,6}}(?:-[0-9]{{3,4}})?))?"
)
_WAY: Final = (
    r"(?:Street|St|Road|Rd|Avenue|Ave|Av|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Square|Sq|Way|Boulevard|Blvd|Terrace|Ter|"
    r"Close|Crescent|"
    r"Cres|Gardens|Hill|Highway|Hwy|Parkway|Pkwy|Freeway|Fwy|Expressway|Expy|Turnpike|Tpke|Row|Mews|Circle|Cir|Alley|"
    r"Walk|Trail|Trl|"
    r"Loop|Path|Pike|Plaza|Grove|Parade|Pde|Quay|Broadway|street|road|avenue|ave|drive|lane|blvd|boulevard|STREET|"
    r"ROAD|AVENUE|AVE|DRIVE|LANE|"
    r"RD|BLVD|MARG|Marg|Nagar|Colony)"
)
_COMPASS: Final = r"(?:N|S|E|W|NE|NW|SE|SW|North|South|East|West)"
_ENGLISH: Final = (
    rf"(?:(?:Unit|Flat|Apt\.?|Apartment|Suite|Shop|Level|Floor|Tower|Block|Blk|Room|Building|Bldg) "
    rf"?#?[0-9A-Za-z]{{1,5}}(?:, ?|/| )){{0,3}}"
    rf"(?:[NSEW][0-9]{{1,3}}[NSEW][0-9]{{3,6}}|[0-9]{{1,6}}(?:[-/][0-9]{{1,5}})?[A-Za-z]?(?: [1-3]/[2-4])?),? (?:{_COMPASS}\.? )?"
    rf"(?:(?:{_NAME}|[0-9]{{1,3}}(?:st|nd|rd|th)) ){{1,4}}?{_WAY}\b\.?(?:,? {_COMPASS}\b\.?)?{_UNIT}{_PLACE}"
)
_NUMBERED: Final = (
    rf"[0-9]{{1,6}}[A-Z]?,? (?:{_COMPASS}\.? )?(?:(?:(?:County|State|US|U\.S\.|Rural|Farm|Forest|Old|Private|Township) )?"
    rf"(?:Road|Rd|Route|Rte|Highway|Hwy)|FM|CR|SR|RR|US|Interstate)\.? [0-9]{{1,4}}[A-Z]?\b(?: (?:Rd|Road|"
    rf"{_COMPASS})\b\.?){{0,2}}"
    rf"{_UNIT}{_PLACE}"
)
_SECTOR: Final = (
    rf"(?:(?:(?:H\.?|House|Plot|Flat) ?(?:No\.?)? ?)?#?[A-Z]{{0,2}}[-/ ]?[0-9]{{1,5}}[A-Z]?,? )?"
    rf"Sector[ -][0-9]{{1,3}}(?:-?[A-Z])?\b(?:, {_CITIES})?"
)
_JAPANESE: Final = rf"[0-9]{{1,3}}(?:-[0-9]{{1,3}}){{1,3}},? {_CITY}(?: {_CITY})?, {_CITY}-(?:ku|shi|gun|cho|machi)"
_BLOCK: Final = rf"(?:Blk|BLK|Block) [0-9]{{1,4}}[A-Z]?,? (?:{_NAME} ){{1,5}}?{_WAY}\b\.?(?: [0-9]{{1,3}})?"
_WARD: Final = (
    rf"(?:Số |số )?[0-9]{{1,4}}[A-Z]?(?:/[0-9]{{1,4}}[A-Z]?){{0,3}},? (?:(?:đường|Đường|phố|ngõ) )?{_NAMES}, (?:Quận|"
    rf"Phường|P\.|Q\.|Huyện|TP\.) ?"
    rf"(?:[0-9]{{1,2}}|{_NAMES})"
)
_INDIAN: Final = (
    rf"(?:Flat|House|Plot|Door|Shop|H\.? ?No\.?|"
    rf"No\.) ?(?:No\.? ?)?#?[0-9][0-9A-Za-z/-]{{0,7}},? (?:{_NAME} ){{1,4}}?{_WAY}\b{_UNIT}{_PLACE}"
)
_GENERIC: Final = (
    rf"{_NAME}(?: {_NAME}){{0,2}} {_NUMBER}{_UNIT}, (?:[A-Z]{{1,2}}-)?(?:[0-9]{{5}}|[0-9]{{3}} [0-9]{{2}}|"
    rf"[0-9]{{2}}-[0-9]{{3}}|(?!19|20)[0-9]{{4}}) "
    rf"{_NAME}(?:[ -]{_NAME}){{0,2}}"
)
_RUSSIAN: Final = (
    rf"{_NAME}(?: {_NAME})? (?:проспект|улица|переулок|бульвар|шоссе|площадь|набережная),? ?(?:д\.|"
    rf"дом)? ?{_NUMBER}{_UNIT}{_PLACE}"
)
_LOWER: Final = (
    rf"(?<!:)[0-9]{{1,6}},? (?:(?!the|and|more|of|in|on|to|per|a|for|search)[a-z][\w'-]{{1,20}} ){{1,2}}(?:street|"
    rf"road|avenue|blvd|boulevard)\b{_UNIT}"
)
_ENDS: Final = (
    r"(?:stra(?:ß|ss)e|str\.|gasse|weg|platz|allee|ring|damm|ufer|steig|chaussee|gatan|gata|vägen|väg|gränd|torg|"
    r"torget|gate|gaten|gade|vej|vejen|"
    r"veien|vei|allé|katu|tie|kuja|polku|straat|laan|gracht|plein|kade|singel|dijk|steeg|weide|utca|út|tér)"
)
_COMPOUND: Final = (
    rf"(?:(?:[0-9]{{1,3}}-[0-9]{{1,4}}|[0-9]{{1,4}}) )?[\w'-]{{2,30}}{_ENDS}(?:(?: |(?<=\.)){_NUMBER}{_UNIT}{_PLACE}|"
    rf", [0-9]{{3}} ?[0-9]{{2}} {_NAME})"
)
_APART: Final = (
    rf"{_NAME}(?:[ -]{_NAME}){{0,3}}[ -](?:Straße|Str\.|Strasse|Platz|Allee|Weg|Ring|Gasse|gate|plass|vei|gade|vej|"
    rf"allé|utca|út|tér|körút|katu|tie) {_NUMBER}{_UNIT}{_PLACE}"
)
_CZECH: Final = rf"{_NAME}(?: {_NAME}){{0,2}} (?:náměstí|nám\.|třída|nábřeží|sady|námestie) {_NUMBER}{_UNIT}{_PLACE}"
_DUTCH: Final = rf"(?:Nieuwe|Oude|Grote|Lange|Korte|Kleine) {_NAME} {_NUMBER}{_UNIT}{_PLACE}"
_AT: Final = (
    rf"(?:Am|An der|An den|Im|In der|In den|Auf der|Auf dem|Zum|Zur|Unter den|Hinter der|"
    rf"Vor dem) {_NAME}(?: {_NAME})? {_NUMBER}{_UNIT},? [0-9]{{4,5}} {_NAME}"
)
_KIND: Final = (
    r"(?:calle|c/|avenida|avda\.?|av\.|paseo|pº|plaza|camino|carretera|ronda|carrer|rua|r\.|travessa|praça|alameda|"
    r"estrada|largo|rodovia|"
    r"via|viale|piazza|piazzale|corso|vicolo|largo|strada|lungomare|ul\.|ulica|ulicy|ulici|ulicą|al\.|aleja|alei|aleje|pl\.|plac|"
    r"os\.|osiedle|"
    r"jalan|jl\.?|gang|gg\.|đường|phố|ngõ|strada|str\.|bulevardul|bd\.|b-dul|șoseaua|aleea|piața|ulice|nám\.|náměstí|třída|"
    r"ул\.?|улица|улице|пр\.?|пр-т|проспект|пер\.?|переулок|наб\.?|набережная|шоссе|бульвар|пл\.?|площадь|вул\.?|вулиця|бул\.?|"
    r"οδός|λεωφόρος|λεωφ\.|πλατεία)"
)
_FIRST: Final = (
    rf"(?:(?:г|гор|м|с)\. ?{_NAME}(?: {_NAME})?, )?(?i:{_KIND}) (?:[0-9]{{1,2}} (?:de )?)?(?:{_NAMES})(?:,? |, "
    rf")(?:(?i:n[ºo°]\.?|no\.?:?|nr\.?|nº|núm\.?|д\.?|дом|буд\.?|"
    rf"số) ?)?{_NUMBER}{_UNIT}{_PLACE}"
)
_FRENCH: Final = (
    rf"[0-9]{{1,4}}(?: ?(?:bis|ter|quater))?,? (?i:rue|avenue|av\.|boulevard|bd|chemin|place|pl\.|allée|allées|"
    rf"impasse|quai|cours|square|passage|route|"
    rf"villa|faubourg) (?:{_NAMES}){_UNIT}{_PLACE}"
)
_SWISS: Final = (
    r"(?i:rue|avenue|av\.|boulevard|bd|chemin|ch\.|place|quai|route|rte|cours|allée) "
    rf"(?:{_NAMES}) {_NUMBER}{_UNIT}{_PLACE}"
)
_CROSSING: Final = (
    r"(?:Carrera|Cra\.?|Kr\.?|Calle|Cl\.?|Cll\.?|Diagonal|Dg\.?|Transversal|Tv\.?|Avenida|Av\.?) [0-9]{1,3}[A-Z]?(?: "
    r"(?i:bis|sur|norte|este))? "
    r"?(?:#|No\.?|Nro\.?|n°) ?[0-9]{1,3}[A-Z]?(?: ?[-–] ?[0-9]{1,3})?"
)
_JALAN: Final = (
    r"(?:No\.? ?)?[0-9]{1,4}[A-Z]?,? (?:Jalan|Jl\.?|Jln\.?|Lorong|Lrg\.?|Persiaran|Lebuh|Soi|Thanon) "
    rf"{_NAMES}(?: [0-9]{{1,3}}(?:/[0-9]{{1,3}})?)?"
)
_PLOT: Final = (
    rf"(?:Flat|House|Plot|Door|Shop|Villa|Bungalow) ?(?:No\.?)? ?#?[0-9][0-9A-Za-z/-]{{0,7}}, {_CITIES}(?:, "
    rf"{_CITIES}){{0,3}},? ?[-–]? ?[0-9]{{3}} ?[0-9]{{3}}"
)
_TURKISH: Final = (
    rf"{_NAME}(?: {_NAME}){{0,3}} (?:Cad|Cadde|Caddesi|Sok|Sokak|Sokağı|Mah|Mahallesi|Bulvarı|Blv|"
    rf"Bul)\b\.?,?(?: {_NAME}(?: {_NAME}){{0,2}} "
    rf"(?:Cad|Caddesi|Sok|Sokak|Sokağı)\b\.?,?)? (?:No|Nu|"
    rf"N)?[.:]? ?{_NUMBER}{_UNIT}(?:,? [0-9]{{5}})?(?:,? {_NAME}(?: ?/ ?{_NAME})?)?"
)
_BOX: Final = (
    rf"(?:P\.? ?O\.? ?Box|PO BOX|Post Office Box|Postfach|Postbus|Boîte postale|B\.?P\.?|Apartado(?: de Correos)?|"
    rf"Apdo\.?|Caixa Postal|Casella Postale|"
    rf"Skr\. poczt\.|"
    rf"а/я) ?#?[0-9]{{1,6}}(?: [0-9]{{2,4}}\b){{0,2}}"
    rf"(?:,? (?:[A-Z]{{0,2}}-?[0-9]{{4,6}}(?: [0-9]{{2}})? )?{_NAME}(?: {_NAME})?"
    r"(?:,? [A-Z]{2}\b)?(?:,? [0-9]{5}(?:-[0-9]{4})?)?)?"
)
_POSTCODE: Final = re.compile(r", (?:[A-Z]{1,2}-)?[0-9]{2,5}(?:[ -][0-9]{2,3})? [A-ZÀ-Ž]")
_WORD: Final = re.compile(r"[^\W\d_]+")
_BEHIND: Final = re.compile(r" [0-9]")
_LONGEST_SUFFIX: Final = 12
"""Characters that a street's name ends with, and the signs between it and its number."""
_SUFFIXES: Final = tuple(
    "straße strasse str gasse weg platz allee ring damm ufer steig chaussee gatan gata vägen väg gränd torg "
    "torget gate "
    "gaten gade "
    "vej vejen veien vei allé katu tie kuja polku straat laan gracht plein kade singel dijk steeg weide utca út "
    "tér".split()
)
_WAYS: Final = frozenset(
    "street st road rd avenue ave av lane ln drive dr court ct place pl square sq way boulevard blvd terrace ter "
    "close "
    "crescent cres "
    "gardens hill highway hwy parkway pkwy freeway fwy expressway expy turnpike tpke row mews circle cir alley "
    "walk trail "
    "trl loop path "
    "pike plaza grove parade pde quay broadway marg nagar colony".split()
)
_KINDS: Final = frozenset(
    "ulici ulicą calle c avenida avda av paseo plaza camino carretera ronda carrer rua r travessa praça alameda estrada "
    "largo rodovia "
    "via viale "
    "piazza piazzale corso vicolo strada lungomare ul ulica ulicy al aleja alei aleje pl plac os osiedle jalan "
    "jl gang gg "
    "đường phố ngõ "
    "str bulevardul bd b șoseaua aleea piața ulice nám náměstí třída ул улица улице пр проспект пер переулок наб "
    "набережная шоссе "
    "бульвар пл площадь вул вулиця бул οδός λεωφόρος λεωφ πλατεία".split()
)
_FRENCH_KINDS: Final = frozenset(
    "rue avenue av boulevard bd chemin place pl allée allées impasse quai cours square passage route villa "
    "faubourg".split()
)
_OTHER_WORDS: Final = {
    **dict.fromkeys("road rd route rte highway hwy fm cr sr rr interstate".split(), (_NUMBERED,)),
    **dict.fromkeys("náměstí nám třída nábřeží sady námestie".split(), (_CZECH,)),
    **dict.fromkeys("nieuwe oude grote lange korte kleine".split(), (_DUTCH,)),
    **dict.fromkeys("quận phường huyện".split(), (_WARD,)),
    **dict.fromkeys("blk block".split(), (_BLOCK,)),
    "sector": (_SECTOR,),
    **dict.fromkeys("ku shi gun cho machi".split(), (_JAPANESE,)),
    **dict.fromkeys("am im zum zur der dem den".split(), (_AT,)),
    **dict.fromkeys("cad cadde caddesi sok sokak sokağı mah mahallesi bulvarı blv bul".split(), (_TURKISH,)),
    **dict.fromkeys("box postfach postbus postale apartado apdo postal bp poczt а".split(), (_BOX,)),
    **dict.fromkeys("проспект улица переулок бульвар шоссе площадь набережная".split(), (_RUSSIAN, _FIRST)),
    **dict.fromkeys("flat house plot door shop".split(), (_INDIAN, _PLOT)),
    **dict.fromkeys("villa bungalow".split(), (_PLOT,)),
    **dict.fromkeys("carrera cra kr cl cll diagonal transversal tv".split(), (_CROSSING,)),
    **dict.fromkeys("jalan jl jln lorong lrg persiaran lebuh soi thanon".split(), (_JALAN,)),
}
"""First what is looked for by one of its words, in lower case."""


_APART_WORDS: Final = (
    "straße str strasse platz allee weg ring gasse gate plass vei gade vej utca út tér körút katu tie".split()
)


def _by_words() -> dict[str, tuple[re.Pattern[str], ...]]:
    kinds: dict[str, tuple[str, ...]] = {}
    listed: tuple[tuple[frozenset[str], tuple[str, ...]], ...] = (
        (_WAYS, (_ENGLISH, _LOWER)),
        (_KINDS, (_FIRST,)),
        (_FRENCH_KINDS, (_FRENCH, _SWISS)),
        (frozenset({"calle", "avenida", "av"}), (_CROSSING,)),
        *((frozenset({word}), patterns) for word, patterns in _OTHER_WORDS.items()),
    )
    for words, patterns in listed:
        for word in words:
            kinds[word] = kinds.get(word, ()) + patterns
    for word in _APART_WORDS:
        kinds[word] = (*kinds.get(word, ()), _APART)
    return {word: tuple(map(_compiled, patterns)) for word, patterns in kinds.items()}


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w/]){pattern}(?![\w])")


_BY_WORDS: Final = _by_words()
_BY_SUFFIX: Final = _compiled(_COMPOUND)
_BY_POSTCODE: Final = _compiled(_GENERIC)


def _patterns(part: str) -> set[re.Pattern[str]]:
    """What may match, by the words that stand there."""
    found: set[re.Pattern[str]] = set()
    for word in _BY_WORDS.keys() & _WORD.findall(part.lower()):
        found.update(_BY_WORDS[word])
    for number in _BEHIND.finditer(part):
        at = number.start()
        if part[max(0, at - _LONGEST_SUFFIX) : at].rstrip(".,").lower().endswith(_SUFFIXES):
            found.add(_BY_SUFFIX)
            break
    if _POSTCODE.search(part):
        found.add(_BY_POSTCODE)
    return found


_ONE_WORD: Final = re.compile(rf"[\w'-]+{_ENDS}(?!\w)")


def _is_everyday(part: str, start: int) -> bool:
    """Whether what ends as a street does is an everyday word: `during 13 December`."""
    word = _ONE_WORD.match(part, start)
    return word is not None and word[0].lower() in load("common")


def find(text: str, windows: Iterable[Window]) -> list[Span]:
    """Addresses in and around some windows, in order, none overlapping another."""
    found: list[Span] = []
    done = 0
    for start, end in windows:
        low, high = max(done, start - _BEFORE), min(len(text), end + _AFTER)
        if low >= high or not _DIGIT.search(text, low, high):
            continue
        for span in _in(text, low, high):
            found.append(span)
            done = span.end
    return found


_POSTAL: Final = (
    r"(?:(?:[A-Z]{1,2}-)?[0-9]{4,6}(?:-[0-9]{3,4})?(?: [A-Z]{2}\b)?|[0-9]{3} [0-9]{2}|[0-9]{2}-[0-9]{3}|"
    r"[A-Z]{1,2}[0-9][0-9A-Z]? ?[0-9][A-Z]{2}|[A-Z][0-9][A-Z] ?[0-9][A-Z][0-9]|[A-Z][0-9]{2} ?[A-Z0-9]{4})(?![\w/])"
)
_FLOOR: Final = (
    r"(?:[0-9]{1,2}\.?[oa°]?\.? ?(?:OG|Stock|Etage|étage|andar|piso|planta|em\.|emelet|patro|kat|th|tv|mf|Esq|Dto|Dta|Izq|Dcha|"
    r"Frente|der|izda)\b\.?"
    r"|(?:EG|DG|UG|HH|VH)\b|#[0-9]{1,3}-[0-9]{1,5}[A-Z]?|"
    r"(?i:apt|apto|ap|app|appt|apartment|suite|ste|unit|flat|floor|fl|room|rm|bldg|bl|bloc|bloco|sc|scara|et|etaj|esc|int|of|oficina|local|cj|sala|"
    r"loja|casa|dpto|depto|lok|m|kv|кв|корп|стр|эт|оф|подъезд|daire|d|kat|lgh|bus|box|bte|bât|whg|pta|puerta|piso|level|lvl|tower|block|blk)"
    r"\b\.?:? ?#?[0-9A-Z][\w-]{0,5}(?![\w@]))"
)
_MORE: Final = re.compile(
    rf"(?:[ ]?[,–—-] ?|[ ]|\r?\n[ \t]{{0,8}})(?P<floor>{_FLOOR})|(?:[ ]?[,–—-] |[ ]|"
    rf",?\r?\n[ \t]{{0,8}})(?P<code>{_POSTAL}(?: {_CITIES}(?: [0-9]{{1,2}}\b)?)?)|"
    rf"(?:, ?| [–—-] |/ ?|,?\r?\n[ \t]{{0,8}})(?P<place>{_CITIES})(?=[,.;)\n/]|\Z| [–—-] | \(| {_POSTAL}| [A-Z]{{2,3}}\b)|"
    r"(?<=[^\W\d_])[ ](?P<district>[0-9]{1,2}(?:er|e)?|[A-ZØ]{1,2})(?=[ ]?[,.;)\n]|\Z)|[ ](?P<storey>andar|piso|planta|"
    r"étage|floor)\b|"
    rf"[ -](?P<rest>(?:am|an der|im|in|ob der|vor der|bei|sur|de|do|da|del|dos|upon|on)[ -]{_CITY}(?: {_CITY})?)(?=[,.;)\n]|\Z)|"
    rf", (?P<ward>(?:Quận|Phường|Huyện|Q\.|P\.|TP\.|Col\.|Colonia|Fracc\.|Urb\.|Barrio|Bairro|Mah\.|Kel\.|Kec\.) "
    rf"?(?:[0-9]{{1,2}}|{_CITIES}|[A-Z]{{2,4}}))|"
    r"(?:,? | [–—-] )(?P<state>[A-Z]{2,3})\b(?=[,.;)\n]|\Z| [0-9A-Z])|[ ](?P<province>\([A-Z]{2}\))"
)
"""What an address goes on with: a part of a house, a postcode and its town, a town, a state."""
_CODE_NEXT: Final = re.compile(rf" {_POSTAL}")
_MOST_PARTS: Final = 7


def _to_its_end(part: str, end: int) -> int:
    """Where an address ends of which a grammar has read the street."""
    for _ in range(_MOST_PARTS):
        end += part.startswith(".,", end)
        more = _MORE.match(part, end)
        if more is None:
            break
        place = more["place"]
        if place and not _is_place(place) and not _CODE_NEXT.match(part, more.end()):
            break
        end = more.end()
    return end


def _is_place(words: str) -> bool:
    """Whether what stands behind a street in capitals is no everyday word: `Elm Street 5, Please …`."""
    first = words.split(maxsplit=1)[0].lower()
    return words.isupper() or first in load("places") or first not in load("common")


def _in(text: str, low: int, high: int) -> Iterator[Span]:
    part = text[low:high]
    spans = sorted(
        (m.span() for pattern in _patterns(part) for m in pattern.finditer(part)), key=lambda s: (s[0], -s[1])
    )
    after = 0
    for start, end in spans:
        if start >= after and not _is_everyday(part, start):
            after = _to_its_end(part, end)
            value = part[start:after].rstrip(" .,")
            yield Span("ADDRESS", low + start, low + start + len(value), SCORE)
