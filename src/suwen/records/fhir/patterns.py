"""Regular expressions of FHIR's primitive types and references, for a linear-time engine (no look-around)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

_YEAR = "(?:[0-9](?:[0-9](?:[0-9][1-9]|[1-9]0)|[1-9]00)|[1-9]000)"
_DAY = (
    "(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    "|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    "|02-(?:0[1-9]|1[0-9]|2[0-8])"
)
_LEAP_TWO = "(?:0[48]|[2468][048]|[13579][26])"
_LEAP_DAY = f"(?:[0-9][0-9]{_LEAP_TWO}|{_LEAP_TWO}00)-02-29"
_FULL_DATE = f"(?:{_YEAR}-(?:{_DAY})|{_LEAP_DAY})"
_TIME = "(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:[.][0-9]+)?"
_ZONE = "(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
_MONTH = f"{_YEAR}(?:-(?:0[1-9]|1[0-2]))?"
ID = "[A-Za-z0-9.-]{1,64}"
_UUID = "urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_OID = "urn:oid:[0-2](?:[.](?:0|[1-9][0-9]*))+"
_BASE64 = (
    r"(?:\s*[0-9a-zA-Z+/]\s*[0-9a-zA-Z+/]\s*(?:[0-9a-zA-Z+/]\s*[0-9a-zA-Z+/]|[0-9a-zA-Z+/]\s*=|=\s*=)\s*)+"
)
LONGEST_STRING = 1 << 20
"""Characters a string may have."""

# HTML 4.0, chapters 7 to 11 (without section 4 of chapter 9) and 15, links, and images: rule txt-1.
_TAGS = (
    "a|abbr|acronym|address|b|bdo|big|blockquote|br|caption|cite|code|col|colgroup|dd|dfn|div|dl|dt|em|font|h[1-6]|hr|i"
    "|img|kbd|li|ol|p|pre|q|s|samp|small|span|strike|strong|style|sub|sup|table|tbody|td|tfoot|th|thead|tr|tt|u|ul|var"
)
_NAME = "(?:[a-np-zA-NP-Z_:][a-zA-Z0-9_:.-]*|[oO](?:[a-mo-zA-MO-Z_:.-][a-zA-Z0-9_:.-]*)?)"
"""An attribute's name; one that starts with ``on`` runs a script."""
_ATTRIBUTES = f"""(?:[ \\t\\r\\n]+{_NAME}[ \\t\\r\\n]*=[ \\t\\r\\n]*(?:"[^"<]*"|'[^'<]*'))*[ \\t\\r\\n]*"""
_COMMENT = "<!--(?:[^-]|-[^-])*-->"
_INSIDE = f"(?:[^<]|</?(?:{_TAGS}){_ATTRIBUTES}/?>|{_COMMENT})*"
_SPACE = "[ \\t\\r\\n]*"


def _whole(pattern: str) -> str:
    return f"^(?:{pattern})$"


_NARRATIVE = {
    "pattern": _whole(f"{_SPACE}<div{_ATTRIBUTES}>{_INSIDE}</div>{_SPACE}"),
    "not": {"pattern": f"""(?i)={_SPACE}["']{_SPACE}(?:javascript:|vbscript:|data:text|&#)"""},
}

_CHARACTERS = {
    "minLength": 1,
    "maxLength": LONGEST_STRING,
    "not": {"pattern": r"[\x00-\x08\x0b\x0c\x0e-\x1f]"},
}
_URI = {"pattern": r"^\S+$"}
TEXTS: dict[str, dict[str, Any]] = {
    "string": _CHARACTERS,
    "markdown": _CHARACTERS,
    "xhtml": _NARRATIVE,
    "uri": _URI,
    "url": _URI,
    "canonical": _URI,
    "oid": {"pattern": _whole(_OID)},
    "uuid": {"pattern": _whole(_UUID)},
    "id": {"pattern": _whole(ID)},
    "code": {"pattern": r"^\S+(?:\s\S+)*$"},
    "base64Binary": {"pattern": _whole(_BASE64)},
    "date": {"pattern": _whole(f"{_MONTH}|{_FULL_DATE}")},
    "dateTime": {"pattern": _whole(f"{_MONTH}|{_FULL_DATE}(?:T{_TIME}{_ZONE})?")},
    "instant": {"pattern": _whole(f"{_FULL_DATE}T{_TIME}{_ZONE}")},
    "time": {"pattern": _whole(_TIME)},
}


class References:
    """Schemas of ``Reference.reference``.

    Parameters
    ----------
    resource_types
        Every type there is.
    conditional
        Whether a search may stand for the resource it finds.
    """

    def __init__(self, resource_types: Iterable[str], *, conditional: bool) -> None:
        self.all = "|".join(sorted(resource_types))
        self.conditional = conditional

    def to(self, targets: Iterable[str]) -> dict[str, Any]:
        """A reference to one of some resource types; to any where none is named."""
        types = "|".join(targets) or self.all
        at = f"(?:{types})/{ID}(?:/_history/{ID})?"
        forms = [rf"(?:https?://\S+/)?{at}", r"urn:\S+"]
        if self.conditional:
            forms.append(rf"(?:{types})[?]\S+")
        elsewhere = [
            {"pattern": "^[A-Za-z][A-Za-z0-9+.-]*:"},
            {"not": {"pattern": f"/(?:{self.all})/{ID}(?:/_history/{ID})?$"}},
        ]
        return {
            "type": "string",
            "x": "target",
            "targets": sorted(targets),
            "anyOf": [{"pattern": _whole("|".join(forms))}, {"allOf": elsewhere}],
        }
