"""Gemini's generateContent, as an upstream."""

from extproc.payload.translate.gemini import answer, request, stream

__all__ = ["answer", "request", "stream"]
