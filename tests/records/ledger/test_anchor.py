"""Anchors in a real EVM node on this machine: anvil, from the registry of npm."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from suwen.core.errors import BadInput, MissingExtra, Refused, Untrusted
from suwen.records.ledger.anchor import MAGIC, Receipt, anchor, check, due, payload
from suwen.records.ledger.checkpoint import Checkpoint

ANVIL = "@foundry-rs/anvil@1.7.1"
HEAD = Checkpoint("record.example/ledger", 12_345, sha256(b"root").digest(), 1_700_000_000_000_000, 12_300)
DEV_KEY = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"
"""Second account of every anvil: published with it, worth nothing."""


def _program(folder: Path) -> Path | None:
    """Anvil itself: of ``SUWEN_ANVIL`` (a file or a folder), on PATH, or fetched with npm."""
    given = os.environ.get("SUWEN_ANVIL")
    if given:
        path = Path(given)
        return path / "anvil" if path.is_dir() else path
    if found := shutil.which("anvil"):
        return Path(found)
    npm = shutil.which("npm")
    if npm is None:
        return None
    # The package for this machine holds the program; the script that would fetch one is not needed.
    done = subprocess.run(
        [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(folder), ANVIL],
        capture_output=True,
        timeout=120,
        check=False,
    )
    programs = sorted(folder.glob("node_modules/@foundry-rs/anvil-*/bin/anvil*"))
    return programs[0] if done.returncode == 0 and programs else None


@pytest.fixture(scope="session")
def rpc(tmp_path_factory: pytest.TempPathFactory, absent: Callable[[str], None]) -> Iterator[str]:
    """URL of a fresh chain that makes a block for every transaction."""
    if find_spec("web3") is None:
        absent("web3 is not installed; pip install 'suwen[anchor]'")
    program = _program(tmp_path_factory.mktemp("anvil"))
    if program is None:
        absent(f"no EVM node: put anvil on PATH, name it in SUWEN_ANVIL, or let npm install {ANVIL}")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    node = subprocess.Popen(
        [str(program), "--port", str(port), "--silent"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(200):
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        node.terminate()
        node.wait(10)


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUWEN_ANCHOR_KEY", raising=False)


@pytest.mark.parametrize("key", [None, DEV_KEY, DEV_KEY.removeprefix("0x")])
def test_a_tree_head_is_anchored_and_found_again(key: str | None, rpc: str) -> None:
    receipt = anchor(rpc, HEAD, key=key)
    assert receipt.chain_id == 31337
    assert (receipt.origin, receipt.size) == (HEAD.origin, HEAD.size)
    assert check(rpc, receipt, HEAD) == 1
    later = anchor(rpc, replace(HEAD, size=HEAD.size + 1))
    assert later.block > receipt.block
    assert check(rpc, receipt, HEAD) == 1 + later.block - receipt.block
    assert Receipt.from_json(receipt.to_json()) == receipt


def test_the_key_comes_from_the_environment_and_stays_here(rpc: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUWEN_ANCHOR_KEY", DEV_KEY)
    assert anchor(rpc, HEAD).sender == "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"


def test_one_transaction_of_80_bytes_goes_on_chain_and_moves_nothing(rpc: str) -> None:
    import requests
    from web3 import HTTPProvider, Web3

    receipt = anchor(rpc, HEAD)
    with requests.Session() as session:
        web3 = Web3(HTTPProvider(rpc, session=session))
        sent: Any = web3.eth.get_transaction(receipt.transaction)
        assert len(web3.eth.get_block(receipt.block)["transactions"]) == 1
    assert bytes(sent["input"]) == payload(HEAD)
    assert (sent["value"], sent["from"]) == (0, sent["to"])
    assert payload(HEAD) == (
        MAGIC + sha256(HEAD.origin.encode()).digest() + HEAD.size.to_bytes(8, "big") + HEAD.root
    )
    assert len(payload(HEAD)) == 80


def test_what_the_chain_does_not_hold_is_found(rpc: str) -> None:
    receipt = anchor(rpc, HEAD)
    other = anchor(rpc, replace(HEAD, size=1))
    rewritten = replace(HEAD, root=sha256(b"rewritten").digest())
    for spoiled, head in (
        (receipt, rewritten),
        (receipt, replace(HEAD, origin="other/ledger")),
        (replace(receipt, transaction=other.transaction, block=other.block), HEAD),
        (replace(receipt, transaction="0x" + "00" * 32), HEAD),
        (replace(receipt, block=receipt.block + 1), HEAD),
        (replace(receipt, chain_id=1), HEAD),
        (replace(receipt, sender="0x" + "00" * 20), HEAD),
        (replace(receipt, size=7), HEAD),
    ):
        with pytest.raises(Untrusted) as caught:
            check(rpc, spoiled, head)
        assert caught.value.code == "bad-anchor"


def test_a_node_that_refuses_or_is_silent_is_said_without_its_address(rpc: str) -> None:
    poor = "0x" + "11" * 32
    with pytest.raises(Refused) as refused:
        anchor(rpc, HEAD, key=poor)
    assert refused.value.code == "rpc-failed"
    assert "refused" in str(refused.value)
    with pytest.raises(Refused) as silent:
        anchor("http://127.0.0.1:9/secret-token", HEAD)
    assert silent.value.code == "rpc-failed"
    assert "secret-token" not in str(silent.value)
    assert "127.0.0.1" not in str(silent.value)


@pytest.mark.parametrize("key", ["", "12", "zz" * 32, "0x" + "00" * 32])
def test_a_key_that_is_none_is_never_repeated(key: str, rpc: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUWEN_ANCHOR_KEY", key or "nonsense")
    with pytest.raises(BadInput) as caught:
        anchor(rpc, HEAD, key=key)
    assert caught.value.code == "bad-anchor-key"
    assert "zz" not in str(caught.value)
    assert caught.value.__context__ is None or caught.value.__suppress_context__


def test_an_address_that_is_no_url_is_refused() -> None:
    with pytest.raises(BadInput) as caught:
        anchor("ftp://node", HEAD)
    assert caught.value.code == "bad-rpc"


def test_without_web3_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "web3", None)
    with pytest.raises(MissingExtra, match=r"suwen\[anchor\]|web3"):
        anchor("http://127.0.0.1:9", HEAD)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"chain_id": 1}', '{"chain_id":"1","transaction":"","block":1}', "[" * 50_000]
)
def test_what_is_no_receipt_is_refused(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        Receipt.from_json(text)
    assert caught.value.code == "bad-receipt"


def test_an_anchor_is_due_once_an_interval() -> None:
    assert due(None, 3600)
    assert due(0, 3600, now_us=3_600_000_000)
    assert not due(0, 3600, now_us=3_599_999_999)
    assert due(0, 3600)
