"""`intentmesh doctor`: an Envoy configuration against what others ran into."""

from extproc.doctor.examination import Finding, examine
from extproc.doctor.rule import RULES, Rule

__all__ = ["RULES", "Finding", "Rule", "examine"]
