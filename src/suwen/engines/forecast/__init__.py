"""Forecasts of one quantity from its own past: learners over the readings of a trace, one answer per reading."""
