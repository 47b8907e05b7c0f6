"""People in running text of scripts with capitals that the models do not know: a listed given name beside another name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from extproc.pii.names.lists import CYRILLIC_GIVEN, GREEK_GIVEN
from extproc.pii.names.spans import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

SCORE: Final = 0.7
_GATE: Final = re.compile("[\u0370-\u03ff\u0400-\u04ff\u10d0-\u10ff]")
_CYRILLIC: Final = re.compile(
    r"[А-ЯЁІЇЄҐЂЈЉЊЋЏ][а-яёіїєґђјљњћџ'’]{1,24}(?:(?:[ \u00a0]|-)[А-ЯЁІЇЄҐЂЈЉЊЋЏ](?:[а-яёіїєґђјљњћџ'’]{1,24}|\.)){1,2}"
)
_GREEK: Final = re.compile("[Α-ΩΆΈΉΊΌΎΏ][α-ωάέήίόύώϊϋΐΰς]{2,24}(?:[ \u00a0][Α-ΩΆΈΉΊΌΎΏ][α-ωάέήίόύώϊϋΐΰς]{2,24}){1,2}")
_GEORGIAN: Final = re.compile("[ა-ჰ]{2,16} [ა-ჰ]{2,20}(?:შვილი|ძე|აძე|იანი|ავა|უა)(?![ა-ჰ])")
_WORD: Final = re.compile(r"[^\W\d_]+")
_SURNAME: Final = re.compile(
    r"(?:ов|ова|ев|ева|ёв|ёва|ин|ина|ский|ская|ского|ской|цкий|цкая|енко|чук|щук|юк|ян|швили|дзе|іна|ська|ський|ић|"
    r"ович)(?:а|у|ым|ой|ом|е)?\Z"
)
_ENDING: Final = "аеёиоуыьюяйіїє"
_STEMS: Final = frozenset(name.rstrip(_ENDING) for name in CYRILLIC_GIVEN)
_SHORTEST_STEM: Final = 3


_IDEOGRAPHS: Final = re.compile("[\u4e00-\u9fff\uac00-\ud7af]")
_JAPANESE: Final = re.compile(
    "(?:佐藤|鈴木|高橋|田中|伊藤|渡辺|渡邊|山本|中村|小林|加藤|吉田|山田|佐々木|山口|松本|井上|木村|"
    "斎藤|斉藤|清水|山崎|阿部|池田|橋本|石川|山下|中島|石井|小川|前田|岡田|長谷川|藤田|後藤|近藤|"
    "村上|遠藤|青木|坂本|福田|太田|西村|藤井|金子|岡本|藤原|三浦|中野|中川|原田|松田|竹内|小野|"
    "田村|中山|和田|石田|森田|上田|柴田|酒井|工藤|宮崎|高木|内田|安藤|谷口|大野|丸山|今井|河野|"
    "藤本|村田|武田|増田|小島|小山|大塚|平野|菅原|久保|松井|千葉|岩崎|桜井|野口|松尾|木下|菊地|"
    "野村|新井"
    ")[ 　]?[一-鿿ぁ-んァ-ヶ]{0,4}?(?=です|と申します|といいます)"
)
"""Who says a name that begins with a frequent surname: `私は佐藤健です`."""
_EAST_ASIAN: Final = re.compile(
    r"(?:〒?[0-9]{3}-[0-9]{4} ?)?(?:東京都|北海道|大阪府|京都府|"
    r"[一-鿿]{2,3}県)[一-鿿ぁ-んァ-ヶー]{1,12}[市区町村郡][一-鿿ぁ-んァ-ヶー]{0,14}"
    r"[0-9０-９一二三四五六七八九十]{1,4}(?:(?:丁目|番地?|号|"
    r"[-−ー–])[0-9]{0,4}){0,4}(?: ?[一-鿿ァ-ヶーA-Za-z]{2,16}[0-9]{1,4}号室?)?"
    r"|(?:[一-鿿]{2,3}(?:省|"
    r"自治区))?(?:[一-鿿]{2,4}市)[一-鿿]{1,5}[区县市][一-鿿0-9]{1,14}[路街道巷弄村]?[一-鿿]{0,6}[0-9]{1,5}[号號](?:[一-鿿0-9A-Z-]{0,12}[室楼层号])?"
    r"|[가-힣]{1,6}(?:특별시|광역시|특별자치시|도|시) (?:[가-힣]{1,5}시 )?[가-힣]{1,5}[구군] [가-힣0-9]{1,10}(?:로|"
    r"길|동|가) ?[0-9]{1,4}(?:-[0-9]{1,4})?(?:[ ,]{1,2}[0-9]{1,4}[동호층]){0,3}"
)
"""Addresses from the large to the small, as they are written in Japan, China and Korea."""


def addresses(text: str) -> list[Span]:
    """East Asian addresses in a text."""
    if text.isascii() or _IDEOGRAPHS.search(text) is None:
        return []
    return [Span("ADDRESS", *match.span(), SCORE) for match in _EAST_ASIAN.finditer(text)]


def find(text: str) -> list[Span]:
    """People in a text, in its order for each script. One search tells whether any of these scripts occurs."""
    if text.isascii():
        return []
    found = [Span("PERSON", *match.span(), SCORE) for match in _JAPANESE.finditer(text)] if "す" in text else []
    if _GATE.search(text) is None:
        return found
    found += [*_people(text, _CYRILLIC), *_people(text, _GREEK)]
    found += [Span("PERSON", *match.span(), SCORE) for match in _GEORGIAN.finditer(text)]
    return found


def _people(text: str, pattern: re.Pattern[str]) -> Iterator[Span]:
    for match in pattern.finditer(text):
        words = [*_WORD.finditer(text, *match.span())]
        for nth, word in enumerate(words):
            if is_given(word.group().lower()):
                first = nth if nth == 0 or not _SURNAME.search(words[nth - 1].group()) else nth - 1
                if first < len(words) - 1 or nth:
                    yield Span("PERSON", words[first].start(), match.end(), SCORE)
                break


def is_given(word: str) -> bool:
    """Whether a word in lower case is a given name, in whatever case of grammar."""
    if word in CYRILLIC_GIVEN or word in GREEK_GIVEN or word + "ς" in GREEK_GIVEN:
        return True
    stem = word.rstrip(_ENDING)
    if len(stem) >= _SHORTEST_STEM and stem in _STEMS:
        return True
    return stem.endswith("м") and len(stem) > _SHORTEST_STEM + 1 and stem[:-1].rstrip(_ENDING) in _STEMS
