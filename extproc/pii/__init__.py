"""Personal data: found, masked, restored.

`analyze(text)` is the function for those who embed this package; `Analyzer` is the same with settings of your own.
`Anonymizer(settings, analyzer).anonymize(segments)` gives the `edits` that mask them (for `Document.replace`), counts per
type and operator, and the `Vault` of the exchange: `vault.restorer` is what `payload.response_editor` wants.
"""

from extproc.pii.analyzer import Analyzer, TextRecognizer, analyze
from extproc.pii.anonymizer import Anonymized, Anonymizer
from extproc.pii.results import RecognizerResult
from extproc.pii.vault import Vault

__all__ = ["Analyzer", "Anonymized", "Anonymizer", "RecognizerResult", "TextRecognizer", "Vault", "analyze"]
