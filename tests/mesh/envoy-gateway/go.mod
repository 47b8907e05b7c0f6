module intentmesh/mesh/eg

go 1.26.0
