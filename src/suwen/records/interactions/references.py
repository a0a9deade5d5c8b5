"""References inside a transaction: from the bundle's own addresses to those its entries are stored at."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from suwen.records.fhir.definitions import Definitions

_ADDRESSES = frozenset({"uri", "url", "oid", "uuid"})


@lru_cache(maxsize=4)
def address_keys(definitions: Definitions) -> frozenset[str]:
    """JSON properties whose values are addresses in every type that has them, and ``reference``.

    An Identifier's value may look like an address and is none: it must stay as it is.
    """
    kinds: dict[str, set[str]] = {}
    for path in definitions.paths():
        for element in definitions.elements(path).values():
            for key, kind in element.properties():
                kinds.setdefault(key, set()).add(kind)
    return frozenset({"reference"} | {key for key, found in kinds.items() if found <= _ADDRESSES})


def rewrite(
    resource: dict[str, Any], addresses: Mapping[str, str], keys: frozenset[str]
) -> list[dict[str, Any]]:
    """Put stored addresses in the place of a bundle's own, in place.

    Parameters
    ----------
    resource
        Changed.
    addresses
        ``fullUrl`` to ``Type/id``.
    keys
        From :func:`address_keys`.

    Returns
    -------
    list of dict
        References that name their target by a search (``Patient?identifier=...``), still to be resolved.
    """
    pending: list[dict[str, Any]] = []
    stack: list[Any] = [resource]
    while stack:
        node = stack.pop()
        if type(node) is list:
            stack += [item for item in node if type(item) is dict or type(item) is list]
            continue
        for key, value in node.items():
            kind = type(value)
            if kind is dict or kind is list:
                stack.append(value)
            elif kind is str and key in keys:
                found = addresses.get(value)
                if found is not None:
                    node[key] = found
                elif key == "reference" and "?" in value and ":" not in value.partition("?")[0]:
                    pending.append(node)
            elif key == "div" and kind is str and addresses:
                node[key] = _narrative(value, addresses)
    return pending


def _narrative(div: str, addresses: Mapping[str, str]) -> str:
    """Links and images of a narrative."""
    if "urn:" in div:
        for given, stored in addresses.items():
            div = div.replace(f'"{given}"', f'"{stored}"')
    return div
