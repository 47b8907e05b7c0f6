"""Values that only a label gives away: the label is found first, and what follows it is read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from extproc.pii.beside import PAIRED, is_paired, value_before
from extproc.pii.counts import HOW_MANY, is_count
from extproc.pii.finding import Finding
from extproc.pii.vocabulary import MARKS
from extproc.slices import in_slices

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from extproc.pii.recognizer import Recognizer
    from extproc.pii.vocabulary import Label

_FILLER = (
    "n\\.[o°]|numbers?|no|nr|n|num|nos|is|was|are|id|of|the|code|und|lautet|ist|jest|es|est|è|é|del|de|du|er|on|for|verification|"
    "purposes|listed|as|to|in|dnia|car|vehicle|his|her|my|your|their|our|el|la|le|les|a|last[ _]?(?:4|four)|"
    "[0-9]{1,2}[ -]digits?|digits?|"
    "ending|ends|with|at|wallet|address|the|would be|will be|reads?|file|"
    "terminad[ao]s?|termina|finissant|qui|se|terminant|par|end(?:et|end)|auf|eindigend|op|final|em|en|che|finisce|con|č|nº|n°|№|nro"
)
_HINT = (
    r"[ \t.#*°º]{0,3}(?:\((?:[^()\n0-9]|[0-9](?![0-9]{2})){1,40}\)|\[(?:[^\[\]\n0-9]|[0-9](?![0-9]{2})){1,40}\]|"
    r"\{[^{}\n0-9:\"]{1,40}\})"
)
"""`(MM/DD/YYYY)`, `[required]`: what a form says of its field."""
_GAP = (
    rf"""{MARKS}[\ub294\uc740\uc774\uac00\u306f\u304c\u662f\u4e3a\u70ba]?"""
    rf"""(?:['’]s)?\.{{0,40}}[ \t:：=#|*"'`(\[>_\-/,°º→]{{0,32}}(?:\r?\n[ \t|*"'`>-]{{0,12}})?"""
    rf"""(?:(?:{_FILLER})\b[ \t:=#.|*"'`(\[>_\-°º]{{1,8}}){{0,4}}"""
)
GAP = re.compile(_GAP, re.IGNORECASE)
"""What may stand between a label and its value."""
_HINTED = re.compile(_HINT + _GAP, re.IGNORECASE)
_COPULA = (
    r"(?:is|was|are|were|would be|will be|should be|ist|lautet|war|est|es|è|é|jest|är|reads|says|has (?:the )?number|"
    r"with (?:the )?number|"
    r"hat die nummer|mit der nummer)[ \t:\"'`]+(?:(?:(?:under |listed as )?(?:number|no\.?|nr\.?|nummer|#)|under|"
    r"listed as)[ \t]*)?"
)
_ABOUT = re.compile(r"(?:,|[ \t]?#)?(?:[ \t]+[^\W\d_][\w'’.-]{0,24},?){0,8}:?[ \t]*")
_SAID = re.compile(
    rf"[ \t]+{_COPULA}|(?<=[a-z])['’]s[ \t]+(?=[A-Z]{{0,3}}[0-9])|:[ \t]+|,[ \t]+(?:number|no\.?|nr\.?|nummer)[ \t]+",
    re.IGNORECASE,
)
_OF = re.compile(r" (?:of|for|from) (?:[a-z'’]{1,14} ){1,4}(?=[A-Z]{0,4}[0-9]{6}|[A-Z]{1,3}[ -]?[0-9]{4})")
"""`ID card number of the owner T220001293`: whose it is, and right after it what is long enough to be it."""
_REACH_OF_QUESTION = 24
_ANSWER = re.compile(
    r"(?: [a-z]{2,8}){0,2}(?:[?.! ]{0,4}\r?\n[ \t>]{0,4}(?:[\[(<]?[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?[\])>]? )?"
    r"[\[(<*]{0,2}[^\W\d_][^\n:]{0,24}[\])>*]{0,2}:[ \t*]{0,3}|(?<! limit)[?][ \t]{0,2}(?:\r?\n){1,2}[ \t>*-]{0,4})"
    r"(?:it['’]?s |it is |that['’]?s )?(?=[A-Z]{0,5}[-#]?[0-9])"
)
"""What was asked for at the end of a line, answered on the next one: `date of birth?`, `Customer: `, or nobody named."""
_MOST_SAID = 3
"""`printed on the card is`: words about a value, and what says that it comes next, which they may hold more than once."""


_LONGEST_SAID = 32
"""Characters that say that a value comes next, beyond the words about it."""
_REACH_OF_PAIR = 64
"""Characters between the name of a field and that of its value, with an attribute and a line break between."""
_DIGIT = re.compile(r"[0-9]")
_REACH = 160
"""Characters after a label in which a digit is looked for: a hint, words about the value and a new line seldom take more."""
SHAPE_SCORE = 0.857
"""Of a value whose form fits its label: that of a value without a label whose check passes by chance as often as
`numbers.STRONG` says. A better proof goes before it, a worse one after."""
DATE_SCORE = 0.92
"""Of a date after a label of birth: above a number whose form alone fits its label, below one right
beside its label whose check passes."""


def before_digits(text: str, labels: Iterable[Label], without_digits: frozenset[str]) -> list[Label]:
    """The labels in whose reach a digit stands: nearly all values have one, and most labels lead to none.

    `without_digits`: the types whose values need none.
    """
    found = []
    clear = searched = 0  # from where on, and up to where, no digit stands
    for label in in_slices(labels):
        at = label.end
        if not clear <= at <= searched:
            clear = searched = at
        if searched < at + _REACH:
            digit = _DIGIT.search(text, searched, at + _REACH)
            searched = digit.start() if digit else at + _REACH
        if (
            searched < at + _REACH or not without_digits.isdisjoint(label.kinds) or value_before(text, label)
        ) and not _counts(text, label):
            found.append(label)
    return found


def _counts(text: str, label: Label) -> bool:
    """Whether it stands in the plural, behind `number of`."""
    return text[label.end - 1] == "s" and HOW_MANY.search(text, max(0, label.start - _BEFORE), label.start) is not None


_BEFORE = 24
"""Characters before a label that may say which part of its value follows: the last four digits of it."""


class Starts:
    """Where the values of the labels of one text may begin. Found once for all that read there, and no more than they ask for."""

    __slots__ = ("_known", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._known: dict[int, tuple[list[int], Iterator[int]]] = {}

    def of(self, label: Label) -> Iterator[int]:
        """Next to the label, after a hint in brackets, after words about it."""
        known, more = self._known.get(label.start) or self._known.setdefault(
            label.start, ([], _starts(self.text, label))
        )
        yield from known
        for at in more:
            known.append(at)
            yield at


def _starts(text: str, label: Label) -> Iterator[int]:
    gap = GAP.match(text, label.end)
    yield gap.end() if gap else label.end
    following = text[label.end : label.end + 4]
    if following.lstrip(" \t.#*°º")[:1] in ("(", "[", "{") and (hinted := _HINTED.match(text, label.end)):
        yield hinted.end()
    begins = label.end + following.startswith(". ")
    if text[begins : begins + 1] in (" ", ",", "#") and (about := _ABOUT.match(text, begins)):
        for nth, said in enumerate(_SAID.finditer(text, begins, min(len(text), about.end() + _LONGEST_SAID))):
            if nth == _MOST_SAID or said.start() > about.end():
                break
            yield said.end()
    if text.startswith((" of ", " for ", " from "), label.end) and (of := _OF.match(text, label.end)):
        yield of.end()
    if text.find("\n", label.end, label.end + _REACH_OF_QUESTION) >= 0 and (answer := _ANSWER.match(text, label.end)):
        yield answer.end()
    if is_paired(text[label.end : label.end + _REACH_OF_PAIR]) and (paired := PAIRED.match(text, label.end)):
        yield paired.end()


_MONTHS = (
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mai|juni|juli|okt|dez|mär|janv|févr|mars|avr|"
    r"juin|juil|août|déc|"
    r"ene|abr|ago|dic|gen|mag|giu|lug|set|ott|fev|out|mrt|mei|sty|lut|kwi|maj|cze|lip|sie|wrz|paź|lis|"
    r"gru)[^\W\d_]{0,10}\.?"
)
_YEAR = r"(?:1[89]|20)[0-9]{2}"
DATE = re.compile(
    rf"(?:[0-9]{{1,2}}[./-][0-9]{{1,2}}[./-](?:{_YEAR}|[0-9]{{2}})|{_YEAR}[./-][0-9]{{1,2}}[./-][0-9]{{1,2}}"
    rf"|[0-9]{{1,2}}(?:st|nd|rd|th)?\.? (?:of |de |di )?{_MONTHS},? (?:de |del |of )?{_YEAR}|"
    rf"{_MONTHS} [0-9]{{1,2}}(?:st|nd|rd|th)?,? {_YEAR}"
    rf"|{_YEAR}年[0-9]{{1,2}}月[0-9]{{1,2}}日|{_YEAR}년 ?[0-9]{{1,2}}월 ?[0-9]{{1,2}}일)(?![0-9])",
    re.IGNORECASE,
)
_MORE_MONTHS = (
    r"(?:jan|feb|mar|már|apr|ápr|may|máj|jun|jún|jul|júl|aug|sep|sze|oct|okt|nov|dec|mai|maj|mei|dez|mär|fév|avr|août|aoû|déc|ene|abr|ago|dic|gen|mag|giu|"
    r"lug|set|ott|fev|out|mrt|sty|lut|kwi|cze|lip|sie|wrz|paź|lis|gru|oca|şub|nis|haz|tem|ağu|eyl|eki|kas|ara|led|úno|bře|dub|"
    r"kvě|čer|srp|zář|říj|pro|tammi|helmi|maalis|huhti|touko|kesä|heinä|elo|syys|loka|marras|joulu|ian|iun|iul|mac|ogos|des|"
    r"янв|фев|мар|апр|ма[йя]|июн|июл|авг|сен|окт|ноя|дек|січ|лют|бер|кві|тра|чер|лип|сер|вер|жов|лис|гру|"
    r"ιαν|φεβ|μαρ|απρ|μαϊ|μαΐ|μάι|ιουν|ιουλ|ιούν|ιούλ|αυγ|σεπ|οκτ|νοε|δεκ)[^\W\d_]{0,12}\.?"
    r"|(?:ב?(?:ינואר|פברואר|מרץ|אפריל|מאי|יוני|יולי|אוגוסט|ספטמבר|אוקטובר|נובמבר|דצמבר))"
    r"|(?:يناير|فبراير|مارس|أبريل|ابريل|مايو|يونيو|يوليو|أغسطس|سبتمبر|أكتوبر|نوفمبر|ديسمبر)"
    r"|(?:जनवरी|फरवरी|मार्च|अप्रैल|मई|जून|जुलाई|अगस्त|सितंबर|अक्टूबर|नवंबर|दिसंबर)"
    r"|(?:มกราคม|กุมภาพันธ์|มีนาคม|เมษายน|พฤษภาคม|มิถุนายน|กรกฎาคม|สิงหาคม|กันยายน|ตุลาคม|พฤศจิกายน|ธันวาคม)"
)
_DAY = r"(?:0?[1-9]|[12][0-9]|3[01])(?:st|nd|rd|th|er|re|º|ª|o)?"
_BETWEEN_PARTS = r"[ ./,-]{0,3}(?:of |de |del |di |den |tháng )?"
_ANY_YEAR = r"(?:(?:1[89]|2[05])[0-9]{2}|'?[0-9]{2})"
_BIRTH = re.compile(
    rf"(?:{_DAY}{_BETWEEN_PARTS}(?:{_MORE_MONTHS}){_BETWEEN_PARTS}{_ANY_YEAR}"
    rf"|(?:{_MORE_MONTHS})[ .-]{{1,2}}(?:the )?{_DAY}[ ,.-]{{1,3}}{_ANY_YEAR}"
    rf"|{_YEAR}[ .-]{{1,2}}(?:{_MORE_MONTHS})[ .-]{{1,2}}{_DAY}"
    rf"|{_YEAR}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])|(?:0[1-9]|[12][0-9]|3[01])(?:0[1-9]|[12][0-9]|3[01]){_YEAR}"
    rf"|{_YEAR} ?[./,-] ?[0-9]{{1,2}} ?[./,-] ?[0-9]{{1,2}}|[0-9]{{1,2}} ?[./,-] ?[0-9]{{1,2}} ?[./,-] ?{_ANY_YEAR}"
    r"|(?:明治|大正|昭和|平成|令和|[MTSHR])(?:[0-9]{1,2}|元)(?:年 ?[0-9]{1,2}月 ?[0-9]{1,2}日|[./-][0-9]{1,2}[./-][0-9]{1,2})"
    r"|[0-9]{2,4}年 ?[0-9]{1,2}月(?: ?[0-9]{1,2}日)?|[0-9]{4}년 ?[0-9]{1,2}월(?: ?[0-9]{1,2}일)?"
    r"|[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])|(?:0[1-9]|[12][0-9]|3[01])(?:0[1-9]|[12][0-9]|3[01])[0-9]{2}"
    rf"|(?:{_MORE_MONTHS}),? {_YEAR}|(?:0?[1-9]|1[0-2])[/.]{_YEAR}"
    rf"|{_YEAR}[ .-](?:I{{1,3}}|IV|VI{{0,3}}|IX|XI{{0,2}}|X)[ .-]{_DAY}|{_DAY}[ .-](?:I{{1,3}}|IV|VI{{0,3}}|IX|"
    rf"XI{{0,2}}|X)[ .-]{_YEAR}"
    r"|[0-9]{1,2}(?:월|月) ?[0-9]{1,2}(?:일|日)"
    rf"|{_DAY}[ .-]{{1,2}}(?:of |de |di )?(?:{_MORE_MONTHS})|(?:{_MORE_MONTHS}) {_DAY}"
    r"|(?:0?[1-9]|[12][0-9]|3[01])\.(?:0?[1-9]|1[0-2])\.|(?:0?[1-9]|1[0-2])/(?:0?[1-9]|[12][0-9]|3[01])"
    rf"|{_YEAR}(?=[ \t]*(?:\r?\n|\Z|[,;)])))(?![0-9A-Za-z])",
    re.IGNORECASE,
)
"""What is a date only because a label of birth stands before it: in words, run together, of an era, without a year."""
_LOOSE_DATE = re.compile(r"[0-9OolI]{1,2}[. /-][0-9OolI]{1,2}[. /-][0-9OolI]{1,2}\s?[0-9OolI]{2,3}(?![0-9])")
_PLACE = re.compile(
    r"(?:(?:in|w|we|à|a|en|em|te|i|at|v|ve) )?[^\W\d_][^\W\d_'’-]{1,24}(?: [^\W\d_]{2,20})?(?:,? (?:on|am|le|el|il|"
    r"dnia|den|em|i))?,? "
    r"(?:the )?"
)
_JUST_BEFORE = re.compile(
    r"[ \t]?(?:\(|, |- | (?:is|was|ist|est|es|è|é) (?:(?:my|his|her|our|their|the|mein|sein|ihr|mon|son|sa|mi|su) )?|"
    r"(?:de |da )?)\Z"
)
"""What stands between a date and its label behind it: `12 May 1980 (date of birth)`, `12.05.1980 geboren`."""
_LONGEST_DATE = 32


def dates_of_birth(starts: Starts, labels: Iterable[Label]) -> list[Finding]:
    """Dates right after a label of birth, a place between them or not."""
    text, found = starts.text, []
    for label in in_slices(labels, 256):
        if "DATE_OF_BIRTH" not in label.kinds:
            continue
        for at in starts.of(label):
            match = DATE.match(text, at) or _BIRTH.match(text, at) or _LOOSE_DATE.match(text, at)
            if match is None and (place := _PLACE.match(text, at)):
                match = DATE.match(text, place.end()) or _BIRTH.match(text, place.end())
            if match:
                found.append(Finding("DATE_OF_BIRTH", *match.span(), DATE_SCORE, ("date", "label before")))
                break
        else:
            found += _dated_before(text, label)
    return found


def _dated_before(text: str, label: Label) -> Iterator[Finding]:
    """The date that a label of birth ends with."""
    joint = _JUST_BEFORE.search(text, max(0, label.start - _BEFORE), label.start)
    end = value_before(text, label) or (joint.start() if joint else 0)
    if not text[max(0, end - 1) : end].isdigit():
        return
    for start in range(max(0, end - _LONGEST_DATE), end):
        if start and text[start - 1].isalnum():
            continue
        match = DATE.match(text, start, end)
        if match and match.end() == end:
            yield Finding("DATE_OF_BIRTH", *match.span(), DATE_SCORE, ("date", "label after"))
            return


_LISTED = re.compile(
    r"(?:,?[ \t](?:and|or|und|oder|et|ou|y|o|e|i|not|but not|instead of)(?=[ \t])|[ \t]?[,/;|])[ \t]{0,2}(?:and |or )?"
)
"""What stands between two values of one label."""
_BEGINS_LIST = frozenset(" \t,/;|")
_MOST_LISTED = 64


def values(
    starts: Starts, labels: Iterable[Label], led: dict[str, list[tuple[Recognizer, re.Pattern[str]]]]
) -> list[Finding]:
    """Record numbers and the like, after their label."""
    return [
        finding
        for label in in_slices(labels, 256)
        for kind in label.kinds
        for recognizer, pattern in led.get(kind, ())
        for finding in _values(starts, label, kind, recognizer, pattern)
    ]


def _values(
    starts: Starts, label: Label, kind: str, recognizer: Recognizer, pattern: re.Pattern[str]
) -> Iterator[Finding]:
    """The value of a label, and those that are listed behind it, as long as it and with a digit where it has one."""
    text, finding = starts.text, _value(starts, label, kind, recognizer, pattern)
    for _ in range(_MOST_LISTED):
        if finding is None:
            return
        yield finding
        if text[finding.end : finding.end + 1] not in _BEGINS_LIST:
            return
        joint = _LISTED.match(text, finding.end)
        match = pattern.match(text, joint.end()) if joint else None
        if (
            match is None
            or match.end() - match.start() != finding.end - finding.start
            or not _is(text, match, recognizer)
        ):
            return
        if match.group().translate(_FORM) != text[finding.start : finding.end].translate(_FORM):
            return
        finding = Finding(kind, *match.span(), SHAPE_SCORE, ("shape", "listed after another"))


_UNSPACED = "\u2fff"
"""Behind letters beyond it a value follows without a space: `账号6217…`."""
_FORM = {ord(digit): "9" for digit in "0123456789"}


def _value(starts: Starts, label: Label, kind: str, recognizer: Recognizer, pattern: re.Pattern[str]) -> Finding | None:
    text = starts.text
    for at in starts.of(label):
        match = pattern.match(text, at) if at > label.end or text[at - 1 : at] > _UNSPACED else None
        if match is None or not _is(text, match, recognizer):
            continue
        if (
            recognizer.between
            and re.search(recognizer.between, text[max(0, label.start - _BEFORE) : at], re.IGNORECASE) is None
        ):
            continue
        if recognizer.may_be_dated or match[0].isdigit() or DATE.fullmatch(match[0]) is None:
            return Finding(kind, match.start(), match.end(), SHAPE_SCORE, ("shape", "label before"))
    return None if recognizer.between else _value_before(text, label, kind, recognizer, pattern)


_GROUP_BEFORE = re.compile(r"(?:\A|(?<=[\s(\"'`*:]))[^\s(\"'`*:]{0,31}[0-9]")


def _value_before(
    text: str, label: Label, kind: str, recognizer: Recognizer, pattern: re.Pattern[str]
) -> Finding | None:
    """The value that a label follows: `76983425 is my account number`, `XQH-4471-902 (member id)`."""
    end = value_before(text, label)
    if not end:
        return None
    for group in _GROUP_BEFORE.finditer(text, max(0, end - _LONGEST_DATE), end):
        match = pattern.match(text, group.start(), end)
        if match and match.end() == end and _is(text, match, recognizer):
            return Finding(kind, *match.span(), SHAPE_SCORE, ("shape", "label after"))
    return None


_GOES_ON = frozenset("_@")
_NO_ENDS = frozenset("!#$%&*^~")
"""Signs at which no record number ends where letters go on behind them: it was a password."""


def _is(text: str, match: re.Match[str], recognizer: Recognizer) -> bool:
    """Whether what was read is a value of its own: with digits enough, and at its end."""
    value, end = match[0], match.end()
    following = text[end : end + 1]
    if following.isalnum() or following in _GOES_ON or len(value) < recognizer.least_length:
        return False
    digits = len(value) if value.isdigit() else sum(map(str.isdigit, value))
    if digits < recognizer.least_digits or is_count(text, *match.span()) or not value.strip("0-"):
        return False
    return not (following in _NO_ENDS and text[end + 1 : end + 2].isalnum())
