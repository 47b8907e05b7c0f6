"""Secrets that nobody can overlook, and a search for them in every dress in which they could leave."""

from __future__ import annotations

import base64
import json
import re
from urllib.parse import quote

TYPED = {
    "PERSON": "Zoë Trautwein-Okonkwo",
    "EMAIL_ADDRESS": "zebediah.quux@canary-mail.example",
    "PHONE_NUMBER": "+49 30 90182077",
    "CREDIT_CARD": "4539 5787 6362 1486",
    "SECRET_KEY": "sk-proj-CanaryQ9x7Lm3Vt8Rk2Wp5Zc1Nd4Bf6Hj",
}
"""What people type, by the type that recognizes it."""
BLOCKED = "078-05-1127"
"""A number of a type that is refused."""
IN_QUERY = "ottoline.frobisher@canary-query.example"
IN_HEADERS = {
    "authorization": "Bearer canary-bearer-8f2b1c77d0e94a53",
    "cookie": "session=canary-cookie-51c9d2e8b7f64",
    "x-api-key": "canary-apikey-0d4c7be2a9f1",
    "x-note": "canary-header-note-3a61f8",
}
SECRETS = {**TYPED, "US_SSN": BLOCKED, "query": IN_QUERY, **IN_HEADERS}

TEXT = (
    "Hello, I am {PERSON}, mail {EMAIL_ADDRESS} or call {PHONE_NUMBER}. My card is {CREDIT_CARD}, and the key "
    "{SECRET_KEY} does not work. I want a refund for my order."
).format(**TYPED)


def forms(secret: str) -> set[bytes]:
    """A secret and its telling parts, plain and as JSON, URLs, base64, hexadecimal and a wrong charset write them."""
    parts = {secret, re.sub(r"\s", "", secret), *(p for p in re.split(r"[\s=@]+", secret) if len(p) >= 8)}
    return {form for part in parts for form in _dresses(part)}


def _dresses(part: str) -> set[bytes]:
    raw = part.encode()
    found = {raw, json.dumps(part)[1:-1].encode(), quote(part, safe="").encode(), quote(part).encode()}
    found |= {raw.hex().encode(), raw.decode("latin-1").encode(), repr(part)[1:-1].encode(), repr(raw)[2:-1].encode()}
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for shift in range(3):  # where the secret begins decides its letters; those at its ends are its neighbours' too
            coded = encode(b"\0" * shift + raw).rstrip(b"=")
            found.add(coded[(shift * 8 + 5) // 6 : len(coded) - 1])
    return found


FORMS = {name: forms(secret) for name, secret in SECRETS.items()}


def found_in(data: bytes) -> dict[str, str]:
    """Secrets that stand in the data -> where, with what stands around them. Case makes no difference."""
    folded = data.lower()
    hits = {}
    for name, dresses in FORMS.items():
        for dress in dresses:
            if (at := folded.find(dress.lower())) >= 0:
                hits[name] = repr(data[max(0, at - 150) : at + len(dress) + 50])
    return hits
