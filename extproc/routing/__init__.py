"""Intent, policy and registry -> the model that gets the request."""

from extproc.routing.router import RouteDecision, Router

__all__ = ["RouteDecision", "Router"]
