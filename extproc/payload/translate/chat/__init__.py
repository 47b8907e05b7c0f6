"""OpenAI's chat completions."""

from extproc.payload.translate.chat import answer, request, stream

__all__ = ["answer", "request", "stream"]
