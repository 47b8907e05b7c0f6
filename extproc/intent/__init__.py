"""What a text means: the cascade. `Classifier` is the whole of it to the rest of the house."""

from extproc.intent.classifier import Asked, Classifier
from extproc.intent.score import IntentScore

__all__ = ["Asked", "Classifier", "IntentScore"]
