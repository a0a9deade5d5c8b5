"""How to learn and how to run: one folder per kind of engine, named by ``Task.engine``."""
