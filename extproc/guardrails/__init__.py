"""What requests and answers must not try, say or hold: `Guardrails` is the whole of it to the rest of the house."""

from extproc.guardrails.judge import Guardrails

__all__ = ["Guardrails"]
