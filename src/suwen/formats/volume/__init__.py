"""Volumes of the field: labels and images on a grid that stands in patient coordinates, LPS in mm."""
