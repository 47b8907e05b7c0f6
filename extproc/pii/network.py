"""Addresses of machines: IP, MAC, URL, host names."""

from __future__ import annotations

import ipaddress
import re

from extproc.pii.finding import Finding

_RESOLVERS = frozenset(
    "8.8.8.8 8.8.4.4 1.1.1.1 1.0.0.1 9.9.9.9 149.112.112.112 208.67.222.222 208.67.220.220 4.2.2.1 "
    "4.2.2.2 94.140.14.14 "
    "94.140.15.15 64.6.64.6 64.6.65.6 2001:4860:4860::8888 2001:4860:4860::8844 2606:4700:4700::1111 "
    "2606:4700:4700::1001 "
    "2620:fe::fe 2620:fe::9".split()
)
_DOCUMENTATION = tuple(
    ipaddress.ip_network(n) for n in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
)
"""Ranges that stand for public addresses in writing, and so count as such."""
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_REST = re.compile(r"""[^\s<>"'`{}|\\^]{1,2048}""")
_SECRET_PARAMETER = re.compile(
    r"[?&#;](?:access_?token|auth_?token|token|api_?key|apikey|key|secret|client_secret|password|passwd|"
    r"pwd|pass|sig|signature|"
    r"x-amz-signature|x-amz-credential|sas|session|sessionid|sid|jwt|code|auth|credential|refresh_token|"
    r"id_token)=[^&\s]{6,}",
    re.IGNORECASE,
)
_USER_INFO = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]{1,20}://[^/?#\s@]{1,256}@")
_WORDS_TOO = frozenset(
    "local name in is it no at be my me so id pro work page post cat group today news live design "
    "network systems email space zone "
    "store health global site world cloud digital app tel int".split()
)
_TOP = frozenset(
    "com org net edu gov mil int info biz io ai app dev cloud online site store shop tech blog xyz me tv cc co eu "
    "uk us ca de fr es it nl "
    "be ch at se no fi dk cz sk hu ro bg gr pt ie lt lv ee hr si lu is ru ua by tr il sa ae qa in cn jp "
    "kr hk sg my th vn id ph au nz za ng "
    "ke eg ma br mx ar cl pe uy ec ve cr academy agency bank website club solutions travel wiki museum mobi jobs "
    "asia onion".split()
) - {
    "local",
    "name",
    "in",
    "is",
    "it",
    "no",
    "at",
    "be",
    "my",
    "me",
    "so",
    "id",
    "pro",
    "work",
    "page",
    "post",
    "cat",
    "group",
    "today",
    "news",
    "live",
    "design",
    "network",
    "systems",
    "email",
    "space",
    "zone",
    "store",
    "health",
    "global",
    "site",
    "world",
    "cloud",
    "digital",
    "app",
    "tel",
    "int",
}
_HOSTED = frozenset("app cloud site store in is it no at be me id health pro".split())
"""Top-level domains that are words as well: believed only with a path, or below `www`."""


def address(text: str, start: int, end: int) -> Finding | None:  # noqa: PLR0911 - a list of reasons against
    """An IP address; private, reserved and well-known ones have a type of their own, off by default."""
    if start and (text[start - 1].isalnum() or text[start - 1] in "_.-"):
        return None
    value = text[start:end]
    following = text[end : end + 1]
    if following.isalnum() or following == "_" or (following == ":" and ":" in value):
        return None
    if ":" in value and "::" not in value and value.count(":") != 7 and not (value.count(":") == 6 and "." in value):
        return None
    try:
        parsed = ipaddress.ip_address(value)
    except ValueError:
        if not value.endswith(":"):
            return None
        end -= 1
        try:
            parsed = ipaddress.ip_address(value[:-1])
        except ValueError:
            return None
    if parsed.version == 4 and _is_version(text, start):
        return None
    kind = "IP_ADDRESS" if _public(parsed) else "IP_ADDRESS_RESERVED"
    if following == "%":
        zone = re.compile(r"%[A-Za-z0-9]{1,15}").match(text, end)
        end = zone.end() if zone else end
    return Finding(kind, start, end, 0.95, ("address",))


_VERSION = re.compile(r"(?:\bv|version|release|build|chrome/|firefox/|safari/|webkit/|ver\.?|/)\s?$", re.IGNORECASE)


def _is_version(text: str, start: int) -> bool:
    return start > 0 and text[start - 1] != "/" and _VERSION.search(text[max(0, start - 9) : start]) is not None


def _public(parsed: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if str(parsed) in _RESOLVERS:
        return False
    if any(parsed in network for network in _DOCUMENTATION if network.version == parsed.version):
        return True
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return _public(parsed.ipv4_mapped)
        if parsed in _NAT64:
            return _public(ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF))
        if parsed.is_reserved:  # not assigned yet: written out, an address all the same
            return sum(group != "0000" for group in parsed.exploded.split(":")) >= 4
    return parsed.is_global and not parsed.is_multicast and not parsed.is_reserved


_MAC = re.compile(r"(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}|[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}")
_NOT_MACHINES = frozenset({"ffffffffffff", "000000000000"})


def hardware(text: str, start: int, end: int) -> Finding | None:
    """A MAC address, unless it is the broadcast or the null address."""
    if start and (text[start - 1].isalnum() or text[start - 1] in "_:-."):
        return None
    value = text[start:end]
    if _MAC.fullmatch(value) is None or text[end : end + 1].isalnum() or text[end : end + 1] == ":":
        return None
    bare = value.replace(":", "").replace("-", "").replace(".", "").lower()
    if bare in _NOT_MACHINES or (bare.isdigit() and "." in value):
        return None
    return Finding("MAC_ADDRESS", start, end, 0.95, ("shape",))


def url(text: str, start: int) -> tuple[int, Finding | None]:
    """End of the URL that begins here, and what it is: with credentials it goes as a whole."""
    rest = _REST.match(text, start)
    if rest is None:
        return start, None
    value = rest.group().rstrip(".,;:!?)]>*_")
    if value.count("(") > value.count(")") and rest.group()[len(value) : len(value) + 1] == ")":
        value += ")"
    if value.startswith(("http://[", "https://[")) and rest.group()[len(value) : len(value) + 1] == "]":
        value += "]"
    cut = value.find("](")
    value = value[:cut] if cut > 0 else value
    scheme, _, after = value.rpartition("://") if "://" not in value[:32] else value.partition("://")
    end = start + len(value)
    if not after and "." not in value[4:]:
        return end, None
    if (_USER_INFO.match(value) and ":" in after.partition("@")[0]) or _SECRET_PARAMETER.search(value):
        return end, Finding("URL_CREDENTIALS", start, end, 0.95, ("shape", "credentials"), rank=3.0)
    if scheme.lower() in ("http", "https", "ftp", "ftps", "ws", "wss") or value.startswith("www."):
        return end, Finding("URL", start, end, 0.9, ("shape",), rank=1.0)
    return end, None


def domain(text: str, start: int, end: int) -> Finding | None:
    """A bare host name, by its top-level domain."""
    value = text[start:end]
    top = value.rpartition(".")[2].lower()
    following = text[end : end + 1]
    if (start and (text[start - 1] in "@/\\_.$-" or text[start - 1].isalnum())) or following == "(":
        return None
    if top not in _TOP and not (top in _HOSTED and following == "/"):
        return None
    if value != value.lower() and not value.isupper() and not value[0].isupper():
        return None  # attributes in code: response.data.Id
    if following == "/":
        rest = _REST.match(text, end)
        end += len(rest.group().rstrip(".,;:!?)]>*_")) if rest else 0
    return Finding("URL", start, end, 0.7, ("host name",), rank=0.5)
