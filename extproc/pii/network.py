"""Addresses of machines: IP, MAC, URL, host names."""

from __future__ import annotations

import ipaddress
import re

from extproc.pii.finding import Finding
from extproc.pii.secrets import is_random
from extproc.pii.stand_ins import is_stand_in

BY_SHAPE, A_URL, A_HOST = 0.95, 0.9, 0.7
"""Scores: a form that nothing else has; a URL, which may hold what says more; a host's name, which a file's may look like."""
WHOLE, ABOVE_PARTS, A_HOST_ABOVE = 3.0, 1.0, 0.5
"""Ranks: a URL goes before what is a part of it, before all else where it lets in whoever has it."""
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
    r"[?&#;](?:[\w.-]{0,30}(?:token|secret|passw(?:or)?d|api_?key|signature|credential|session|sessionid)|apikey|key|pwd|pass|sig|"
    r"sas|sid|jwt|code|auth|oobcode|ticket|otp|magic|invite|hmac)=[^&\s]{6,}",
    re.IGNORECASE,
)
_SECRET_PATH = re.compile(
    r"/bot[0-9]{8,10}:AA|hooks\.slack\.com/(?:services|workflows|triggers)/\S|discord(?:app)?\.com/api/(?:v[0-9]+/)?webhooks/[0-9]|"
    r"hooks\.zapier\.com/hooks/|webhook\.office\.com/|outlook\.office(?:365)?\.com/webhook/|logic\.azure\.com[:/]|"
    r"maker\.ifttt\.com/\S*/key/|hook\.[a-z0-9.]{2,12}\.?make\.com/|hook\.integromat\.com/|webhook\.site/|pipedream\.net/|"
    r"open\.(?:feishu\.cn|larksuite\.com)/open-apis/bot/|qyapi\.weixin\.qq\.com/|api\.day\.app/|ntfy\.sh/\S|hc-ping\.com/",
    re.IGNORECASE,
)
"""Addresses of services that take whoever knows them for their owner."""
_SECRET_SEGMENT = re.compile(
    r"/[\w.-]{0,24}(?:reset|recover|verif(?:y|ication)|confirm(?:ation)?|activat(?:e|ion)|invit(?:e|ation)|magic|unsubscribe|token|auth|"
    r"signin|sign-in|login|session|shared?|webhooks?|hooks?|callback|key|secret|download|join|accept|password|sso)[\w.-]{0,16}/"
    r"(?P<value>[A-Za-z0-9_.~-]{16,512})",
    re.IGNORECASE,
)
_USER_INFO = re.compile(
    r"[a-zA-Z][a-zA-Z0-9+.-]{1,20}://[^\s:@/?#\"'<>]{0,64}:(?![0-9]{1,5}(?:[/?#\"'`,;)\]}\s]|$))"
    r"(?P<password>(?:[^\s@]|@(?![\w.-]{1,253}(?::[0-9]{1,5})?(?:[/?#\"'`,;)\]}>\s]|$)|\[)){1,256})"
    r"@(?=[\w\[])|[a-zA-Z][a-zA-Z0-9+.-]{1,20}://[^/?#\s@:]{20,256}@"
)
"""`scheme://user:password@`, whatever the password holds; a port after a colon is none. A long name alone is a token."""
_USER_AND_PASSWORD = re.compile(r"://(?:user(?:name)?|usr|login):(?:pass(?:w(?:or)?d)?|pwd|secret)@\Z", re.IGNORECASE)
"""`user:pass`, as manuals have it."""
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
    if parsed.version == 4 and (value.endswith(".0.0") or _is_version(text, start)):
        return None  # the address of a whole network is no machine's
    kind = "IP_ADDRESS" if _public(parsed) else "IP_ADDRESS_RESERVED"
    if following == "%":
        zone = re.compile(r"%[A-Za-z0-9]{1,15}").match(text, end)
        end = zone.end() if zone else end
    return Finding(kind, start, end, BY_SHAPE, ("address",))


_VERSIONED = frozenset(
    "v version vers ver release rel build rev revision firmware bios uefi fw sw software driver kernel sdk patch hotfix update "
    "upgrade upgraded downgrade edition oracle chrome firefox edge safari opera windows macos ios android java jdk jre python "
    "node libreoffice office acrobat photoshop sap jira confluence exchange product assembly score scores section chapter clause "
    "scored totals "
    "paragraph article rule item step oid versions releases builds sections chapters level dotnet net framework runtime engine "
    "plugin package library api schema protocol spec chart nginx mysql mariadb postgres postgresql redis linux debian "
    "ubuntu centos "
    "rhel openssl openssh apache tomcat iis excel word outlook".split()
)
"""Words before four numbers with full stops that are no address."""
_LINKS = frozenset("is was are to from of no number the new old".split())
_LAST_WORD = re.compile(r"[A-Za-z]+\Z")
_CAPITAL = re.compile(r"[A-Z]?[a-z]+\Z|[A-Z]+\Z")
_PRODUCT = re.compile(r"(?<!http:/)(?<!https:/)(?<![a-z]:/)[A-Za-z][A-Za-z0-9_+-]{1,30}/\Z")
_ANOTHER = re.compile(
    r"[0-9]+(?:\.[0-9]+){3}[\"']?(?:,? (?:and|or|to|und|et|y|e|through) |, ?| ?(?:->|–|-|→|/) ?)[\"']?\Z"
)
_REACH_OF_VERSION = 48
"""Characters before a number: a program's name, the word `version`, and the number beside it."""


def _is_version(text: str, start: int) -> bool:
    """Whether four numbers with full stops are those of a program, by the word before them or before the one beside them."""
    before = text[max(0, start - _REACH_OF_VERSION) : start]
    if _names_a_version(before):
        return True
    another = _ANOTHER.search(before) if before[-1:] in " ,-/→–\"'>" else None
    return another is not None and _names_a_version(before[: another.start()])


def _names_a_version(before: str) -> bool:
    """`Version: `, `AppVersion="`, `version is `, `LibreOffice/`, `v`, `§ `."""
    if before.endswith(("==", ">=", "<=", "~=")):
        return True
    if before[-1:] == "/":
        return _PRODUCT.search(before) is not None
    rest = before.rstrip(" \t\"'(=:[>\\.#-")
    for _ in range(2):
        word = _LAST_WORD.search(rest)
        if word is None:
            return rest[-1:] == "§"
        last = _CAPITAL.search(rest)
        if {word[0].lower(), last[0].lower() if last else ""} & _VERSIONED:
            return True
        if word[0].lower() not in _LINKS:
            return False
        rest = rest[: word.start()].rstrip(" \t\"'=:")
    return False


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
    return Finding("MAC_ADDRESS", start, end, BY_SHAPE, ("shape",))


def url(text: str, start: int) -> tuple[int, Finding | None]:  # noqa: PLR0911 - kind by kind
    """End of the URL that begins here, and what it is: with credentials it goes as a whole."""
    user_info = _USER_INFO.match(text, start)
    rest = _REST.match(text, user_info.end() if user_info else start)
    if rest is None:
        return start, None
    if (
        user_info
        and not is_stand_in(user_info["password"] or "")
        and f"//{user_info['password']}:{user_info['password']}@" not in user_info.group()
        and _USER_AND_PASSWORD.search(user_info.group()) is None
    ):
        end = rest.start() + len(rest.group().rstrip(".,;:!?)]>*_"))
        return end, Finding("URL_CREDENTIALS", start, end, BY_SHAPE, ("shape", "credentials"), rank=WHOLE)
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
    if _is_secret(value):
        return end, Finding("URL_CREDENTIALS", start, end, BY_SHAPE, ("shape", "credentials"), rank=WHOLE)
    if scheme.lower() in ("http", "https", "ftp", "ftps", "ws", "wss") or value.startswith("www."):
        return end, Finding("URL", start, end, A_URL, ("shape",), rank=ABOVE_PARTS)
    return end, None


def _is_secret(value: str) -> bool:
    """Whether whoever has the URL is let in."""
    if _SECRET_PATH.search(value) is not None:
        return not is_stand_in(max(value.split("/"), key=len))
    parameter = _SECRET_PARAMETER.search(value)
    if parameter and not is_stand_in(parameter.group().partition("=")[2].rstrip("]})")):
        return True
    segment = _SECRET_SEGMENT.search(value)
    return segment is not None and is_random(segment["value"])


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
    return Finding("URL", start, end, A_HOST, ("host name",), rank=A_HOST_ABOVE)
