"""How a version's body is kept: the resource without what its row says, put together again as bytes.

Reading a resource parses nothing: type, id, version and time come from the row and are written before the
stored rest. The rest is ``INNER-OF-META NUL INNER-OF-RESOURCE``; JSON never holds a raw NUL.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from suwen.records.fhir import wire
from suwen.records.fhir.instants import instant

_ROW = frozenset({"resourceType", "id", "meta"})
_META = frozenset({"versionId", "lastUpdated"})


def strip(resource: Mapping[str, Any]) -> bytes:
    """What of a resource is stored in its body."""
    meta = {name: value for name, value in (resource.get("meta") or {}).items() if name not in _META}
    rest = {name: value for name, value in resource.items() if name not in _ROW}
    return wire.write(meta)[1:-1] + b"\0" + wire.write(rest)[1:-1]


def splice(kind: str, ident: str, version: int, updated_us: int, body: bytes) -> bytes:
    """A whole resource as JSON, from its row and its body."""
    meta, _, rest = body.partition(b"\0")
    return b'{"resourceType":"%s","id":"%s","meta":{"versionId":"%d","lastUpdated":"%s"%s}%s}' % (
        kind.encode(),
        ident.encode(),
        version,
        instant(updated_us).encode(),
        b"," + meta if meta else b"",
        b"," + rest if rest else b"",
    )


def binding(kind: str, ident: str, version: int) -> bytes:
    """Additional data that ties a ciphertext to its place: moved elsewhere, it does not open."""
    return f"{kind}/{ident}/{version}".encode()
