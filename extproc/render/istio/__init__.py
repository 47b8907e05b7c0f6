"""Istio: the filter into its sidecars and gateways by EnvoyFilter, the models by Istio's own kinds."""
