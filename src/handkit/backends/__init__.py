"""What runs the networks of an estimator: ONNX Runtime, OpenVINO, or the torch modules themselves."""

import os

# ONNX Runtime writes an identifier of the machine to the user's folder as soon as it is imported, and complains where
# it may not; `disable_telemetry_events` comes too late for that.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
