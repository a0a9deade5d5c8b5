"""The keyed hashes under which a slot's values stand in the index; the same for writing and for searching."""

from __future__ import annotations

from functools import lru_cache

from suwen.records.fhir.search_references import target
from suwen.records.fhir.search_slots import Slot
from suwen.records.fhir.search_values import hierarchy, normal
from suwen.records.keys.blind import Blind

PREFIX = 16
"""Longest prefix of a string that is indexed; a search for more is checked on the decrypted resource."""
GRAM = 3
"""Signs in the pieces that ``:contains`` looks for."""
LONGEST = 130
"""Signs up to which a string's pieces are indexed; longer ones are always candidates of ``:contains``."""
CENTURIES = ("18", "19", "20", "21")
"""Centuries whose identifying dates have buckets; all others share one below and one above."""
BUCKETS = (2, 3, 4, 7, 10)
"""Length of the text of a century, decade, year, month and day."""
_LOW = 0xFFFF_FFFF


class SlotTerms:
    """Hashes of one slot.

    Parameters
    ----------
    blind
        The store's keyed hash.
    slot
        Whose values are hashed.
    """

    def __init__(self, blind: Blind, slot: Slot) -> None:
        self._term, self._slot = blind.term, slot
        self._name = f"{slot.kind}:{slot.name}"
        self.key: int = blind.term("key", self._name)
        """Stands for the slot itself in ``span`` and ``link``."""
        self.coded = lru_cache(maxsize=4096)(self._coded)
        """All terms of a system and a code, either of them perhaps ``None``. Cached."""
        self.units = lru_cache(maxsize=1024)(self._units)
        """All values of ``span.unit`` of a quantity's system, code and unit. Cached."""

    def pair(self, system: str, code: str) -> int:
        """Of a code in a system."""
        return self._term(self._name, "pair", system, code)

    def code(self, code: str) -> int:
        """Of a code in any system or none."""
        return self._term(self._name, "code", code)

    def system(self, system: str) -> int:
        """Of anything in a system."""
        return self._term(self._name, "system", system)

    def plain(self, code: str) -> int:
        """Of a code without a system, where it could have had one."""
        return self._term(self._name, "plain", code)

    def _coded(self, system: str | None, code: str | None) -> tuple[int, ...]:
        if code is None:
            return () if system is None else (self.system(system),)
        if system is None:
            return self.plain(code), self.code(code)
        return self.pair(system, code), self.code(code), self.system(system)

    def prefix(self, start: str) -> int:
        """Of strings starting so; normalised, at most :data:`PREFIX` signs."""
        return self._term(self._name, "prefix", start)

    def exact(self, text: str) -> int:
        """Of a string as it was written."""
        return self._term(self._name, "exact", text)

    def gram(self, piece: str) -> int:
        """Of strings holding a piece of :data:`GRAM` signs; normalised."""
        return self._term(self._name, "gram", piece)

    def long(self) -> int:
        """Of strings too long to have their pieces indexed."""
        return self._term(self._name, "long")

    def string(self, text: str) -> set[int]:
        """All terms of a string."""
        plain = normal(text)
        made = {self.prefix(plain[:size]) for size in range(1, min(PREFIX, len(plain)) + 1)}
        made.add(self.exact(text))
        if len(plain) > LONGEST:
            made.add(self.long())
        else:
            made.update(self.gram(plain[at : at + GRAM]) for at in range(len(plain) - GRAM + 1))
        return made

    def url(self, url: str) -> int:
        """Of a uri, canonical or reference by its text."""
        return self._term(self._name, "url", url)

    def under(self, url: str) -> int:
        """Of everything below a URL."""
        return self._term(self._name, "under", url)

    def uri(self, uri: str) -> list[int]:
        """All terms of a uri."""
        return [self.url(uri), *(map(self.under, hierarchy(uri)) if self._slot.below else ())]

    def reference(self, text: str) -> tuple[int, ...]:
        """Terms of a reference that has other forms than ``Type/id``."""
        found = target(text)
        if found.local:
            return (self.url(text),) if found.version else ()
        if text.startswith("#"):  # contained: nothing outside the resource can ask for it
            return ()
        url, mark, _ = text.partition("|")
        return (self.url(text), self.url(url)) if mark else (self.url(text),)

    def identifier(self, system: str | None, value: str | None) -> tuple[int, ...]:
        """All terms of the identifier a reference carries."""
        if value is None:
            return () if system is None else (self.system(system),)
        return self.coded(system, value)

    def bucket(self, start: str) -> int:
        """Of an identifying date within a century (``19``), decade, year, month or day (``1986-11-28``)."""
        return self._term(self._name, "bucket", start)

    def birth(self, day: str) -> list[int]:
        """All terms of an identifying date of the precision it has, in UTC."""
        if day[:2] not in CENTURIES:
            return [self.bucket("<" if day[:2] < CENTURIES[0] else ">")]
        made = [self.bucket(day[:size]) for size in BUCKETS if size <= len(day)]
        if len(day) < 10:
            made.append(self.bucket(day + "!"))
        return made

    def unit(self, system: str, code: str) -> int:
        """Of a unit's code in a system."""
        return self.unit_range(code)[0] | self._term("unit", "system", system) & _LOW

    def unit_range(self, code: str) -> tuple[int, int]:
        """First and last value of ``span.unit`` for a code in any system, or a unit's name."""
        first = self._term("unit", "code", code) & ~_LOW
        return first, first | _LOW

    def _units(self, system: str | None, code: str | None, unit: str | None) -> tuple[int, ...]:
        made = [] if code is None else [self.unit(system or "", code)]
        if unit is not None and unit != code:
            made.append(self.unit_range(unit)[0])
        return tuple(made) or (0,)
