"""Surgical cases: anatomy, entry, target, what must not be touched, and the instrument."""
