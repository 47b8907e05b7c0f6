"""Names that words of any language announce: `меня зовут …`, `氏名：…`, `Nazywam się …`, `السيد …`, `…さん`.

The words are labels like those of numbers, so that the scan sees them on its one way through the text, and text in ASCII
pays for nothing that it does not hold. What follows them is read by the script that it begins with.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from extproc.pii.finding import Finding
from extproc.pii.names.lists import CHINESE, COMPOUND, JAPANESE, KOREAN
from extproc.pii.names.scripts import is_given
from extproc.pii.names.words import load
from extproc.pii.vocabulary import MARKS
from extproc.slices import in_slices

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from extproc.pii.vocabulary import Label

SCORE: Final = 0.8
INTRODUCED, FOLLOWED, SIGNED, PRECEDED, BEING = "my name", "title", "name", "form of address", "I am"
"""Kinds of label: a name and nothing else comes next; a name may; it does after a sign; it stands before; one
that is listed does."""
_INTRODUCTIONS: Final = (
    # Latin
    "nazywam się|mam na imię|meu nome é|o meu nome é|me chamo|chamo me|mi nombre es|me llamo|mi chiamo|il mio nome è|"
    "je m appelle|mon nom est|je me nomme|ich heiße|ich heisse|mein name ist|ik heet|mijn naam is|jag heter|mitt namn är|"
    "jeg heter|jeg hedder|mit navn er|mitt navn er|minun nimeni on|nimeni on|jmenuji se|jmenuju se|moje jméno je|volám sa|"
    "moje meno je|mă numesc|mă cheamă|numele meu este|zovem se|moje ime je|ime mi je|nevem|tôi tên là|tên tôi là|em tên là|"
    "nama saya|nama aku|ang pangalan ko ay|jina langu ni|benim adım|adım|ismim|mənim adım|mano vardas|mans vārds ir|"
    "minu nimi on|"
    "em dic|el meu nom és|unha chamo|is ainm dom|hier spricht|"
    # Cyrillic, Greek, Armenian, Georgian
    "меня зовут|моё имя|мое имя|мене звати|моє ім я|мяне завуць|казвам се|името ми е|зовем се|моје име је|се викам|"
    "με λένε|ονομάζομαι|λέγομαι|το όνομά μου είναι|το όνομα μου είναι|իմ անունը|անունս|մի მქვია|მქვია|ჩემი სახელია|"
    # Arabic, Hebrew, Devanagari and its neighbours
    "اسمي|إسمي|أنا اسمي|اسمی|اسم من|نام من|میرا نام|שמי|קוראים לי|השם שלי הוא|השם שלי|मेरा नाम|माझे नाव|আমার নাম|என் பெயர்|"
    "నా పేరు|"
    # unspaced
    "我叫|我的名字是|我的名字叫|我名叫|本人姓名|私の名前は|わたしの名前は|名前は|이름은|성함은|저는|ผมชื่อ|ดิฉันชื่อ|"
    "ฉันชื่อ|หนูชื่อ|ชื่อของผมคือ|ผมชื่อว่า"
)
_HONORIFICS: Final = (
    "господин|госпожа|г н|г жа|мистер|миссис|господине|госпожо|пан|пані|κύριος|κύριε|κυρία|κυρίου|κος|ბატონი|ქალბატონი|"
    "պարոն|տիկին|"
    "السيد|السيدة|الآنسة|الدكتور|الدكتورة|الأستاذ|الأستاذة|آقای|خانم|מר|גברת|श्री|श्रीमती|सुश्री|डॉ|คุณ|นาย|นางสาว"
)
_TITLES: Final = (
    "господин|госпожа|г н|г жа|гражданин|гражданка|клиент|клиентка|клиента|клиентки|пациент|пациентка|пациента|пациентки|"
    "сотрудник|сотрудница|директор|доктор|профессор|менеджер|заявитель|заказчик|покупатель|покупательница|уважаемый|уважаемая|"
    "пан|пані|панове|клієнт|клієнтка|пацієнт|пацієнтка|лікар|господине|госпожо|"
    "κύριος|κύριε|κυρία|κυρίου|κος|κα|δρ|ο πελάτης|η πελάτισσα|πελάτης|πελάτισσα|ασθενής|ბატონი|ქალბატონი|պարոն|տիկին|"
    "السيد|السيدة|الآنسة|الدكتور|الدكتورة|المهندس|الأستاذ|الأستاذة|العميل|العميلة|المريض|المريضة|الموظف|آقای|خانم|جناب|"
    "אדון|גברת|מר|גב|הלקוח|הלקוחה|המטופל|המטופלת|श्री|श्रीमती|सुश्री|डॉ|कुमारी|ग्राहक|मरीज|রোগী|"
    "คุณ|นาย|นางสาว|ลูกค้าชื่อ|คนไข้ชื่อ|病人|患者|客户|客戶|顾客|고객"
)
_LABELS: Final = (
    "имя|имя и фамилия|фамилия|фио|ф и о|полное имя|отчество|ім я|прізвище|піб|имена|име|презиме|име и презиме|όνομα|"
    "επώνυμο|ονοματεπώνυμο|"
    "անուն|ազգանուն|անուն ազգանուն|სახელი|გვარი|სახელი და გვარი|الاسم|الاسم الكامل|اسم العميل|اسم المريض|اسم|نام|"
    "نام خانوادگی|نام و نام خانوادگی|"
    "שם|שם מלא|שם פרטי|שם משפחה|नाम|पूरा नाम|ग्राहक का नाम|নাম|பெயர்|姓名|名字|担当者|担当|申込者|受取人|依頼者|氏名|名前|"
    "お名前|ご氏名|"
    "フルネーム|"
    "客户姓名|"
    "收件人|联系人|聯絡人|이름|성명|"
    "고객명|수취인|받는 사람|담당자|ชื่อ|ชื่อ นามสกุล|ชื่อลูกค้า|ผู้รับ|кому|от кого|получатель|отправитель|клиент|пациент|"
    "подпись|с уважением|"
    "ad soyad|adı soyadı|isim|imię i nazwisko|imię|nazwisko|nombre y apellidos|nombre completo|nombre|apellidos|apellido|"
    "nom et prénom|prénom|nom complet|nome e cognome|cognome|nome completo|nome|sobrenome|vorname|nachname|vor und nachname|"
    "naam|achternaam|voornaam|namn|förnamn|efternamn|navn|fornavn|etternavn|efternavn|nimi|etunimi|sukunimi|jméno|příjmení|"
    "meno|priezvisko|"
    "név|vezetéknév|keresztnév|nume|prenume|nume și prenume|ime|ime i prezime|prezime|họ tên|họ và tên|nama|nama lengkap|"
    "vardas|pavardė|"
    "vārds|uzvārds|eesnimi|perekonnanimi"
)
_BEINGS: Final = (
    "ich bin|hier ist|hier schreibt|soy|sono|je suis|c est|ik ben|ja sam|jestem|eu sou|aqui é o|aqui é a|sou o|sou a|jsem|"
    "jag är|jeg er|olen|vagyok|ako si|это я|аз съм|ја сам|είμαι ο|είμαι η"
)
_SUFFIXES: Final = "と申します|と申す|と言います|さん|さま|様|氏|先生|小姐|女士|씨|님|くん|ちゃん|殿"
PHRASES: Final[dict[str, frozenset[str]]] = {}
for _kind, _listed in (
    (SIGNED, _LABELS),
    (FOLLOWED, _TITLES),
    (INTRODUCED, _HONORIFICS),
    (INTRODUCED, _INTRODUCTIONS),
    (PRECEDED, _SUFFIXES),
    (BEING, _BEINGS),
):
    for _phrase in _listed.split("|"):
        PHRASES[_phrase] = PHRASES.get(_phrase, frozenset()) | {_kind}

_GAP: Final = re.compile(MARKS + r"[ \t\"'«„“(]{0,3}(?:[:：=–—-][ \t\"'«„“]{0,3})?")
_SIGN: Final = re.compile(MARKS + r"[\"'*_ \t)]{0,3}(?:[:：=]|\t| [–—-] )[ \t]{0,8}(?:\r?\n[ \t]{0,8})?[\"'«„“*_]{0,2}")
_WORD: Final = re.compile(
    r"[^\W\d_](?:[^\W_]|['’`-](?=[^\W\d_])|"
    r"[\u0300-\u036f\u064b-\u0652\u0900-\u0903\u093a-\u094f\u0980-\u0983\u09be-\u09cd\u0b82\u0bbe-\u0bcd\u0c3e-\u0c4d\u0cbe-\u0ccd"
    r"\u0d3e-\u0d4d]){0,29}"
)
_PARTICLES: Final = frozenset(
    "de da do dos das del della di du la le van von der den ter ten bin binti ibn al el af zu y e и бин оглы кызы".split()
)
_MOST_WORDS: Final = 4


def find(text: str, labels: Iterable[Label]) -> list[Finding]:
    """Names beside the labels of KINDS."""
    found = []
    for label in in_slices(labels, 256):
        span = _beside(text, label)
        if span is not None:
            found.append(Finding("PERSON", *span, SCORE, ("announced",), rank=0.1))
    return found


def _beside(text: str, label: Label) -> tuple[int, int] | None:
    """The name that a label announces."""
    kinds = label.kinds
    if PRECEDED in kinds and (span := _before(text, label.start)):
        return span
    gap = _GAP.match(text, label.end) if kinds & {INTRODUCED, FOLLOWED, BEING} else None
    gap = gap or (_SIGN.match(text, label.end) if SIGNED in kinds else None)
    span = read(text, gap.end()) if gap else None
    if span and kinds == {BEING}:
        return span if _begins_with_a_name(text[span[0] : span[1]]) else None
    return span if span and (INTRODUCED in kinds or _is_name(text[span[0] : span[1]])) else None


def _begins_with_a_name(value: str) -> bool:
    """Whether the first of several words is a given name."""
    first, _, rest = value.lower().partition(" ")
    return bool(rest) and first not in load("common") and (first in load("given") or is_given(first))


def _is_name(value: str) -> bool:
    """Whether words are a name though the label may stand before others: two of them, or one that is listed, or no capitals."""
    word = value.lower()
    if " " in value or value == value.upper():
        return True
    return word in load("given") or is_given(word)


def read(text: str, at: int) -> tuple[int, int] | None:
    """The name that begins here, by its script."""
    if at >= len(text):
        return None
    code = ord(text[at])
    for low, high, reads in _SCRIPTS:
        if low <= code <= high:
            return reads(text, at)
    return None


def _cased(text: str, at: int) -> tuple[int, int] | None:
    """Words in capitals, and the particles between them."""
    end, words, here = at, 0, at
    while words < _MOST_WORDS:
        word = _WORD.match(text, here)
        if word is None or word.start() != here:
            break
        if word.group()[0].isupper():
            words, end = words + 1, word.end()
            if text[end : end + 1] == "." and len(word.group()) == 1:
                end += 1
        elif not words or word.group().lower() not in _PARTICLES:
            break
        here = word.end() + (text[word.end() : word.end() + 1] == ".")
        here += text[here : here + 1] in (" ", "\u00a0")
        if here == word.end():
            break
    return (at, end) if words and end - at > 1 else None


_STOPS: Final = frozenset(
    "من في على عن إلى هو هي أنا أريد رقم لدي وأريد وأنا ولدي وعمري و است هستم و از את אני הוא היא רוצה של על עם ואני ורוצה "
    "है हूँ हूं और मैं का की के से को में आहे আমি এবং ہے ہوں اور".split()
)
_JOINS: Final = frozenset("بن ابن بنت عبد أبو ابو أم آل بو בן בת सिंह कुमार".split())


def _uncased(text: str, at: int) -> tuple[int, int] | None:
    """Two words, three where one of them joins two: scripts that know no capitals."""
    end, words, most, here = at, 0, 2, at
    while words < most:
        word = _WORD.match(text, here)
        if word is None or word.group() in _STOPS or (words and word.group()[0] in "וو" and len(word.group()) > 4):
            break
        if word.group() in _JOINS and most < _MOST_WORDS:
            most += 1
        words, end = words + 1, word.end()
        if text[end : end + 1] != " ":
            break
        here = end + 1
    return (at, end) if words and end - at > 1 else None


_HAN: Final = r"\u3400-\u9fff々"
_CHINESE: Final = re.compile(rf"[{_HAN}]{{2,4}}")
_JAPANESE: Final = re.compile(
    rf"(?:[{_HAN}]{{1,4}}[ \u3000]?[{_HAN}ぁ-んァ-ヶー]{{1,5}}?|[ァ-ヶー・]{{2,16}}|[ぁ-ん]{{2,5}}[ \u3000]?[ぁ-ん]{{0,5}}?)"
    r"(?=です|と申|といい|と言|だ|で、|になり|さん|様|\s|[、。，,.;；)）」』/|]|\Z)"
)
_KANA: Final = re.compile(r"[ぁ-んァ-ヶ]")
_KOREAN: Final = re.compile(
    r"[가-힣]{2,4}?(?=입니다|이에요|예요|이라고|라고|이고|이며|인데|씨|님|[\s,.;)/|]|\Z)|"
    r"[가-힣]{1,2} [가-힣]{1,3}(?=입니다|예요|이라고|[,.;)]|\Z)"
)


def _ideographs(text: str, at: int) -> tuple[int, int] | None:
    """Japanese where it is followed as Japanese is, else a Chinese surname and one or two characters."""
    match = _JAPANESE.match(text, at)
    if match and (_KANA.search(text, at, match.end() + 2) or text[at : at + 2] in JAPANESE):
        return match.span()
    match = _CHINESE.match(text, at)
    if match is None:
        return None
    if text[at : at + 2] in COMPOUND:
        return at, min(match.end(), at + 4)
    return at, min(match.end(), at + 3) if text[at] in CHINESE else match.end()


def _hangul(text: str, at: int) -> tuple[int, int] | None:
    match = _KOREAN.match(text, at)
    return match.span() if match and text[at] in KOREAN else None


_THAI: Final = re.compile(r"[ก-๛]{2,20}(?: [ก-๛]{2,20})?")
_THAI_ENDS: Final = re.compile(
    r"(?:ครับ|ค่ะ|คะ|นะ|จ้า|และ|ต้องการ|อยาก|ขอ|โทร|เบอร์|อายุ|ที่อยู่|เป็น|มี|จะ|ได้|สั่ง|อยู่).*", re.DOTALL
)


def _thai(text: str, at: int) -> tuple[int, int] | None:
    match = _THAI.match(text, at)
    if match is None:
        return None
    name = _THAI_ENDS.sub("", match.group()).rstrip()
    return (at, at + len(name)) if len(name) > 1 else None


_SCRIPTS: Final[tuple[tuple[int, int, Callable[[str, int], tuple[int, int] | None]], ...]] = (
    (0x41, 0x58F, _cased),
    (0x590, 0x7FF, _uncased),
    (0x900, 0xDFF, _uncased),
    (0xE00, 0xE7F, _thai),
    (0x10A0, 0x10FF, _uncased),
    (0x1E00, 0x1FFF, _cased),
    (0x3040, 0x9FFF, _ideographs),
    (0xAC00, 0xD7AF, _hangul),
)
"""First and last character of each, and how its names are read."""


def _before(text: str, end: int) -> tuple[int, int] | None:
    """The name before a form of address, if it begins with a surname."""
    for length in (4, 3, 2, 1):
        start = end - length
        name = text[max(0, start) : end]
        if start < 0 or not name.isalpha() or name in _NOBODY:
            continue
        if name[:2] in JAPANESE or name[:2] in COMPOUND or (name[0] in CHINESE and length < len("欧阳小明")):
            return start, end
        if name[0] in KOREAN and 1 < length < len("남궁민수") and not text[start - 1 : start].isalpha():
            return start, end
    return None


_NOBODY: Final = frozenset(
    "고객 선생 회원 사장 부장 과장 대리 대표 교수 기사 원장 팀장 이사 손 주 하느 부모 형 누 각 여러분".split()
)
"""What is addressed by what it is."""
