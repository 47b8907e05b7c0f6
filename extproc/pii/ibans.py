"""International bank account numbers: how long each country's is, and their characters over what parts them."""

from __future__ import annotations

import re
from typing import Final

LENGTHS: Final = {
    pair[:2]: int(pair[2:])
    for pair in (
        "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 "
        "DO28 EE20 EG29 ES24 FI18 FK18 FO18 "
        "FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 "
        "LC32 LI21 LT20 LU20 LV21 LY25 MC27 "
        "MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 "
        "SA24 SC31 SD18 SE24 SI19 SK24 SM27 "
        "SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30 IN24 MA28 DZ26 AO25 BF28 BJ28 CF27 CG27 "
        "CI28 CM27 CV25 GA27 GQ27 GW25 IR26 KM27 MG27 "
        "ML28 MZ25 NE28 SN28 TD27 TG28"
    ).split()
}
MOST_SEPARATORS: Final = 8
"""Spaces, and a break of the line, between two groups of an account number."""
TORN: Final = re.compile(r"[ .-]{2}|[\n\r\t]")
"""What no IBAN is written with on one line."""


def gather(text: str, start: int, length: int, limit: int) -> tuple[int, str]:
    """End and content of the next `length` letters and digits, over separators."""
    chars: list[str] = []
    at, separated = start, 0
    while at < limit and len(chars) < length:
        char = text[at]
        if char.isascii() and char.isalnum():
            chars.append(char)
            separated = 0
        elif char in " -.\n\r\t" and separated < MOST_SEPARATORS:
            separated += 1
        else:
            break
        at += 1
    return at, "".join(chars)
