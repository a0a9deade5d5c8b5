"""Gradient-boosted trees: LightGBM learns them, ONNX Runtime serves them, their contributions are exact."""
