"""Rules on what a running Envoy says of itself: what it cannot do, what it refused, what it has counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extproc.doctor.rule import Trouble, rule
from extproc.doctor.upstream import processor_clusters

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extproc.doctor.source import ExtProc, Subject


@rule("unknown-type", "error", "Render for an Envoy as old as this one, or take a newer one.")
def _unknown(subject: Subject) -> Iterator[Trouble]:
    types = subject.proxy.types
    for path, name in subject.types if types else ():
        if name not in types and "resource_monitors" not in name:  # which Envoy does not list
            yield path, f"Envoy {subject.proxy.version} has no {name}: it refuses all that stands around it"


@rule("refused-config", "error", "Mend what it names; until then the configuration from before is in use.")
def _refused(subject: Subject) -> Iterator[Trouble]:
    for path, details in subject.refusals:
        yield path, f"Envoy was given this and refused it: {details}"


@rule("processor-down", "error", "Start it, and see that Envoy may enter the folder of its socket.")
def _down(subject: Subject) -> Iterator[Trouble]:
    for path, cluster in processor_clusters(subject):
        name = str(cluster.get("name", "")).replace(":", "_")
        if subject.proxy.stats.get(f"cluster.{name}.membership_healthy") == 0:
            yield path, "no worker of the processor is healthy: what is to be masked is refused"


@rule("never-asked", "error", "See which route takes the requests, and what its typed_per_filter_config says.")
def _never(subject: Subject) -> Iterator[Trouble]:
    for ext_proc in subject.filters:
        requests, streams = _requests(subject, ext_proc), _count(subject, ext_proc, "streams_started")
        if requests and streams == 0:
            yield (
                ext_proc.path,
                f"{requests} requests came in, and the processor was asked about none: if any of them was to be read, it was not",
            )


@rule("passed-unread", "error", "Set failure_mode_allow: false where bodies are to be masked.")
def _unread(subject: Subject) -> Iterator[Trouble]:
    for ext_proc in subject.filters:
        if count := _count(subject, ext_proc, "failure_mode_allowed"):
            yield ext_proc.path, f"{count} requests went on unread when the processor failed"


@rule(
    "rejected-mutations", "error", "Allow what the processor writes: see mutation_rules in envoy/snippets/filter.yaml."
)
def _rejected(subject: Subject) -> Iterator[Trouble]:
    for ext_proc in subject.filters:
        if count := _count(subject, ext_proc, "rejected_header_mutations"):
            yield ext_proc.path, f"{count} changes of headers were rejected: decisions had no effect"
        if count := _count(subject, ext_proc, "clear_route_cache_ignored"):
            yield ext_proc.path, f"{count} requests kept the route that they had before the decision"


@rule(
    "failed-streams",
    "warning",
    "See the processor's log of that time, and `message_timeout` against limits.deadline_ms.",
)
def _failed(subject: Subject) -> Iterator[Trouble]:
    for ext_proc in subject.filters:
        for name, what in (
            ("streams_failed", "exchanges with the processor failed"),
            ("message_timeouts", "answers were late"),
        ):
            if count := _count(subject, ext_proc, name):
                yield ext_proc.path, f"{count} {what}: callers got an error instead"


def _count(subject: Subject, ext_proc: ExtProc, counter: str) -> int | None:
    """A counter of a filter's; None: this Envoy was not asked, or does not count it."""
    prefix = str(ext_proc.config.get("stat_prefix", ""))
    end = ".".join(part for part in ("ext_proc", prefix, counter) if part)
    manager = str(ext_proc.manager.config.get("stat_prefix", "")) if ext_proc.manager else ""
    counts = [
        value
        for name, value in subject.proxy.stats.items()
        if name.endswith(f".{end}") and (not manager or name.startswith(f"http.{manager}."))
    ]
    return sum(counts) if counts else None


def _requests(subject: Subject, ext_proc: ExtProc) -> int:
    manager = str(ext_proc.manager.config.get("stat_prefix", "")) if ext_proc.manager else ""
    return subject.proxy.stats.get(f"http.{manager}.downstream_rq_total", 0)
