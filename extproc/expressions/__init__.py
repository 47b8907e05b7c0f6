"""CEL conditions over declared names: compiled, checked, evaluated, and reasoned about."""

from extproc.expressions.language import Condition, ExpressionError, Kind, Language, language

__all__ = ["Condition", "ExpressionError", "Kind", "Language", "language"]
