"""Ed25519 keys: one private key per installation signs bundles, trusted public keys verify them."""

from __future__ import annotations

import hashlib
import os
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from suwen.core.documents import write_bytes
from suwen.core.errors import Untrusted
from suwen.core.home import home
from suwen.records.keys import signing

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SHIPPED_KEYS = "suwen.shipped"
"""Package whose ``*.pub`` files are trusted: the key that signed the shipped model."""


def signing_key() -> Ed25519PrivateKey:
    """Private key of this installation, made on first use with mode 0600.

    ``SUWEN_SIGNING_KEY`` may name another PEM file. Its public half is kept among the trusted keys, so that
    this installation accepts what it signed.

    Raises
    ------
    Untrusted
        When the file holds no Ed25519 private key.
    """
    given = os.environ.get("SUWEN_SIGNING_KEY")
    path = Path(given) if given else home() / "keys" / "signing.pem"
    key = signing.signing_key(
        path, fix="Name another file with SUWEN_SIGNING_KEY, or remove this one to have a key made"
    )
    pem = signing.public_pem(key.public_key())
    own = home() / "keys" / "trusted" / f"own-{hashlib.sha256(pem).hexdigest()[:16]}.pub"
    if not own.exists():
        write_bytes(own, pem)
    return key


def trusted_keys() -> list[Ed25519PublicKey]:
    """Public keys whose signatures count: the shipped ones and ``SUWEN_HOME/keys/trusted/*.pub``.

    Raises
    ------
    Untrusted
        When a file among them is no public key.
    """
    from cryptography.hazmat.primitives import serialization as s
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    shipped = [item for item in files(SHIPPED_KEYS).iterdir() if item.name.endswith(".pub")]
    keys = []
    for item in (*shipped, *sorted((home() / "keys" / "trusted").glob("*.pub"))):
        try:
            keys.append(s.load_pem_public_key(item.read_bytes()))
        except ValueError:
            raise Untrusted(
                "a trusted key is not a public key in PEM", where=str(item), fix="Replace or remove the file"
            ) from None
    return [key for key in keys if isinstance(key, Ed25519PublicKey)]


def verify(data: bytes, signature: bytes, *, where: str) -> None:
    """Check a signature against every trusted key.

    Raises
    ------
    Untrusted
        When none of them made it (code ``bad-signature``).
    """
    from cryptography.exceptions import InvalidSignature

    for key in trusted_keys():
        try:
            key.verify(signature, data)
        except InvalidSignature:
            continue
        return
    raise Untrusted(
        "the signature of this model does not hold",
        where=where,
        fix="Deploy it again from its run, or add the signer's public key to SUWEN_HOME/keys/trusted",
        code="bad-signature",
    )
