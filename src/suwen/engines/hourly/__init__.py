"""Learners that answer every hour of a stay: trees, networks and logistic regression on what is known so far."""
