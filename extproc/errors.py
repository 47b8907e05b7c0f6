"""Every error that the processor raises on purpose, and the answer that each one carries.

`service.py` is the one place where these become replies. A message never quotes what a user wrote: types, names,
sizes and positions only.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ERRORS_FROM: Final = 400
"""HTTP statuses from here on are errors, whoever answers with them."""


class IntentmeshError(Exception):
    """Base of the tree. `status` is the HTTP status of the reply, `error_type` its name in OpenAI's error shape."""

    status: int = 500
    error_type: str = "api_error"
    anthropic_type: str = ""
    """Its name in Anthropic's error shape, where that is another."""
    param: str | None = None
    """The field of the request that is at fault, where it is one."""
    headers: Mapping[str, str] = MappingProxyType({})
    """Of the reply, beside its content type."""


class ConfigError(IntentmeshError):
    """A `mesh.yaml`, a file that it names, or a setting that cannot be used."""


class UnreadableBodyError(IntentmeshError):
    """A body on an intercepted path whose texts could not be found, so that it could not be masked either."""

    status = 400
    error_type = "invalid_request_error"


class UnreadableAnswerError(IntentmeshError):
    """An answer that has to be restored and is not what its headers say: the upstream's fault, and not the client's."""

    status = 502


class UntranslatableError(IntentmeshError):
    """A request that cannot be brought to the API that the model speaks: what it says there is no place for."""

    status = 400
    error_type = "invalid_request_error"


class AttemptError(IntentmeshError):
    """A request may not, or cannot, go to a model that would stand in for another: Envoy tries the next."""

    status = 503
    error_type = "service_unavailable"

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"the model {name} cannot stand in: {reason}")


class PromptError(IntentmeshError):
    """A prompt that there is not, that is no template, or that what is given does not fill in. No value is told."""

    status = 400
    error_type = "invalid_request_error"
    param = "prompt"


class FeedbackError(IntentmeshError):
    """Feedback that cannot be understood. Nothing of it is told."""

    status = 400
    error_type = "invalid_request_error"

    def __init__(self, message: str, param: str | None = None) -> None:
        self.param = param
        super().__init__(message)


class FeedbackFullError(IntentmeshError):
    """There is no more room for feedback."""

    status = 507

    def __init__(self) -> None:
        super().__init__("the file for feedback is full; whoever runs this mesh has to read it and to make room")


class FeedbackStoreError(IntentmeshError):
    """Feedback that cannot be kept."""

    status = 503

    def __init__(self, reason: str) -> None:
        super().__init__(f"the feedback cannot be kept: {reason}")


class BodyTooLargeError(IntentmeshError):
    """A body, or what it decompresses to, beyond the configured limit."""

    status = 413
    error_type = "invalid_request_error"


class OutOfRangeError(IntentmeshError):
    """A number of a known API that cannot be one: it may be personal data, and can be neither masked there nor sent on."""

    status = 400
    error_type = "invalid_request_error"

    def __init__(self, name: str, least: int, most: int) -> None:
        super().__init__(f"`{name}` must be a number from {least:,} to {most:,}")


class PersonalNumberError(IntentmeshError):
    """A number of a known API that is within its range and all the same reads as personal data."""

    status = 400
    error_type = "invalid_request_error"

    def __init__(self, name: str) -> None:
        super().__init__(f"`{name}` must be a number that does not read as personal data: it cannot be masked there")


class BlockedEntityError(IntentmeshError):
    """The policy refuses requests that hold this entity type. Carries the type, never the value."""

    status = 400
    error_type = "invalid_request_error"

    def __init__(self, entity_type: str) -> None:
        self.entity_type = entity_type
        super().__init__(f"the request holds personal data of the type {entity_type}, which is not accepted here")


class MaskingError(IntentmeshError):
    """A recognizer or an operator failed or ran out of time: the request is refused, never sent on unmasked."""

    status = 503
    error_type = "service_unavailable"


class LateError(MaskingError):
    """Work that was not done by its deadline, or that nobody waits for any more: it ends where it stands."""

    def __init__(self) -> None:
        super().__init__("the request could not be searched for personal data in time")


class NamesOverBudgetError(IntentmeshError):
    """A text that holds more than the name model may read, where the policy is to refuse such texts."""

    status = 413
    error_type = "invalid_request_error"

    def __init__(self, budget_tokens: int) -> None:
        super().__init__(
            f"a text of the request is too long to be searched for names: more than {budget_tokens} tokens of it may hold some"
        )


class ModelNotFoundError(IntentmeshError):
    """A model is asked for that nobody knows."""

    status = 404
    error_type = "invalid_request_error"
    anthropic_type = "not_found_error"
    param = "model"

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__(f"there is no such model; there are: {', '.join(names)}")


class DeniedError(IntentmeshError):
    """A policy, a guardrail or a budget says no. The reason is the configuration's."""

    status = 403
    error_type = "permission_error"

    def __init__(self, step: str, reason: str) -> None:
        super().__init__(f"refused by {step}: {reason}" if reason else f"refused by {step}")


class UnauthorizedError(IntentmeshError):
    """Who calls is not known, and has to be; or the key that should tell it is no longer good."""

    status = 401
    error_type = "authentication_error"
    headers: Mapping[str, str] = MappingProxyType({"www-authenticate": "Bearer"})


class RefusedByRuleError(IntentmeshError):
    """A rule of the policy says no. The reason and the status are the configuration's."""

    def __init__(self, reason: str, status: int = 403) -> None:
        self.status = status
        kinds = {401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error"}
        default = "permission_error" if status == 403 else "invalid_request_error"
        self.error_type = "api_error" if status >= 500 else kinds.get(status, default)
        super().__init__(f"refused by policy: {reason}")


class RuleFailedError(IntentmeshError):
    """A rule of the policy could not be evaluated, or names what nobody knows: it denies."""

    status = 503
    error_type = "service_unavailable"

    def __init__(self, rule: str) -> None:
        super().__init__(f"refused by policy: the rule {rule} could not be decided")


class GuardrailError(DeniedError):
    """A guardrail says no, with the status that it is configured with."""

    def __init__(self, reason: str, status: int = 403) -> None:
        super().__init__("guardrails", reason)
        self.status = status
        self.error_type = "permission_error" if status == 403 else "invalid_request_error"


class RateLimitExceededError(IntentmeshError):
    """A budget is used up. The message has the rule and numbers of it, and who is to pay is told in no word."""

    status = 429
    error_type = "rate_limit_error"

    def __init__(self, message: str, headers: Mapping[str, str]) -> None:
        self.headers = headers
        super().__init__(message)


class UndecidedError(IntentmeshError):
    """What has a say about a request failed: it is refused, for nobody knows what would have been said."""

    status = 503
    error_type = "service_unavailable"

    def __init__(self, step: str, error: Exception) -> None:
        super().__init__(f"the step {step} failed ({type(error).__name__})")


class AuditError(IntentmeshError):
    """The audit trail cannot be written, and the policy is that nothing goes on without it."""

    status = 503
    error_type = "service_unavailable"


class ProtocolError(IntentmeshError):
    """A message that is not legal in this state of the stream: the gRPC stream is aborted with INTERNAL."""


class ModeError(IntentmeshError):
    """Envoy sends bodies in a mode in which an intercepted request cannot be handled safely."""

    status = 503
    error_type = "service_unavailable"
