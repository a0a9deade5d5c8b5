"""JSON Patch (RFC 6902) through the jsonpatch library, with bounds and errors that quote no data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from suwen.core.errors import nearest
from suwen.records.fhir.patch_errors import MAX_OPERATIONS, check_depth, copied, failed, malformed

MAX_COPIED = 1_000_000
"""JSON values all ``copy`` operations of one patch may copy: each can double the document."""
_NEEDS = {
    "add": "value",
    "replace": "value",
    "test": "value",
    "move": "from",
    "copy": "from",
    "remove": None,
}


def apply(document: Any, patch: Any) -> Any:
    """The document after a patch; both are left as they are.

    Parameters
    ----------
    document
        JSON. Decimals keep their digits.
    patch
        A list of operations. ``test`` compares numbers by value: ``1.0`` is ``1.00``, ``1`` is not ``true``.

    Raises
    ------
    BadInput
        Code ``bad-patch``: not a JSON Patch.
    Unreadable
        Code ``patch-failed``: an operation names no place there is, or a test does not hold. Says which.
    """
    operations = _checked(patch)
    import jsonpatch
    import jsonpointer

    changed, copies = copied(document), 0
    for index, operation in enumerate(operations):
        place = f"operation[{index}]"
        try:
            if operation["op"] == "copy":
                copies += _size(jsonpointer.JsonPointer(operation["from"]).resolve(changed))
                if copies > MAX_COPIED:
                    raise malformed("the patch copies too much", place, fix=f"At most {MAX_COPIED} values")
            changed = jsonpatch.JsonPatch([operation]).apply(changed, in_place=True)
        except jsonpatch.JsonPatchTestFailed:
            raise failed("the test does not hold", place) from None
        except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException):
            raise failed(f"{operation['op']} finds no such place in the document", place) from None
        except RecursionError:
            raise malformed("the patch nests the document too deeply", place) from None
    check_depth(changed)
    return changed


def _checked(patch: Any) -> list[dict[str, Any]]:
    """The operations, each with everything it needs."""
    if not isinstance(patch, list):
        raise malformed("a JSON Patch is a list of operations", "patch")
    if len(patch) > MAX_OPERATIONS:
        raise malformed("the patch has too many operations", "patch", fix=f"At most {MAX_OPERATIONS}")
    for index, operation in enumerate(patch):
        place = f"operation[{index}]"
        if not isinstance(operation, Mapping):
            raise malformed("an operation is an object", place)
        name = operation.get("op")
        if not isinstance(name, str) or name not in _NEEDS:
            fix = nearest(name, _NEEDS) if isinstance(name, str) else None
            raise malformed("there is no such operation", f"{place}.op", fix=fix)
        needed = _NEEDS[name]
        if needed is not None and needed not in operation:
            raise malformed(f"{name} needs '{needed}'", place)
        for key in ("path", "from") if needed == "from" else ("path",):
            _check_pointer(operation.get(key), f"{place}.{key}")
    return [dict(operation) for operation in patch]


def _check_pointer(pointer: Any, place: str) -> None:
    import jsonpointer

    try:
        jsonpointer.JsonPointer(pointer)
    except (jsonpointer.JsonPointerException, TypeError, AttributeError):
        raise malformed("this is not a JSON Pointer", place, fix="Begin with / or leave it empty") from None


def _size(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + sum(map(_size, value.values()))
    return 1 + sum(map(_size, value)) if isinstance(value, list) else 1
