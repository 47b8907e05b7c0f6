"""The audit file is for nobody else to read."""

import stat

from extproc.config.telemetry import AuditSettings
from extproc.telemetry.audit import AuditTrail
from extproc.telemetry.meter import Meter


def test_mode(tmp_path):
    """However it came to be there, and so is the folder that is made for it."""
    path = tmp_path / "folder" / "audit.jsonl"
    for _ in range(2):
        trail = AuditTrail(AuditSettings(path=path), Meter())
        trail.write('{"a":1}')
        trail.close()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        path.chmod(0o644)
    assert path.read_text().count('"a":1') == 2
