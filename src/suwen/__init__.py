"""suwen 素问: clinical AI from a hospital's own data to an explained, audited result.

Research and decision support, never a diagnosis on its own.
"""

__version__ = "0.1.0"
