"""The bundled encoder, loaded once for all of these tests, and meshes that are as small as they can be."""

import pytest

from extproc.embedding.encoder import Encoder


@pytest.fixture(scope="session")
def encoder():
    """The bundled model."""
    return Encoder.load()
