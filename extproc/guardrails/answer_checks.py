"""What is looked for in answers: links to hosts that are not listed, the system prompt said again, code where none is wanted."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from extproc.payload.conversation import code_share

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from extproc.config.guardrails import CodeGuard, EchoGuard, LinksGuard
    from extproc.guardrails.answers import Span

_URL: Final = re.compile(
    r"""!?\[[^\]\n]{0,300}\]\(\s*<?(?P<markdown>(?:[a-z][a-z0-9+.-]{0,20}:)?//[^\s)>]{1,2000}|data:[^\s)>]{1,4000})[^)\n]{0,300}\)"""
    r"""|<(?:img|a|iframe|script|link|video|audio|source|object|embed|form)\b[^>]{0,500}?(?:src|href|data|action)\s*=\s*["']?(?P<html>(?:[a-z][a-z0-9+.-]{0,20}:)?//[^\s"'>]{1,2000}|data:[^\s"'>]{1,4000})[^>]{0,500}>?"""
    r"""|(?P<bare>\b(?:https?|ftp|wss?)://[^\s<>"')\]]{1,2000}|\bwww\.[^\s<>"')\]]{2,2000})""",
    re.IGNORECASE,
)
_HOST: Final = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?//(?:[^/?#\\@]*@)?(\[[0-9a-f:.]+\]|[^/?#\\:@\s]+)", re.IGNORECASE)
_WORD: Final = re.compile(r"[^\W_]+")
_RUN: Final = 6
"""Words of a run that is compared."""
_FENCE: Final = "```"
_LEAST_CODE: Final = 0.5


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
        if "//" not in sentence and "www." not in sentence.lower() and "data:" not in sentence.lower():
            return ()
        return [match.span() for match in _URL.finditer(sentence) if self._is_at_fault(match)]

    def _is_at_fault(self, match: re.Match[str]) -> bool:
        if self._images_only and not (match[0].startswith("!") or match[0].lower().startswith("<img")):
            return False
        url = match["markdown"] or match["html"] or match["bare"]
        if url.lower().startswith("www."):
            url = f"//{url}"
        host = _HOST.match(url)
        # a browser reads what is no host of a name in its own way: not listed
        return host is None or not any(fnmatchcase(host[1].lower().rstrip("."), allowed) for allowed in self._hosts)


class Echo:
    """What the request held as instructions, said again: as many words in a row as are no accident."""

    def __init__(self, guard: EchoGuard, system: Iterable[str], user: Iterable[str]) -> None:
        """`user`: what the caller said anyhow is no secret."""
        self.words = guard.words
        self.runs = _runs(system) - _runs(user)

    def inspector(self) -> _EchoInspector:
        """See Inspects."""
        return _EchoInspector(self)


class _EchoInspector:
    def __init__(self, echo: Echo) -> None:
        self._echo = echo
        self._before: list[str] = []
        """The last words of the sentences before."""
        self._in_row = 0
        """How many of the words so far, at the end, are in the instructions in this order."""

    def look(self, sentence: str) -> Sequence[Span]:
        """See Inspector."""
        words = [match[0].casefold() for match in _WORD.finditer(sentence)]
        said = self._before + words
        most = 0
        for at in range(max(_RUN - 1, len(self._before)), len(said)):
            run = hash(tuple(said[at - _RUN + 1 : at + 1]))
            self._in_row = (self._in_row + 1 if self._in_row else _RUN) if run in self._echo.runs else 0
            most = max(most, self._in_row)
        self._before = said[-(_RUN - 1) :]
        return [(0, len(sentence))] if most >= self._echo.words else ()


def _runs(texts: Iterable[str]) -> frozenset[int]:
    found: set[int] = set()
    for text in texts:
        words = [match[0].casefold() for match in _WORD.finditer(text)]
        found.update(hash(tuple(words[at : at + _RUN])) for at in range(len(words) - _RUN + 1))
    return frozenset(found)


class Code:
    """Code, fenced or not."""

    def __init__(self, _guard: CodeGuard) -> None:
        return

    def inspector(self) -> _CodeInspector:
        """See Inspects."""
        return _CodeInspector()


class _CodeInspector:
    def __init__(self) -> None:
        self._fenced = False

    def look(self, sentence: str) -> Sequence[Span]:
        """See Inspector."""
        fences = sentence.count(_FENCE)
        code = self._fenced or fences > 0 or code_share(sentence) > _LEAST_CODE
        self._fenced ^= bool(fences % 2)
        return [(0, len(sentence))] if code and sentence.strip() else ()
