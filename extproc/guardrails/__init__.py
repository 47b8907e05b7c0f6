"""What requests and answers must not try, say or hold: `Guardrails` is its interface."""

from extproc.guardrails.judge import Guardrails

__all__ = ["Guardrails"]
