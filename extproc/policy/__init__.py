"""The rules of `policy`: asked as soon as all is known that they name, and one decision over all of them."""

from extproc.policy.judges import AtBody, AtHeaders, Classified, Routed, Understood
from extproc.policy.rules import rules_of
from extproc.policy.saying import NAME

__all__ = ["NAME", "AtBody", "AtHeaders", "Classified", "Routed", "Understood", "rules_of"]
