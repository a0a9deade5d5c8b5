"""Wycheproof vectors for every primitive the record uses, through the calls the record makes.

Every vector of a file is accounted for: those in scope are run, the others counted with the reason.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from suwen.records.keys.wrap import MasterKey

Vector = dict[str, Any]


@pytest.fixture
def vectors(data_dir: Path) -> Callable[[str], Iterator[tuple[Vector, Vector]]]:
    def read(name: str) -> Iterator[tuple[Vector, Vector]]:
        path = data_dir / "records" / "wycheproof" / f"{name}_test.json"
        document = json.loads(path.read_bytes())
        pairs = [(group, test) for group in document["testGroups"] for test in group["tests"]]
        assert len(pairs) == document["numberOfTests"]
        yield from pairs

    return read


def hexed(test: Vector, *names: str) -> list[bytes]:
    return [bytes.fromhex(test[name]) for name in names]


def test_aes_256_gcm(vectors: Callable[..., Iterator[tuple[Vector, Vector]]]) -> None:
    """Cipher, wrap and segments: a 256-bit key, a 96-bit nonce, a 128-bit tag; whole and into a buffer."""
    seen: Counter[str] = Counter()
    for group, test in vectors("aes_gcm"):
        if group["keySize"] != 256:
            seen["left out: AES-128 and AES-192 are never used"] += 1
            continue
        if group["ivSize"] != 96:
            seen["left out: every nonce here has 96 bits"] += 1
            continue
        assert group["tagSize"] == 128
        key, nonce, aad, plain, cipher, tag = hexed(test, "key", "iv", "aad", "msg", "ct", "tag")
        aead, sealed, room = AESGCM(key), cipher + tag, bytearray(len(cipher))
        if test["result"] == "valid":
            out = bytearray(len(sealed))
            aead.encrypt_into(nonce, plain, aad, out)
            assert bytes(out) == aead.encrypt(nonce, plain, aad) == sealed
            aead.decrypt_into(nonce, sealed, aad, room)
            assert bytes(room) == aead.decrypt(nonce, sealed, aad) == plain
        else:
            with pytest.raises(InvalidTag):
                aead.decrypt(nonce, sealed, aad)
            with pytest.raises(InvalidTag):
                aead.decrypt_into(nonce, sealed, aad, room)
        seen[test["result"]] += 1
    assert seen == {
        "valid": 39,
        "invalid": 27,
        "left out: AES-128 and AES-192 are never used": 211,
        "left out: every nonce here has 96 bits": 39,
    }


def test_x25519(vectors: Callable[..., Iterator[tuple[Vector, Vector]]]) -> None:
    """The curve half of the wrap, on its receiving side."""
    kem = MLKEM768PrivateKey.generate()
    _, ciphertext = kem.public_key().encapsulate()
    seen: Counter[str] = Counter()
    for _, test in vectors("x25519"):
        private, public, shared = hexed(test, "private", "public", "shared")
        master = MasterKey(X25519PrivateKey.from_private_bytes(private), kem)
        if "ZeroSharedSecret" in test["flags"]:
            # Acceptable either way (RFC 7748, 6.1: "MAY check"); here refused, as in unwrap.
            with pytest.raises(ValueError, match=r"[Ee]rror|shared"):
                master.shared_secrets(public, ciphertext)
            seen["acceptable, refused: the shared secret is zero"] += 1
            continue
        assert master.shared_secrets(public, ciphertext)[0] == shared
        taken = "valid" if test["result"] == "valid" else "acceptable, computed: non-canonical or twist point"
        seen[taken] += 1
    assert seen == {
        "valid": 264,
        "acceptable, computed: non-canonical or twist point": 223,
        "acceptable, refused: the shared secret is zero": 31,
    }


def test_ml_kem_768(vectors: Callable[..., Iterator[tuple[Vector, Vector]]]) -> None:
    """The lattice half of the wrap: keys from seeds, and decapsulation with implicit rejection."""
    ephemeral = X25519PrivateKey.generate().public_key().public_bytes_raw()
    seen: Counter[str] = Counter()
    for _, test in vectors("mlkem_768"):
        seed, ciphertext = hexed(test, "seed", "c")
        if test["result"] == "valid":
            master = MasterKey(X25519PrivateKey.generate(), MLKEM768PrivateKey.from_seed_bytes(seed))
            assert master.public.mlkem768.public_bytes_raw() == bytes.fromhex(test["ek"])
            assert master.shared_secrets(ephemeral, ciphertext)[1] == bytes.fromhex(test["K"])
        elif len(seed) != 64:
            with pytest.raises(ValueError, match="64 bytes"):
                MLKEM768PrivateKey.from_seed_bytes(seed)
        else:
            master = MasterKey(X25519PrivateKey.generate(), MLKEM768PrivateKey.from_seed_bytes(seed))
            with pytest.raises(ValueError, match="ciphertext"):
                master.shared_secrets(ephemeral, ciphertext)
        seen[test["result"]] += 1
    assert seen == {"valid": 153, "invalid": 40}


def test_ed25519(vectors: Callable[..., Iterator[tuple[Vector, Vector]]]) -> None:
    """Tree heads, receipts and models: only the verification of signatures can go wrong by input."""
    seen: Counter[str] = Counter()
    for group, test in vectors("ed25519"):
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(group["publicKey"]["pk"]))
        message, signature = hexed(test, "msg", "sig")
        if test["result"] == "valid":
            key.verify(signature, message)
        else:
            with pytest.raises(InvalidSignature):
                key.verify(signature, message)
        seen[test["result"]] += 1
    assert seen == {"valid": 88, "invalid": 63}


def test_hmac_sha256(vectors: Callable[..., Iterator[tuple[Vector, Vector]]]) -> None:
    """Blind indexes (cut to 64 bits) and derived keys (whole); any key length."""
    seen: Counter[str] = Counter()
    for group, test in vectors("hmac_sha256"):
        key, message, tag = hexed(test, "key", "msg", "tag")
        made = hmac.digest(key, message, "sha256")[: group["tagSize"] // 8]
        assert (made == tag) is (test["result"] == "valid")
        assert made == hmac.new(key, message, hashlib.sha256).digest()[: len(made)]
        seen[test["result"]] += 1
    assert seen == {"valid": 66, "invalid": 108}


def test_chacha20_poly1305(vectors: Callable[..., Iterator[tuple[Vector, Vector]]]) -> None:
    """Genome files: the crypt4gh library's own cipher, which takes no additional data."""
    sodium = pytest.importorskip("crypt4gh.sodium")
    logging.getLogger("crypt4gh").setLevel(logging.WARNING)
    seen: Counter[str] = Counter()
    for group, test in vectors("chacha20_poly1305"):
        key, nonce, aad, plain, cipher, tag = hexed(test, "key", "iv", "aad", "msg", "ct", "tag")
        if group["ivSize"] != 96:
            seen["left out: a crypt4gh nonce always has 96 bits"] += 1
            continue
        if not cipher:
            seen["left out: crypt4gh has no empty segment"] += 1
            continue
        sealed, room = nonce + cipher + tag, bytearray(len(cipher))
        if test["result"] == "valid" and not aad:
            assert room[: sodium.chacha20poly1305_decrypt(room, sealed, key)] == plain
            seen["valid"] += 1
            for bit in range(128):  # the suite's own invalid tags all come with additional data
                wrong = bytearray(sealed)
                wrong[-1 - bit // 8] ^= 1 << bit % 8
                with pytest.raises(ValueError, match="decryption failed"):
                    sodium.chacha20poly1305_decrypt(room, bytes(wrong), key)
            continue
        with pytest.raises(ValueError, match="decryption failed"):
            sodium.chacha20poly1305_decrypt(room, sealed, key)
        seen["refused: invalid" if test["result"] == "invalid" else "refused: made with additional data"] += 1
    assert seen == {
        "valid": 44,
        "refused: invalid": 40,
        "refused: made with additional data": 210,
        "left out: crypt4gh has no empty segment": 22,
        "left out: a crypt4gh nonce always has 96 bits": 9,
    }


def test_files_of_primitives_that_are_not_used(data_dir: Path) -> None:
    """Every file of the suite is either run above or named here."""
    run = {"aes_gcm", "x25519", "mlkem_768", "ed25519", "hmac_sha256", "chacha20_poly1305"}
    not_used = {
        "aes_gcm_siv": "nonces cannot repeat by construction, so GCM needs no SIV",
        "aes_siv_cmac": "not used",
        "ecdsa_secp256r1_sha256": "signatures are Ed25519",
        "json_web_encryption": "no JOSE in the record",
        "json_web_signature": "no JOSE in the record",
        "xchacha20_poly1305": "crypt4gh uses the IETF construction with 96-bit nonces",
    }
    folder = data_dir / "records" / "wycheproof"
    assert {path.name.removesuffix("_test.json") for path in folder.glob("*.json")} == run | set(not_used)
