"""OpenAI's responses."""

from extproc.payload.translate.responses import answer, request, stream

__all__ = ["answer", "request", "stream"]
