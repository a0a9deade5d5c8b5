"""The one verb that downloads: licence shown, checksum checked, the whole file or nothing."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.error import HTTPError

from suwen.core.errors import BadInput, Conflict, NotFound, Untrusted, nearest
from suwen.core.home import home

if TYPE_CHECKING:
    from urllib.request import OpenerDirector

    from suwen.core.engine import Progress

MAX_BYTES = 64 * 2**20
"""A download that grows beyond this is cut off and discarded."""
TIMEOUT_S = 30.0
_PIECE = 1 << 16
_STEPS = 10


@dataclass(frozen=True, kw_only=True)
class Published:
    """A data set as its publisher offers it.

    Attributes
    ----------
    url
        Where it lies; https.
    md5
        The checksum that the publisher states: against damage, not against an attacker.
    licence, credit
        What must be honoured and whom to cite.
    """

    url: str
    md5: str
    licence: str
    credit: str

    @property
    def file_name(self) -> str:
        """Last part of the address, without its query."""
        return self.url.partition("?")[0].rpartition("/")[2]


_MEDMNIST = "https://zenodo.org/records/10519652/files"
DATASETS: Mapping[str, Published] = {
    "pneumoniamnist": Published(
        url=f"{_MEDMNIST}/pneumoniamnist.npz?download=1",
        md5="28209eda62fecd6e6a2d98b1501bb15f",
        licence="CC BY 4.0",
        credit="MedMNIST v2 (Yang et al., Scientific Data 10:41, 2023), from Kermany et al., "
        "Cell 172:1122, 2018",
    ),
    "breastmnist": Published(
        url=f"{_MEDMNIST}/breastmnist.npz?download=1",
        md5="750601b1f35ba3300ea97c75c52ff8f6",
        licence="CC BY 4.0",
        credit="MedMNIST v2 (Yang et al., Scientific Data 10:41, 2023), from BUSI (Al-Dhabyani et al., "
        "Data in Brief 28:104863, 2020)",
    ),
}

OpenUrl = Callable[[str], AbstractContextManager[Any]]
"""Opens an address for reading; what it yields has ``read(n)`` and ``headers``."""


def fetch(
    dataset: str,
    *,
    out: Path | None = None,
    progress: Progress | None = None,
    open_url: OpenUrl | None = None,
) -> dict[str, Any]:
    """Download one published data set.

    Parameters
    ----------
    dataset
        One of :data:`DATASETS`.
    out
        Folder to put it in; ``SUWEN_HOME/data`` by default.
    progress
        Told the licence before the first byte, then how far it is.
    open_url
        Opens the address; by default over https only, redirects included, with a time limit.

    Returns
    -------
    dict
        ``dataset, path, bytes, md5, url, licence, credit, downloaded``; the last is false when the file
        was already there.

    Raises
    ------
    NotFound
        ``unknown-dataset``; ``no-network`` when the publisher cannot be reached; ``download-failed`` when it
        answers with an error.
    Untrusted
        ``checksum`` when what arrived is not what was published.
    BadInput
        ``too-large``, ``not-a-folder``.
    Conflict
        ``different-file`` when another file lies in its place; ``not-writable``.
    """
    published = DATASETS.get(dataset)
    if published is None:
        raise NotFound(
            f"there is no data set '{dataset}' to fetch",
            fix=nearest(dataset, DATASETS),
            code="unknown-dataset",
        )
    tell: Progress = progress or (lambda line: None)
    tell(f"{dataset}: licence {published.licence}; credit: {published.credit}")
    target = (out or home() / "data") / published.file_name
    downloaded = not _already_there(target, published)
    if downloaded:
        with _beside(target) as handle:
            _download(published, handle, tell, open_url or _open_https, target)
    tell(f"{dataset}: {'downloaded and verified' if downloaded else 'already here, verified'}: {target}")
    return {
        "dataset": dataset,
        "path": target,
        "bytes": target.stat().st_size,
        "md5": published.md5,
        "url": published.url,
        "licence": published.licence,
        "credit": published.credit,
        "downloaded": downloaded,
    }


def _already_there(target: Path, published: Published) -> bool:
    """Whether the very file lies there; another one in its place is never overwritten."""
    if not target.exists():
        return False
    with target.open("rb") as file:
        found = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    if found != published.md5:
        raise Conflict(
            f"another file named {target.name} lies there already",
            where=str(target),
            fix="Move it away, or name another folder with --out",
            code="different-file",
        )
    return True


@contextmanager
def _beside(target: Path) -> Iterator[IO[bytes]]:
    """A file in the same folder that takes the target's place when all went well, and vanishes otherwise."""
    if target.parent.exists() and not target.parent.is_dir():
        raise BadInput(
            "the place to put it is not a folder",
            where=str(target.parent),
            fix="Name a folder with --out",
            code="not-a-folder",
        )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    except OSError as error:
        raise _not_writable(target.parent, error) from None
    try:
        with os.fdopen(descriptor, "wb") as handle:
            yield handle
        Path(name).chmod(0o644)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _download(
    published: Published, handle: IO[bytes], tell: Progress, open_url: OpenUrl, target: Path
) -> None:
    """Copy piece by piece, counting and hashing; the file is complete and right when this returns."""
    digest, received, told = hashlib.md5(usedforsecurity=False), 0, 0
    try:
        with open_url(published.url) as answer:
            expected = int(answer.headers.get("Content-Length") or 0)
            while piece := answer.read(_PIECE):
                received += len(piece)
                if max(received, expected) > MAX_BYTES:
                    raise BadInput(
                        "the download is larger than this data set can be",
                        where=published.url,
                        fix=f"At most {MAX_BYTES // 2**20} MiB are accepted",
                        code="too-large",
                    )
                digest.update(piece)
                try:
                    handle.write(piece)
                except OSError as error:
                    raise _not_writable(target.parent, error) from None
                step = received * _STEPS // expected if expected else 0
                if step > told:
                    told = step
                    tell(f"{received / 2**20:.1f} of {expected / 2**20:.1f} MiB")
    except HTTPError as error:
        error.close()
        raise NotFound(
            f"the publisher answered {error.code} ({error.reason})",
            where=published.url,
            fix=_by_hand(published, target),
            code="download-failed",
        ) from None
    except (OSError, HTTPException):  # no route, no name, refused, timed out, cut off
        raise NotFound(
            "the publisher cannot be reached from here",
            where=published.url,
            fix=_by_hand(published, target),
            code="no-network",
        ) from None
    if digest.hexdigest() != published.md5:
        raise Untrusted(
            f"what arrived ({received:,} bytes) does not have the published checksum",
            where=published.url,
            fix=f"Expected MD5 {published.md5}. Try again; nothing was kept",
            code="checksum",
        )


def _by_hand(published: Published, target: Path) -> str:
    return f"Download {published.url} on another machine and put it at {target}; its MD5 is {published.md5}"


def _not_writable(folder: Path, error: OSError) -> Conflict:
    return Conflict(
        f"cannot write there: {error.strerror or type(error).__name__}",
        where=str(folder),
        fix="Free space or name another folder with --out",
        code="not-writable",
    )


def _open_https(url: str) -> AbstractContextManager[Any]:
    """Open an https address; a redirect to anything else is not followed."""
    if not url.lower().startswith("https://"):
        raise BadInput("only https addresses are downloaded", where=url, code="not-https")
    opened: AbstractContextManager[Any] = _opener().open(url, timeout=TIMEOUT_S)
    return opened


def _opener() -> OpenerDirector:
    """An opener that stays on https, by way of a proxy where the environment names one."""
    from urllib.request import HTTPRedirectHandler, Request, build_opener

    class SecureRedirects(HTTPRedirectHandler):
        def redirect_request(
            self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
        ) -> Request | None:
            if not newurl.lower().startswith("https://"):
                raise HTTPError(newurl, code, "redirected away from https", headers, fp)
            return super().redirect_request(req, fp, code, msg, headers, newurl)

    return build_opener(SecureRedirects)
