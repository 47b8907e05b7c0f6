"""The steps of an inspection, each in a module of its own. Their order stands in `pipeline.py`."""

from extproc.steps.answer_chain import AnswerChain
from extproc.steps.case import Case, Step
from extproc.steps.classification import Answering, Asking
from extproc.steps.fallbacks import Fallbacks
from extproc.steps.judgement import Judging, admit
from extproc.steps.masking import Masking
from extproc.steps.prompting import Prompting
from extproc.steps.reading import Reading
from extproc.steps.rewriting import Rewriting
from extproc.steps.routing import Routing
from extproc.steps.translating import Translations

__all__ = [
    "AnswerChain",
    "Answering",
    "Asking",
    "Case",
    "Fallbacks",
    "Judging",
    "Masking",
    "Prompting",
    "Reading",
    "Rewriting",
    "Routing",
    "Step",
    "Translations",
    "admit",
]
