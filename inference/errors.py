"""Every error that this server raises on purpose, with the answer it carries in OpenAI's shape.

A message names types, sizes and limits, never what a user wrote.
"""

from __future__ import annotations


class InferenceError(Exception):
    """Base of the tree: `status`, `error_type` and `code` are what the client sees."""

    status: int = 500
    error_type: str = "server_error"
    code: str | None = None
    retry_after_s: int | None = None

    def __init__(self, message: str, *, param: str | None = None) -> None:
        self.param = param
        super().__init__(message)


class SettingsError(InferenceError):
    """A setting that cannot be used; the process ends with this message."""


class ModelFileError(InferenceError):
    """A GGUF file that is damaged, foreign, or does not fit this machine; the process ends with this message."""


class BackendError(InferenceError):
    """llama.cpp computes nothing on this processor; the process ends with this message."""


class InvalidRequestError(InferenceError):
    """The request is wrong; `param` names the part."""

    status = 400
    error_type = "invalid_request_error"


class ContextLengthError(InvalidRequestError):
    """The prompt does not fit the context."""

    code = "context_length_exceeded"

    def __init__(self, prompt_tokens: int, context_tokens: int, param: str) -> None:
        super().__init__(
            f"This model's context is {context_tokens} tokens, and the prompt alone has {prompt_tokens}. "
            "Shorten the prompt, or start the server with a larger --context-tokens.",
            param=param,
        )


class NotFoundError(InvalidRequestError):
    """No such path, or no such model."""

    status = 404


class MethodNotAllowedError(InvalidRequestError):
    """The path exists, the method does not."""

    status = 405


class BodyTooLargeError(InvalidRequestError):
    """The body is over the limit."""

    status = 413


class UnsupportedEncodingError(InvalidRequestError):
    """The body is encoded in a way that we do not read."""

    status = 415


class UnauthorizedError(InvalidRequestError):
    """A key is missing or wrong."""

    status = 401
    error_type = "authentication_error"
    code = "invalid_api_key"


class UnavailableError(InferenceError):
    """Not now: loading, full, or going down. Envoy and the OpenAI clients try elsewhere or later."""

    status = 503
    error_type = "service_unavailable"

    def __init__(self, message: str, code: str, retry_after_s: int = 1) -> None:
        self.code = code
        self.retry_after_s = retry_after_s
        super().__init__(message)


class EngineError(InferenceError):
    """llama.cpp could not compute a step."""
