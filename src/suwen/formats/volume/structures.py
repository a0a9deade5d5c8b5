"""Which label a name means, and none where it is not certain."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches

from suwen.core.errors import BadInput, NotFound

_BETWEEN = re.compile(r"[\W_]+")


def plain(name: str) -> str:
    """A name without regard to case, spaces, hyphens, underscores and brackets."""
    return _BETWEEN.sub(" ", name).strip().casefold()


def find_value(structure: str | int, names: Mapping[int, str], present: Collection[int]) -> int:
    """The label value that a name or a number means.

    Parameters
    ----------
    structure
        A number, a number in digits, or a name.
    names
        Label value to name.
    present
        Label values that have voxels.

    Raises
    ------
    NotFound
        ``unknown-structure``.
    BadInput
        ``ambiguous-structure``.
    """
    exact = [value for value, name in names.items() if name == structure and value]
    if not exact and isinstance(structure, str):
        wanted = plain(structure)
        exact = [value for value, name in names.items() if value and wanted and plain(name) == wanted]
    if len(exact) > 1:
        raise BadInput(
            f"the name '{structure}' stands for the labels {', '.join(map(str, sorted(exact)))}",
            fix="Give the number of the one that is meant",
            code="ambiguous-structure",
        )
    if exact:
        return exact[0]
    number = _number(structure)
    if number is not None and number > 0 and (number in names or number in present):
        return number
    raise NotFound(
        f"there is no structure '{structure}' in the labels",
        fix=_hint(structure, names, present),
        code="unknown-structure",
    )


def _number(structure: str | int) -> int | None:
    if isinstance(structure, bool):
        return None
    if isinstance(structure, str):
        return int(structure) if re.fullmatch(r"[0-9]{1,10}", structure.strip()) else None
    try:
        return int(structure) if int(structure) == structure else None
    except (TypeError, ValueError, OverflowError):
        return None


def _hint(structure: str | int, names: Mapping[int, str], present: Collection[int]) -> str:
    if not names:
        values = sorted(present)
        shown = ", ".join(map(str, values[:20])) + (" ..." if len(values) > 20 else "")
        return f"The labels have no names; give a number, of {shown}, or a table of names"
    if not isinstance(structure, str):
        return "Give a name of the table, or a label value that has voxels"
    written = {plain(name): name for name in names.values()}
    close = get_close_matches(plain(structure), written, n=3, cutoff=0.5)
    if not close:  # a part of a longer name is not close as a whole
        close = [name for name in sorted(written) if plain(structure) and plain(structure) in name][:3]
    if close:
        return "Did you mean " + " or ".join(f"'{written[name]}'" for name in close)
    return f"None of the {len(written)} names is near it; see the table of names"
