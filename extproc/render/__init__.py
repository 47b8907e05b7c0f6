"""`mesh.yaml` -> Envoy, Istio, Envoy Gateway, Linkerd, Kubernetes; typed, never string templates."""

from extproc.render.document import File
from extproc.render.targets import TARGETS, render

__all__ = ["TARGETS", "File", "render"]
