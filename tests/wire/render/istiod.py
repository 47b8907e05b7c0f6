"""What istiod makes of the kinds that we render, as far as Istio documents it and we use it.

`apply` carries out an EnvoyFilter's patches on an Envoy configuration shaped as a sidecar's. `routes` and `clusters`
translate VirtualService, ServiceEntry and DestinationRule. This is the tests' reading of the documents, not istiod:
what it does not know it refuses, so that nothing is believed to work that was not tried.
"""

from __future__ import annotations

import copy
from typing import Any

Data = dict[str, Any]
HCM = "envoy.filters.network.http_connection_manager"
CONTEXTS = {"virtualInbound": "SIDECAR_INBOUND"}
"""Listener -> context; every other one is outbound, or a gateway's where `gateway` is set."""


def apply(config: Data, envoy_filter: Data, *, gateway: bool = False) -> Data:
    """The configuration with the patches in it. A patch that matches nothing is an error here; istiod says nothing."""
    config = copy.deepcopy(config)
    for entry in envoy_filter["spec"]["configPatches"]:
        context, kind = entry["match"]["context"], entry["applyTo"]
        listeners = [li for li in config["static_resources"]["listeners"] if _context(li, gateway) == context]
        done = _apply(config, listeners, kind, entry)
        assert done, f"{kind} {entry['match']} matches nothing"
    return config


def _context(listener: Data, gateway: bool) -> str:
    return "GATEWAY" if gateway else CONTEXTS.get(listener["name"], "SIDECAR_OUTBOUND")


def _apply(config: Data, listeners: list[Data], kind: str, entry: Data) -> int:  # noqa: PLR0911 - a case each
    match, operation, value = entry["match"], entry["patch"]["operation"], entry["patch"]["value"]
    if kind == "CLUSTER":
        assert operation == "ADD"
        known = [c["name"] for c in config["static_resources"]["clusters"]]
        assert value["name"] not in known, f"Envoy refuses two clusters named {value['name']}"
        config["static_resources"]["clusters"].append(copy.deepcopy(value))
        return 1
    wanted = match.get("listener", {})
    chosen = [li for li in listeners if _is_listener(li, wanted)]
    if kind == "LISTENER":
        assert operation == "MERGE"
        return sum(merge(li, value) for li in chosen)
    filters = [f for li in chosen for c in li["filter_chains"] if _is_chain(c, wanted) for f in c["filters"]]
    managers = [f for f in filters if f["name"] == HCM]
    if kind == "NETWORK_FILTER":
        assert (operation, wanted["filterChain"]["filter"]["name"]) == ("MERGE", HCM)
        return sum(merge(f, value) for f in managers)
    if kind == "HTTP_FILTER":
        assert operation == "INSERT_BEFORE"
        name = wanted["filterChain"]["filter"]["subFilter"]["name"]
        return sum(_insert_before(f["typed_config"]["http_filters"], name, value) for f in managers)
    vhost = match["routeConfiguration"]["vhost"]
    hosts = [
        h for f in managers for h in f["typed_config"]["route_config"]["virtual_hosts"] if h["name"] == vhost["name"]
    ]
    if kind == "VIRTUAL_HOST":
        assert operation == "MERGE"
        return sum(merge(h, value) for h in hosts)
    assert kind == "HTTP_ROUTE"
    if operation == "INSERT_FIRST":
        for host in hosts:
            host["routes"].insert(0, copy.deepcopy(value))
        return len(hosts)
    assert operation == "MERGE"
    return sum(merge(r, value) for h in hosts for r in h["routes"] if r.get("name") == vhost["route"]["name"])


def _is_listener(listener: Data, wanted: Data) -> bool:
    if "name" in wanted and listener["name"] != wanted["name"]:
        return False
    port = listener["address"]["socket_address"]["port_value"]
    return "portNumber" not in wanted or port == wanted["portNumber"]


def _is_chain(chain: Data, wanted: Data) -> bool:
    port = wanted.get("filterChain", {}).get("destinationPort")
    return port is None or chain.get("filter_chain_match", {}).get("destination_port") == port


def _insert_before(filters: list[Data], name: str, value: Data) -> int:
    at = next((i for i, f in enumerate(filters) if f["name"] == name), None)
    if at is None:
        return 0
    filters.insert(at, copy.deepcopy(value))
    return 1


ONE_OF = (("cluster", "weighted_clusters"),)


def merge(target: Data, value: Data) -> int:
    """Merge as protobuf does: scalars replace, messages merge, lists grow; of a oneof the last one stays."""
    for key, new in value.items():
        for group in ONE_OF:
            if key in group:
                for other in set(group) - {key}:
                    target.pop(other, None)
        old = target.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            assert old.get("@type") == new.get("@type", old.get("@type")), (
                "an Any of another type replaces, and is refused"
            )
            merge(old, new)
        elif isinstance(old, list) and isinstance(new, list):
            old += copy.deepcopy(new)
        else:
            target[key] = copy.deepcopy(new)
    return 1


def routes(virtual_service: Data) -> list[Data]:
    """Envoy routes of a VirtualService."""
    return [_route(http, match) for http in virtual_service["spec"]["http"] for match in http.get("match", [{}])]


def _route(http: Data, match: Data) -> Data:
    assert set(match) <= {"headers", "uri"}, match
    headers = [_header(name, how) for name, how in match.get("headers", {}).items()]
    found: Data = {
        "name": http["name"],
        "match": {"prefix": match.get("uri", {}).get("prefix", "/"), "headers": headers},
    }
    if "directResponse" in http:
        answer = http["directResponse"]
        found["direct_response"] = {"status": answer["status"], "body": {"inline_string": answer["body"]["string"]}}
        return found
    assert set(http) <= {"name", "match", "route", "timeout", "retries", "mirrors", "rewrite"}, http
    retries = http["retries"]
    action: Data = {"timeout": http["timeout"]}
    if retries["attempts"]:
        action["retry_policy"] = {"num_retries": retries["attempts"], "retry_on": retries["retryOn"]}
        if "perTryTimeout" in retries:
            action["retry_policy"]["per_try_timeout"] = retries["perTryTimeout"]
    if "rewrite" in http:
        action["prefix_rewrite"] = http["rewrite"]["uri"]
    if len(http["route"]) == 1:
        action["cluster"] = _cluster_name(http["route"][0]["destination"])
    else:
        split = [{"name": _cluster_name(r["destination"]), "weight": r["weight"]} for r in http["route"]]
        action["weighted_clusters"] = {"clusters": split}
    for mirror in http.get("mirrors", []):
        share = {"numerator": int(mirror["percentage"]["value"] * 10_000), "denominator": "MILLION"}
        policy = {"cluster": _cluster_name(mirror["destination"]), "runtime_fraction": {"default_value": share}}
        action.setdefault("request_mirror_policies", []).append(policy)
    found["route"] = action
    return found


def _header(name: str, how: Data) -> Data:
    ((kind, value),) = how.items()
    rule = {"exact": value} if kind == "exact" else {"safe_regex": {"regex": value}}
    return {"name": name, "string_match": rule}


def _cluster_name(destination: Data) -> str:
    return f"outbound|{destination['port']['number']}||{destination['host']}"


def clusters(entries: list[Data], rules: list[Data]) -> list[Data]:
    """Envoy clusters of ServiceEntries and their DestinationRules."""
    by_host = {rule["spec"]["host"]: rule["spec"]["trafficPolicy"] for rule in rules}
    return [_cluster(entry["spec"], by_host[entry["spec"]["hosts"][0]]) for entry in entries]


def _cluster(entry: Data, policy: Data) -> Data:
    port = entry["ports"][0]
    name = f"outbound|{port['number']}||{entry['hosts'][0]}"
    wanted = policy["loadBalancer"]["localityLbSetting"]["failoverPriority"]
    groups: dict[int, list[Data]] = {}
    for endpoint in entry["endpoints"]:
        groups.setdefault(_priority(endpoint["labels"], wanted), []).append(_endpoint(endpoint, port["name"]))
    # Istio numbers the groups that there are, without gaps.
    localities = [{"priority": i, "lb_endpoints": groups[p]} for i, p in enumerate(sorted(groups))]
    hashing = "consistentHash" in policy["loadBalancer"]
    cluster: Data = {
        "name": name,
        "type": "STRICT_DNS" if entry["resolution"] == "DNS" else "STATIC",
        "connect_timeout": "1s",
        "lb_policy": "RING_HASH" if hashing else "LEAST_REQUEST",
        "load_assignment": {"cluster_name": name, "endpoints": localities},
        "common_lb_config": {"healthy_panic_threshold": {"value": policy["outlierDetection"]["minHealthPercent"]}},
    }
    if (found := policy.get("outlierDetection")) is not None:
        cluster["outlier_detection"] = {
            "consecutive_5xx": found["consecutive5xxErrors"],
            "interval": found["interval"],
            "base_ejection_time": found["baseEjectionTime"],
            "max_ejection_percent": found["maxEjectionPercent"],
            "enforcing_consecutive_5xx": 100,
            "enforcing_success_rate": 0,
        }
    if "tls" in policy:
        sans = [{"san_type": "DNS", "matcher": {"exact": s}} for s in policy["tls"]["subjectAltNames"]]
        validation = {"match_typed_subject_alt_names": sans}
        if "caCertificates" in policy["tls"]:
            validation["trusted_ca"] = {"filename": policy["tls"]["caCertificates"]}
        cluster["transport_socket"] = {
            "name": "envoy.transport_sockets.tls",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
                "sni": policy["tls"]["sni"],
                "common_tls_context": {"validation_context": validation},
            },
        }
    return cluster


def _priority(labels: Data, wanted: list[str]) -> int:
    """How many of the wanted labels, counted from the first, an endpoint lacks."""
    for i, label in enumerate(wanted):
        key, _, value = label.partition("=")
        if labels.get(key) != value:
            return len(wanted) - i
    return 0


def _endpoint(endpoint: Data, port: str) -> Data:
    socket = {"address": endpoint["address"], "port_value": endpoint["ports"][port]}
    return {"endpoint": {"address": {"socket_address": socket}}}
