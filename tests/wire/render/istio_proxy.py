"""What istiod answered, in a shape that a plain Envoy starts from: `tests/mesh/answers`, made by istiod's own code.

Nothing of what decides about a request is changed: filters, their order, virtual hosts, routes, clusters, priorities. What is
changed is how parts come and where they listen, all of it here:

* routes and endpoints, which istiod sends apart, are put where they are referred to;
* listeners are the chosen ones, on free ports, with the one chain that clear text takes: no iptables, no mutual TLS;
* addresses of the cases become those of the test's upstreams, names too; the application is at its own, not at the original
  destination;
* certificates come from files, since nobody answers for secrets; connections to sidecars are clear;
* the processor's socket is the test's.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

Data = dict[str, Any]
ANSWERS = Path(__file__).parents[2] / "mesh" / "answers"
VERSIONS = sorted(path.name for path in ANSWERS.iterdir() if path.is_dir())
HCM = ".HttpConnectionManager"
SYSTEM_CA = "/etc/ssl/cert.pem"
"""What istio-proxy takes for the CA file named `system`."""
SOCKET = "/var/run/intentmesh/extproc.sock"


def answer(version: str, case: str) -> Data:
    """What istiod of this version answered."""
    found: Data = json.loads((ANSWERS / version / f"{case}.json").read_text())
    return found


def startable(told: Data, listen: Mapping[str, int], addresses: Mapping[int, int], texts: Mapping[str, str]) -> Data:
    """A bootstrap. `listen`: listener -> port; `addresses`: port of the case -> port now; `texts`: paths to replace."""
    routes = {r["name"]: r for r in told["routes"]}
    ends = {e["cluster_name"]: e for e in told["endpoints"]}
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


def _listener(listener: Data, routes: Mapping[str, Data], port: int) -> Data:
    chains = [
        chain
        for chain in listener["filter_chains"]
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
    if cluster.get("type") == "EDS":
        del cluster["eds_cluster_config"]
        cluster |= {"type": "STATIC", "load_assignment": ends.get(name, {"cluster_name": name})}
    elif cluster.get("type") == "ORIGINAL_DST":
        port = int(name.split("|")[1]) if name.startswith("inbound|") else 1
        end = {"endpoint": {"address": _address(port)}}
        assignment = {"cluster_name": name, "endpoints": [{"lb_endpoints": [end]}]}
        cluster |= {"type": "STATIC", "lb_policy": "ROUND_ROBIN", "load_assignment": assignment}
        cluster.pop("upstream_bind_config", None)
        cluster.pop("cleanup_interval", None)
    elif cluster.get("type") == "STRICT_DNS":
        cluster["type"] = "STATIC"
        for group in cluster["load_assignment"]["endpoints"]:
            for end in group["lb_endpoints"]:
                end["endpoint"]["address"]["socket_address"]["address"] = "127.0.0.1"
    for resolving in ("dns_refresh_rate", "dns_jitter", "respect_dns_ttl", "dns_lookup_family"):
        cluster.pop(resolving, None)
    cluster.pop("transport_socket_matches", None)
    context = cluster.get("transport_socket", {}).get("typed_config", {}).get("common_tls_context", {})
    if combined := context.pop("combined_validation_context", None):
        own = combined["default_validation_context"]
        _, _, file = combined["validation_context_sds_secret_config"]["name"].partition("file-root:")
        file = SYSTEM_CA if file == "system" else file
        context["validation_context"] = own | {"trusted_ca": {"filename": file}}
    return cluster


def _address(port: int) -> Data:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _moved(value: Any, addresses: Mapping[int, int]) -> Any:
    if isinstance(value, dict):
        return {k: addresses.get(v, v) if k == "port_value" else _moved(v, addresses) for k, v in value.items()}
    return [_moved(item, addresses) for item in value] if isinstance(value, list) else value
