"""Sequences and risk: vital signs, laboratory values, glucose, ECG, tables and genes in; risk, forecast and alarm out.

For clinical data scientists who train on their hospital's own stays, and clinicians who read the result beside the
patient. Not for closing a loop to a pump or a ventilator, and not for anything a task's ``not_for`` names.
"""
