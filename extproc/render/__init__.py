"""`mesh.yaml` -> Envoy, Istio, Envoy Gateway, Linkerd, Kubernetes; typed, never string templates."""

from extproc.render.targets import TARGETS, render

__all__ = ["TARGETS", "render"]
