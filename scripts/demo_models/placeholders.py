"""Placeholders such as `[EMAIL_ADDRESS_1]`: how users' sentences carry them, and how an answer repeats them.

The types that Intentmesh knows are frequent; a third are made up on the spot, so that copying is learnt and not the list.
"""

from __future__ import annotations

import re
from string import ascii_uppercase
from typing import TYPE_CHECKING

from scripts.demo_models.patterns import choose, mark

if TYPE_CHECKING:
    from random import Random

PLACEHOLDER = re.compile(r"\[[A-Z][A-Z_]*_\d+\]")

_MENTIONS = {
    "EMAIL_ADDRESS": (
        "(my|the|our) (e-mail|email|mail)( address|) is {}",
        "(write|reply|answer|send it|mail me|email me) (to|at) {}",
        "(you can |please |)(reach|contact|email) me (at|on|under) {}",
        "(contact|e-mail|email|mail|from|cc): {}",
        "(I wrote|I have written) from {}",
    ),
    "PHONE_NUMBER": (
        "(call|ring|text|phone) me (at|on|under) {}",
        "my (phone |mobile |telephone |)(number|phone) is {}",
        "(phone|tel|mobile|cell): {}",
        "(please |)(call|ring) {}( back|)",
    ),
    "PERSON": (
        "(ask|tell|inform|contact) {}",
        "(regards|best regards|thanks|cheers|yours), {}",
        "(my colleague|our technician|my wife|my husband|my boss) {} (knows|will help|asked for it|is waiting)",
        "{} (reported|wrote|said|asked for) (it|this|that)",
        "(name|contact|customer): {}",
    ),
    "IBAN_CODE": ("(my|the) (IBAN|account|bank account) is {}", "(pay|send) (it|the money) to {}", "IBAN: {}"),
    "CREDIT_CARD": (
        "(my|the) (card|credit card)( number|) is {}",
        "I paid (with|by) (card |)(number |){}",
        "(card|credit card): {}",
    ),
    "LOCATION": ("(I live|we are|we sit|it stands) (at|in) {}", "(address|place|location|city): {}"),
    "IP_ADDRESS": ("(the|its) (ip|IP|address) is {}", "(ip|IP|host): {}", "it (runs|answers) at {}"),
    "US_SSN": ("my (ssn|social security number) is {}", "SSN: {}"),
    "DATE_OF_BIRTH": ("I was born on {}", "(date of birth|born|dob): {}"),
    "USERNAME": ("my (user|login|account) name is {}", "(user|username): {}"),
    "PASSWORD": ("my password is {}", "password: {}"),
    "API_KEY": ("(my|the) (key|api key|token) is {}", "key: {}"),
}
_ANY = (
    "(see|reference|ref|note|id|code): {}",
    "(my|the) (number|id|code|reference) is {}",
    "(it is about|for|from) {}",
    "{}",
    "{} here",
    "(we|I) (know|found|saw|have|need) {} (here|there|already|before)",
    "{} (is|was) (mine|ours|the one|on it|given to us)",
    "(please |)(take|keep|mind|write|mention|repeat) {}",
    "it (came|comes) (from|with) {}",
    "(they|he|she|someone) (gave|told|showed|sent) (me|us) {}",
)
_INTRODUCTIONS = (
    "(my name is|I am|I'm|this is|it's|it is) {}",
    "{} here",
    "(hi|hello|hey), (my name is|I am|I'm|this is) {}",
    "{} (speaking|writing)",
)
_NOUNS = {
    "EMAIL_ADDRESS": "the e-mail address ",
    "PHONE_NUMBER": "the number ",
    "PERSON": "the name ",
    "IBAN_CODE": "the account ",
    "CREDIT_CARD": "the card ",
}
_OTHER_TYPES = (
    "STREET_ADDRESS", "ADDRESS", "ORGANIZATION", "NAME", "URL", "DOMAIN_NAME", "MAC_ADDRESS", "CRYPTO", "UUID", "VIN",
    "IMEI", "LICENSE_PLATE", "DATE_TIME", "AGE", "NRP", "US_ITIN", "US_PASSPORT", "US_DRIVER_LICENSE", "US_BANK_NUMBER",
    "US_NPI", "MEDICAL_LICENSE", "UK_NHS", "UK_NINO", "UK_POSTCODE", "CA_SIN", "AU_TFN", "AU_ABN", "AU_MEDICARE",
    "DE_TAX_ID", "ES_NIF", "IT_FISCAL_CODE", "PL_PESEL", "FR_NIR", "NL_BSN", "BE_NRN", "PT_NIF", "IN_AADHAAR", "IN_PAN",
    "SG_NRIC", "KR_RRN", "TH_ID", "TR_ID", "ZA_ID", "BR_CPF", "BR_CNPJ", "MX_CURP", "CL_RUT", "AR_DNI", "CN_ID",
    "JP_MY_NUMBER", "FI_HETU", "SE_PERSONNUMMER", "BIC_SWIFT", "ACCOUNT_NUMBER", "ROUTING_NUMBER", "CVV", "PIN", "SECRET",
    "ACCESS_TOKEN", "PRIVATE_KEY", "PASSPORT", "NATIONAL_ID", "TAX_ID", "CUSTOMER_ID", "EMPLOYEE_ID", "PATIENT_ID", "COORDINATES",
)  # fmt: skip
MOST_REPEATED = 4
"""An answer names at most so many placeholders, the first ones of the question."""


def make_placeholder(random: Random, entity_type: str) -> str:
    """Number an entity type: mostly low numbers, some of two or three digits."""
    number = random.choices((random.randint(1, 9), random.randint(10, 99), random.randint(100, 999)), (75, 20, 5))[0]
    return f"[{entity_type}_{number}]"


def mention(random: Random) -> str:
    """Say something that carries a placeholder."""
    if random.random() < 0.6:
        entity_type = random.choices(tuple(_MENTIONS), (6, 5, 5, 3, 3, 2, 1, 1, 1, 1, 1, 1))[0]
        pattern = random.choice(_MENTIONS[entity_type])
    else:
        entity_type = random.choice(_OTHER_TYPES) if random.random() < 0.4 else _made_up_type(random)
        pattern = random.choice(_ANY)
    return choose(pattern, random).format(mark(make_placeholder(random, entity_type)))


def introduction(random: Random) -> tuple[str, str]:
    """Introduce the speaker: the sentence and the placeholder."""
    placeholder = make_placeholder(random, "PERSON")
    return choose(random.choice(_INTRODUCTIONS), random).format(mark(placeholder)), placeholder


def repeat(ask: str, said: str) -> str:
    """Repeat those placeholders of a question that the answer has not named yet; nothing when there are none."""
    found = [placeholder for placeholder in dict.fromkeys(PLACEHOLDER.findall(ask)) if placeholder not in said]
    match found[:MOST_REPEATED]:
        case []:
            return ""
        case [one]:
            return f" I noted {_NOUNS.get(one[1:].rpartition('_')[0], '')}{one}."
        case [*most, last]:
            return f" I noted {', '.join(most)} and {last}."
    raise AssertionError


def type_words() -> list[str]:
    """List the words that entity types are made of, for the tokenizer."""
    return sorted({word for name in (*_MENTIONS, *_OTHER_TYPES) for word in name.split("_")})


def _made_up_type(random: Random) -> str:
    """Join words of known types, or letters, to a type that is on no list."""
    parts = [
        random.choice(_TYPE_WORDS)
        if random.random() < 0.5
        else "".join(random.choices(ascii_uppercase, k=random.randint(2, 7)))
        for _ in range(random.randint(1, 3))
    ]
    return "_".join(parts)


_TYPE_WORDS = type_words()
