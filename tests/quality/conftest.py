"""What the tests of quality share."""

import pytest

from extproc.embedding.encoder import Encoder
from extproc.embedding.encoders import Encoders
from extproc.embedding.places import multilingual_folder
from extproc.errors import ConfigError


@pytest.fixture(scope="module")
def multilingual(tmp_path_factory):
    """Both encoders; the second one is made here where it is not there."""
    folder = multilingual_folder()
    if folder is None:
        from extproc.embedding.multilingual import make

        folder = tmp_path_factory.mktemp("encoder") / "multilingual-e5-small"
        try:
            make(folder)
        except ConfigError as error:
            pytest.skip(f"no index to be asked: {error}")
    return Encoders(Encoder.load(), Encoder.load(str(folder)))
