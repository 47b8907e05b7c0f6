"""Anthropic's messages."""

from extproc.payload.translate.messages import answer, request, stream

__all__ = ["answer", "request", "stream"]
