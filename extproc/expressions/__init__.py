"""Conditions in CEL over names that are declared: compiled, checked, asked, and reasoned about."""

from extproc.expressions.language import Condition, ExpressionError, Kind, Language, language

__all__ = ["Condition", "ExpressionError", "Kind", "Language", "language"]
