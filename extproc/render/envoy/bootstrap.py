"""The target `envoy`: a whole bootstrap, and the same parts one by one for an Envoy that is already there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from envoy_data_plane.envoy.config.bootstrap.v3 import Admin, Bootstrap, BootstrapStaticResources
from envoy_data_plane.envoy.config.core.v3 import Node
from envoy_data_plane.envoy.config.overload.v3 import (
    OverloadAction,
    OverloadManager,
    ResourceMonitor,
    ThresholdTrigger,
    Trigger,
)
from envoy_data_plane.envoy.extensions.resource_monitors.downstream_connections.v3 import DownstreamConnectionsConfig
from envoy_data_plane.envoy.extensions.resource_monitors.fixed_heap.v3 import FixedHeapConfig

from extproc.render.document import File, Note, plain, to_yaml
from extproc.render.envoy import (
    clusters,
    fallback,
    identity,
    listener,
    local_replies,
    outbound,
    processor,
    routes,
    tls,
    token_limit,
    tracing,
    usage,
)
from extproc.render.envoy.extension import packed, seconds, socket_address

if TYPE_CHECKING:
    from extproc.config import Mesh

HEAD = "Rendered by `intentmesh render envoy` from mesh.yaml: change that and render again.\n"
HEAP = "envoy.resource_monitors.fixed_heap"
HEAP_ACTIONS = {"shrink_heap": 0.85, "disable_http_keepalive": 0.9, "stop_accepting_requests": 0.95}
"""What is done from which share of the heap on."""
MIB = 2**20
NOTES = (
    *processor.NOTES,
    processor.EARLY_NOTE,
    *routes.NOTES,
    *clusters.NOTES,
    *listener.NOTES,
    *local_replies.NOTES,
    *outbound.NOTES,
    *token_limit.NOTES,
    *usage.NOTES,
    *tracing.NOTES,
    *identity.NOTES,
    Note("admin", "Whoever reaches this can stop the proxy: loopback only."),
    Note(
        "overload_manager",
        "Connections over this number are refused, and near the end of the heap (envoy.max_heap_mb) memory is given back, "
        "connections are closed after their answer, and then new requests get 503: rather than be killed with all that is open.",
    ),
    Note("static_resources.secrets", "Read by Envoy from their files; no configuration holds them."),
)


def bootstrap(mesh: Mesh) -> Bootstrap:
    """Everything that an Envoy needs to carry this mesh."""
    limit = DownstreamConnectionsConfig(max_active_downstream_connections=mesh.envoy.max_connections)
    listeners = [listener.listener(mesh), *outbound.listeners(mesh), *routes.attempts(mesh)]
    every_cluster = [
        clusters.processor_cluster(mesh),
        *clusters.model_clusters(mesh),
        *fallback.clusters(mesh),
        *token_limit.service_clusters(mesh),
        *usage.clusters(mesh),
        *tracing.clusters(mesh),
        *identity.jwks_clusters(mesh),
        *outbound.clusters(mesh),
    ]
    if mesh.envoy.probes:
        listeners.append(listener.probe_listener(mesh.envoy.probes))
        every_cluster.append(clusters.plain_cluster(listener.ADMIN_CLUSTER, mesh.envoy.admin))
    return Bootstrap(
        node=Node(id="intentmesh", cluster="intentmesh"),
        admin=Admin(address=socket_address(mesh.envoy.admin)),
        bootstrap_extensions=fallback.extensions(mesh),
        static_resources=BootstrapStaticResources(
            listeners=listeners,
            clusters=every_cluster,
            secrets=[] if mesh.envoy.secrets_file else tls.secrets(mesh),
        ),
        overload_manager=OverloadManager(
            refresh_interval=seconds(0.25),
            resource_monitors=[
                ResourceMonitor(
                    name="envoy.resource_monitors.global_downstream_max_connections", typed_config=packed(limit)
                ),
                ResourceMonitor(name=HEAP, typed_config=packed(FixedHeapConfig(max_heap_size_bytes=max_heap(mesh)))),
            ],
            actions=[
                OverloadAction(
                    name=f"envoy.overload_actions.{name}",
                    triggers=[Trigger(name=HEAP, threshold=ThresholdTrigger(value=share))],
                )
                for name, share in HEAP_ACTIONS.items()
            ],
        ),
    )


def max_heap(mesh: Mesh) -> int:
    """Bytes of heap that this Envoy may take."""
    if mesh.envoy.max_heap_mb is not None:
        return mesh.envoy.max_heap_mb * MIB
    return quantity(mesh.kubernetes.resources.envoy.memory) * 3 // 4


def quantity(written: str) -> int:
    """Bytes of a Kubernetes quantity: `512Mi`, `1G`."""
    number = written.rstrip("kKMGTPEi")
    unit = written[len(number) :]
    power = "kMGTPE".index(unit[0].replace("K", "k")) + 1 if unit else 0
    return int(float(number) * (1024 if unit.endswith("i") else 1000) ** power)


def bootstrap_file(mesh: Mesh, path: str = "envoy.yaml") -> File:
    """The bootstrap as a file."""
    return File(path, to_yaml([plain(bootstrap(mesh))], NOTES, HEAD))


def render(mesh: Mesh) -> list[File]:
    """The target's files."""
    return [bootstrap_file(mesh), *_secrets(mesh), *outbound.scripts(mesh), *snippets(mesh)]


def _secrets(mesh: Mesh) -> list[File]:
    """The file of secrets, where Envoy is to read them from one."""
    if mesh.envoy.secrets_file is None or not tls.secrets(mesh):
        return []
    head = f"{HEAD}\nTo {mesh.envoy.secrets_file}: it names the files of keys, which Envoy reads again when they are replaced."
    return [File("secrets.yaml", to_yaml([tls.secrets_resource(mesh)], (), head))]


def snippets(mesh: Mesh) -> list[File]:
    """The parts to put into an Envoy that is already there, each with where it goes."""
    secrets = [] if mesh.envoy.secrets_file else [plain(secret) for secret in tls.secrets(mesh)]
    needed = (
        *(clusters.processor_cluster(mesh), *clusters.model_clusters(mesh)),
        *(
            *token_limit.service_clusters(mesh),
            *usage.clusters(mesh),
            *tracing.clusters(mesh),
            *identity.jwks_clusters(mesh),
        ),
    )
    cluster_lists = [plain(cluster) for cluster in needed]
    before = [plain(each) for each in identity.filters(mesh)]
    others = [plain(each) for each in (*token_limit.filters(mesh), *usage.filters(mesh))]
    resources: dict[str, Any] = {"clusters": cluster_lists} | ({"secrets": secrets} if secrets else {})
    return [
        _snippet(
            "filter.yaml",
            "Into `http_filters`: after authentication (jwt_authn, rbac), before rate limits and the router.",
            {"http_filters": [*before, plain(processor.http_filter(mesh, logs_usage=mesh.logs_usage)), *others]},
        ),
        _snippet(
            "manager.yaml",
            "Into the http_connection_manager: client-sent routing headers off before anything reads them; the access log;\n"
            "Envoy's own errors in the shape of the caller's API.",
            _manager(mesh),
        ),
        _snippet(
            "routes.yaml",
            "Into your virtual host: `decided` before your own routes, which stay as they are; `intercepted` is the\n"
            "setting that each of your own routes needs which the processor is to read, `passed` that of all others.",
            _routes(mesh),
        ),
        _snippet("clusters.yaml", "Into `static_resources` (or what your control plane has in its place).", resources),
    ]


def _snippet(name: str, place: str, data: dict[str, Any]) -> File:
    return File(f"snippets/{name}", to_yaml([data], NOTES, f"{HEAD}\n{place}\n"))


def _manager(mesh: Mesh) -> dict[str, Any]:
    whole = plain(listener.connection_manager(mesh))
    return {
        key: whole[key]
        for key in ("early_header_mutation_extensions", "normalize_path", "local_reply_config", "access_log")
    }


def _routes(mesh: Mesh) -> dict[str, Any]:
    decided = [plain(route) for route in routes.decided(mesh)]
    undecided = [plain(route) for route in routes.undecided(mesh)]
    passed = {"typed_per_filter_config": undecided[-1]["typed_per_filter_config"]}
    intercepted = {"request_body_buffer_limit": mesh.limits.max_body_bytes}
    return {"decided": decided, "intercepted": intercepted, "passed": passed}
