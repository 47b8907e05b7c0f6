"""Gemini's generateContent, as an upstream."""

from extproc.payload.translate.gemini import answer, request_writer, stream

__all__ = ["answer", "request_writer", "stream"]
