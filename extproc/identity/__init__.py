"""Who calls, by what Envoy has verified: a certificate, a JWT, or a header that `mesh.yaml` trusts."""

from extproc.identity.caller import ANONYMOUS, UNKNOWN, Caller, Callers
from extproc.identity.sender import distinct, sender_of

__all__ = ["ANONYMOUS", "UNKNOWN", "Caller", "Callers", "distinct", "sender_of"]
