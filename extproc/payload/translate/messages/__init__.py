"""Anthropic's messages."""

from extproc.payload.translate.messages import answer, request_reader, request_writer, stream

__all__ = ["answer", "request_reader", "request_writer", "stream"]
