"""What a text means: the cascade. `Classifier` is its interface."""

from extproc.intent.classifier import Asked, Classifier
from extproc.intent.score import IntentScore

__all__ = ["Asked", "Classifier", "IntentScore"]
