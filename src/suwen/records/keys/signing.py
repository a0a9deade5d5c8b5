"""Ed25519 keys that sign: one private key in a file of mode 0600."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives import serialization as s
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from suwen.core.errors import Untrusted
from suwen.records.keys import secret_files


def signing_key(path: Path, *, fix: str = "Remove this file to have a key made") -> Ed25519PrivateKey:
    """Return the private key in a PEM file, made on first use with mode 0600.

    Parameters
    ----------
    path
        The file; a missing folder is made with mode 0700.
    fix
        What the error tells the reader to do.

    Raises
    ------
    Untrusted
        When the file holds no Ed25519 private key.
    """
    if not path.exists():
        fresh = Ed25519PrivateKey.generate()
        secret_files.create(
            path, fresh.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption())
        )
    try:
        key = s.load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError):  # not PEM, or under a password
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise Untrusted(
            "the signing key is not an Ed25519 private key in PEM without a password",
            where=str(path),
            fix=fix,
        )
    return key


def public_pem(key: Ed25519PublicKey) -> bytes:
    """Return a public key as PEM."""
    return key.public_bytes(s.Encoding.PEM, s.PublicFormat.SubjectPublicKeyInfo)
