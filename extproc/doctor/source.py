"""Reads what a user has: a bootstrap, a config dump, an EnvoyFilter, or a piece of one; and finds the parts in it.

Parts are found by their shape, wherever they stand. Keys are read as in YAML (`route_config`), also where a file writes
them as JSON does (`routeConfig`).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from extproc.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

Data = dict[str, Any]
Path = tuple[str | int, ...]

_CAMEL = re.compile(r"(?<=[a-z0-9])([A-Z])")


@dataclass(frozen=True, slots=True)
class Patch:
    """One entry of an EnvoyFilter's `configPatches`."""

    path: Path
    apply_to: str
    context: str
    match: Data
    operation: str
    value: Data
    filter_class: str


@dataclass(frozen=True, slots=True)
class Manager:
    """An http_connection_manager, or what a patch merges into one."""

    path: Path
    config: Data
    listener: Data
    """The listener around it; empty where the file has none."""
    whole: bool
    """Not a patch: what is not in it is not there."""


@dataclass(frozen=True, slots=True)
class ExtProc:
    """An ext_proc filter that is ours, or that may be."""

    path: Path
    """Of its configuration."""
    name: str
    config: Data
    manager: Manager | None
    patch: Patch | None
    disabled: bool
    """Off, but where a virtual host or a route turns it on."""

    @property
    def is_ours(self) -> bool:
        """Whether it is known for ours, by its name or by what it is told of."""
        names = (self.name, self.config.get("stat_prefix", ""), self.config.get("metadata_options", ""))
        return any("intentmesh" in str(each) for each in names)


@dataclass(frozen=True, slots=True)
class Workload:
    """A pod, or what makes pods."""

    path: Path
    spec: Data
    """Of the pod."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """The Envoy that is to run a configuration, or runs it."""

    version: str = ""
    types: frozenset[str] = frozenset()
    """Messages of all extensions that it has; empty: not known."""
    stats: Mapping[str, int] = field(default_factory=dict)
    """Its counters and gauges by their whole names; empty: it was not asked."""


@dataclass
class Subject:
    """All that a file says, by kind."""

    lines: dict[Path, int]
    proxy: Proxy = field(default_factory=Proxy)
    processors: list[ExtProc] = field(default_factory=list)
    """Every ext_proc filter, whosever it is."""
    workloads: list[Workload] = field(default_factory=list)
    managers: list[Manager] = field(default_factory=list)
    virtual_hosts: list[tuple[Path, Data]] = field(default_factory=list)
    clusters: dict[str, tuple[Path, Data]] = field(default_factory=dict)
    patches: list[Patch] = field(default_factory=list)
    listeners: list[tuple[Path, Data]] = field(default_factory=list)
    types: list[tuple[Path, str]] = field(default_factory=list)
    """The message of every extension that is configured."""
    refusals: list[tuple[Path, str]] = field(default_factory=list)
    """What an Envoy has been given and did not take, with its reason."""
    services: list[tuple[Path, Data]] = field(default_factory=list)
    """Kubernetes Services."""

    @property
    def filters(self) -> list[ExtProc]:
        """The filters to examine: those that are known for ours; where none is, all may be."""
        return [ext_proc for ext_proc in self.processors if ext_proc.is_ours] or self.processors

    def line(self, path: Path) -> int | None:
        """The line of a path, or of what stands around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path)


def read(text: str, source: str) -> Subject:
    """Find the parts of a configuration. Raises ConfigError where there is none."""
    documents, lines = _load(text, source)
    subject = Subject(lines)
    for i, document in enumerate(documents):
        subject.proxy = proxy_of(document) or subject.proxy
        _visit(subject, document, (i,) if len(documents) > 1 else (), _Around())
    parts = (subject.processors, subject.managers, subject.virtual_hosts, subject.clusters, subject.patches)
    if not any((*parts, subject.workloads)):
        raise ConfigError(f"{source}: holds no Envoy bootstrap, config dump or EnvoyFilter, nor a part of one")
    return subject


def proxy_of(dump: Any) -> Proxy | None:
    """The Envoy that a config dump is of; None: it is none, or does not say."""
    for config in items(dump, "configs"):
        node = part(config, "bootstrap", "node")
        listed = [each.get("type_urls") for each in items(node, "extensions")]
        types = {str(url) for urls in listed if isinstance(urls, list) for url in urls}
        if types:
            version = part(node, "user_agent_build_version", "version")
            return Proxy(f"{version.get('major_number', '?')}.{version.get('minor_number', '?')}", frozenset(types))
    return None


def part(data: Any, *keys: str) -> Data:
    """The mapping under these keys; empty where there is none."""
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}


def items(data: Any, key: str) -> list[Data]:
    """The mappings in the list under a key."""
    value = data.get(key) if isinstance(data, dict) else None
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def is_message(value: Any, name: str) -> bool:
    """Whether a typed config is of this message."""
    return isinstance(value, dict) and str(value.get("@type", "")).rpartition(".")[2] == name


def _load(text: str, source: str) -> tuple[list[Any], dict[Path, int]]:
    if text.lstrip().startswith(("{", "[")):
        try:
            return [_snake(json.loads(text))], {}  # a hundredth of the time that YAML takes
        except ValueError:
            pass  # flow-style YAML starts like this too
        except RecursionError as error:
            raise ConfigError(f"{source}: is nested too deeply to be a configuration") from error
    lines: dict[Path, int] = {}
    try:
        nodes = [node for node in yaml.compose_all(text, Loader=yaml.SafeLoader) if node is not None]
        documents = [_snake(d) for d in yaml.safe_load_all(text) if d is not None]
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{source}:{line}: not YAML: {error.problem}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigError(f"{source}: not YAML: {error}") from None
    for i, node in enumerate(nodes):
        _index(node, (i,) if len(nodes) > 1 else (), lines)
    return documents, lines


def _index(node: yaml.Node, path: Path, lines: dict[Path, int]) -> None:
    lines.setdefault(path, node.start_mark.line + 1)
    if len(path) > 60:  # an alias within itself; no configuration is as deep as this
        return
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = (*path, _snake_key(str(key.value)))
            lines[here] = key.start_mark.line + 1
            _index(value, here, lines)
    elif isinstance(node, yaml.SequenceNode):
        for i, value in enumerate(node.value):
            _index(value, (*path, i), lines)


def _snake_key(key: str) -> str:
    return _CAMEL.sub(r"_\1", key).lower() if key.isalnum() and key[:1].islower() else key


def _snake(value: Any) -> Any:
    if isinstance(value, dict):
        return {_snake_key(str(key)): _snake(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_snake(item) for item in value]
    return value


@dataclass(frozen=True, slots=True)
class _Around:
    """What stands around a node."""

    listener: Data = field(default_factory=dict)
    manager: Manager | None = None
    patch: Patch | None = None


def _visit(subject: Subject, value: Any, path: Path, around: _Around) -> None:
    if isinstance(value, list):
        for i, item in enumerate(value):
            _visit(subject, item, (*path, i), around)
        return
    if not isinstance(value, dict):
        return
    if value.get("kind") == "EnvoyFilter":
        _visit_envoy_filter(subject, value, path)
        return
    if value.get("kind") in ("Pod", "Deployment"):
        where = ("spec",) if value["kind"] == "Pod" else ("spec", "template", "spec")
        subject.workloads.append(Workload((*path, *where), part(value, *where)))
        return
    if value.get("kind") == "Service":
        subject.services.append((path, value))
        return
    if details := part(value, "error_state").get("details"):
        subject.refusals.append((path, str(details)))
    typed = value.get("typed_config")
    if "name" in value and isinstance(typed, dict) and "@type" in typed:
        subject.types.append(((*path, "typed_config", "@type"), str(typed["@type"]).rpartition("/")[2]))
    around = _note(subject, value, path, around)
    for key, item in value.items():
        _visit(subject, item, (*path, key), around)


def _note(subject: Subject, value: Data, path: Path, around: _Around) -> _Around:
    """Write down what a mapping is; returns what stands around its own parts."""
    if "filter_chains" in value:
        around = _Around(value, around.manager, around.patch)
        subject.listeners.append((path, value))
    if is_message(value, "HttpConnectionManager"):
        manager = Manager(path, value, around.listener, whole=around.patch is None)
        subject.managers.append(manager)
        around = _Around(around.listener, manager, around.patch)
    if is_message(value.get("typed_config"), "ExternalProcessor"):
        here = (*path, "typed_config")
        name = str(value.get("name", ""))
        off = value.get("disabled") is True
        subject.processors.append(ExtProc(here, name, value["typed_config"], around.manager, around.patch, off))
    hosts = value.get("virtual_hosts")
    for i, host in enumerate(hosts if isinstance(hosts, list) else ()):
        if isinstance(host, dict):
            subject.virtual_hosts.append(((*path, "virtual_hosts", i), host))
    if "name" in value and ({"load_assignment", "eds_cluster_config", "cluster_type"} & value.keys()):
        subject.clusters[str(value["name"])] = (path, value)
    return around


def _visit_envoy_filter(subject: Subject, value: Data, path: Path) -> None:
    entries = part(value, "spec").get("config_patches")
    for i, entry in enumerate(entries if isinstance(entries, list) else ()):
        if not isinstance(entry, dict):
            continue
        here = (*path, "spec", "config_patches", i)
        match, patch = part(entry, "match"), part(entry, "patch")
        content = patch.get("value")
        whole = Patch(
            here,
            str(entry.get("apply_to", "")),
            str(match.get("context", "ANY")),
            match,
            str(patch.get("operation", "")),
            content if isinstance(content, dict) else {},
            str(patch.get("filter_class", "")),
        )
        subject.patches.append(whole)
        _visit(subject, content, (*here, "patch", "value"), _Around(patch=whole))
