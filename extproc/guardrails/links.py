"""Links and images in answers: to which hosts they lead, as a browser reads them, and where in the text they begin and end."""

from __future__ import annotations

import base64
import binascii
import html
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extproc.config.guardrails import LinksGuard
    from extproc.guardrails.answers import Span

_MAY_HOLD: Final = re.compile(r"[/\\]{2}|:[/\\]|www\.|https?:|data:|script:|mailto:|&#?\w{2,8};", re.IGNORECASE)
_ENTITY: Final = re.compile(
    r"&(?:#[0-9]{1,7};?|#[xX][0-9a-fA-F]{1,6};?|[A-Za-z][A-Za-z0-9]{1,31};)|\\([!-/:-@\[-`{-~])"
)
"""What Markdown and HTML read as another character: a reference, or a character after a backslash."""
_OPENS: Final = r"""(?:\]\(\s*<?|\]:\s*<?|=\s*["']?|["']\s*|<|url\(\s*["']?|,\s*)"""
"""Before an address: Markdown's `](` and `]:`, attributes, strings, `<`, CSS, lists of sources."""
_ADDRESS: Final = re.compile(
    rf"""(?P<bare>(?:https?|ftp|wss?):[/\\]+[^\s<>"'`)\]]{{1,2000}})"""
    rf"""|(?P<www>(?<![A-Za-z0-9.\-/@])www\.[^\s<>"'`)\]]{{2,2000}})"""
    rf"""|{_OPENS}(?P<placed>(?:(?:https?|ftp|wss?):|(?:[a-z][a-z0-9+.\-]{{0,20}}:)?[/\\]{{2,}}(?=[^\s/\\.]+\.|\[|localhost\b)"""
    rf"""|mailto:|data:|blob:|file:|(?:java|vb)script:)[^\s<>"'`)\]][^\n<>"'`)\]\x20]{{0,4000}})""",
    re.IGNORECASE,
)
_AUTHORITY: Final = re.compile(r"(?:[a-z][a-z0-9+.\-]*:)?/*([^/?#]*)", re.IGNORECASE)
_NAME: Final = re.compile(r"[\w.\-]+|\[[0-9a-f:.]+\]")
_DOTS: Final = str.maketrans({"\u3002": ".", "\uff0e": ".", "\uff61": "."})
"""What browsers take for a dot between the names of a host."""
_GAPS: Final = str.maketrans("", "", "\t\r\n")
"""What browsers take out of an address before they read it."""
_INNER: Final = re.compile(r"(?:https?|ftp|wss?):[/\\]+[^\s&#]+|(?<=[=/])[/\\]{2}[^\s/\\&#.]+\.[^\s&#]+", re.IGNORECASE)
_INNER_BASE64: Final = re.compile(r"aHR0c(?:Dov|HM6)[A-Za-z0-9+/_-]{4,2000}")
_SENT_ON: Final = re.compile(
    r"[?&;](?:url|uri|u|link|href|redir\w*|dest\w*|target|goto|next|continue|return\w*|forward|out)="
    r"([\w-]+(?:\.[\w-]+)*\.(?!html?\b|php\b|aspx?\b|md\b|json\b|xml\b|png\b|jpe?g\b|pdf\b|txt\b|js\b|css\b)[a-z]{2,24})(?=[/?:&#]|$)",
    re.IGNORECASE,
)
"""A host where a parameter says where to go from here."""
_MOST_CODED: Final = 3
_FARTHEST: Final = 2000
"""Characters before and behind an address that belong to the same link or tag."""
_TAG: Final = re.compile(r"<\s*([a-z][a-z0-9]*)", re.IGNORECASE)
_CLICKED: Final = frozenset({"a", "area", "form"})
"""Tags whose address is not fetched before somebody clicks."""
_DEFINITION: Final = re.compile(r"\[[^\]\n]{1,999}\]:\s*<?\Z")


_Shifts = Sequence[tuple[int, int]]
"""From where on a text is how far from its original."""
_SAME: Final[_Shifts] = ((0, 0),)


class _Place(NamedTuple):
    """Where a link begins and ends, and whether it is fetched without a click."""

    start: int
    end: int
    fetched: bool


class Links:
    """Links and images whose host is not listed."""

    def __init__(self, guard: LinksGuard) -> None:
        self._hosts = tuple(host.lower() for host in guard.hosts)
        self._images_only = guard.images_only

    def inspector(self) -> Links:
        """See Inspects: no text has a memory."""
        return self

    def look(self, sentence: str) -> Sequence[Span]:
        """See Inspector."""
        if _MAY_HOLD.search(sentence) is None:
            return ()
        spans = self._found(sentence, _SAME)
        text, places = _as_read(sentence)
        return spans if text == sentence else [*spans, *self._found(text, places)]

    def _found(self, text: str, places: _Shifts) -> list[Span]:
        spans: list[Span] = []
        for match in _ADDRESS.finditer(text):
            kind = match.lastgroup or ""
            address = match[kind]
            if kind == "www":
                address = f"//{address}"
            if all(self._is_listed(host) for host in _hosts(address)):
                continue
            place = _place(text, match.start(kind), match.end(kind))
            if place.fetched or not self._images_only:
                spans.append((_raw(places, place.start), _raw(places, place.end)))
        return spans

    def _is_listed(self, host: str | None) -> bool:
        """A browser reads what is no host of a name in its own way: not listed."""
        return host is not None and any(fnmatchcase(host, allowed) for allowed in self._hosts)


def _as_read(text: str) -> tuple[str, _Shifts]:
    """The text with references and escapes undone, and from where in it on how far it is from the original."""
    parts: list[str] = []
    places, at, length = [*_SAME], 0, 0
    if "&" not in text and "\\" not in text:
        return text, places
    for match in _ENTITY.finditer(text):
        plain = match[1] or html.unescape(match[0])
        if plain == match[0]:
            continue
        parts += [text[at : match.start()], plain]
        length += match.start() - at + len(plain)
        at = match.end()
        places.append((length, at - length))
    return "".join([*parts, text[at:]]), places


def _raw(places: _Shifts, at: int) -> int:
    """The same place in the original."""
    return at + places[bisect_right(places, (at, 1 << 60)) - 1][1]


def _hosts(address: str, *, within: bool = False) -> Iterator[str | None]:
    """To which hosts an address leads: its own, and those that it is told to send on to. None: nobody can tell."""
    address = address.translate(_GAPS)
    scheme = address.partition(":")[0].lower()
    if scheme == "mailto":
        yield _name(address.partition("?")[0].rpartition("@")[2])
        return
    if scheme in ("data", "blob", "file", "javascript", "vbscript"):
        yield None
        return
    address = address.replace("\\", "/")
    match = _AUTHORITY.match(address)
    yield _name(match[1].rpartition("@")[2]) if match else None
    rest = address[match.end() :] if match else ""
    for _ in range(_MOST_CODED):
        for inner in _INNER.finditer(rest):
            match = _AUTHORITY.match(inner[0].replace("\\", "/"))
            yield _name(match[1].rpartition("@")[2]) if match else None
        for sent_on in _SENT_ON.finditer(rest):
            yield _name(sent_on[1])
        for coded in () if within else _INNER_BASE64.finditer(rest):
            yield from _hosts(_from_base64(coded[0]), within=True)
        plain = unquote(rest)
        if plain == rest:
            return
        rest = plain


def _from_base64(text: str) -> str:
    text = text.replace("-", "+").replace("_", "/")
    text = text[: len(text) - (len(text) % 4 == 1)]
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4)).decode(errors="replace")
    except (binascii.Error, ValueError):
        return "data:"


def _name(authority: str) -> str | None:
    """The host's name as it is looked up."""
    authority = authority if authority.startswith("[") else authority.partition(":")[0]
    bare = authority.partition("]")[0] + "]" if authority.startswith("[") else authority
    name = unicodedata.normalize("NFKC", unquote(bare).translate(_DOTS)).casefold().rstrip(".")
    return name if _NAME.fullmatch(name) else None


def _place(text: str, start: int, end: int) -> _Place:
    """All of the link or tag in which an address stands."""
    before = text[max(0, start - _FARTHEST) : start]
    base = start - len(before)
    opened = before.rstrip(" <")
    if opened.endswith("]("):
        stop = text.find(")", end, end + _FARTHEST)
        at = _bracket(opened[:-2])
        if at is None:  # it began in a sentence before, with or without an exclamation mark
            return _Place(start, end, fetched=True)
        image = at > 0 and opened[at - 1] == "!"
        return _Place(base + at - image, stop + 1 if stop >= 0 else end, image)
    definition = _DEFINITION.search(before)
    if definition:  # of a link or of an image
        return _Place(base + definition.start(), end, fetched=True)
    tag = before.rfind("<")
    if tag > before.rfind(">"):
        stop = text.find(">", end, end + _FARTHEST)
        name = _TAG.match(before, tag)
        fetched = name is not None and name[1].lower() not in _CLICKED
        return _Place(base + tag, stop + 1 if stop >= 0 else end, fetched)
    return _Place(start, end, opened.endswith(("url(", "url('", 'url("', '="', "='")))


def _bracket(text: str) -> int | None:
    """Where the bracket is opened that ends here."""
    depth = 1
    for at in range(len(text) - 1, -1, -1):
        depth += (text[at] == "]") - (text[at] == "[")
        if not depth:
            return at
    return None
