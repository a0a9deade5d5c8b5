"""ONNX Runtime: sessions that serve without torch."""
