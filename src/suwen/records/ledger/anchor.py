"""Anchor tree heads in an EVM chain: one transaction per interval, and nothing of a patient.

The transaction goes from an account to itself, moves nothing, and carries 80 bytes: magic, SHA-256 of the
log's origin, size, root. Whoever holds the chain can then show which root the log had at that block, against
everybody who can rewrite the store, its keys included.
"""

from __future__ import annotations

import json
import os
import time
from binascii import a2b_base64, b2a_base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from suwen.core.errors import BadInput, MissingExtra, Refused, Untrusted

if TYPE_CHECKING:
    from suwen.records.ledger.checkpoint import Checkpoint

MAGIC = b"SUWEN\0\0\1"
"""First bytes of every anchor; the last is the version of the format."""
KEY_VARIABLE = "SUWEN_ANCHOR_KEY"
"""Environment variable with the account's private key, as hexadecimal digits."""
TIMEOUT_S = 30
"""How long one answer of the node may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Where a tree head is anchored; becomes a ledger event itself.

    Parameters
    ----------
    chain_id
        The chain (EIP-155).
    transaction
        Hash of the transaction, ``0x`` and 64 digits.
    block
        Number of its block.
    sender
        Address it came from.
    origin, size, root
        The tree head: name of the log, number of leaves, root in base64.
    """

    chain_id: int
    transaction: str
    block: int
    sender: str
    origin: str
    size: int
    root: str

    def to_json(self) -> bytes:
        """Canonical JSON: what is kept, and what the ledger's event digests."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, data: bytes | str) -> Receipt:
        """Return the receipt that `to_json` wrote.

        Raises
        ------
        BadInput
            When it is none (code ``bad-receipt``).
        """
        try:
            fields = json.loads(data)
            receipt = cls(**fields)
            for name, value in asdict(receipt).items():
                if type(value) is not (int if name in {"chain_id", "block", "size"} else str):
                    raise TypeError
            a2b_base64(receipt.root, strict_mode=True)
        except (ValueError, TypeError, RecursionError):
            raise BadInput("this is not the receipt of an anchor", code="bad-receipt") from None
        return receipt


def due(last_us: int | None, interval_s: float, now_us: int | None = None) -> bool:
    """Whether the next anchor's time has come.

    Parameters
    ----------
    last_us
        When the last was made, in microseconds since 1970; none for never.
    interval_s
        Seconds from one to the next.
    now_us
        The time now, if not the clock's.
    """
    now_us = time.time_ns() // 1000 if now_us is None else now_us
    return last_us is None or now_us - last_us >= interval_s * 1_000_000


def payload(checkpoint: Checkpoint) -> bytes:
    """Return the 80 bytes that go on chain: magic (8), hash of the origin (32), size (8), root (32)."""
    origin = sha256(checkpoint.origin.encode()).digest()
    return MAGIC + origin + checkpoint.size.to_bytes(8, "big") + checkpoint.root


def anchor(
    rpc: str,
    checkpoint: Checkpoint,
    *,
    key: str | None = None,
    account: str | None = None,
    wait_s: float = 180,
) -> Receipt:
    """Write a tree head into a chain and wait until it is in a block.

    Parameters
    ----------
    rpc
        URL of the node's JSON-RPC interface, ``http`` or ``https``.
    checkpoint
        The tree head.
    key
        Private key of the account that pays; by default that of ``SUWEN_ANCHOR_KEY``.
    account
        Without a key: address of an account the node itself signs for; by default its first.
    wait_s
        How long to wait for a block.

    Raises
    ------
    MissingExtra
        When web3 is not installed.
    BadInput
        When the URL or the key is none (codes ``bad-rpc``, ``bad-anchor-key``).
    Refused
        When the node is silent or refuses (code ``rpc-failed``), or no account can pay (``no-account``).
    """
    if account is None:
        key = key or os.environ.get(KEY_VARIABLE)
    with _node(rpc) as web3:
        account = _sign_with(web3, key) if key else account or next(iter(web3.eth.accounts), None)
        if not account:
            raise Refused(
                "there is no account to pay for the anchor",
                fix=f"Set {KEY_VARIABLE} to the private key of one",
                code="no-account",
            )
        fields = {"from": account, "to": account, "value": 0, "data": payload(checkpoint)}
        sent = web3.eth.send_transaction(fields)
        mined = web3.eth.wait_for_transaction_receipt(sent, timeout=wait_s, poll_latency=0.2)
        if mined["status"] != 1:
            raise Refused("the chain did not accept the anchor", code="rpc-failed")
        return Receipt(
            chain_id=int(web3.eth.chain_id),
            transaction="0x" + bytes(sent).hex(),
            block=int(mined["blockNumber"]),
            sender=str(mined["from"]),
            origin=checkpoint.origin,
            size=checkpoint.size,
            root=b2a_base64(checkpoint.root, newline=False).decode(),
        )


def check(rpc: str, receipt: Receipt, checkpoint: Checkpoint) -> int:
    """Hold a receipt and a tree head against the chain; how deep the anchor lies: 1 for the last block.

    Parameters
    ----------
    rpc
        URL of a node one trusts.
    receipt
        What `anchor` returned.
    checkpoint
        The tree head it is of, recomputed from the log.

    Raises
    ------
    MissingExtra, BadInput, Refused
        As for `anchor`.
    Untrusted
        When the chain does not hold this tree head there (code ``bad-anchor``).
    """
    with _node(rpc) as web3:
        _need(int(web3.eth.chain_id) == receipt.chain_id, "the receipt is of another chain")
        sent = web3.eth.get_transaction(receipt.transaction)
        mined = web3.eth.get_transaction_receipt(receipt.transaction)
        _need(bytes(sent["input"]) == payload(checkpoint), "the chain holds another tree head")
        _need(
            mined["status"] == 1 and mined["blockNumber"] == receipt.block, "the anchor is in another block"
        )
        _need(str(sent["from"]).lower() == receipt.sender.lower(), "the anchor came from another account")
        told = (receipt.origin, receipt.size, receipt.root)
        root = b2a_base64(checkpoint.root, newline=False).decode()
        _need(told == (checkpoint.origin, checkpoint.size, root), "the receipt is of another tree head")
        return int(web3.eth.block_number) - receipt.block + 1


@contextmanager
def _node(rpc: str) -> Iterator[Any]:
    """A connection to a node. Its URL may hold a secret: no error repeats it."""
    if not rpc.startswith(("http://", "https://")):
        raise BadInput("the address of the EVM node is not an http(s) URL", code="bad-rpc")
    try:
        import requests
        from web3 import HTTPProvider, Web3
        from web3.exceptions import TimeExhausted, TransactionNotFound, Web3Exception, Web3RPCError
        from web3.middleware import ExtraDataToPOAMiddleware
    except ImportError:
        raise MissingExtra("web3", "anchor", "anchoring tree heads in an EVM chain") from None
    with requests.Session() as session:
        web3 = Web3(HTTPProvider(rpc, session=session, request_kwargs={"timeout": TIMEOUT_S}))
        web3.middleware_onion.inject(ExtraDataToPOAMiddleware, layer=0)  # blocks of private chains are longer
        try:
            yield web3
        except TransactionNotFound:
            raise _bad("the chain has no such transaction") from None
        except Web3RPCError as error:
            response: Any = error.rpc_response or {}
            said = (response.get("error") or {}).get("message")
            raise _failed(f"the EVM node refused: {str(said)[:200]}") from None
        except TimeExhausted:
            raise _failed("no block took the anchor in time; it may still come") from None
        except (Web3Exception, requests.RequestException, OSError) as error:
            raise _failed(f"the EVM node cannot be used ({type(error).__name__})") from None


def _sign_with(web3: Any, key: str) -> str:
    """Have transactions signed here, with a key that never goes to the node; its address."""
    from eth_account import Account
    from web3.middleware import SignAndSendRawMiddlewareBuilder

    try:
        account = Account.from_key(key)
    except Exception:  # whatever the library makes of it may repeat the key
        raise BadInput(
            "the key to anchor with is not a private key of 64 hexadecimal digits",
            fix=f"Check {KEY_VARIABLE}",
            code="bad-anchor-key",
        ) from None
    web3.middleware_onion.inject(SignAndSendRawMiddlewareBuilder.build(account), layer=0)
    return str(account.address)


def _failed(what: str) -> Refused:
    return Refused(what, fix="Check the node; the ledger itself is not affected", code="rpc-failed")


def _bad(what: str) -> Untrusted:
    return Untrusted(
        what, fix="Run: suwen records verify, against a tree head kept elsewhere", code="bad-anchor"
    )


def _need(holds: bool, otherwise: str) -> None:
    if not holds:
        raise _bad(otherwise)
