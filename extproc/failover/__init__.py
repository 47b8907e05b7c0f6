"""Failover between models: what Envoy asks before each attempt, after the request itself was decided."""

from extproc.failover.attempt import attempts

__all__ = ["attempts"]
