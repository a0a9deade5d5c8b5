"""A chain of hashes over the parts of one document, signed: no part can be changed, left out or exchanged."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from suwen.core.documents import plain
from suwen.core.errors import SuwenError, Untrusted
from suwen.lifecycle.signing import signing_key, verify
from suwen.records.keys.signing import public_pem

FORMAT = "suwen-chain/1"


def digest(content: Any) -> str:
    """SHA-256 (hex) of JSON: keys sorted, no spaces, numbers as Python writes them."""
    text = json.dumps(plain(content), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def link(parts: Sequence[tuple[str, Any]]) -> list[dict[str, str]]:
    """Steps of a chain: each knows its own content and, by hash, everything before it.

    Parameters
    ----------
    parts
        Kind and content of each part, in order.

    Returns
    -------
    list of dict
        ``kind``, ``sha256`` (of the content), ``previous`` (``link`` of the step before, empty at the start)
        and ``link`` (of kind, content and previous).
    """
    steps: list[dict[str, str]] = []
    for kind, content in parts:
        own = digest(content)
        previous = steps[-1]["link"] if steps else ""
        joined = hashlib.sha256(f"{FORMAT}|{previous}|{kind}|{own}".encode()).hexdigest()
        steps.append({"kind": kind, "sha256": own, "previous": previous, "link": joined})
    return steps


def signed(parts: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """The chain of these parts, its head signed with this installation's key."""
    steps = link(parts)
    key = signing_key()
    head = steps[-1]["link"]
    return {
        "format": FORMAT,
        "steps": steps,
        "head": head,
        "signature": base64.b64encode(key.sign(f"{FORMAT}|{head}".encode())).decode(),
        "public_key": public_pem(key.public_key()).decode(),
    }


def check(chain: Any, parts: Sequence[tuple[str, Any]], *, where: str) -> None:
    """Check that a chain is of these parts, and signed by somebody trusted.

    Parameters
    ----------
    chain
        As :func:`signed` made it.
    parts
        The parts as they are now.
    where
        What to call the document in an error.

    Raises
    ------
    Untrusted
        ``altered-plan`` naming the first part that is not what was signed, ``bad-signature``.
    """
    if not isinstance(chain, Mapping) or chain.get("format") != FORMAT:
        raise Untrusted("the document has no chain", where=where, fix="Plan again", code="altered-plan")
    now = link(parts)
    said = chain.get("steps")
    if said != now or chain.get("head") != now[-1]["link"]:
        raise Untrusted(
            f"the {_first_difference(said, now)} is not what was signed",
            where=where,
            fix="Use the document as it was written, or plan again",
            code="altered-plan",
        )
    try:
        signature = base64.b64decode(chain["signature"], validate=True)
    except (KeyError, TypeError, ValueError):
        signature = b""
    try:
        verify(signature=signature, data=f"{FORMAT}|{chain['head']}".encode(), where=where)
    except SuwenError as error:
        error.what, error.fix = (
            "the signature of this document does not hold",
            ("Plan again, or add the signer's public key to SUWEN_HOME/keys/trusted"),
        )
        raise


def _first_difference(said: Any, now: Sequence[Mapping[str, str]]) -> str:
    if not isinstance(said, list):
        return "chain"
    for step, found in zip(said, now, strict=False):
        if not isinstance(step, Mapping) or step.get("sha256") != found["sha256"]:
            return f"part '{found['kind']}'"
    return "chain"
