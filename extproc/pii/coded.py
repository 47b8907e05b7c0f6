"""Runs of letters and digits that say something to people: base64, base32, base85, hexadecimal, and dumps of them.

Such a run is masked whole. What begins one is looked for in C: in most texts that is all.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import re
import zlib
from typing import TYPE_CHECKING, Final

from extproc.slices import checkpoint, in_slices

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Run = tuple[int, int, str]
"""Start, end, and what it says."""

SHORTEST: Final = 24
"""Characters of base64: 18 bytes. Shorter ones hold no more than a word."""
_RUN: Final = b"x" * SHORTEST
_LINE: Final = 16
"""Characters of a line of base64 that goes on in the next one, at least."""
_END_OF_LINE: Final = b"x" * _LINE + b"\n"
_LONGEST_LINE: Final = 128
_MOST_LINES: Final = 4096
_TRIED: Final = 4
"""Lines by which it is told whether all of them say anything."""
_MARKED: Final = bytes(
    0x78 if chr(i).isascii() and (chr(i).isalnum() or chr(i) in "+/_-") else 0x0A if chr(i) in "\r\n" else 0x20
    for i in range(256)
)
_WORD: Final = re.compile(r"[A-Za-z0-9+/_-]+")
_NEXT_LINE: Final = re.compile(r"(?:\\r)?\\n|[\"']?[ \t]{0,4}[+.,\\]?[ \t]{0,4}\r?\n[ \t>|*#]{0,24}[\"']?")
"""What parts two lines of one run: a break, an indentation or a sign of quotation, the quotes of a string in code."""
_A_WORD: Final = re.compile(r"[A-Z]?[a-z]{1,9}|[0-9_-]+")
"""What begins the next line of a text rather than ends what is coded."""
_NEAR: Final = 8
"""Characters between a line and its break."""
_GAPS: Final = "\t\n\r\f"
_WITHOUT_GAPS: Final = str.maketrans(dict.fromkeys(_GAPS))
_HEX: Final = re.compile("(?:[0-9A-Fa-f]{2})+")
_GZIP: Final = b"\x1f\x8b"
_GZIP_CODED: Final = "H4sI"
_HEAD: Final = 4096
"""Characters by which it is told whether a long run says anything: a few megabytes at once would hold up all others."""
_LONGEST_UNPACKED: Final = 1 << 16
"""Bytes of what is packed that are looked at: a value further on is not seen."""
_DEEPEST: Final = 3
"""Of one coding within another."""
_OFTEN: Final = 256
"""Runs that are read in a slice."""
_BREAK: Final = r",? ?\r?\n[ \t]{0,24}"
_PAIRS: Final = re.compile(
    rf"(?<![0-9A-Za-z])(?:0[xX])?[0-9A-Fa-f]{{2}}(?P<by>[ :]|, ?)(?:0[xX])?[0-9A-Fa-f]{{2}}"
    rf"(?:(?:(?P=by)|{_BREAK})(?:0[xX])?[0-9A-Fa-f]{{2}}){{6,}}(?![0-9A-Za-z])"
)
_FOURS: Final = re.compile(
    rf"(?<![0-9A-Za-z])[0-9A-Fa-f]{{4}}(?:(?: |{_BREAK})[0-9A-Fa-f]{{4}}){{4,}}(?:(?: |{_BREAK})[0-9A-Fa-f]{{2}})?(?![0-9A-Za-z])"
)
"""Bytes in hexadecimal, one by one or in twos, on a line or on several."""
_HEX_ALONE: Final = bytes(0x78 if chr(i) in "0123456789abcdefABCDEF" else 0x20 for i in range(256))
_PARTING: Final = b" ,:xX\r\n"
_MANY: Final = b"x" * 24
"""So many digits in hexadecimal, whatever parts them, hold twelve bytes."""
_SIGNS_OF_ROWS: Final = (
    (b"xx xx xx xx xx xx xx xx", _PAIRS),
    (b"xxxx xxxx xxxx xxxx xxxx", _PAIRS),
    (b"xxxx xxxx xxxx xxxx xxxx", _FOURS),
)
_BYTE: Final = re.compile("[0-9A-Fa-f]{2}")
_DUMPED: Final = ("0010:", "0010 ")
"""The second line of a dump begins with the number of its first byte."""
_DUMP_LINE: Final = re.compile(
    r"[ \t]{0,8}(?:0x)?(?P<at>[0-9A-Fa-f]{4,16}):?[ \t]{1,4}"
    r"(?P<bytes>[0-9A-Fa-f]{2,4}(?: {1,2}[0-9A-Fa-f]{2,4}){0,31})(?:[ \t]{1,64}[^\n]{0,40})?\r?(?:\n|\Z)"
)
_WIDEST: Final = 64
_ASCII85: Final = re.compile(r"<~([!-uz\s]{16,65536})~>")
_LEAST_85: Final = 30
_RUN_85: Final = b"x" * _LEAST_85
"""Five bytes of base85 hold four of a text, of which the first says in which range their first sign is: that of letters."""
_B85: Final = bytes(
    0x78 if chr(i).isascii() and (chr(i).isalnum() or chr(i) in "!#$%&()*+;<=>?@^_`{|}~-") else 0x20 for i in range(256)
)
_TEXT_85: Final = re.compile(
    r"(?=(?:[^A-Za-z\s]{0,8}[A-Za-z]){4})(?:[A-Za-e][0-9A-Za-z!#$%&()*+;<=>?@^_`{|}~-]{4}){5}[0-9A-Za-z!#$%&()*+;<=>?@^_`{|}~-]*"
)
_LONGEST_85: Final = 8192


def runs(text: str, depth: int = 0) -> list[Run]:
    """Those of letters and digits, in order. Signs are marked first: where none are beside each other, that is all."""
    if len(text) < SHORTEST:
        return []
    marked = text.encode("latin-1", "replace").translate(_MARKED)  # one byte for each character
    found: list[Run] = []
    if _RUN in marked:
        found += _words(text, marked, _RUN, depth)
    if b"\n" in marked and _END_OF_LINE in marked:
        found += _short_lines(text, marked, depth)
    return _apart(found)


def rare(text: str, depth: int = 0) -> list[Run]:
    """Dumps of bytes and base85, which hardly any text holds: looked for in a text as it stands."""
    if len(text) < SHORTEST:
        return []
    raw = text.encode("latin-1", "replace")
    found: list[Run] = []
    if _MANY in raw.translate(_HEX_ALONE, _PARTING):
        parted = raw.translate(_MARKED).replace(b"  ", b" ")
        for pattern in {pattern for sign, pattern in _SIGNS_OF_ROWS if sign in parted}:
            found += _rows(text, pattern, depth)
        if any(sign in text for sign in _DUMPED):
            found += _dumps(text, depth)
    solid = raw.translate(_B85)
    if _RUN_85 in solid and raw != raw.lower():
        found += _base85(text, solid)
    if "<~" in text:
        found += _framed(text)
    return _apart(found)


def all_runs(text: str, depth: int = 0) -> list[Run]:
    """Both."""
    found = runs(text, depth)
    more = rare(text, depth)
    return _apart(found + more) if more else found


def _apart(found: list[Run]) -> list[Run]:
    """In order, of those that overlap the longest."""
    if len(found) < 2:
        return found
    kept: list[Run] = []
    for run in sorted(found, key=lambda run: (run[0], -run[1])):
        if kept and run[0] < kept[-1][1]:
            if run[1] - run[0] > kept[-1][1] - kept[-1][0]:
                kept[-1] = run
            continue
        kept.append(run)
    return kept


def _words(text: str, marked: bytes, sign: bytes, depth: int) -> Iterator[Run]:
    """What stands in one piece, or on the lines that it begins."""
    start, tried, count = marked.find(sign), 0, 0
    word_at = _WORD.match
    while start >= 0:
        word = word_at(text, start)
        end = word.end() if word else start + 1
        if text.startswith(("0x", "0X"), start):
            start += 2
        run = None
        if start >= tried and (text.find("\n", end, end + _NEAR) >= 0 or text.startswith("\\", end)):
            run, tried = _wrapped(text, start, end, depth)
        if run is None and (said := _decoded(text[start:end], depth)) is not None:
            run = (start, end, said)
        if run is not None:
            run = _padded(text, run)
            end = run[1]
            yield run
        start = marked.find(sign, end)
        count += 1
        if count % _OFTEN == 0:
            checkpoint()


def _short_lines(text: str, marked: bytes, depth: int) -> Iterator[Run]:
    """What stands on lines that are too short to say anything one by one."""
    at = marked.find(_END_OF_LINE)
    done = 0
    while at >= 0:
        start, done = at, max(done, at + _LINE)
        while start > max(0, at - SHORTEST) and marked[start - 1] == 0x78:
            start -= 1
        end = at + _LINE
        if start > at - SHORTEST and end - start < SHORTEST and not text[start:end].isdigit():
            run, done = _wrapped(text, start, end, depth)
            if run is not None:
                yield _padded(text, run)
        at = marked.find(_END_OF_LINE, done)


def _padded(text: str, run: Run) -> Run:
    """A run with the signs that fill it up."""
    end = run[1]
    while end < len(text) and text[end] == "=":
        end += 1
    return run[0], end, run[2]


def _wrapped(text: str, start: int, end: int, depth: int) -> tuple[Run | None, int]:
    """The run of the lines of which the first is a word, and up to where there is none if it says nothing."""
    width = end - start
    if width > _LONGEST_LINE or _NEXT_LINE.match(text, end) is None:
        return None, end
    parts, ends = [text[start:end]], [end]
    for nth in range(1, _MOST_LINES):
        gap = _NEXT_LINE.match(text, ends[-1])
        word = _WORD.match(text, gap.end()) if gap else None
        if word is None or len(word[0]) > width:
            break
        parts.append(word[0])
        ends.append(word.end())
        if nth == _TRIED - 1 and _decoded("".join(parts)[: width * nth // 4 * 4], _DEEPEST) is None:
            return None, ends[-1]
        if len(word[0]) < width:
            break
    if len(parts[-1]) < width and _A_WORD.fullmatch(parts[-1]) and len("".join(parts[:-1])) % 4 == 0:
        parts.pop()
        ends.pop()
    while len(parts) > 1:
        said = _decoded("".join(parts), depth)
        if said is not None:
            return (start, ends[-1], said), ends[-1]
        if len(parts[-1]) == width:
            break
        parts.pop()  # it was the first word of what follows
        ends.pop()
    return None, ends[-1]


def _rows(text: str, pattern: re.Pattern[str], depth: int) -> Iterator[Run]:
    """Bytes in hexadecimal with signs between them."""
    for row in in_slices(pattern.finditer(text), _OFTEN):
        said = _text_of(bytes.fromhex("".join(_BYTE.findall(row[0]))), depth)
        if said is not None:
            yield *row.span(), said


def _dumps(text: str, depth: int) -> Iterator[Run]:
    """Lines that begin with the number of their first byte, as `xxd` and `hexdump -C` write them."""
    at, lines = 0, list[re.Match[str]]()
    while at >= 0:
        line = _DUMP_LINE.match(text, at)
        goes_on = line is not None and (not lines or _width(lines[-1], line) > 0)
        if lines and not goes_on:
            yield from _dump(lines, depth)
            lines = []
        if line is not None:
            lines.append(line)
        at = text.find("\n", at) + 1 or -1
    yield from _dump(lines, depth)


def _width(line: re.Match[str], following: re.Match[str]) -> int:
    """Bytes of a line, by the numbers of it and of the next one; 0 where the next is none."""
    width = int(following["at"], 16) - int(line["at"], 16)
    return width if 0 < width <= _WIDEST else 0


def _dump(lines: list[re.Match[str]], depth: int) -> Iterator[Run]:
    if len(lines) < 2:
        return
    width = _width(lines[0], lines[1])
    data = b"".join(bytes.fromhex("".join(_BYTE.findall(line["bytes"])))[:width] for line in lines)
    said = _text_of(data, depth)
    if said is not None:
        yield lines[0].start(), lines[-1].end(), said


def _framed(text: str) -> Iterator[Run]:
    """Ascii85 between its signs."""
    for framed in _ASCII85.finditer(text):
        said = _of_85(base64.a85decode, framed[1])
        if said is not None:
            yield *framed.span(), said


def _base85(text: str, solid: bytes) -> Iterator[Run]:
    """What reads as text in base85: where its signs begin, or behind an equals sign among the first."""
    start = solid.find(_RUN_85)
    while start >= 0:
        end = solid.find(b" ", start)
        end = len(text) if end < 0 else end
        opened = text.find("=", start, start + _LEAST_85) + 1
        for at in (start, opened) if opened else (start,):
            match = _TEXT_85.match(text, at, min(end, at + _LONGEST_85))
            said = _of_85(base64.b85decode, match[0]) if match else None
            checkpoint()
            if match and said is not None:
                yield *match.span(), said
                break
        start = solid.find(_RUN_85, end)


def _of_85(decode: Callable[[str], bytes], run: str) -> str | None:
    try:
        said = decode(run).decode("ascii")
    except ValueError:
        return None
    return said if _says(said) else None


def _decoded(run: str, depth: int) -> str | None:
    """What base64, base32 or hexadecimal says to people; None: nothing, as of an id or a hash."""
    try:
        if len(run) > _HEAD and not run.startswith(_GZIP_CODED):
            head = _bytes(run[:_HEAD])
            if not _says(codecs.getincrementaldecoder("utf-8")().decode(head)):
                return None
        return _text_of(_bytes(run), depth)
    except (binascii.Error, ValueError, zlib.error):
        return None


def _text_of(data: bytes, depth: int) -> str | None:
    """The text of these bytes, and of what is coded in it once more."""
    try:
        said = data.decode()
    except UnicodeDecodeError:
        return None
    if not _says(said):
        return None
    if depth < _DEEPEST and len(said) >= SHORTEST:
        at, parts = 0, list[str]()
        for start, end, inner in all_runs(said, depth + 1):
            parts += (said[at:start], inner)
            at = end
        said = "".join((*parts, said[at:]))
    return said


def _says(said: str) -> bool:
    return said.translate(_WITHOUT_GAPS).isprintable() and any(map(str.isalnum, said))


def _bytes(run: str) -> bytes:
    head = run[:_HEAD]
    if not head.islower() and not head.isupper() and not head.isdigit():
        if len(run) % 4 == 1:
            return b""
        data = base64.b64decode(run.replace("-", "+").replace("_", "/") + "=" * (-len(run) % 4), validate=True)
        return zlib.decompressobj(31).decompress(data, _LONGEST_UNPACKED) if data.startswith(_GZIP) else data
    if _HEX.fullmatch(run):
        return bytes.fromhex(run)
    return base64.b32decode(run + "=" * (-len(run) % 8)) if head.isupper() else b""
