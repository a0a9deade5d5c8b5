"""Networks over time: recurrent and convolutional, trained with Lightning, served step by step on ONNX Runtime."""

from suwen.engines.series.learner import Network

__all__ = ["Network"]
