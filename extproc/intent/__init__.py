"""What a text means: the cascade. `Classifier` is the whole of it to the rest of the house."""

from extproc.intent.classifier import Classifier
from extproc.intent.score import Explanation, IntentScore

__all__ = ["Classifier", "Explanation", "IntentScore"]
