"""What no unit test depends on, and what all of them share."""

import pytest
from hypothesis import settings

from extproc.embedding import encoder

settings.register_profile("unit", max_examples=50)
settings.load_profile("unit")


@pytest.fixture(scope="session", autouse=True)
def no_cache_of_the_user(tmp_path_factory):
    """What somebody has made on this machine, as the multilingual encoder, changes no test, and no test leaves anything there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INTENTMESH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session", autouse=True)
def one_encoder():
    """The bundled encoder stays in use once a test had a use for it, as it does in a worker."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoder, "_in_use", dict(encoder._in_use))
        yield
