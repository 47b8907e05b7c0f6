"""United States and Canada."""

from __future__ import annotations

from extproc.pii.packs import words
from extproc.pii.recognizer import Recognizer as R  # noqa: N817 - a table reads better with a short name

RECOGNIZERS = (
    R(
        "US_SSN",
        "us",
        shapes="999-99-9999",
        labels=(
            "ssn|ssns|ss|ssn number|social security|social security number|social security no|social|ss number|"
            "soc sec|seguro social"
        ),
        check="us.ssn-ranges",
        unlabelled="mask",
        odds=0.5,
        example="078-05-1120",
    ),
    R(
        "US_SSN",
        "us",
        shapes="999-99-9999",
        pattern="(?!000|666)[0-9]{3}-(?!00)[0-9]{2}-(?!0000)[0-9]{4}",
        separators="-",
        unlabelled="mask",
        odds=0.5,
        how="three, two and four digits with dashes",
        example="912-45-6789",
    ),
    R(
        "US_SSN",
        "us",
        shapes="AAA-AA-9999 999-AA-AAAA",
        pattern="X{3}-X{2}-[0-9]{4}|[0-9]{3}-X{2}-X{4}",
        separators="-",
        unlabelled="mask",
        odds=0.01,
        how="a part of it hidden",
        example="XXX-XX-2409",
    ),
    R(
        "US_SSN",
        "us",
        shapes="999999999",
        labels=(
            "ssn|ssns|ss|ssn number|social security|social security number|social security no|social|ss number|"
            "soc sec|seguro social"
        ),
        check="us.ssn-ranges",
        unlabelled="alone",
        odds=0.88,
        example="SSN 078051120",
    ),
    R(
        "US_SSN",
        "us",
        labels="ssn|ss|social|social security|social security number|ssn number",
        led="[0-9]{4}",
        between=r"last.?(?:4|four)|\bend|\*{2}-",
        least_length=4,
        how="last four digits after their label",
        example="SSN ending in 8741",
    ),
    R(
        "US_SSN",
        "us",
        labels="ssn|ss|social|social security|social security number|ssn number",
        led=r"[xX#•]{3}-?[xX#•]{2}-?[0-9]{4}",
        how="a part of it hidden, after its label",
        example="SSN xxx-xx-2409",
    ),
    R(
        "US_ITIN",
        "us",
        shapes="999-99-9999 999999999",
        labels="itin|individual taxpayer|individual taxpayer identification number|" + words.TAX,
        check="us.itin-ranges",
        unlabelled="alone",
        odds=0.04,
        example="911-70-1234",
    ),
    R(
        "TAX_ID",
        "us",
        shapes="99-9999999",
        labels="ein|fein|employer identification|employer identification number|federal tax id|federal tax id number|"
        + words.TAX,
        separators="-",
        example="EIN 94-2841935",
    ),
    R(
        "ABA_ROUTING_NUMBER",
        "us",
        shapes="999999999 9999-9999-9",
        labels=(
            "routing|routing number|routing no|aba|aba number|aba routing|aba routing number|bank routing "
            "number|rtn|rtg|ach|ach routing|wire routing|transit number|routing transit"
        ),
        check="us.aba",
        unlabelled="alone",
        odds=0.03,
        example="routing number 121000358",
    ),
    R(
        "US_NPI",
        "us",
        shapes="9999999999 9999-999-999",
        labels=(
            "npi|npi number|national provider identifier|national provider|provider id|provider number|"
            "prescriber|credentials"
        ),
        check="us.npi",
        unlabelled="alone",
        odds=0.02,
        example="NPI 1234567893",
    ),
    R(
        "MEDICAL_LICENSE",
        "us",
        shapes="AA9999999 A99999999",
        labels="dea|dea number|dea no|dea registration|controlled substances",
        check="us.dea",
        pattern="[ABCDEFGHJKLMPRSTUX][A-Z9][0-9]{7}",
        unlabelled="alone",
        odds=0.05,
        broken=False,
        example="DEA BB1388568",
    ),
    R(
        "US_MBI",
        "us",
        shapes="9AX9-?AX9-?AA99",
        labels="mbi|medicare|medicare number|medicare id|medicare beneficiary|beneficiary identifier",
        pattern=(
            r"[1-9](?![SLOIBZ])[A-Z](?![SLOIBZ])[A-Z0-9][0-9][ -]?"
            r"(?![SLOIBZ])[A-Z](?![SLOIBZ])[A-Z0-9][0-9]"
            r"[ -]?(?:(?![SLOIBZ])[A-Z]){2}[0-9]{2}"
        ),
        unlabelled="mask",
        odds=0.01,
        example="1EG4-TE5-MK73",
    ),
    R(
        "PASSPORT",
        "us",
        shapes="A99999999 999999999",
        labels=words.PASSPORT,
        example="passport A12803456",
    ),
    R(
        "CA_SIN",
        "ca",
        shapes="999-999-999 999999999",
        labels=(
            "sin|sin number|social insurance|social insurance number|nas|numéro d'assurance sociale|assurance sociale"
        ),
        check="ca.sin",
        unlabelled="alone",
        odds=0.08,
        example="SIN 046 454 286",
    ),
    R(
        "CA_HEALTH_NUMBER",
        "ca",
        shapes="9999-999-999 9999999999 9999-999-999-AA 9999999999AA AAAA-9999-9999 AAAA99999999 99999-9999 999999999",
        labels=(
            "health card|health card number|ohip|ohip number|phn|personal health number|msp|ramq|health "
            "number|carte santé|numéro d'assurance maladie|assurance maladie"
        ),
        example="OHIP 1234-567-890-AB",
    ),
)
