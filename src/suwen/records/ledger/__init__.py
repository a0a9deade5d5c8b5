"""The ledger: a Merkle log (RFC 9162) of all that is done to the record, signed at every commit."""

from suwen.core.errors import Untrusted
from suwen.records.ledger.merkle import leaf_hash, node_hash
from suwen.records.ledger.proofs import (
    verify_consistency,
    verify_inclusion,
    verify_subtree_consistency,
    verify_subtree_inclusion,
)

__all__ = [
    "Untrusted",
    "leaf_hash",
    "node_hash",
    "verify_consistency",
    "verify_inclusion",
    "verify_subtree_consistency",
    "verify_subtree_inclusion",
]
