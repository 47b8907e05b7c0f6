"""Credentials where a protocol or a program expects them: authorization and cookie headers, command lines, JDBC URLs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from extproc.pii.finding import Finding
from extproc.pii.passwords import LABELLED
from extproc.pii.secrets import is_random
from extproc.pii.stand_ins import is_stand_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HEADER_SCORE, DATABASE_SCORE = 0.85, 0.9
"""A header's name says more than the word password in a sentence, and the URL of a database more than that."""
ABOVE_LABELS, WHOLE = 0.6, 3.0
"""Ranks: what a protocol delimits goes as a whole before what a label reads of it; a URL before all that stands in it."""

_OPENS: Final = r"""["'`\\]{0,3}\]?[ \t]{0,4}(?:[:=]|=>)[ \t]{0,4}(?:\\?["'`])?"""
_AUTHORIZATION: Final = re.compile(
    _OPENS
    + r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9_-]{1,24})[ \t]{1,4})?(?P<value>[^\s\"'`,;<>\\{}]{8,4096}|[A-Za-z_]{1,32}=(?=\\?\"))"
)
_PARAMETERS: Final = re.compile(
    r"[A-Za-z_]{1,32}=(?:\\?\"[^\"\n]{0,512}\"|[^\s,\"'`]{1,512})"
    r"(?:,[ \t]{0,4}[A-Za-z_]{1,32}=(?:\\?\"[^\"\n]{0,512}\"|[^\s,\"'`]{1,512})){0,20}"
)
_SCHEMES: Final = frozenset(
    "basic bearer token digest negotiate ntlm hoba mutual oauth hawk apikey bot splunk ssws geniekey key dpop gnap "
    "aws4-hmac-sha256 sharedkey sharedkeylite sharedaccesssignature privatetoken jwt discogs klaviyo-api-key "
    "googlelogin zoho-oauthtoken deepl-auth-key snowflake".split()
)
_COOKIES: Final = re.compile(_OPENS + r"(?P<pairs>[^\n\"'`]{6,4096})")
_COOKIE: Final = re.compile(r"(?:\A|;\s?)(?P<name>[^=;\s]{1,64})=(?P<value>[^;\s\"]{6,4096})")
_SESSIONS: Final = re.compile(
    r"sess|sid|auth|token|csrf|xsrf|jwt|remember|login|secret|ticket|credential", re.IGNORECASE
)

_VALUE: Final = r"""(?:"(?P<double>[^"\n]{1,128})"|'(?P<single>[^'\n]{1,128})'|(?P<bare>[^\s"'`|;&<>]{1,128}))"""
_LINE: Final = re.compile(r"(?:'[^'\n]{0,200}'|[^\n\\;|]|\\\r?\n|\\.){0,400}")
_PIPELINE: Final = re.compile(r"[^\n;]{0,400}")
_BEFORE: Final = r"(?:^|\s)"


def _option(names: str, *, after: str = "", apart: str = r"[ =]{1,2}") -> re.Pattern[str]:
    return re.compile(rf"{after}{_BEFORE}(?:{names}){apart}{_VALUE}", re.DOTALL)


_USER_AND_PASSWORD: Final = _option(r"-u|--user|--proxy-user|-U|-a|--auth|--basic", apart=r"[ =]{0,2}")
_LOGIN: Final = _option(r"-p|--password|--pass", after=r"\blogin\b[^\n]{0,300}?")
_GLUED: Final = _option("-p", apart="(?=[^\\s-])")
_SMALL_P: Final = _option(r"-p|--password", apart="[ =]{0,2}")
_LARGE_P: Final = _option("-P", apart="[ =]?")
_PIPED: Final = re.compile(
    rf"\s(?:-n\s)?{_VALUE}\s*\|[^\n]{{0,200}}(?:--password-stdin|\bsudo -S|\bchpasswd|\bpasswd|--passphrase-fd 0|-pass stdin)"
)
_COMMANDS: Final[dict[str, tuple[re.Pattern[str], str]]] = (
    dict.fromkeys("curl http https wget xh httpie".split(), (_USER_AND_PASSWORD, ":"))
    | dict.fromkeys("mysql mysqldump mysqladmin mysqlimport mariadb".split(), (_GLUED, ""))
    | dict.fromkeys("docker podman buildah skopeo helm oras crane nerdctl az oc argocd registry".split(), (_LOGIN, ""))
    | dict.fromkeys(
        "sshpass mongo mongosh mongodump mongorestore mongoexport mongoimport winrm".split(), (_SMALL_P, "")
    )
    | dict.fromkeys("redis valkey keydb".split(), (_option("-a|--pass", apart="[ =]{1,2}"), ""))
    | dict.fromkeys("ldapsearch ldapadd ldapmodify ldapwhoami ldapdelete".split(), (_option("-w", apart=" ?"), ""))
    | dict.fromkeys("sqlcmd bcp isql osql unzip zip ipmitool".split(), (_LARGE_P, ""))
    | dict.fromkeys("smbclient rpcclient smbmap".split(), (_option("-U", apart="[ =]?"), "%"))
    | dict.fromkeys("openssl keytool".split(), (_option("-pass(?:in|out)? pass:|-storepass |-keypass ", apart=""), ""))
    | dict.fromkeys(("login",), (_SMALL_P, ""))
    | dict.fromkeys("echo printf".split(), (_PIPED, ""))
    | dict.fromkeys(("net",), (re.compile(rf"\suser\s+[^\s/]+\s+{_VALUE}(?=[^\n]*\s/(?:add|domain|active))"), ""))
    | dict.fromkeys(("htpasswd",), (re.compile(rf"\s-[A-Za-z]*b[A-Za-z]*\s+\S+\s+\S+\s+{_VALUE}"), ""))
    | dict.fromkeys("sqlplus impdp expdp sqlldr".split(), (re.compile(rf"\s{_VALUE}"), "/"))
)
"""Program -> where its password stands, and what parts it from the user's name."""
_JDBC: Final = re.compile(r":oracle:[a-z]{1,8}:(?P<value>[^\s/@\"']{1,64}/[^\s@\"']{1,128})@")
_LEAKS: Final = "pasted leaked leaking exposed compromised revoke revoked rotate rotated".split()
KEYS: Final = frozenset({"authorization", "cookie", "jdbc", *_LEAKS, *_COMMANDS})
"""Words at which `credentials` is worth a look."""


def credentials(text: str, start: int, end: int) -> Iterator[Finding]:
    """What stands after one of these words."""
    word = text[start:end].lower()
    if word in _COMMANDS:
        yield from _command(text, end, *_COMMANDS[word])
    elif word in _HEADERS:
        yield from _HEADERS[word](text, end)


def _authorization(text: str, at: int) -> Iterator[Finding]:
    match = _AUTHORIZATION.match(text, at)
    if match is None:
        return
    start, end = match.span("value")
    value, known = match["value"], (match["scheme"] or "").lower() in _SCHEMES
    parameters = _PARAMETERS.match(text, start)
    if parameters and "," in parameters.group() and (known or '"' in parameters.group()):
        end = parameters.end()
    elif (
        is_stand_in(value)
        or "(" in value
        or not (
            is_random(value.rstrip("="))
            or (known and (any(map(str.isdigit, value)) or value.endswith("=") or len(value) > 15))
        )
    ):
        return
    rank = WHOLE if parameters and end == parameters.end() else ABOVE_LABELS
    yield Finding("PASSWORD", start, end, HEADER_SCORE, ("authorization header",), rank=rank)


def _cookies(text: str, at: int) -> Iterator[Finding]:
    match = _COOKIES.match(text, at)
    if match is None:
        return
    offset = match.start("pairs")
    for cookie in _COOKIE.finditer(match["pairs"]):
        value = cookie["value"]
        if is_stand_in(value) or not (is_random(value) or (_SESSIONS.search(cookie["name"]) and len(value) >= 8)):
            continue
        yield Finding(
            "PASSWORD",
            offset + cookie.start("value"),
            offset + cookie.end("value"),
            LABELLED,
            ("cookie",),
            rank=ABOVE_LABELS,
        )


def _jdbc(text: str, at: int) -> Iterator[Finding]:
    match = _JDBC.match(text, at)
    if match is not None:
        yield Finding(
            "URL_CREDENTIALS", *match.span("value"), DATABASE_SCORE, ("user and password of a database",), rank=WHOLE
        )


def _command(text: str, at: int, option: re.Pattern[str], parted: str) -> Iterator[Finding]:
    line = (_PIPELINE if option is _PIPED else _LINE).match(text, at)
    match = option.search(line.group()) if line else None
    if match is None:
        return
    name = match.lastgroup or "bare"
    value = match[name]
    secret = value.partition(parted)[2] if parted else value
    if len(secret) < 4 or is_stand_in(secret) or secret.startswith("-"):
        return
    start, end = match.span(name)
    yield Finding("PASSWORD", at + start, at + end, LABELLED, ("command line",), rank=ABOVE_LABELS)


_LEAKED: Final = re.compile(
    r"[^\n.!?;=]{0,48}?(?<![\w/.:@-])(?P<value>[A-Za-z0-9_-]{2,40}[A-Za-z0-9_.~+=-]{18,400})(?![\w/@:])"
)
_HEX: Final = re.compile(r"[0-9a-f-]+|[0-9A-F-]+")


def _leaked(text: str, at: int) -> Iterator[Finding]:
    """What somebody says has leaked, if nobody wrote it: `I pasted …`, `revoke …`."""
    match = _LEAKED.match(text, at)
    value = match["value"].rstrip(".=") if match else ""
    if match is None or _HEX.fullmatch(value) or value.islower() or not is_random(value) or is_stand_in(value):
        return
    yield Finding(
        "SECRET_KEY",
        match.start("value"),
        match.start("value") + len(value),
        LABELLED,
        ("said to have leaked", "random"),
    )


_HEADERS: Final[dict[str, Callable[[str, int], Iterator[Finding]]]] = {
    "authorization": _authorization,
    "cookie": _cookies,
    "jdbc": _jdbc,
    **dict.fromkeys(_LEAKS, _leaked),
}
