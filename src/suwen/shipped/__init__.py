"""The model that ships with the package, and the public key that signed it; made by ``make models``."""
