"""Middle East and Africa."""

from __future__ import annotations

from extproc.pii.packs import words
from extproc.pii.recognizer import Recognizer as R  # noqa: N817 - a table reads better with a short name

RECOGNIZERS = (
    R(
        "TR_NATIONAL_ID",
        "mea",
        shapes="99999999999",
        labels=(
            "tckn|tc kimlik|tc kimlik no|t c kimlik|kimlik|kimlik no|kimlik numarası|türk kimlik numarası|tc "
            "no|tc|vatandaşlık numarası"
        ),
        check="tr.tckimlik",
        unlabelled="alone",
        odds=0.009,
        example="TC Kimlik No 10000000146",
    ),
    R(
        "TR_VKN",
        "mea",
        shapes="9999999999",
        labels="vkn|vergi kimlik|vergi no|vergi numarası|vergi kimlik numarası",
        check="tr.vkn",
        odds=0.1,
        example="VKN 4540536920",
    ),
    R(
        "TR_LICENSE_PLATE",
        "mea",
        shapes=(
            "99-?A-?9999 99-?A-?99999 99-?AA-?999 99-?AA-?9999 99-?AAA-?99 99-?AAA-?999 99-?AAA-?9999 "
            "99-?A-?999 99-?AA-?99"
        ),
        labels=words.PLATE,
        pattern="(?:0[1-9]|[1-7][0-9]|8[01])[ -]?[A-Z]{1,3}[ -]?[0-9]{2,5}",
        unlabelled="alone",
        odds=0.8,
        separators=" -",
        example="34 ABC 123",
    ),
    R(
        "ZA_ID_NUMBER",
        "mea",
        shapes="9999999999999 999999-9999-999 999999-9999-99-9 999999-9999-9-9-9",
        labels="south african id|sa id|id number|identity number|rsa id|id no|za id",
        check="za.person",
        unlabelled="alone",
        odds=0.005,
        example="8001015009087",
    ),
    R(
        "NG_NIN",
        "mea",
        shapes="99999999999",
        labels="nin|national identification number|national identity number|nimc",
        example="NIN 12345678901",
    ),
    R("NG_BVN", "mea", shapes="99999999999", labels="bvn|bank verification number", example="BVN 22123456789"),
    R(
        "NG_VEHICLE_REGISTRATION",
        "mea",
        shapes="AAA-?999-?AA",
        labels=words.PLATE,
        separators=" -",
        unlabelled="alone",
        odds=0.8,
        pattern=".+",
        example="ABJ-001AA",
    ),
    R(
        "IL_ID",
        "mea",
        shapes="999999999 99999999-9 9-9999999-9",
        labels="teudat zehut|תעודת זהות|ת ז|israeli id|tz|id number|מספר זהות",
        check="il.idnr",
        odds=0.1,
        example="teudat zehut 039337423",
    ),
    R(
        "AE_EMIRATES_ID",
        "mea",
        shapes="999-9999-9999999-9 999999999999999",
        labels="emirates id|eid|uae id|الهوية الإماراتية|رقم الهوية",
        check="ae.id",
        pattern="784.+",
        unlabelled="mask",
        odds=0.0001,
        example="784-1980-1234567-8",
    ),
    R(
        "SA_ID",
        "mea",
        shapes="9999999999",
        labels="iqama|saudi id|national id|رقم الهوية|هوية|الإقامة",
        check="luhn",
        pattern="[12].+",
        odds=0.02,
        example="iqama 2012345678",
    ),
    R(
        "EG_ID",
        "mea",
        shapes="99999999999999",
        labels="الرقم القومي|egyptian id|national id|رقم البطاقة",
        pattern="[23][0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{7}",
        example="الرقم القومي 29001011234567",
    ),
    R(
        "KE_ID",
        "mea",
        shapes="99999999 9999999 A999999999A",
        labels="kra pin|kenyan id|kra|national id|huduma|kenya id",
        example="KRA PIN A004416331M",
    ),
    R(
        "GH_CARD",
        "mea",
        shapes="AAA-999999999-9",
        labels="ghana card|ghanacard|gha card",
        pattern="GHA.+",
        unlabelled="mask",
        odds=0.001,
        example="GHA-123456789-0",
    ),
    R(
        "IR_NATIONAL_CODE",
        "mea",
        shapes="9999999999 999-999999-9",
        labels="کد ملی|iranian id|melli code|national code",
        example="کد ملی 0499370899",
    ),
)
