"""Straight trajectories: thousands of entries scored exactly, ranked, and chosen together for several electrodes."""
