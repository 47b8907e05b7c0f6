"""What a running Envoy says of itself on its admin page."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from extproc.doctor import Proxy, proxy_of
from extproc.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

TIMEOUT_S = 10


@dataclass(frozen=True, slots=True)
class Running:
    """A running Envoy."""

    dump: str
    """All of its configuration, as JSON."""
    proxy: Proxy


def ask(url: str) -> Running:
    """Ask it. Raises ConfigError where nobody answers, or another than Envoy."""
    dump = _get(url, "/config_dump")
    try:
        proxy = proxy_of(json.loads(dump))
        stats = json.loads(_get(url, "/stats?format=json"))["stats"]
    except (ValueError, KeyError, TypeError):
        proxy, stats = None, []
    if proxy is None:
        raise ConfigError(f"{url}: answers, but not as Envoy's admin page does (in a pod of Istio it is port 15000)")
    return Running(dump, replace(proxy, stats=_counts(stats)))


def _counts(stats: list[Mapping[str, object]]) -> dict[str, int]:
    return {str(each["name"]): each["value"] for each in stats if isinstance(each.get("value"), int)}  # type: ignore[misc]


def _get(url: str, path: str) -> str:
    where = urlsplit(url if "://" in url else f"http://{url}")
    if where.scheme != "http" or not where.hostname:
        raise ConfigError(f"{url}: is no address of an admin page (as http://127.0.0.1:9902)")
    try:
        connection = http.client.HTTPConnection(where.hostname, where.port or 80, timeout=TIMEOUT_S)
        connection.request("GET", path)
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise ConfigError(f"{url}: cannot be asked: {error}") from error
    if answer.status != http.client.OK:
        raise ConfigError(f"{url}{path}: answers {answer.status}")
    return text
