"""What the processor says of itself: one JSON line per event on standard error, names and numbers only.

Libraries log too, and an exception's message may quote the request in which it was raised. So of what they say only the
place and the class of an exception are kept, whatever the level; and so it is with exceptions that nobody catches.
"""

from __future__ import annotations

import contextlib
import json
import logging
import sys
import threading
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    import asyncio
    from types import TracebackType

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
TRUSTED = ("opentelemetry.exporter",)
"""Loggers whose messages are shown: they name receivers and statuses, and have seen nothing but names and counts."""


def logger() -> Any:
    """A logger for our own events, whatever an application that uses us as a library does with structlog."""
    return structlog.wrap_logger(
        _StandardError(),
        processors=[
            _drop,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.BoundLogger,
    )


class _Threshold:
    """From which level on our events are logged. Until somebody asks for more, as the command line does: warnings."""

    level = logging.WARNING


def _drop(_logger: Any, method: str, event: Any) -> Any:
    """Leave out what is below the threshold."""
    if LEVELS[method] < _Threshold.level:
        raise structlog.DropEvent
    return event


def configure(level: str) -> None:
    """Log from `level` on: our own events, those of libraries, and what nobody caught."""
    _Threshold.level = LEVELS[level]
    logging.basicConfig(level=max(LEVELS[level], logging.INFO), handlers=[_Libraries()], force=True)
    threading.excepthook = _thread_died
    sys.unraisablehook = _unraisable


def where(error: BaseException) -> str:
    """File and line that raised an error. Not its message, which may quote a request."""
    cause = error.__cause__
    return _place(cause.__traceback__ if cause is not None and cause.__traceback__ else error.__traceback__)


def loop_failed(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """The handler of an event loop for exceptions that nobody awaits."""
    error = context.get("exception")
    log.error("uncaught", error=type(error).__name__, at=where(error) if error else "")


def _place(trace: TracebackType | None) -> str:
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else ""


def _thread_died(args: threading.ExceptHookArgs) -> None:
    log.error(
        "thread_died",
        thread=args.thread.name if args.thread else "",
        error=args.exc_type.__name__,
        at=_place(args.exc_traceback),
    )


def _unraisable(args: Any) -> None:
    log.error("unraisable", error=args.exc_type.__name__, at=_place(args.exc_traceback))


class _StandardError:
    """Where structlog puts its lines."""

    def __init__(self, *_: Any) -> None:
        """Take, and need not, the name of a logger."""

    def write(self, line: str) -> None:
        """Write one, whole. A log that cannot be written, on a full disk or to nobody, costs no more than its line."""
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(line + "\n")

    debug = info = warning = error = write


log = logger()


class _Libraries(logging.Handler):
    """Records of the standard library's logging, as lines like ours."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one."""
        error = record.exc_info[1] if record.exc_info else None
        line: dict[str, Any] = {
            "event": "library",
            "logger": record.name,
            "level": record.levelname.lower(),
            "at": where(error) if error else f"{record.pathname}:{record.lineno}",
        }
        if error is not None:
            line["error"] = type(error).__name__
        elif record.name.startswith(TRUSTED):
            line["message"] = record.getMessage()
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(json.dumps(line) + "\n")
