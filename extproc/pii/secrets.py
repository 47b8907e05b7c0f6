"""Keys and tokens by the prefix that their vendor gives them; JSON web tokens; PEM blocks; wallets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from extproc.pii import checksums
from extproc.pii.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

_B64 = r"[A-Za-z0-9_-]"
VENDORS: dict[str, str] = {
    "AKIA": r"AKIA[A-Z0-9]{16}",
    "ASIA": r"ASIA[A-Z0-9]{16}",
    "AROA": r"AROA[A-Z0-9]{16,17}",
    "AIDA": r"AIDA[A-Z0-9]{16,17}",
    "ABIA": r"ABIA[A-Z0-9]{16}",
    "AIza": rf"AIza{_B64}{{35}}",
    "ya29": r"ya29\.[A-Za-z0-9_.-]{20,}",
    "GOCSPX": rf"GOCSPX-{_B64}{{20,}}",
    "ghp": r"ghp_[A-Za-z0-9]{30,}",
    "gho": r"gho_[A-Za-z0-9]{30,}",
    "ghu": r"ghu_[A-Za-z0-9]{30,}",
    "ghs": r"ghs_[A-Za-z0-9]{30,}",
    "ghr": r"ghr_[A-Za-z0-9]{30,}",
    "github": r"github_pat_[A-Za-z0-9_]{22,}",
    "glpat": rf"glpat-{_B64}{{18,}}",
    "gldt": rf"gldt-{_B64}{{18,}}",
    "glrt": rf"glrt-{_B64}{{18,}}",
    "glptt": rf"glptt-{_B64}{{18,}}",
    "xoxb": r"xoxb-[A-Za-z0-9-]{10,}",
    "xoxp": r"xoxp-[A-Za-z0-9-]{10,}",
    "xoxa": r"xoxa-[A-Za-z0-9-]{10,}",
    "xoxr": r"xoxr-[A-Za-z0-9-]{10,}",
    "xoxs": r"xoxs-[A-Za-z0-9-]{10,}",
    "xoxe": r"xoxe[.-][A-Za-z0-9.-]{10,}",
    "xapp": r"xapp-[0-9]-[A-Za-z0-9-]{10,}",
    "sk": rf"sk-(?:proj-|svcacct-|admin-|ant-|or-v1-|lf-)?(?={_B64}*[0-9]){_B64}{{20,}}|sk_(?:live|test)_[A-Za-z0-9]{{10,}}",
    "pk": r"pk_(?:live|test)_[A-Za-z0-9]{10,}|pk-lf-[a-f0-9-]{20,}",
    "rk": r"rk_(?:live|test)_[A-Za-z0-9]{10,}",
    "whsec": r"whsec_[A-Za-z0-9+/=]{20,}",
    "hf": r"hf_[A-Za-z0-9]{30,}",
    "npm": r"npm_[A-Za-z0-9]{36}",
    "pypi": rf"pypi-{_B64}{{50,}}",
    "SG": rf"SG\.{_B64}{{16,}}\.{_B64}{{16,}}",
    "sg": rf"sg\.{_B64}{{16,}}\.{_B64}{{16,}}",
    "dop": r"dop_v1_[a-f0-9]{64}",
    "doo": r"doo_v1_[a-f0-9]{64}",
    "dckr": rf"dckr_pat_{_B64}{{20,}}",
    "shpat": r"shpat_[a-fA-F0-9]{32}",
    "shpss": r"shpss_[a-fA-F0-9]{32}",
    "shpca": r"shpca_[a-fA-F0-9]{32}",
    "sq0atp": rf"sq0atp-{_B64}{{22,}}",
    "sq0csp": rf"sq0csp-{_B64}{{43}}",
    "EAAA": rf"EAAA{_B64}{{60}}",
    "EAAC": r"EAAC[A-Za-z0-9]{40,}",
    "key": r"key-[0-9a-f]{32}",
    "rubygems": r"rubygems_[a-f0-9]{48}",
    "lin": r"lin_api_[A-Za-z0-9]{40}",
    "ntn": r"ntn_[A-Za-z0-9]{40,}",
    "secret": r"secret_[A-Za-z0-9]{43}",
    "dapi": r"dapi[a-f0-9]{32}",
    "gsk": r"gsk_[A-Za-z0-9]{40,}",
    "xai": r"xai-[A-Za-z0-9]{60,}",
    "pplx": r"pplx-[A-Za-z0-9]{40,}",
    "r8": r"r8_[A-Za-z0-9]{36,}",
    "nvapi": rf"nvapi-{_B64}{{50,}}",
    "figd": rf"figd_{_B64}{{30,}}",
    "PMAK": r"PMAK-[a-f0-9]{24}-[a-f0-9]{34}",
    "NRAK": r"NRAK-[A-Z0-9]{27}",
    "hvs": rf"hvs\.{_B64}{{24,}}",
    "hvb": rf"hvb\.{_B64}{{24,}}",
    "tfp": rf"tfp_{_B64}{{40,}}",
    "atlasv1": r"[a-zA-Z0-9]{14}\.atlasv1\.[A-Za-z0-9_-]{60,}",
    "AC": r"AC[a-f0-9]{32}",
    "SK": r"SK[a-f0-9]{32}",
    "eyJ": rf"eyJ{_B64}{{8,}}\.eyJ{_B64}{{8,}}(?:\.{_B64}*)?",
    "AGE": r"AGE-SECRET-KEY-1[A-Z0-9]{58}",
    "sbp": r"sbp_[a-f0-9]{40}",
    "glc": r"glc_[A-Za-z0-9+/=]{32,}",
    "glsa": r"glsa_[A-Za-z0-9]{32}_[a-f0-9]{8}",
    "ATATT": rf"ATATT3{_B64}{{50,}}=?{_B64}*",
    "sntrys": r"sntrys_[A-Za-z0-9+/=_]{40,}",
    "phc": r"phc_[A-Za-z0-9]{40,}",
    "v1.0-": r"v1\.0-[a-f0-9]{24}-[a-f0-9]{140,}",
    "mfa": rf"mfa\.{_B64}{{80,}}",
    "PRIVATE": r"(?!)",
}
"""What a token begins with -> the whole of it."""
_COMPILED = {prefix: re.compile(pattern) for prefix, pattern in VENDORS.items()}
_WIDTHS = sorted({len(prefix) for prefix in VENDORS})
KEYS = frozenset(
    set(VENDORS) | {prefix.lower() for prefix in VENDORS} | {prefix[:4] for prefix in VENDORS if len(prefix) >= 4}
)
"""Words, and beginnings of words, at which `vendor_key` is worth a look."""
_STARTS = frozenset(prefix[:2] for prefix in VENDORS)
_TELEGRAM = re.compile(rf"[0-9]{{8,10}}:AA{_B64}{{33}}")
_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?)-----")
_WALLET = re.compile(
    r"(?:bc1|tb1)[02-9ac-hj-np-z]{11,71}|[13][1-9A-HJ-NP-Za-km-z]{25,34}|0x[0-9a-fA-F]{40}|[LM][1-9A-HJ-NP-Za-km-z]{26,33}|T[1-9A-HJ-NP-Za-km-z]{33}"
)


def vendor_key(text: str, start: int) -> Finding | None:
    """The key that begins here."""
    if start and (text[start - 1].isalnum() or text[start - 1] in "_-"):
        return None
    if text[start : start + 2] not in _STARTS:
        return None
    for width in _WIDTHS:
        pattern = _COMPILED.get(text[start : start + width])
        if pattern is None:
            continue
        match = pattern.match(text, start)
        if match is None:
            continue
        following = text[match.end() : match.end() + 1]
        if following.isalnum():
            continue
        kind = "JWT" if match.group().startswith("eyJ") else "SECRET_KEY"
        return Finding(kind, start, match.end(), 0.97, ("vendor prefix",), rank=2.0)
    return None


def private_keys(text: str) -> Iterator[Finding]:
    """The PEM blocks of private keys, each to its end or to the end of the text."""
    at = text.find("-----BEGIN ")
    while at >= 0:
        finding = _private_key(text, at)
        if finding is not None:
            yield finding
        at = text.find("-----BEGIN ", finding.end if finding else at + 11)


def _private_key(text: str, begin: int) -> Finding | None:
    header = _PEM.match(text, begin)
    if header is None:
        return None
    closing = text.find("-----END", header.end())
    end = len(text) if closing < 0 else min(len(text), closing + len(f"-----END {header.group(1)}-----"))
    return Finding("PRIVATE_KEY", header.start(), end, 1.0, ("PEM block",), rank=4.0)


def wallet(text: str, start: int, end: int) -> Finding | None:
    """A cryptocurrency address that passes its checksum."""
    value = text[start:end]
    if _WALLET.fullmatch(value) is None:
        return None
    if value.startswith("0x"):
        body = value[2:]
        if body.isdigit() or len(set(body.lower())) < 6 or not _is_ethereum(value):
            return None
        return Finding("CRYPTO", start, end, 0.9, ("shape",))
    if not (checksums.valid("bitcoin", value) if value[0] not in "LMT" else _base58check(value)):
        return None
    return Finding("CRYPTO", start, end, 0.98, ("checksum",))


_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def _base58check(value: str) -> bool:
    import hashlib  # noqa: PLC0415 - only when a wallet is met

    number = 0
    for char in value:
        number = number * 58 + _ALPHABET.index(char)
    try:
        raw = number.to_bytes(25, "big")
    except OverflowError:
        return False
    return hashlib.sha256(hashlib.sha256(raw[:-4]).digest()).digest()[:4] == raw[-4:]


def _is_ethereum(value: str) -> bool:
    """All of one case carries no checksum; mixed case must be right by EIP-55."""
    from Crypto.Hash import keccak  # noqa: PLC0415 - only when a wallet is met

    body = value[2:]
    if body in (body.lower(), body.upper()):
        return True
    digest = keccak.new(data=body.lower().encode(), digest_bits=256).hexdigest()
    return all(c.isdigit() or (c.isupper() == (int(d, 16) >= 8)) for c, d in zip(body, digest, strict=False))
