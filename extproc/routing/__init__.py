"""Intent, policy and registry -> the model that gets the request."""

from extproc.routing.names import Names
from extproc.routing.router import RouteDecision, Router

__all__ = ["Names", "RouteDecision", "Router"]
