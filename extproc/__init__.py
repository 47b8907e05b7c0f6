"""Intentmesh: an Envoy external processor that understands, masks and routes HTTP requests."""

import os

__version__ = "0.1.0"

# onnxruntime (1.31 at least) has a reporter of usage to its maker in it, which this keeps from starting. It is read when
# the library is loaded, and everything of ours that loads it is a part of this package.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
