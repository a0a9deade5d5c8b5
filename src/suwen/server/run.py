"""Run the server: on this machine only, unless somebody takes the responsibility."""

from __future__ import annotations

import errno
import ipaddress
import logging
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn

from suwen import __version__
from suwen.core import collector
from suwen.core.errors import BadInput, Conflict, Refused
from suwen.server.app import create_app
from suwen.server.logs import configure

if TYPE_CHECKING:
    from suwen.records.record import Record
    from suwen.server.watch import Watch

HOST, PORT = "127.0.0.1", 8000
NO_SIGN_IN = (
    "the patient record is served without a sign-in: "
    "every program on this machine can read and change all of it"
)

log = logging.getLogger("suwen.server")


class _Server(uvicorn.Server):
    """A server that says when it answers."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None] | None) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets)
        if self.started and self._ready:
            self._ready()


def run(
    host: str = HOST,
    port: int = PORT,
    *,
    data: Path | None = None,
    only: Sequence[str] = (),
    hosts: Sequence[str] = (),
    store: Path | None = None,
    db: str | None = None,
    watch: Sequence[str] = (),
    allow_remote: bool = False,
    announce: bool = True,
) -> None:
    """Serve until interrupted.

    Parameters
    ----------
    host, port
        Where to listen; port 0 takes a free one.
    data, only, hosts
        As for :func:`suwen.server.app.create_app`.
    store, db
        Folder and database of the patient record to serve, as for :meth:`suwen.records.record.Record.open`;
        without either, none is served.
    watch
        Tasks whose model in service follows every patient of the record.
    allow_remote
        Listen on an address that other machines reach, although there is no sign-in; never with a record.
    announce
        Print the address on stdout once requests are answered.

    Raises
    ------
    Refused
        For an address other machines reach, without ``allow_remote`` (code ``remote-address``).
        For any such address when a record is served (code ``remote-record``).
        For ``watch`` without a record (code ``watch-without-record``).
    Conflict
        When the port is taken (code ``port-in-use``).
    SuwenError
        When the record cannot be opened.
    """
    kept = store is not None or db is not None
    if watch and not kept:
        raise Refused(
            "there is no record whose patients could be watched",
            fix="Name one with --store or --db",
            code="watch-without-record",
        )
    if kept and not is_loopback(host):
        raise Refused(
            "a patient record is served to this machine alone as long as there is no sign-in",
            fix="Leave --host out, or serve without --store and --db",
            code="remote-record",
        )
    if not allow_remote and not is_loopback(host):
        raise Refused(
            f"'{host}' can be reached by other machines, and this server has no sign-in yet",
            fix="Leave --host out, or give --allow-remote behind a proxy that signs people in",
            code="remote-address",
        )
    wildcard = host in {"0.0.0.0", "::", ""}  # noqa: S104  (recognised, not bound)
    names = [*hosts, *([] if wildcard else [host])]
    listening = _bind(host, port)
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{listening.getsockname()[1]}"
    record, watching = None, None
    try:
        record = _opened(store, db) if kept else None
        app = create_app(data=data, only=only, hosts=names, record=record)
        configure()
        if record is not None:
            log.warning(NO_SIGN_IN)
            collector.for_large_documents()
            watching = _watch(record, watch) if watch else None
        # What a proxy says of the client is not believed: links are made from the Host that was checked.
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=True,
            proxy_headers=False,
        )
        _Server(config, (lambda: _print(address)) if announce else None).run(sockets=[listening])
    finally:
        listening.close()
        if watching is not None:
            watching.stop()
        if record is not None:  # also when the application did not come up, or was forced to stop
            record.close()


def _opened(store: Path | None, db: str | None) -> Record:
    """The record, made or upgraded where needed."""
    from suwen.records.record import Record

    return Record.open(store, db)


def _watch(record: Record, tasks: Sequence[str]) -> Watch:
    """The watch over the record's patients."""
    from suwen.server.watch import Watch

    return Watch(record, tasks)


def _print(address: str) -> None:
    sys.stdout.write(f"suwen {__version__} answers at {address}  (Ctrl-C stops it)\n")
    sys.stdout.flush()


def is_loopback(host: str) -> bool:
    """Whether an address reaches this machine alone."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _bind(host: str, port: int) -> socket.socket:
    """Take the port now, so that a clash is our error and not a line of a library's log."""
    try:
        family, kind, proto, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (socket.gaierror, OverflowError, UnicodeError):
        raise BadInput(
            f"'{host}' port {port} is no address to listen on", fix="Check --host and --port"
        ) from None
    found = socket.socket(family, kind, proto)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(place)
    except OSError as error:
        found.close()
        if error.errno == errno.EADDRINUSE:
            raise Conflict(
                f"port {port} is already in use",
                fix=f"Stop the other program, or choose another port: --port {port + 1}",
                code="port-in-use",
            ) from None
        raise Refused(
            f"this server may not listen on {host} port {port}", fix="Choose another --port"
        ) from None
    return found
