"""Straight trajectories: thousands of entries scored exactly, ranked, and chosen together for several electrodes.

:func:`suwen.engines.trajectory.plan.plan_trajectories` does all for one target; :mod:`.electrodes` chooses for several.
"""
