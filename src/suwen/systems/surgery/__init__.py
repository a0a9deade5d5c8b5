"""Surgical planning and robot: segmented anatomy in; a certified path, and a motion with its measured error, out.

For surgeons and engineers who plan and check, in simulation, how an instrument could reach a target. Not for steering
any device, not for a patient without a surgeon's own plan, and not for anything a task's ``not_for`` names.
"""
