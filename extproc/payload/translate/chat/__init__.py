"""OpenAI's chat completions."""

from extproc.payload.translate.chat import answer, request_reader, request_writer, stream

__all__ = ["answer", "request_reader", "request_writer", "stream"]
