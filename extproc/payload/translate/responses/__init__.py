"""OpenAI's responses."""

from extproc.payload.translate.responses import answer, request_reader, request_writer, stream

__all__ = ["answer", "request_reader", "request_writer", "stream"]
