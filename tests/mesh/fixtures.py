"""`make mesh-fixtures`: ask the meshes' own code what it would tell an Envoy, and keep the answers for the tests.

    python -m tests.mesh.fixtures [--mesh istio|envoy-gateway|helm]

Needs Go and its module proxy, some ten minutes of two cores and 4 GB of memory the first time; never run in CI. One module
file per version, `tests/mesh/MESH/VERSION.mod`: istiod's discovery server and injector are asked by a program of ours, Envoy
Gateway by its `egctl x translate`, Helm by `helm template`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tests.mesh.gateway_cases import GATEWAY_CASES, GatewayCase
from tests.mesh.helm_case import CHANGED, CHART, REFUSED, Chart
from tests.mesh.istio_cases import CASES, WORKLOADS, Case, Workload

if TYPE_CHECKING:
    from collections.abc import Iterator

Data = dict[str, Any]
Asked = Case | Workload | GatewayCase | Chart

HERE = Path(__file__).parent
ANSWERS = HERE / "answers"
ENVIRONMENT = {"PILOT_ENABLE_ALPN_FILTER": "false", "PILOT_ENABLE_METADATA_EXCHANGE": "false"}
"""Read when the process starts: filters that only istio-proxy's build of Envoy has are left out."""


def versions(mesh: str) -> list[str]:
    """The versions of a mesh that there is a module file for."""
    return sorted(path.stem for path in (HERE / mesh).glob("*.mod") if path.stem != "go")


def digest(case: Asked) -> str:
    """Of all that istiod is asked: an answer to another question is stale."""
    return hashlib.sha256(json.dumps(case.files(), sort_keys=True).encode()).hexdigest()[:16]


def ask_istio(version: str) -> None:
    """Write the answers of one version of Istio."""
    with tempfile.TemporaryDirectory() as folder:
        places = {key: Path(folder) / key.lower() for key in ("CASES", "DEPLOYMENTS", "OUT")}
        places["OUT"].mkdir()
        for case in CASES:
            case.proxy["version"] = f"{version}.0"
        for kind, every in (("CASES", CASES), ("DEPLOYMENTS", WORKLOADS)):
            for each in every:
                (places[kind] / each.name).mkdir(parents=True)
                for name, text in each.files().items():
                    (places[kind] / each.name / name).write_text(text)
        command = ["go", "test", f"-modfile={version}.mod", "-vet=off", "-count=1", "."]
        told = {key: str(path) for key, path in places.items()}
        subprocess.run(command, cwd=HERE / "istio", env={**os.environ, **ENVIRONMENT, **told}, check=True)
        for each in (*CASES, *WORKLOADS):
            answer = json.loads((places["OUT"] / f"{each.name}.json").read_text())
            if isinstance(each, Case):
                answer["analysis"] = _analysis(version, places["CASES"] / each.name)
            _keep("istio", version, each, answer)


def _analysis(version: str, case: Path) -> list[Data]:
    """What `istioctl analyze` has to say of a case."""
    analyze = ["go", "run", f"-modfile={version}.mod", "istio.io/istio/istioctl/cmd/istioctl", "analyze"]
    files = [str(case / "kubernetes.yaml"), str(case / "istio.yaml")]
    command = [*analyze, "--use-kube=false", "--all-namespaces", "--output=json", "--failure-threshold=Error", *files]
    done = subprocess.run(command, cwd=HERE / "istio", capture_output=True, text=True, check=False)
    if not done.stdout.startswith("["):
        raise RuntimeError(done.stderr)
    kept = ("code", "level", "origin", "message")
    return [{key: str(found[key]) for key in kept if key in found} for found in json.loads(done.stdout)]


def ask_envoy_gateway(version: str) -> None:
    """Write the answers of one version of Envoy Gateway: what its proxy is told, and what it says of our objects."""
    egctl = ["go", "run", f"-modfile={version}.mod", "github.com/envoyproxy/gateway/cmd/egctl"]
    for case in GATEWAY_CASES:
        with tempfile.TemporaryDirectory() as folder:
            (file,) = case.files().items()
            path = Path(folder) / file[0]
            path.write_text(file[1])
            command = [*egctl, "x", "translate", "--add-missing-resources", "-o", "json", "-f", str(path)]
            done = subprocess.run(command, cwd=HERE / "envoy-gateway", capture_output=True, text=True, check=True)
        told = json.loads(done.stdout)
        (xds,) = told.pop("xds").values()
        dumps = {config["@type"].rpartition(".")[2]: config for config in xds["configs"]}
        answer: dict[str, Any] = {
            "listeners": [li["activeState"]["listener"] for li in dumps["ListenersConfigDump"]["dynamicListeners"]],
            "routes": [r["routeConfig"] for r in dumps["RoutesConfigDump"]["dynamicRouteConfigs"]],
            "clusters": [c["cluster"] for c in dumps["ClustersConfigDump"]["dynamicActiveClusters"]],
            "endpoints": [e["endpointConfig"] for e in dumps["EndpointsConfigDump"]["dynamicEndpointConfigs"]],
        }
        answer = {kind: [_by_proto_names(each) for each in found] for kind, found in answer.items()}
        answer["conditions"] = sorted(_conditions(told), key=json.dumps)
        _keep("envoy-gateway", version, case, answer)


def _by_proto_names(value: Any) -> Any:
    """Keys as Envoy's protos write them, as istiod's answers have them."""
    if isinstance(value, list):
        return [_by_proto_names(item) for item in value]
    if not isinstance(value, dict):
        return value
    named = {re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", k).lower() if k.isalnum() else k: v for k, v in value.items()}
    return {key: _by_proto_names(item) for key, item in named.items()}


def _conditions(told: dict[str, Any]) -> Iterator[list[str]]:
    """What Envoy Gateway says of each object: kind, name, condition, its status, why."""
    for objects in told.values():
        for each in objects if isinstance(objects, list) else [objects]:
            status = each.get("status", {})
            places = [status, *status.get("parents", ()), *status.get("ancestors", ()), *status.get("listeners", ())]
            for condition in (c for place in places for c in place.get("conditions", ())):
                named = each.get("metadata", {}).get("name", "")
                yield [each.get("kind", ""), named, condition["type"], condition["status"], condition["message"]]


def _keep(mesh: str, version: str, case: Asked, answer: dict[str, Any]) -> None:
    kept = ANSWERS / mesh / version
    kept.mkdir(parents=True, exist_ok=True)
    (kept / f"{case.name}.json").write_text(_lines({"asked": digest(case), **answer}))


def _lines(answer: dict[str, Any]) -> str:
    """JSON with a line for each resource, so that what a change of ours changes there can be read."""
    parts = []
    for key, value in sorted(answer.items()):
        lines = ",\n".join(json.dumps(item, sort_keys=True) for item in value) if isinstance(value, list) else ""
        text = f"[\n{lines}\n]" if lines else json.dumps(value, sort_keys=True)
        parts.append(f"{json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def ask_helm(version: str) -> None:
    """Write what Helm makes of the chart: as it comes, with other values, and what it says of values that are none."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in CHART.files().items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        helm = ["go", "run", f"-modfile={version}.mod", "helm.sh/helm/v3/cmd/helm", "template", "intentmesh", folder]
        helm += ["--kube-version", "1.31.0"]

        def template(*flags: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run([*helm, *flags], cwd=HERE / "helm", capture_output=True, text=True, check=False)

        space = ("--namespace", "intentmesh")
        plain, changed = template(*space), template(*space, *(f"--set={value}" for value in CHANGED))
        for done in (plain, changed):
            if done.returncode:
                raise RuntimeError(done.stderr)
        answer = {
            "documents": [d for d in yaml.safe_load_all(plain.stdout) if d],
            "changed": [d for d in yaml.safe_load_all(changed.stdout) if d],
            "refused": {name: template(*flags).stderr.replace(folder, "chart") for name, flags in REFUSED.items()},
        }
    _keep("helm", version, CHART, answer)


ASK = {"istio": ask_istio, "envoy-gateway": ask_envoy_gateway, "helm": ask_helm}


def main() -> None:
    """Ask every mesh, or one."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--mesh", choices=ASK)
    chosen = arguments.parse_args().mesh
    for mesh in [chosen] if chosen else ASK:
        for version in versions(mesh):
            print(f"asking {mesh} {version}", flush=True)
            ASK[mesh](version)


if __name__ == "__main__":
    main()
