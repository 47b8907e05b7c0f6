"""`mesh.yaml` -> Envoy, Istio, Envoy Gateway, Linkerd, Kubernetes; typed, never string templates."""
