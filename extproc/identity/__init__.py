"""Who calls, by what Envoy has verified: a certificate, a JWT, or a header that `mesh.yaml` trusts."""

from extproc.identity.caller import ANONYMOUS, UNKNOWN, Caller, caller_of, distinct

__all__ = ["ANONYMOUS", "UNKNOWN", "Caller", "caller_of", "distinct"]
