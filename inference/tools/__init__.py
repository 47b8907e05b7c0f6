"""Calls of functions: what a client offers, what a model writes, and what the client gets of it."""
