"""Grid benchmarks of the Moving AI Lab: maps with published optimal costs.

Sturtevant 2012 (grids), Brewer and Sturtevant 2018 (voxels).
"""
