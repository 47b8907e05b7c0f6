"""The `extended` pack: what is personal only in some trades, and the types that are off until they are named."""

from __future__ import annotations

from extproc.pii.packs import words
from extproc.pii.recognizer import Recognizer as R  # noqa: N817 - a table reads better with a short name

POSTCODE = (
    "zip|zip code|zipcode|postcode|post code|postal code|plz|postleitzahl|code postal|código postal|cap|"
    "cep|codice postale|"
    "kod pocztowy|postnummer|postinumero|posta kodu|psč|irányítószám|индекс|邮编|郵便番号|우편번호|pin code|pincode"
)

RECOGNIZERS = (
    R(
        "URL",
        "extended",
        how="scheme or www, or a host with a known top-level domain",
        unlabelled="mask",
        example="https://example.org/a",
    ),
    R(
        "VIN",
        "extended",
        labels=words.VEHICLE,
        how="17 letters and digits with a check digit, or its label",
        check="vin",
        unlabelled="mask",
        odds=0.09,
        example="1HGCM82633A004352",
    ),
    R(
        "BIC",
        "extended",
        labels="bic|swift|swift code|bic code|swift bic|bic swift|kod swift|código swift",
        led=r"[A-Z]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?(?![A-Za-z0-9])",
        least_digits=0,
        least_digits_of_cell=0,
        example="BIC DEUTDEFF",
    ),
    R(
        "LICENSE_PLATE",
        "extended",
        labels=words.PLATE,
        led=r"(?=[A-Z0-9 -]{0,9}[0-9])[A-Z0-9ÄÖÜ]{1,8}(?:[ -][A-Z0-9]{1,5}){0,3}",
        least_digits=0,
        least_digits_of_cell=0,
        least_length=0,
        may_be_dated=True,
        example="plate B-MW 1234",
    ),
    R(
        "POSTAL_CODE",
        "extended",
        shapes="99999 99999-9999 9999-AA 9999AA 99-999 999-9999 99999-999 9999 999999 999-99",
        labels=POSTCODE,
        separators=" -",
        example="ZIP 94105",
    ),
    R(
        "POSTAL_CODE",
        "extended",
        shapes="A9-9AA A99-9AA AA9-9AA AA99-9AA A9A-9AA AA9A-9AA AAA-9AA",
        labels=POSTCODE,
        separators=" ",
        pattern=(
            r"(?:GIR 0AA|(?![QVX])[A-Z](?:[0-9]{1,2}|[A-HK-Y][0-9]{1,2}|[0-9][A-HJKPSTUW]|"
            r"[A-HK-Y][0-9][ABEHMNPRVWXY]) [0-9][ABD-HJLNP-UW-Z]{2})"
        ),
        unlabelled="mask",
        odds=0.05,
        example="W1A 1HQ",
    ),
    R(
        "POSTAL_CODE",
        "extended",
        shapes="A9A-9A9",
        labels=POSTCODE,
        separators=" ",
        pattern=r"[ABCEGHJ-NPRSTVXY][0-9][ABCEGHJ-NPRSTV-Z] [0-9][ABCEGHJ-NPRSTV-Z][0-9]",
        unlabelled="mask",
        odds=0.3,
        example="K1A 0B1",
    ),
    R(
        "POSTAL_CODE",
        "extended",
        how="five or nine digits beside a place: 94105, San Francisco; 80-180 Gdańsk; CO 80201",
        example="Denver, CO 80201",
    ),
    R("UUID", "off", how="shape", unlabelled="mask", example="6f1ed002-ab5e-4c1d-9f0e-1d2c3b4a5968"),
    R("DATE_TIME", "off", how="shape", unlabelled="mask", example="2024-03-15T14:30:00Z"),
    R(
        "IP_ADDRESS_RESERVED",
        "off",
        how="private, loopback, reserved, or a well-known resolver",
        unlabelled="mask",
        example="10.0.0.1",
    ),
)
