module intentmesh/mesh/istio

go 1.26.0
