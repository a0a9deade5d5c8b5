"""Imaging diagnosis: findings on single X-ray, ultrasound, CT and MR images, for radiologists to check.

For clinical data scientists who train on their hospital's own pictures, and clinicians who read the result.
Not for reading an examination alone, and not for anything a task's ``not_for`` names.
"""
