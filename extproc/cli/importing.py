"""What other tools' configurations say of models and intents: the part of it that a mesh.yaml has words for, and what it has not.

Nothing that is secret is taken over: a key that stands in such a file is to lie in a file of its own.
"""

from __future__ import annotations

import ipaddress
import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from extproc.config import yaml_text
from extproc.config.files import contents
from extproc.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAMES = "LiteLLM, semantic-router, vLLM Semantic Router or Envoy"
HOSTS = {
    "openai": "https://api.openai.com/v1",
    "anthropic": "https://api.anthropic.com",
    "mistral": "https://api.mistral.ai/v1",
    "groq": "https://api.groq.com/openai/v1",
    "deepseek": "https://api.deepseek.com",
}
"""Where a provider answers whose address LiteLLM does not have written down."""
PER_MILLION = 1_000_000
_PROCESSOR = ("ext_proc", "extproc", "intentmesh")


@dataclass(slots=True)
class Place:
    """Where a model answers: `host:port`, or a URL."""

    written: str

    def endpoint(self) -> dict[str, Any]:
        """As mesh.yaml has it. Raises ConfigError."""
        try:
            url = urlsplit(self.written if "://" in self.written else f"//{self.written}")
            port = url.port or {"https": 443, "http": 80}.get(url.scheme)
        except ValueError:
            port = None
        if not port or not url.hostname:
            raise ConfigError(f"`{self.written}` is not host:port (as 127.0.0.1:8081)")
        tls = url.scheme == "https"
        host = f"[{url.hostname}]" if ":" in url.hostname else url.hostname
        zone = _zone(url.hostname, tls=tls)
        return {"address": f"{host}:{port}", "zone": zone, **({"tls": True} if tls else {})}


def _zone(host: str, *, tls: bool) -> str:
    """How far away a host is, as far as its name tells."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if host == "localhost":
            return "pod"
        if "." not in host or ".svc" in host:
            return "cluster"
        return "external" if tls else "region"
    if address.is_loopback:
        return "pod"
    return "cluster" if address.is_private else "external" if tls else "region"


@dataclass(slots=True)
class Draft:
    """A mesh.yaml in the making."""

    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    intents: dict[str, dict[str, Any]] = field(default_factory=dict)
    default_model: str = ""
    listen: str = ""
    notes: list[str] = field(default_factory=list)
    """What was not taken over."""

    def add(self, name: str, place: str, **settings: Any) -> None:
        """A model, or one more endpoint of one."""
        try:
            endpoint, called = Place(place).endpoint(), name_of(name)
        except ConfigError as error:
            self.notes.append(f"{name}: {error}")
            return
        model = self.models.setdefault(called, {"endpoints": []})
        if endpoint not in model["endpoints"]:
            model["endpoints"].append(endpoint)
        model |= {key: value for key, value in settings.items() if value}

    def mesh(self, *, mask: bool) -> dict[str, Any]:
        """The whole."""
        default = self.default_model if self.default_model in self.models else next(iter(self.models))
        data: dict[str, Any] = {"version": 1}
        if self.listen:
            data["envoy"] = {"listen": self.listen}
        if self.intents:
            data["intents"] = self.intents
        data |= {"models": self.models, "default_model": default}
        if self.intents:
            data["routes"] = [{"intent": intent, "model": default} for intent in self.intents]
        if not mask:
            data["pii"] = {"enabled": False}
        return data


def imported(path: Path) -> Draft:
    """A draft from another tool's file. Raises ConfigError."""
    try:
        data = yaml_text.read(contents(path).decode()).data
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: is not UTF-8") from None
    except yaml_text.NotYamlError as error:
        raise ConfigError(f"{path}: line {error.mistake.line}: {error.mistake.message}") from None
    for key, take in KINDS.items():
        if isinstance(data, dict) and data.get(key):
            draft = Draft()
            try:
                take(draft, data)
            except (TypeError, ValueError, AttributeError, LookupError):
                raise ConfigError(f"{path}: `{key}` is not laid out as {NAMES} would have it") from None
            return draft
    raise ConfigError(f"{path}: is no configuration of {NAMES} (none of: {', '.join(KINDS)})")


def name_of(written: str) -> str:
    """A name as models have them."""
    name = re.sub(r"[^a-z0-9]+", "-", written.lower()).strip("-")[:63].strip("-")
    if not name:
        raise ConfigError(f"`{written}` cannot be a name: use a-z, 0-9 and `-`")
    return name


def _litellm(draft: Draft, data: dict[str, Any]) -> None:
    for each in _maps(data["model_list"]):
        name, params = str(each.get("model_name", "")), each.get("litellm_params")
        if not name or not isinstance(params, dict) or not params.get("model"):
            draft.notes.append(f"{name or 'an entry of model_list'}: has no model_name or litellm_params.model")
            continue
        provider, _, upstream = str(params["model"]).rpartition("/")
        place = params.get("api_base") or params.get("base_url") or HOSTS.get(provider.partition("/")[0] or "openai")
        if not isinstance(place, str) or place.startswith("os.environ"):
            draft.notes.append(f"{name}: its address (provider {provider or 'unknown'}); add endpoints by hand")
            continue
        draft.add(
            name,
            place,
            upstream_name=upstream,
            price_per_million=_prices(params | _map(each.get("model_info"))),
            **({"api": "anthropic"} if provider == "anthropic" else {}),
        )
        if params.get("api_key"):
            draft.notes.append(f"{name}: api_key; put it into a file, and name that as endpoints[].credentials_file")
    for key in ("router_settings", "litellm_settings", "general_settings"):
        if data.get(key):
            draft.notes.append(key)


def _prices(params: dict[str, Any]) -> dict[str, float]:
    prices = {}
    for ours, theirs in (("input", "input_cost_per_token"), ("output", "output_cost_per_token")):
        try:
            price = round(float(params[theirs]) * PER_MILLION, 6)
        except (KeyError, TypeError, ValueError):
            continue
        if 0 <= price < math.inf:
            prices[ours] = price
    return prices


def _semantic_router(draft: Draft, data: dict[str, Any]) -> None:
    for route in _maps(data["routes"]):
        utterances = route.get("utterances")
        examples = (
            [text for text in utterances if isinstance(text, str) and text.strip()]
            if isinstance(utterances, list)
            else []
        )
        if not route.get("name") or not examples:
            draft.notes.append(f"the route {route.get('name') or 'without a name'}: has no utterances")
            continue
        draft.intents[str(route["name"])] = {"examples": examples}
        if route.get("score_threshold") is not None:
            draft.notes.append(f"{route['name']}: score_threshold; thresholds are found by calibration")
    for key in ("encoder_type", "encoder_name"):
        if data.get(key):
            draft.notes.append(f"{key}: {data[key]}; see classifier.encoder")


def _vllm_router(draft: Draft, data: dict[str, Any]) -> None:
    places = {str(e.get("name")): f"{e.get('address')}:{e.get('port')}" for e in _maps(data["vllm_endpoints"])}
    configured = data.get("model_config")
    for name, entry in configured.items() if isinstance(configured, dict) else ():
        settings = _map(entry)
        pricing = _map(settings.get("pricing"))
        price = {"input": pricing.get("prompt_per_1m"), "output": pricing.get("completion_per_1m")}
        preferred = settings.get("preferred_endpoints")
        for endpoint in map(str, preferred) if isinstance(preferred, list) and preferred else places:
            if endpoint in places:
                paid = {key: value for key, value in price.items() if value}
                draft.add(str(name), places[endpoint], upstream_name=str(name), price_per_million=paid)
    if not draft.models:
        for name, place in places.items():
            draft.add(name, place)
    if data.get("default_model"):
        try:
            draft.default_model = name_of(str(data["default_model"]))
        except ConfigError as error:
            draft.notes.append(f"default_model: {error}")
    for category in _maps(data.get("categories")):
        draft.notes.append(f"the category {category.get('name')}: has no examples to learn it from; write intents")


def _envoy(draft: Draft, data: dict[str, Any]) -> None:
    resources = data["static_resources"]
    for cluster in _maps(resources.get("clusters") if isinstance(resources, dict) else None):
        name = str(cluster.get("name", ""))
        addresses = [a for a in _socket_addresses(cluster.get("load_assignment")) if a]
        if any(word in name for word in _PROCESSOR) or not addresses:
            draft.notes.append(f"the cluster {name}")
            continue
        scheme = "https" if "transport_socket" in cluster else "http"
        for address in addresses:
            draft.add(name, f"{scheme}://{address}")
    listeners = _maps(resources.get("listeners") if isinstance(resources, dict) else None)
    if listeners and (sockets := list(_socket_addresses(listeners[0].get("address")))):
        draft.listen = sockets[0]
    for listener in listeners[1:]:
        draft.notes.append(f"the listener {listener.get('name')}")


def _socket_addresses(data: Any) -> list[str]:
    """Every `host:port` in a part of Envoy's configuration."""
    if isinstance(data, list):
        return [address for each in data for address in _socket_addresses(each)]
    if not isinstance(data, dict):
        return []
    address = data.get("socket_address")
    if isinstance(address, dict):
        host = str(address.get("address", ""))
        return [f"[{host}]:{address.get('port_value')}" if ":" in host else f"{host}:{address.get('port_value')}"]
    return [address for each in data.values() for address in _socket_addresses(each)]


def _map(data: Any) -> dict[str, Any]:
    return data if isinstance(data, dict) else {}


def _maps(data: Any) -> list[dict[str, Any]]:
    return [each for each in data if isinstance(each, dict)] if isinstance(data, list) else []


KINDS: dict[str, Callable[[Draft, dict[str, Any]], None]] = {
    "model_list": _litellm,
    "vllm_endpoints": _vllm_router,
    "static_resources": _envoy,
    "routes": _semantic_router,
}
"""The key by which a configuration is known -> what is taken of it."""
