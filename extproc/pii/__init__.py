"""Personal data: found, masked, restored.

`analyze(text)` is the function for those who embed this package; `Analyzer` is the same with settings of your own.
"""

from extproc.pii.analyzer import Analyzer, TextRecognizer, analyze
from extproc.pii.results import RecognizerResult

__all__ = ["Analyzer", "RecognizerResult", "TextRecognizer", "analyze"]
