"""Envoy's own configuration: the bootstrap, and its parts for an Envoy that is already there."""
