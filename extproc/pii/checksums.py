"""Checksums by name: python-stdnum's, and the few that it does not have.

A name is a stdnum module (`luhn`, `pl.pesel`, `iso7064.mod_97_10`) or one of `OWN`. Modules load when first asked for.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache

Check = Callable[[str], bool]


def _digits(value: str) -> str:
    return "".join(filter(str.isdigit, value))


def _plain(value: str) -> str:
    return "".join(filter(str.isalnum, value)).upper()


def _luhn(digits: str) -> bool:
    return find("luhn")(digits)


def _weighted(digits: str, weights: tuple[int, ...]) -> int:
    return sum(int(d) * w for d, w in zip(digits, weights, strict=False))


def _npi(value: str) -> bool:
    digits = _digits(value)
    return len(digits) == 10 and digits[0] in "12" and _luhn("80840" + digits)


def _dea(value: str) -> bool:
    digits = _digits(value)[-7:]
    return len(digits) == 7 and (_weighted(digits[:6], (1, 2, 1, 2, 1, 2))) % 10 == int(digits[6])


def _ssn(value: str) -> bool:
    digits = _digits(value)
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    return len(digits) == 9 and area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"


def _itin(value: str) -> bool:
    digits = _digits(value)
    return (
        len(digits) == 9 and digits[0] == "9" and 50 <= int(digits[3:5]) <= 99 and digits[3:5] not in ("66", "89", "93")
    )


def _aba(value: str) -> bool:
    digits = _digits(value)
    first = int(digits[:2])
    in_range = 1 <= first <= 12 or 21 <= first <= 32 or 61 <= first <= 72 or first == 80
    return len(digits) == 9 and in_range and _weighted(digits, (3, 7, 1) * 3) % 10 == 0


def _icao(value: str) -> bool:
    """The 7-3-1 check digit of machine-readable travel documents, at the end."""
    plain = _plain(value)
    if len(plain) != 9 or not plain[-1].isdigit() or any(c in "AEIOUBDQS" for c in plain):
        return False
    return sum(int(c, 36) * w for c, w in zip(plain[:-1], (7, 3, 1) * 3, strict=False)) % 10 == int(plain[-1])


def _icao_ten(value: str) -> bool:
    """The same after nine characters, as it stands in the machine-readable line."""
    plain = _plain(value)
    if len(plain) != 10 or not plain[-1].isdigit() or any(c in "AEIOUBDQS" for c in plain):
        return False
    return sum(int(c, 36) * w for c, w in zip(plain[:-1], (7, 3, 1) * 3, strict=True)) % 10 == int(plain[-1])


def _polish_card(value: str) -> bool:
    plain = _plain(value)
    values = [int(c, 36) for c in plain]
    return len(plain) == 9 and sum(v * w for v, w in zip(values, (7, 3, 1, 9, 7, 3, 1, 7, 3), strict=False)) % 10 == 0


def _german_pension(value: str) -> bool:
    plain = _plain(value)
    if len(plain) != 12 or not plain[8].isalpha():
        return False
    day, month = int(plain[2:4]), int(plain[4:6])
    if not (1 <= day <= 31 or 51 <= day <= 81) or not 1 <= month <= 12:
        return False
    digits = plain[:8] + f"{ord(plain[8]) - 64:02d}" + plain[9:11]
    weights = (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1)
    total = sum(sum(divmod(int(d) * w, 10)) for d, w in zip(digits, weights, strict=False))
    return total % 10 == int(plain[11])


def _german_health(value: str) -> bool:
    plain = _plain(value)
    if len(plain) != 10 or not plain[0].isalpha() or not plain[1:].isdigit():
        return False
    digits = f"{ord(plain[0]) - 64:02d}" + plain[1:9]
    total = sum(sum(divmod(int(d) * w, 10)) for d, w in zip(digits, (1, 2) * 5, strict=False))
    return total % 10 == int(plain[9])


def _german_doctor(value: str) -> bool:
    digits = _digits(value)
    total = _weighted(digits[:6], (4, 9) * 3)
    return len(digits) == 9 and (10 - total % 10) % 10 == int(digits[6])


def _nric(value: str) -> bool:
    plain = _plain(value)
    if len(plain) != 9 or plain[0] not in "STFGM":
        return False
    total = _weighted(plain[1:8], (2, 7, 6, 5, 4, 3, 2)) + {"T": 4, "G": 4, "M": 3}.get(plain[0], 0)
    table = {"S": "JZIHGFEDCBA", "T": "JZIHGFEDCBA", "F": "XWUTRQPNMLK", "G": "XWUTRQPNMLK", "M": "KLJNPQRTUWX"}
    position = total % 11 if plain[0] != "M" else 10 - total % 11
    return table[plain[0]][position] == plain[8]


def _medicare(value: str) -> bool:
    digits = _digits(value)
    return (
        len(digits) in (10, 11) and digits[0] in "23456" and _weighted(digits, (1, 3, 7, 9) * 2) % 10 == int(digits[8])
    )


def _hong_kong(value: str) -> bool:
    plain = _plain(value)
    body, check = plain[:-1].rjust(8), plain[-1]
    values = [36 if c == " " else int(c, 36) for c in body]
    rest = (11 - sum(v * w for v, w in zip(values, range(9, 1, -1), strict=True)) % 11) % 11
    return check == ("A" if rest == 10 else str(rest))


def _korean_foreigner(value: str) -> bool:
    digits = _digits(value)
    if len(digits) != 13 or digits[6] not in "5678" or not _month_day(digits[2:6]):
        return False
    return (13 - _weighted(digits[:12], (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)) % 11) % 10 == int(digits[12])


def _korean_resident(value: str) -> bool:
    digits = _digits(value)
    return len(digits) == 13 and digits[6] in "1234" and _month_day(digits[2:6])


def _month_day(digits: str) -> bool:
    return 1 <= int(digits[:2]) <= 12 and 1 <= int(digits[2:]) <= 31


def _vin(value: str) -> bool:
    plain = _plain(value)
    if len(plain) != 17 or any(c in "IOQ" for c in plain):
        return False
    letters = dict(
        zip(
            "ABCDEFGHJKLMNPRSTUVWXYZ",
            (1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9),
            strict=True,
        )
    )
    total = sum(
        (int(c) if c.isdigit() else letters[c]) * w
        for c, w in zip(plain, (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2), strict=True)
    )
    return plain[8] == "0123456789X"[total % 11]


def _emirates(value: str) -> bool:
    digits = _digits(value)
    return len(digits) == 15 and digits.startswith("784") and _luhn(digits)


def _siren(value: str) -> bool:
    digits = _digits(value)
    return digits.strip("0") != "" and _luhn(digits)


def _nhs(value: str) -> bool:
    return len(set(_digits(value))) > 1 and find("gb.nhs")(value)


def _swedish_organisation(value: str) -> bool:
    digits = _digits(value)
    return len(digits) == 10 and int(digits[2]) >= 2 and _luhn(digits)


def _swedish_person(value: str) -> bool:
    """Samordningsnummer too, with 60 added to the day."""
    digits = _digits(value)[-10:]
    day = int(digits[4:6])
    return 1 <= int(digits[2:4]) <= 12 and (1 <= day <= 31 or 61 <= day <= 91) and _luhn(digits)


def _south_african(value: str) -> bool:
    digits = _digits(value)
    return len(digits) == 13 and _month_day(digits[2:6]) and digits[10] in "012" and _luhn(digits)


def _thai(value: str) -> bool:
    digits = _digits(value)
    if len(digits) != 13 or digits[0] in "09":
        return False
    return (11 - _weighted(digits, tuple(range(13, 1, -1))) % 11) % 10 == int(digits[12])


def _spanish_identity(value: str) -> bool:
    """Cards of before 1990 leave leading zeros out."""
    return find("es.dni")(_plain(value).rjust(9, "0"))


def _finnish_person(value: str) -> bool:
    """The markers of century that were added in 2023 count as the old ones."""
    plain = value.upper()
    marker = plain[6:7]
    known = plain[:6] + ("-" if marker in "YXWVU" else "A" if marker in "BCDEF" else marker) + plain[7:]
    return bool(importlib.import_module("stdnum.fi.hetu").is_valid(known, allow_temporary=True))


def _iban(value: str) -> bool:
    """The two check digits; stdnum's own module looks the country's structure up as well, at 30 times the cost."""
    plain = _plain(value)
    return find("iso7064.mod_97_10")(plain[4:] + plain[:4])


OWN: dict[str, Check] = {
    "us.npi": _npi,
    "us.dea": _dea,
    "us.ssn-ranges": _ssn,
    "us.itin-ranges": _itin,
    "us.aba": _aba,
    "icao": _icao,
    "icao-10": _icao_ten,
    "pl.dowod": _polish_card,
    "de.pension": _german_pension,
    "de.health": _german_health,
    "de.doctor": _german_doctor,
    "sg.nric": _nric,
    "au.medicare": _medicare,
    "hk.id": _hong_kong,
    "kr.frn": _korean_foreigner,
    "kr.rrn-date": _korean_resident,
    "vin": _vin,
    "ae.id": _emirates,
    "es.dni-short": _spanish_identity,
    "iban": _iban,
    "fi.person": _finnish_person,
    "fr.siren-luhn": _siren,
    "gb.nhs-number": _nhs,
    "se.organisation": _swedish_organisation,
    "se.person": _swedish_person,
    "za.person": _south_african,
    "th.person": _thai,
}


_STRICT = frozenset({"luhn", "verhoeff", "damm"})
"""Checks that read digits alone."""


@cache
def find(name: str) -> Check:
    """The check of this name. Raises ValueError when there is none."""
    if name in OWN:
        return OWN[name]
    if name.startswith("phone:"):
        from extproc.pii import phones  # noqa: PLC0415 - the plans load when the first number is met

        return phones.checker(name.removeprefix("phone:"))
    try:
        module = importlib.import_module(f"stdnum.{name}")
        check: Check = module.is_valid
    except (ImportError, AttributeError):
        raise ValueError(
            f"there is no checksum `{name}`: give `luhn` or a python-stdnum module, as `pl.pesel`"
        ) from None
    return check


def valid(name: str, value: str) -> bool:
    """Whether a value passes; what the check cannot read does not pass."""
    try:
        return find(name)(_plain(value) if name in _STRICT else value)
    except (ValueError, IndexError, KeyError):
        return False
