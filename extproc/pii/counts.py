"""Numbers that say how many: nobody's, whatever label stands before them."""

from __future__ import annotations

import re
from typing import Final

HOW_MANY: Final = re.compile(
    r"(?i:\b(?:number|count|amount|total|percentage|share|thousands|millions|list) of |\bhow many )\Z"
)
"""What is said of several: `the number of passports issued is`."""
_COUNTED: Final = re.compile(
    r" ?(?:%|(?:in (?:us|eu|ap|sa|ca|me|af|il)-(?:gov-)?[a-z]{4,9}-[0-9]|"
    r"rows?|records?|users?|people|persons?|members|customers|items?|files?|lines?|bytes?|[kmg]i?b|requests?|"
    r"tests?|pages?|"
    r"routes?|times|days?|weeks?|months?|years?|hours?|hrs|minutes?|mins?|seconds?|secs?|ms|points?|characters?|chars|digits|words|"
    r"letters|tokens?|accounts|passports|cards|copies|units?|pieces|pcs|entries|orders|tickets|hashes|cookies|followers|subscribers|downloads|views|likes|commits|events|messages|bits|objects|nodes|values|results|samples|"
    r"failures|errors|attempts|retries|"
    r"usd|eur|gbp|dollars?|euros?|pounds?|rupees|percent|mm|cm|km|kg|kcal|miles|meters|metres|euro|zeilen|tage|stunden|jahre|jours|"
    r"heures|lignes|días|horas|filas|giorni|righe)\b)",
    re.IGNORECASE,
)
"""What is counted by the number before it."""


def is_count(text: str, start: int, end: int) -> bool:
    """Whether digits say how many of what stands behind them: `checking 250000 rows`."""
    return text[end : end + 1] in (" ", "%") and text[start:end].isdigit() and _COUNTED.match(text, end) is not None
