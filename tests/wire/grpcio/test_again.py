"""Masking, restoring, what passes and what fails, under `processor.server: grpcio`."""

import pytest

from tests.wire.test_failure import *  # noqa: F403 - all of its tests, with the gateway of this folder
from tests.wire.test_masking import *  # noqa: F403
from tests.wire.test_passthrough import *  # noqa: F403

pytestmark = pytest.mark.asyncio(loop_scope="module")
