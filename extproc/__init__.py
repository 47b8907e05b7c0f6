"""Intentmesh: an Envoy external processor that understands, masks and routes HTTP requests."""

__version__ = "0.1.0"
