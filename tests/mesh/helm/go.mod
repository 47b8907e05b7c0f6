module intentmesh/mesh/helm

go 1.26.0
