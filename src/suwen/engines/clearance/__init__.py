"""Clearance from critical structures: walls and risk to plan with, and a certificate that trusts no planner.

Everything here is measured in *grid mm*: ``index * spacing_mm``, voxel centres at whole indices, a voxel
being the closed box half a spacing to each side. A structure is the union of the boxes that carry its label.
"""
