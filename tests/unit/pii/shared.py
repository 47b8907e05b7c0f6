"""One analyzer for the tests of its recognizers: building it takes longer than most of them."""

from extproc.config.pii import PACKS, PiiSettings
from extproc.pii import Analyzer

NO_MODEL = {"enabled": False}
analyze = Analyzer(PiiSettings(packs=PACKS, names=NO_MODEL)).analyze
"""By the rules alone, with every pack."""
