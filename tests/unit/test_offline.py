"""Nothing in this process calls home."""

import subprocess
import sys


def test_onnxruntime_does_not_report():
    """Its reporter is off before anything can load it."""
    code = "import extproc, os; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": "."}
    )
    assert done.stdout.strip() == "1"
