"""Surfaces of segmented structures as triangle meshes, small enough to travel in a page."""
