"""`intentmesh doctor`: an Envoy configuration against known ext_proc pitfalls."""

from extproc.doctor.examination import Finding, examine
from extproc.doctor.rule import RULES
from extproc.doctor.source import Proxy, proxy_of

__all__ = ["RULES", "Finding", "Proxy", "examine", "proxy_of"]
