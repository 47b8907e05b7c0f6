"""Accounts, branches and the banks' own codes: read after their label only, for nothing else about them is their own."""

from __future__ import annotations

from extproc.pii.packs import words
from extproc.pii.recognizer import Recognizer as R  # noqa: N817 - a table reads better with a short name

_IN_GROUPS = (
    r"[0-9]{2}\.[0-9]{2}\.[0-9]{2}\.[0-9]{3}|[0-9]{4}\.[0-9]{2}\.[0-9]{3}(?![0-9])|"  # Netherlands
    r"[0-9]{1,3}(?:\.[0-9]{3})+-[0-9Xx]|"  # Brazil
    r"[0-9]{4}\.[0-9]{2}\.[0-9]{5}|"  # Norway
    r"[0-9]{4}-[0-9], ?[0-9][0-9 -]{5,14}[0-9]|"  # Sweden: clearing number and account
    r"[0-9]{3,6}/[0-9]{6,12}"  # Italy: branch and account
)
"""Accounts with signs in them that no other number holds."""

RECOGNIZERS = (
    R(
        "US_BANK_NUMBER",
        "global",
        labels=words.ACCOUNT,
        led=(
            rf"{_IN_GROUPS}|"
            r"(?=(?:[A-Z]{0,12}[ -]?[0-9]){6})(?:[A-Z]{0,12}[ -]?[0-9]{2,}[0-9A-Z]*|[0-9](?=-))(?:[ -][0-9][0-9A-Z]*){0,6}"
            r"(?:/[0-9]{4}(?![0-9]))?"
        ),
        least_length=6,
        example="account number 76983425",
    ),
    R(
        "US_BANK_NUMBER",
        "global",
        labels=(
            "code banque|code guichet|code établissement|établissement|guichet|banque|clé rib|clé|transit|transit no|"
            "transit number|institution no|institution number|"
            "institution|"
            "clearing|clearingnummer|clearingnr|clearing no|abi|cab|店番|店番号|支店コード|支店番号|銀行コード|סניף|"
            "branch number|branch no"
        ),
        led=r"(?!(?:19|20)[0-9]{2}\b)[0-9]{2,5}(?:-[0-9])?",
        between=(
            r"transit(?: n|[ :=#]{1,3}\Z|[:=#])|institution|guichet|banque|établissement|\bclé\b|clearing(?:n| n|[ :#]{0,2}[:#])|"
            r"(?-i:\bABI\b|\bCAB\b)|店|コード|"
            r"סניף|branch n"
        ),
        least_length=2,
        least_digits=2,
        how="bank and branch after their label",
        example="code guichet 00550",
    ),
    R(
        "US_BANK_NUMBER",
        "global",
        labels="reg nr|regnr|reg no|registreringsnr",
        led=r"[0-9]{4}(?=[ ,;/-]{1,3}(?i:konto|kto)[a-z]{0,8})",
        least_length=4,
        how="Danish bank before its account",
        example="reg. nr. 3409, kontonr. 0001234567",
    ),
    R(
        "US_BANK_NUMBER",
        "global",
        labels="은행|농협|신협|카카오뱅크|토스뱅크|우체국",
        led=r"[0-9]{3,6}-[0-9]{2,6}-[0-9]{3,8}(?:-[0-9]{1,3})?",
        least_length=10,
        how="number with dashes after its bank",
        example="국민은행 123456-04-123456",
    ),
    R(
        "US_BANK_NUMBER",
        "global",
        labels="bg|pg|bg nr|pg nr|bankgiro|plusgiro|postgiro",
        led=r"[0-9]{3,4}-[0-9]{4}|[0-9]{1,3}(?: ?[0-9]{2,3}){0,3}-[0-9]",
        least_length=5,
        how="Swedish giro after its label",
        example="bg 123-4567",
    ),
    R(
        "US_BANK_NUMBER",
        "global",
        labels="payee|beneficiary|transfer to|pay to|pay into|paid into|remit to|wire to|deposit into|deposit to|bank details",
        led=r"[0-9]{8},?[ /|;(]{1,3}(?i:sort code:? ?|s/?c:? ?)?[0-9]{2}-[0-9]{2}-[0-9]{2}",
        least_length=17,
        how="account before its sort code",
        example="pay into 12345678 (sort code 12-34-56)",
    ),
    R(
        "US_BANK_NUMBER",
        "global",
        labels="普通",
        led="[0-9]{7}",
        least_length=7,
        how="seven digits after the kind of the account",
        example="普通 7654321",
    ),
    R(
        "US_BANK_NUMBER",
        "global",
        labels=words.ACCOUNT,
        led="[0-9]{4}",
        between=(
            r"last.?(?:4|four)|\bend(?:ing|s)?\b|terminad[ao]|\btermina\b|finissant|terminant|\bend(?:et|end) auf|"
            r"che finisce|eindigend|final"
        ),
        least_length=4,
        how="last four digits after their label",
        example="account ending in 8741",
    ),
    R(
        "US_BANK_NUMBER",
        "global",
        labels=words.ACCOUNT,
        led=r"(?:[xX•]{2,12}[- ]?){1,5}[0-9]{3,6}",
        least_length=6,
        how="hidden but for its end",
        example="account XXXXXX1234",
    ),
    R(
        "US_BANK_NUMBER",
        "global",
        labels=words.ACCOUNT,
        led="[0-9]{3,6}",
        between=r"[*]{3,}[ -]{0,2}\Z",
        least_length=3,
        how="hidden but for its end",
        example="account ****1234",
    ),
    R(
        "US_BANK_NUMBER",
        "global",
        labels="agência|agencia|ag",
        led=r"[0-9]{4}(?:-[0-9Xx])?",
        between=r"ag[eê]ncia|\bag\b",
        least_length=4,
        how="branch after its label",
        example="agência 1234",
    ),
)
