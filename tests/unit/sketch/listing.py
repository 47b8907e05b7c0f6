"""The list of steps with the sketch of a guardrail in it."""

from extproc.pipeline import Pipeline
from tests.unit.sketch.guardrail import Phrases


class SketchPipeline(Pipeline):
    """One more line than the product's own list."""

    UNDERSTOOD = (*Pipeline.UNDERSTOOD, Phrases.of)
