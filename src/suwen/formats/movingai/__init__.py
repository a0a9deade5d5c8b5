"""Grid benchmarks of the Moving AI Lab: maps with published optimal costs (Sturtevant 2012; Brewer and Sturtevant 2018)."""
