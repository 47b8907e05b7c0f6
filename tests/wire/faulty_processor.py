"""The real processor with a fault to be switched on at any of its steps: `python -m tests.wire.faulty_processor ADMIN SOCKET`.

The file `fault` beside the socket names the step that raises, or dawdles, from now on; an empty file means none. What is
raised quotes everything that the step was given and every secret of the canary test, as a careless library would.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

from extproc import payload
from extproc.intent import Classifier
from extproc.pii import Analyzer, Anonymizer, AnswerEditors
from extproc.pii.restorer import Restorer
from extproc.pii.vault import Vault
from extproc.pipeline import Pipeline
from extproc.process.mesh_file import MeshFile
from extproc.process.server import serve
from extproc.routing import Router
from extproc.steps import rewriting
from extproc.telemetry import audit, audit_chain, observer, otlp, tally
from extproc.telemetry.usage import UsageReader
from extproc.wire import codec
from tests.wire.canary import SECRETS

if TYPE_CHECKING:
    from collections.abc import Callable

STEPS: dict[str, tuple[Any, str]] = {
    "decode": (codec, "decode"),
    "parse": (payload, "parse"),
    "recognize": (Analyzer, "analyze"),
    "anonymize": (Anonymizer, "anonymize"),
    "vault": (Vault, "placeholder"),
    "classify": (Classifier, "ask"),
    "route": (Router, "decide"),
    "rewrite": (rewriting, "rewritten"),
    "encode": (codec, "_encode_mutation"),
    "editor": (AnswerEditors, "__call__"),
    "restore": (Restorer, "advance"),
    "telemetry-begin": (observer.Telemetry, "begin"),
    "telemetry-read": (UsageReader, "feed"),
    "telemetry-usage": (UsageReader, "close"),
    "telemetry-bill": (observer.Telemetry, "bill"),
    "telemetry-count": (tally.Tally, "count"),
    "telemetry-span": (observer.Telemetry, "_trace"),
    "audit-record": (observer.Telemetry, "_audit_record"),
    "audit-queue": (audit.AuditTrail, "write"),
    "audit-write": (audit_chain.Chain, "line"),
    "export-spans": (OTLPSpanExporter, "export"),
    "export-metrics": (otlp, "metrics_data"),
}
"""Name of a fault -> where the function stands that it breaks."""
SLOW = {"slow": 1.2, "stuck": 4.0}
"""Name of a fault -> seconds that recognition takes longer."""


class CarelessError(RuntimeError):
    """Quotes what it should not."""


def breakable(name: str, function: Callable[..., Any], switch: Path) -> Callable[..., Any]:
    """The function, failing while the switch names it."""

    def broken(*args: Any, **options: Any) -> Any:
        fault = switch.read_text()
        if fault == name:
            raise CarelessError(f"{name}: {args!r} {options!r} {list(SECRETS.values())}") from ValueError(
                *SECRETS.values()
            )
        if name == "recognize" and fault in SLOW:
            time.sleep(SLOW[fault])
        return function(*args, **options)

    return broken


def main() -> None:
    """Serve the mesh.yaml beside the socket."""
    admin, socket = sys.argv[1], Path(sys.argv[2])
    switch = socket.with_name("fault")
    switch.touch()
    for name, (home, function) in STEPS.items():
        setattr(home, function, breakable(name, getattr(home, function), switch))
    file = MeshFile(socket.with_name("mesh.yaml"), {"socket": str(socket), "admin": admin, "log_level": "debug"})
    serve(file, build=Pipeline.build, log_requests=False)


if __name__ == "__main__":
    main()
