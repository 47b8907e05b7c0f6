"""E-mail addresses: where one begins, what only looks like one, and those that are written so that no program reads them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from extproc.pii.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

_FILES: Final = frozenset(
    "7z a apk avif bak bat bin bmp bz2 c cfg cjs class cmd conf cpp cs csproj css csv cts cxx db deb dll dmg doc "
    "docker dockerfile docx "
    "eot dylib eslintrc example1 exe frag gem gguf gif gitignore go gradle gz h hpp htm html ico ini ipynb jar java "
    "jpeg jpg js json "
    "img ipa iso json5 jsx kt length lib lock log lua map mjs mp3 mp4 mts ndjson node npmrc nupkg o obj onnx orig otf "
    "out parquet patch pdf php pkl png "
    "ppt pptx proto ps1 psd pth pyc pyi pyx rar rb rpm rst safetensors sass scala scss snap sql sqlite svelte svg swift "
    "tar tflite tfstate tgz tif tiff tmp toml ts tsv tsx ttf txt vue war wasm wav webm webp whl woff woff2 xls xlsx xml xz yaml "
    "yarn yml zst".split()
)
"""Ends of file names, of which none is a top-level domain, or none below which people have mail."""
_ALSO_COUNTRIES: Final = frozenset("cc ps pt py rs so".split())
"""Ends of file names that countries have too: mail of Portugal and Serbia, models and sources."""
_WITH_MAIL: Final = frozenset({"pt", "rs"})
"""Those right below which people have mail; in the others it is below `com.py` and the like."""
_SECOND_LEVEL: Final = frozenset("com org net edu gov co gob".split())
_SOURCES: Final = frozenset(
    "lib main mod index app file test tests model best last weights checkpoint setup init utils config build server client core "
    "script run train yolo encoder decoder demo parser lexer types handler routes api cli base common".split()
)
_BRANCHES: Final = frozenset(
    "main master head develop dev trunk latest release stable beta next origin staging".split()
)
_REPOSITORIES: Final = tuple(
    f"{user}@{host}."
    for user in ("git", "hg", "svn")
    for host in ("github", "gitlab", "bitbucket", "ssh.dev.azure", "codeberg", "git")
)
"""The users of whom one clones, and who have no mail."""
_DIGESTS: Final = frozenset({"md5", "sha1", "sha256", "sha384", "sha512"})
_SCALED: Final = re.compile(r"[0-9](?:\.[0-9])?x\.")
"""`icon@2x.png`."""
_MORE_LOCAL: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._%+-]{0,40}(?:['&~!#$^*`{}?/=%][A-Za-z0-9._%+-]{0,40}){1,3}\Z")
_RARE: Final = frozenset("'&~!#$^*`{}?/=")
_ENDS_BEFORE: Final = re.compile(r"[\s\"<>()\[\],;:|]")
_LONGEST_INITIALS: Final = 2
"""Signs that a local part may hold, and that are no end of a quotation, a parameter or a path."""
_QUOTED_LOCAL: Final = re.compile(r"\"(?:[^\"\\\n@]|\\.){1,64}\"@\Z")
_LONGEST_LOCAL: Final = 66

_HOST: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,62}\.){1,6}[A-Za-z]{2,24}"
_LOCAL: Final = r"[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}"
_AT: Final = re.compile(r"\\u0040|\\x40|%40|&#0{0,3}64;|&#[xX]0{0,3}40;|&commat;")
_ENCODED_SIGNS: Final = ("%40", "u0040", "\\x40", "&#", "&comm")
_HOST_AFTER: Final = re.compile(rf"{_HOST}(?![\w-])")
_LOCAL_BEFORE: Final = re.compile(r"(?<![A-Za-z0-9._%+)\\-])[A-Za-z0-9](?:[A-Za-z0-9._+-]|%2[Bb]){0,63}\Z")
_DOT: Final = (
    r"(?:\.| ?[(\[{<] ?(?:dot|DOT|Dot|\.|punkt|punto|point|ponto|kropka) ?[)\]}>] ?| (?:DOT|dot) |-dot-|_dot_)"
)
_SPELLED: Final = re.compile(
    rf"(?<![\w.%+-]){_LOCAL}(?: ?[(\[{{<] ?(?:at|AT|At|@|ät|arroba|chez|pod|zavináč|a) ?[)\]}}>] ?| AT |_at_|-at-)"
    rf"[A-Za-z0-9][A-Za-z0-9-]{{0,62}}(?:{_DOT}[A-Za-z0-9-]{{1,63}}){{1,4}}(?![\w-])"
    rf"|(?<![\w.%+-])(?:[a-z0-9]{{1,20}} dot ){{0,2}}{_LOCAL} "
    rf"(?:at [a-z0-9-]{{2,40}} (?:dot [a-z0-9-]{{2,20}} )?dot|arroba [a-z0-9-]{{2,40}} (?:punto|ponto)|"
    r"arobase [a-z0-9-]{2,40} point) (?:com|org|net|edu|gov|io|dev|de|fr|es|nl|pl|uk|br|pt|ch|eu|mx|ar)(?!\w)",
)
_AROUND: Final = 100
WORDS: Final = frozenset({"dot", "arroba", "arobase"})
"""Words at which `spelled` is worth a look."""
_MARGIN: Final = 24
"""Characters before an address in which its label stands, and between its local part and the sign."""
TORN, SPELLED = 0.85, 0.8
"""Scores: an address that a line break has torn is one all the same; one in words is more often only read as one."""
ABOVE_PARTS: Final = 0.6
"""Rank: an address goes before the names and hosts that are parts of it."""
_ENDINGS: Final = "com|org|net|edu|gov|io|de|fr|es|nl|pl|uk|br|ch|eu|example"
_TORN: Final = re.compile(
    rf"@(?:[ \t]?\r?\n[ \t>]{{0,8}}| )(?:[A-Za-z0-9-]{{1,63}}\.){{1,4}}(?:{_ENDINGS}|co|it|in|at)(?![\w-]|\.\w|\()"
    rf"|@(?:[A-Za-z0-9-]{{1,63}}\.){{0,3}}[A-Za-z0-9-]{{1,63}}(?: ?\. |\ \.|\r?\n[ \t>]{{0,8}}\.|"
    rf"\.\r?\n[ \t>]{{0,8}})(?:{_ENDINGS})(?![\w-])"
    rf"|@(?:[A-Za-z0-9-]{{1,63}}\.){{0,3}}[A-Za-z0-9]{{1,40}}-\r?\n[ \t>]{{0,8}}[A-Za-z0-9-]{{1,40}}\.(?:{_ENDINGS})(?![\w-])"
    r"|@[A-Za-z0-9-]{2,63},(?:com|org|net|co\.uk|de|fr)(?![\w-])"
    rf"|@(?:[A-Za-z0-9-]{{1,63}}\.){{0,3}}[A-Za-z0-9-]{{1,63}}。(?:{_ENDINGS})(?![\w-])"
    r"|@[A-Za-z0-9-]{1,63}(?:(?:\[\.\]|\(\.\)| ?[(\[{] ?(?:dot|DOT) ?[)\]}] ?| (?:dot|DOT) )[A-Za-z0-9-]{2,63}){1,3}(?![\w-])"
    r"|@localhost(?![\w.-])|@\[(?:[0-9.]{7,15}|IPv6:[0-9A-Fa-f:.]{2,45})\]"
)
"""A sign whose host stands on the next line or after a space, or is no domain."""


_OF_A_URL: Final = re.compile(r"://[^\s/@]{0,60}:\Z")
"""`postgres://user:` before `password@localhost`."""
_WITH_ENDING: Final = re.compile(rf"(?:[A-Za-z0-9-]{{1,63}}\.){{1,4}}(?:{_ENDINGS})(?![\w-]|\.\w|\()")
_TORN_LOCAL: Final = re.compile(
    r"(?:(?i:e-?mails?|mail|contact|reach|write|to|at)\W{1,4}|(?<![\w.@])(?=[A-Za-z0-9]{1,40}[._+0-9-]))"
    rf"(?P<local>{_LOCAL})(?: |[ \t]?\r?\n[ \t>]{{0,8}})\Z"
)
"""A local part before a gap, by the word before it or by a sign that names on their own do not hold."""


def address(text: str, start: int, end: int) -> Finding | None:
    """The address that the scan saw, whole; None for a file, an image or a digest."""
    host = text[text.rindex("@", start, end) + 1 : end]
    labels = host.lower().split(".")
    if labels[-1] in _FILES and (named := _before_ending(labels)):
        end -= len(host) - named
        host = host[:named]
        labels = host.lower().split(".")
    if labels[-1] in _FILES or _SCALED.match(host) or labels[0] in _DIGESTS:
        return None
    if labels[-1] in _ALSO_COUNTRIES and _is_source(text[start:end].lower(), labels):
        return None
    if _is_in_a_path(text, start, end) or text[start:end].lower().startswith(_REPOSITORIES):
        return None
    return Finding("EMAIL_ADDRESS", _begins(text, start), end, 1.0, ("shape",))


def _before_ending(labels: list[str]) -> int:
    """Length of the host that the ends of a file's name stand behind, 0 if none does: `example.com-v2.tar.gz`."""
    kept = list(labels)
    while len(kept) > 2 and kept[-1] in _FILES:
        kept.pop()
    domain = _DOMAIN_ENDS.match(kept[-1]) if len(kept) > 1 else None
    if domain is None or kept[0].isdigit() or (domain["top"] in _ALSO_WORDS and labels[-1] not in _DOCUMENTS):
        return 0
    return len(".".join(kept)) - len(kept[-1]) + len(domain["top"])


_ALSO_WORDS: Final = frozenset("io dev app ai me co in is".split())
_DOCUMENTS: Final = frozenset(
    "pdf doc docx csv tsv xls xlsx ppt pptx txt zip gz tgz tar 7z rar bak log png jpg jpeg "
    "gif tif tiff mp3 mp4 wav webm html htm xml".split()
)
"""Ends of what people name after somebody: `jane@corp.io.pdf`; of sources and settings they are not."""
_DOMAIN_ENDS: Final = re.compile(
    r"(?P<top>com|org|net|edu|gov|info|biz|io|dev|app|ai|me|eu|uk|us|de|fr|es|it|nl|be|ch|at|pl|se|no|dk|fi|ie|cz|sk|hu|ro|gr|ru|ua|"
    r"br|mx|ar|cl|co|in|jp|cn|kr|au|nz|za|example)(?:[-_]|\Z)"
)


def _is_source(value: str, labels: list[str]) -> bool:
    """Whether an address below a country's domain is a file at a branch or a version: `main@lib.rs`, `v8@best.pt`."""
    if len(labels) > 2 and labels[-2] in _SECOND_LEVEL:
        return False
    if labels[-1] not in _WITH_MAIL:
        return True
    local, _, host = value.rpartition("@")
    name = host.partition(".")[0]
    return local in _BRANCHES or local.strip("v.0123456789") == "" or not _SOURCES.isdisjoint(re.split("[-_0-9]", name))


def _is_in_a_path(text: str, start: int, end: int) -> bool:
    """`/npm/vue@3.4.js`: a version rather than a host."""
    return text[start - 1 : start] == "/" and text[text.rindex("@", start, end) + 1].isdigit()


def _begins(text: str, start: int) -> int:
    """Where the local part begins, before the signs that are seldom in one: `o'connor@`, `r&d@`."""
    if not start or not (text[start - 1] in _RARE or (text[start] == "%" and text[start - 1].isalnum())):
        return start
    before = text[max(0, start - _LONGEST_LOCAL) : start]
    whole = _ENDS_BEFORE.split(before)[-1]
    if len(whole) == len(before) and start > len(before):
        return start
    if "=" in whole and whole.index("=") > _LONGEST_INITIALS:
        return start  # email=ada@example.org
    if whole[:1] in _RARE or not whole[:1].isalnum() or _MORE_LOCAL.fullmatch(whole + "x") is None:
        return start
    return start - len(whole)


def spelled(text: str, start: int, end: int) -> Iterator[Finding]:
    """Addresses spelled out around a word or a host: `alice (at) example.com`, `alice at example dot com`."""
    for match in _SPELLED.finditer(text, max(0, start - _AROUND), min(len(text), end + _AROUND)):
        if match.start() < end and match.end() > start:
            yield Finding("EMAIL_ADDRESS", *match.span(), SPELLED, ("spelled out",), rank=ABOVE_PARTS)


def before_host(text: str, start: int, end: int) -> Iterator[Finding]:
    """The address of which only the host was seen: its local part is quoted, or its sign spelled out."""
    if text[start - 1] != "@":
        yield from spelled(text, start, end)
    elif local := _QUOTED_LOCAL.search(text, max(0, start - _LONGEST_LOCAL - 3), start):
        yield Finding("EMAIL_ADDRESS", local.start(), end, 1.0, ("shape",), rank=1.0)


def is_part(text: str, start: int) -> bool:
    """Whether a host that begins here may be the end of such an address."""
    before = text[start - 1]
    if before == " ":
        return text[start - 2] in ")]}>" or text.endswith(" AT", 0, start - 1)
    return before in "@)]}>" or (before == "_" and text.endswith("_at_", 0, start))


def encoded(text: str) -> Iterator[Finding]:
    """Addresses whose sign is encoded, as in URLs, JSON and HTML."""
    if not any(map(text.__contains__, _ENCODED_SIGNS)):
        return
    for sign in _AT.finditer(text):
        yield from _around(text, sign, _HOST_AFTER.match(text, sign.end()), "encoded")


def torn(text: str) -> Iterator[Finding]:
    """Addresses torn from their host, or at a host without a domain."""
    at = text.find("@")
    while at >= 0:
        match = _TORN.match(text, at)
        if match:
            yield from _around(text, match, match, "torn")
        elif text[at - 1 : at] in ("\n", " ") and (host := _WITH_ENDING.match(text, at + 1)):
            local = _TORN_LOCAL.search(text, max(0, at - _LONGEST_LOCAL - _MARGIN), at)
            if local:
                yield Finding(
                    "EMAIL_ADDRESS", local.start("local"), host.end(), TORN, ("shape", "torn"), rank=ABOVE_PARTS
                )
        at = text.find("@", at + 1)


def _around(text: str, sign: re.Match[str], host: re.Match[str] | None, how: str) -> Iterator[Finding]:
    """The address of this sign and this host, if a local part stands before it."""
    at = sign.start()
    if sign.group().startswith("@ ") and text[at - 1 : at] == " ":
        at -= 1
    local = _LOCAL_BEFORE.search(text, max(0, at - _LONGEST_LOCAL), at) if host else None
    if host and local and not _OF_A_URL.search(text, max(0, local.start() - _LONGEST_LOCAL), local.start()):
        yield Finding("EMAIL_ADDRESS", local.start(), host.end(), TORN, ("shape", how), rank=ABOVE_PARTS)
