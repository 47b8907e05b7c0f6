"""CEL conditions over declared names: compiled, checked, evaluated, and reasoned about."""

from extproc.expressions.language import Condition, ExpressionError, Kind, Language, language
from extproc.expressions.shortcut import names_read, shortcut

__all__ = ["Condition", "ExpressionError", "Kind", "Language", "language", "names_read", "shortcut"]
