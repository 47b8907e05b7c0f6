"""Personal data: found, masked, restored.

`analyze(text)` is the function for those who embed this package (`names=False`: the rules alone); `Analyzer` is the same
with settings of your own.
`Anonymizer(settings, analyzer).anonymize(segments)` gives the `edits` that mask them (for `Document.replace`), counts per
type and operator, and the `Vault` of the exchange: `vault.restorer` is what `payload.response_editor` wants.
`AnswerEditors(vault, Redactor(settings, analyzer))` is the same, and masks what the model utters of its own too.
"""

from extproc.pii.analyzer import Analyzer, analyze
from extproc.pii.anonymizer import Anonymized, Anonymizer
from extproc.pii.redactor import AnswerEditors, Redactor
from extproc.pii.results import RecognizerResult
from extproc.pii.vault import Vault

__all__ = [
    "Analyzer",
    "Anonymized",
    "Anonymizer",
    "AnswerEditors",
    "RecognizerResult",
    "Redactor",
    "Vault",
    "analyze",
]
