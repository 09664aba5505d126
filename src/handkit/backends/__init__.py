"""What runs the networks of an estimator: ONNX Runtime, OpenVINO, or the torch modules themselves."""
