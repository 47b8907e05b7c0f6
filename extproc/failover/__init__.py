"""Failover between models: what is asked before each attempt, of which the first pass of a request knows nothing."""

from extproc.failover.attempt import attempts

__all__ = ["attempts"]
