"""Wrapping data keys for a master key pair: X25519 and ML-KEM-768 together.

Whoever wants a data key must break both: the elliptic curve that has stood for decades, and the lattice
scheme (FIPS 203) that a quantum computer is not known to break. Both shared secrets, both ciphertexts and
both public keys go into HKDF-SHA256, after the hybrid secrets of NIST SP 800-56C and the X-Wing draft
(draft-connolly-cfrg-xwing-kem); every field has a fixed length, so no two inputs run together. The result is
used once, as the AES-256-GCM key of one data key.

Blob: ``0x01 ‖ ephemeral X25519 public key (32) ‖ ML-KEM-768 ciphertext (1088) ‖ sealed data key (48)``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from suwen.core.errors import BadInput, Untrusted

FORMAT = b"\x01"
X25519_BYTES, SEED_BYTES, KEM_BYTES = 32, 64, 1088
WRAPPED_BYTES = 1 + X25519_BYTES + KEM_BYTES + 32 + 16
_ONLY_NONCE = bytes(12)
"""Every wrapping key seals one data key and is thrown away, so its nonce may be constant."""


@dataclass(frozen=True)
class MasterPublic:
    """The half of a master key that wraps.

    Attributes
    ----------
    key_id
        Fingerprint of both public keys.
    """

    key_id: str
    x25519: X25519PublicKey = field(repr=False)
    mlkem768: MLKEM768PublicKey = field(repr=False)

    def raw(self) -> bytes:
        """Both public keys, 32 + 1184 bytes."""
        return self.x25519.public_bytes_raw() + self.mlkem768.public_bytes_raw()


class MasterKey:
    """A master key pair; its id is a fingerprint of its public keys, so one cannot pass for another.

    Parameters
    ----------
    x25519, mlkem768
        The two private keys.
    """

    __slots__ = ("_mlkem768", "_x25519", "public")

    def __init__(self, x25519: X25519PrivateKey, mlkem768: MLKEM768PrivateKey) -> None:
        self._x25519, self._mlkem768 = x25519, mlkem768
        publics = (x25519.public_key(), mlkem768.public_key())
        raw = publics[0].public_bytes_raw() + publics[1].public_bytes_raw()
        self.public = MasterPublic(hashlib.sha256(b"suwen master\0" + raw).hexdigest()[:16], *publics)

    def __repr__(self) -> str:
        return f"MasterKey({self.key_id})"

    @property
    def key_id(self) -> str:
        """16 hexadecimal digits."""
        return self.public.key_id

    @classmethod
    def generate(cls) -> MasterKey:
        """Return a fresh pair."""
        return cls(X25519PrivateKey.generate(), MLKEM768PrivateKey.generate())

    @classmethod
    def from_text(cls, text: str) -> MasterKey:
        """Read what :meth:`to_text` wrote.

        Raises
        ------
        BadInput
            When it is not base64 of 96 bytes (code ``bad-master-key``).
        """
        try:
            raw = base64.b64decode(text.strip(), validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        if len(raw) != X25519_BYTES + SEED_BYTES:
            raise BadInput(
                f"a master key is base64 of {X25519_BYTES + SEED_BYTES} bytes, and this is not",
                code="bad-master-key",
            )
        return cls(
            X25519PrivateKey.from_private_bytes(raw[:X25519_BYTES]),
            MLKEM768PrivateKey.from_seed_bytes(raw[X25519_BYTES:]),
        )

    def to_text(self) -> str:
        """Return the SECRET: base64 of the X25519 private key and the ML-KEM seed, to be kept, not shown."""
        secret = self._x25519.private_bytes_raw() + self._mlkem768.private_bytes_raw()
        return base64.b64encode(secret).decode("ascii")

    def shared_secrets(self, ephemeral: bytes, ciphertext: bytes) -> tuple[bytes, bytes]:
        """Return both secrets (X25519, ML-KEM) that a sender agreed with this key.

        Raises
        ------
        ValueError
            When the point is of low order or a length is wrong.
        """
        point = X25519PublicKey.from_public_bytes(ephemeral)
        return self._x25519.exchange(point), self._mlkem768.decapsulate(ciphertext)


def wrap(public: MasterPublic, data_key: bytes, aad: bytes) -> bytes:
    """Seal a data key for a master key.

    Parameters
    ----------
    public
        Public half of the master key.
    data_key
        32 bytes.
    aad
        What the key is for; needed again to unwrap it.
    """
    ephemeral = X25519PrivateKey.generate()
    sent = ephemeral.public_key().public_bytes_raw()
    kem_secret, ciphertext = public.mlkem768.encapsulate()
    key = _combine(ephemeral.exchange(public.x25519), kem_secret, sent, ciphertext, public)
    return b"".join((FORMAT, sent, ciphertext, AESGCM(key).encrypt(_ONLY_NONCE, data_key, aad)))


def unwrap(master: MasterKey, blob: bytes, aad: bytes) -> bytes:
    """Open a wrapped data key.

    Raises
    ------
    Untrusted
        When it was changed, is for something else or was wrapped for another master key (code
        ``undecryptable``).
    """
    if len(blob) == WRAPPED_BYTES and blob[:1] == FORMAT:
        sent, ciphertext = blob[1 : 1 + X25519_BYTES], blob[1 + X25519_BYTES : 1 + X25519_BYTES + KEM_BYTES]
        try:
            curve_secret, kem_secret = master.shared_secrets(sent, ciphertext)
            key = _combine(curve_secret, kem_secret, sent, ciphertext, master.public)
            return AESGCM(key).decrypt(_ONLY_NONCE, blob[1 + X25519_BYTES + KEM_BYTES :], aad)
        except (ValueError, InvalidTag):
            pass
    raise Untrusted(
        "a wrapped data key does not open: it was changed, moved or wrapped for another master key",
        where=f"master key {master.key_id}",
        fix="Check the store with: suwen records verify",
        code="undecryptable",
    )


def _combine(
    curve_secret: bytes, kem_secret: bytes, sent: bytes, ciphertext: bytes, public: MasterPublic
) -> bytes:
    info = b"suwen wrap 1\0" + sent + ciphertext + public.raw()
    return HKDF(hashes.SHA256(), 32, salt=None, info=info).derive(kem_secret + curve_secret)
