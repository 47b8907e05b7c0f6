"""Where in a text URLs are, told while it arrives: what is put back into one may be fetched by whoever renders the text.

A page that shows `![x](https://elsewhere.example/?q=...)` asks that host for the picture, with all that stands in the URL.
So this reads URLs as generously as the renderers do: Markdown's destinations, attributes of HTML, bare ones, with and
without a scheme, with backslashes for slashes. Taking for one what is none costs a placeholder that stays.
"""

from __future__ import annotations

import re
from typing import Final

_START: Final = re.compile(
    r"(?P<special>(?:https?|wss?|ftp):[/\\]*)"
    r"|(?P<scheme>(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{0,30}:[/\\]{2,})"
    r"|(?P<relative>(?<![\w:.%/\\-])[/\\]{2,})"
    r"|(?P<hostless>(?<![\w-])(?:(?:javascript|vbscript|smsto|sms|sips?|intent|whatsapp|tg|skype):|data:[\w.+-]+/))"
    r"|(?=(?<![\w.@-])www\.)"
    r"|(?P<coded>&(?:sol|bsol|colon|period);|&#(?:0*(?:4[67]|58|6[5-9]|[78][0-9]|9[027-9]|1[01][0-9]|12[0-2])(?![0-9])"
    r"|x0*(?:2[ef]|3a|[46][1-9a-f]|[57][0-9a]|5c)(?![0-9a-f])))"
    r"|(?=(?<![\w@./\\-])(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24}(?::[0-9]{1,5})?[/?#])",
    re.IGNORECASE | re.ASCII,
)
"""`coded`: a letter, or a mark that URLs are made of, as a reference of HTML: nobody writes those but to hide something."""
_CODED_WITHIN: Final = 64
"""Characters from the beginning of a URL to the first of its references."""
_READ_FROM: Final = 8192
_LONGEST_WORD: Final = 65536
_MOST_OPEN: Final = 8
"""URLs within one another of which each is told by its host."""
_LONGEST_AUTHORITY: Final = 300
_AUTHORITY: Final = re.compile(r"(?:\[[^\[\]\s/\\]*\]|[^\x00-\x20/\\?#\"'<>()`\[\]])*+")
_END: Final = {
    '"': re.compile(r'(?P<end>")'),
    "'": re.compile(r"(?P<end>')"),
    "`": re.compile(r"(?P<end>[`\x00-\x20])"),
    "<": re.compile(r"\\.|(?P<end>>)", re.DOTALL),
    "(": re.compile(r"\\.|(?P<end>[\x00-\x20])|(?P<more>\()|(?P<less>\))", re.DOTALL),
    "": re.compile(r"(?P<end>[\x00-\x20<])"),
}
"""What ends a URL, by what opened it. Within quotes, white space is part of it; browsers drop line ends there."""
_STRIPPED: Final = str.maketrans("", "", "\t\r\n")
_SPACE: Final = " \t\r\n\f"
_MARKS: Final = (
    "http",
    "www.",
    "ftp:",
    "ws:",
    "wss:",
    "script:",
    "sms",
    "sip",
    "intent:",
    "whatsapp:",
    "tg:",
    "skype:",
)
"""What a URL has that has no slash."""
_BARE: Final = re.compile(r"\.[A-Za-z]{2,24}(?::[0-9]{1,5})?[?#]")
_PORT: Final = re.compile(r":[0-9]*\Z")
UNKNOWN: Final = "?"
"""The host of a URL whose authority is longer than any."""


class _Url:
    """A URL that has begun."""

    __slots__ = ("at", "authority", "complete", "depth", "opener")

    def __init__(self, opener: str, authority: str, at: int = 0, *, complete: bool) -> None:
        self.opener = opener
        self.authority = authority
        self.at = at
        """How far it has been read, in the text that is read now."""
        self.complete = complete
        self.depth = 0

    def goes_on(self, text: str, stop: int) -> bool:
        """Whether it is open still up to here."""
        at, self.at = self.at, stop
        if not self.complete:
            at = self._read_authority(text, at, stop)
        for match in _END[self.opener].finditer(text, at, stop):
            if match.lastgroup == "more":
                self.depth += 1
            elif match.lastgroup == "less" and self.depth:
                self.depth -= 1
            elif match.lastgroup:
                return False
        return True

    def _read_authority(self, text: str, at: int, stop: int) -> int:
        if self.opener in ('"', "'"):
            read = text[at : min(stop, at + 2 * _LONGEST_AUTHORITY)].translate(_STRIPPED)
            match = _AUTHORITY.match(read)
            ended = match is not None and match.end() < len(read)
        else:
            match = _AUTHORITY.match(text, at, stop)
            ended = match is not None and match.end() < stop
        self.authority += match[0][: _LONGEST_AUTHORITY + 1] if match else ""
        self.complete = ended or len(self.authority) > _LONGEST_AUTHORITY
        return at

    @property
    def host(self) -> str:
        """The host in small letters, without user and port."""
        if len(self.authority) > _LONGEST_AUTHORITY:
            return UNKNOWN
        return _PORT.sub("", self.authority.rpartition("@")[2]).lower()


def _merged(urls: list[_Url]) -> list[_Url]:
    """One in place of all that were opened alike: the first of them ends last."""
    first: dict[str, _Url] = {}
    for url in urls:
        first.setdefault(url.opener, url)
    for url in first.values():
        url.authority, url.complete = UNKNOWN, True
    return list(first.values())


class UrlWatch:
    """Which URLs one text is within, as it arrives.

    It is read up to places within which no URL begins: white space, and the placeholders that are asked about.
    """

    def __init__(self) -> None:
        self._unread: list[str] = []
        self._size = 0
        self._ahead = 0
        """How much of what is to come has been read already."""
        self._last = ""
        """The last character that has been read."""
        self._solid = ""
        """The last one that is no white space."""
        self._open: list[_Url] = []

    def note(self, text: str, *, end: bool = False) -> None:
        """This has left. With `end`, another text begins."""
        if end:
            self.__init__()  # type: ignore[misc]
            return
        skipped = min(self._ahead, len(text))
        self._ahead -= skipped
        if len(text) > skipped:
            self._unread.append(text[skipped:])
            self._size += len(text) - skipped
            if self._size > _READ_FROM:
                self._read_words()

    def hosts(self, text: str, start: int, stop: int, *, end: bool) -> frozenset[str] | None:
        """Hosts of the URLs that what stands at `start` to `stop` is part of; empty: of none; None: not to be told yet.

        `text` follows on what was noted last, and is asked about in order.
        """
        if self._ahead <= start:
            self._read("".join((*self._unread, text[self._ahead : start])))
            self._unread.clear()
            self._size = 0
            self._ahead = start
        found = set()
        for url in self._open:
            if url.complete:
                found.add(url.host)
                continue
            rest = _AUTHORITY.match(text, start, start + _LONGEST_AUTHORITY)
            after = rest.end() if rest else stop
            if after == len(text) and not end and after - start < _LONGEST_AUTHORITY:
                return None
            found.add(_Url("", url.authority + text[start:after], complete=True).host)
        return frozenset(found)

    def _read_words(self) -> None:
        text = "".join(self._unread)
        stop = max(map(text.rfind, _SPACE)) + 1
        if not stop and len(text) > _LONGEST_WORD:
            stop = len(text)
            self._open.append(_Url("", UNKNOWN, complete=True))  # who knows what was cut in two here
        if stop:
            self._read(text[:stop])
        self._unread = [text[stop:]]
        self._size = len(text) - stop

    def _read(self, text: str) -> None:
        if not text:
            return
        known = len(self._last)
        read = self._last + text
        for url in self._open:
            url.at = known
        if may_begin(text):
            at = known
            while (match := _START.search(read, at)) is not None:
                at = max(match.end(), match.start() + 1)
                self._begin(read, match)
                if len(self._open) > _MOST_OPEN:
                    self._open = _merged(self._open)
        self._advance(read, len(read))
        self._last = text[-1]
        self._solid = text.rstrip(_SPACE)[-1:] or self._solid

    def _advance(self, text: str, stop: int) -> None:
        if self._open:
            self._open = [url for url in self._open if url.goes_on(text, stop)]

    def _begin(self, text: str, match: re.Match[str]) -> None:
        self._advance(text, match.start())
        if match.lastgroup == "coded":
            self._open.append(_Url(self._opener(text, match.start()), UNKNOWN, match.end(), complete=True))
            return
        before = match.start()
        while before and text[before - 1] in _SPACE:
            before -= 1
        opener = text[before - 1] if before else self._solid
        hostless = match.lastgroup == "hostless"
        self._open.append(
            _Url(opener if opener in _END else "", match[0].lower() if hostless else "", match.end(), complete=hostless)
        )

    @staticmethod
    def _opener(text: str, at: int) -> str:
        """What opened the URL that is under way here."""
        for mark in reversed(text[max(0, at - _CODED_WITHIN) : at]):
            if mark in _END:
                return mark
            if mark in _SPACE:
                break
        return ""


def may_begin(text: str) -> bool:
    """A first look in C: hardly any text holds a URL."""
    if "/" in text or "\\" in text or "&" in text:
        return True
    small = text.lower()
    return any(mark in small for mark in _MARKS) or _BARE.search(text) is not None
