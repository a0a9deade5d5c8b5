"""The image engine: small CNNs that learn with Lightning and serve on ONNX Runtime alone."""

from suwen.engines.image.engine import engine
from suwen.engines.image.task import ImageTask

__all__ = ["ImageTask", "engine"]
