"""A simulated 7-axis arm that follows a certified path, and the error with which it does.

Simulation only: micrometres here are those of a model, never the accuracy of a device.
"""

from suwen.engines.robot.motion import Motion, follow

__all__ = ["Motion", "follow"]
