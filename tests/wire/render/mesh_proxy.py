"""What a mesh tells its proxies, in a shape that a plain Envoy starts from: `tests/mesh/answers`, made by the meshes' own code.

Nothing of what decides about a request is changed: filters, their order, virtual hosts, routes, clusters, priorities. What is
changed is how parts come and where they listen, all of it here:

* routes and endpoints, which are sent apart, are put where they are referred to;
* listeners are the chosen ones, on free ports, with the one chain that clear text takes: no iptables, no mutual TLS;
* addresses of the cases become those of the test's upstreams, names too; the application is at its own, not at the original
  destination;
* certificates come from files, since nobody answers for secrets; connections to sidecars are clear;
* the processor's socket is the test's, also where it is a Service.
"""

from __future__ import annotations

import base64
import hmac
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from extproc.render.envoy.tls import SYSTEM_CA_FILE
from tests.mesh.istio_cases import CA_FILE, ISSUER, KEYS

if TYPE_CHECKING:
    from collections.abc import Mapping

Data = dict[str, Any]
ANSWERS = Path(__file__).parents[2] / "mesh" / "answers"
NOT_HERE = (
    "@type", "eds_cluster_config", "upstream_bind_config", "cleanup_interval", "dns_refresh_rate", "dns_jitter",
    "respect_dns_ttl", "dns_lookup_family",
)  # fmt: skip
"""Fields of a cluster that say how to find endpoints, which are given here."""
HCM = ".HttpConnectionManager"
SYSTEM_CA = SYSTEM_CA_FILE
"""Certificates that istio-proxy's image has."""
SOCKET = "/var/run/intentmesh/extproc.sock"


def versions(mesh: str) -> list[str]:
    """The versions of a mesh that have answered."""
    return sorted(path.name for path in (ANSWERS / mesh).iterdir())


def answer(mesh: str, version: str, case: str) -> Data:
    """What a mesh of this version answered."""
    found: Data = json.loads((ANSWERS / mesh / version / f"{case}.json").read_text())
    return found


def startable(told: Data, listen: Mapping[str, int], addresses: Mapping[int, int], texts: Mapping[str, str]) -> Data:
    """A bootstrap. `listen`: listener -> port; `addresses`: port of the case -> port now; `texts`: paths to replace."""
    routes = {r["name"]: _untyped(r) for r in told["routes"]}
    ends = {e["cluster_name"]: _untyped(e) for e in told["endpoints"]}
    listeners = [_listener(li, routes, listen[li["name"]]) for li in told["listeners"] if li["name"] in listen]
    assert len(listeners) == len(listen), f"{set(listen)} are not all among {[li['name'] for li in told['listeners']]}"
    config = {
        "admin": {"address": _address(0)},
        "static_resources": {"listeners": listeners, "clusters": [_cluster(c, ends) for c in told["clusters"]]},
    }
    text = json.dumps(config)
    for old, new in texts.items():
        text = text.replace(json.dumps(old)[1:-1], new)
    return _moved(json.loads(text), addresses)


def manager(listener: Data) -> Data:
    """The connection manager of a startable listener."""
    found: Data = listener["filter_chains"][0]["filters"][0]["typed_config"]
    return found


def _untyped(resource: Data) -> Data:
    return {key: value for key, value in resource.items() if key != "@type"}


def _listener(listener: Data, routes: Mapping[str, Data], port: int) -> Data:
    listed = listener.get("filter_chains") or [listener["default_filter_chain"]]
    chains = [
        chain
        for chain in listed
        if chain["filters"][-1]["typed_config"]["@type"].endswith(HCM)
        and "transport_socket" not in chain
        and chain.get("filter_chain_match", {}).get("transport_protocol") != "tls"
        and (listener["name"] != "virtualInbound" or "destination_port" in chain.get("filter_chain_match", {}))
    ]
    (chain,) = chains
    config = chain["filters"][-1]["typed_config"]
    if "rds" in config:
        config["route_config"] = routes[config.pop("rds")["route_config_name"]]
    config.pop("access_log", None)
    return {
        "name": listener["name"],
        "address": _address(port),
        "per_connection_buffer_limit_bytes": listener.get("per_connection_buffer_limit_bytes", 2**20),
        "filter_chains": [{"filters": chain["filters"][-1:]}],
    }


def _cluster(cluster: Data, ends: Mapping[str, Data]) -> Data:
    name = cluster["name"]
    cluster = {key: value for key, value in cluster.items() if key not in NOT_HERE}
    kind = cluster.get("type", cluster.get("cluster_type", {}).get("name"))
    if kind == "EDS":
        cluster["load_assignment"] = ends.get(name, {"cluster_name": name})
    elif kind == "ORIGINAL_DST":
        port = int(name.split("|")[1]) if name.startswith("inbound|") else 1
        end = {"endpoint": {"address": _address(port)}}
        assignment = {"cluster_name": name, "endpoints": [{"lb_endpoints": [end]}]}
        cluster |= {"lb_policy": "ROUND_ROBIN", "load_assignment": assignment}
    if kind in ("EDS", "ORIGINAL_DST", "STRICT_DNS", "envoy.cluster.dns"):
        cluster.pop("cluster_type", None)
        cluster["type"] = "STATIC"
    for group in cluster.get("load_assignment", {}).get("endpoints", ()):
        for end in group.get("lb_endpoints", ()):
            _on_loopback(end["endpoint"]["address"], name)
    matches = [m for m in cluster.pop("transport_socket_matches", ()) if m["name"] != "tlsMode-istio"]
    if matches:
        cluster["transport_socket_matches"] = matches
    for socket in (cluster, *matches):
        _certificates(socket.get("transport_socket", {}).get("typed_config", {}).get("common_tls_context", {}))
    return cluster


def _on_loopback(address: Data, cluster: str) -> None:
    if "extproc" in cluster:
        address.clear()
        address["pipe"] = {"path": SOCKET}
    elif "socket_address" in address:
        address["socket_address"]["address"] = "127.0.0.1"


def _certificates(context: Data) -> None:
    if combined := context.pop("combined_validation_context", None):
        secret = combined["validation_context_sds_secret_config"]["name"]
        file = secret.removeprefix("file-root:") if secret.startswith("file-root:") else CA_FILE
        context["validation_context"] = combined["default_validation_context"] | {"trusted_ca": {"filename": file}}


def _address(port: int) -> Data:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _moved(value: Any, addresses: Mapping[int, int]) -> Any:
    if isinstance(value, dict):
        return {k: addresses.get(v, v) if k == "port_value" else _moved(v, addresses) for k, v in value.items()}
    return [_moved(item, addresses) for item in value] if isinstance(value, list) else value


def token(**claims: Any) -> str:
    """A token of the issuer of the cases, or of nobody where `key` says so."""
    (known,) = json.loads(KEYS.read_text())["keys"]
    key = claims.pop("key", base64.urlsafe_b64decode(known["k"] + "=="))
    told = {"iss": ISSUER, "aud": "intentmesh", "sub": "ada", "exp": int(time.time()) + 600, **claims}
    signed = ".".join(_b64(json.dumps(part).encode()) for part in ({"alg": "HS256", "kid": "1"}, told))
    return f"{signed}.{_b64(hmac.digest(key, signed.encode(), 'sha256'))}"


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
