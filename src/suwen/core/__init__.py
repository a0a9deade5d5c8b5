"""Nouns and contracts of the house; standard library only, imported by every layer above."""
