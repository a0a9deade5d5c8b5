"""From a path over voxels to a line at any angle, never dearer and never through a wall."""

from suwen.engines.smoothing.smooth import Smoothed, smooth

__all__ = ["Smoothed", "smooth"]
