"""Build all of them."""

from tests.mesh.servers import build

build()
