"""Searches over a store, against a brute-force oracle that shares no code with them.

The oracle evaluates the official FHIRPath expressions with fhirpathpy and compares in its own few lines.
"""

from __future__ import annotations

import json
import random
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from unicodedata import combining
from unicodedata import normalize as unicode_form

import pytest

from suwen.records.fhir.search_paths import supported

KINDS = ("string", "token", "date", "reference", "quantity", "number", "uri")
PREFIXES = ("", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb")
PARTS = 4
"""The types are asked in so many parts, that no test is long."""


class Oracle:
    """Brute force: every resource of a type, one by one."""

    def __init__(self, bodies: Mapping[int, Any], parameters: list[Any]) -> None:
        self.parameters = parameters
        self.by_type: dict[str, dict[int, Any]] = defaultdict(dict)
        for rid, body in bodies.items():
            self.by_type[body["resourceType"]][rid] = body
        self.paths: dict[str, Any] = {}
        self.cache: dict[tuple[str, str], dict[int, list[Any]]] = {}

    def of(self, kind: str) -> list[Any]:
        """Official parameters of a type that we say we serve."""
        return [
            one
            for one in self.parameters
            if {kind, "Resource", "DomainResource"} & set(one["base"])
            and one.get("expression")
            and supported(kind, one["code"])
        ]

    def elements(self, kind: str, code: str) -> dict[int, list[Any]]:
        """What a parameter finds in every resource of a type, as JSON."""
        if (kind, code) not in self.cache:
            (parameter,) = [one for one in self.of(kind) if one["code"] == code]
            parts = [part.strip() for part in parameter["expression"].split("|")]
            parts = [
                part for part in parts if re.match(rf"\(?({kind}\b|Resource\b|DomainResource\b|[a-z])", part)
            ]
            self.cache[kind, code] = {
                rid: [found for part in parts for found in self._evaluate(kind, part, body)]
                for rid, body in self.by_type[kind].items()
            }
        return self.cache[kind, code]

    def _evaluate(self, kind: str, part: str, body: Any) -> list[Any]:
        from fhirpathpy import compile as compile_path
        from fhirpathpy.models import models

        resolved = re.search(r"\.where\(resolve\(\) is (\w+)\)", part)
        path = part.replace(resolved[0], "") if resolved else part
        path = re.sub(r"\(([\w.]+) as (\w+)\)", r"\1.ofType(\2)", path).replace(".as(", ".ofType(")
        path = re.sub(r"^Resource\b", kind, path)
        if path not in self.paths:
            self.paths[path] = compile_path(path, models["r4"])
        found = self.paths[path](body)
        if resolved:
            found = [one for one in found if leads_to(one) == resolved[1]]
        return [json.loads(json.dumps(one, default=float)) for one in found]


def leads_to(reference: Any) -> str | None:
    parts = reference.get("reference", "").split("/_history/")[0].split("/")
    named = parts[-2] if len(parts) > 1 and parts[-2][:1].isupper() else None
    return named or reference.get("type")


def folded(text: str) -> str:
    plain = "".join(sign for sign in unicode_form("NFKD", text.casefold()) if not combining(sign))
    return " ".join(plain.split())


def texts(element: Any) -> list[str]:
    if isinstance(element, str):
        return [element]
    names = {
        "family",
        "given",
        "prefix",
        "suffix",
        "text",
        "line",
        "city",
        "district",
        "state",
        "postalCode",
        "country",
    }
    found = [element[name] for name in names & element.keys()]
    return [text for one in found for text in (one if isinstance(one, list) else [one])]


def is_string(element: Any, value: str, modifier: str) -> bool:
    for text in texts(element):
        if modifier == "exact" and text == value:
            return True
        if modifier == "contains" and folded(value) in folded(text):
            return True
        if not modifier and folded(text).startswith(folded(value)):
            return True
    return False


def codings(element: Any) -> list[tuple[str | None, str | None]]:
    if isinstance(element, bool):
        return [(None, str(element).lower())]
    if isinstance(element, str):
        return [(None, element)]
    if "coding" in element:
        return [(one.get("system"), one.get("code")) for one in element["coding"]]
    if "code" not in element and element.get("system") in {
        None,
        "phone",
        "email",
        "fax",
        "url",
        "sms",
        "pager",
    }:
        return [(None, element.get("value"))]  # a ContactPoint: its system is no name space
    return [(element.get("system"), element.get("code", element.get("value")))]


def is_token(element: Any, value: str) -> bool:
    system, mark, code = value.partition("|")
    for mine in codings(element):
        if not mark and mine[1] == value:
            return True
        if mark and (not code or mine[1] == code) and mine[0] == (system or None):
            return True
    return False


def extent(text: str) -> tuple[datetime, datetime]:
    """First moment, and the first one after."""
    if len(text) <= 10:
        parts = [int(part) for part in text.split("-")]
        start = datetime(*[*parts, 1, 1][:3], tzinfo=UTC)
        if len(parts) == 3:
            return start, start + timedelta(days=1)
        months = parts[0] * 12 + (parts[1] if len(parts) == 2 else 12)
        return start, datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC)
    moment = datetime.fromisoformat(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    digits = len(found[1]) if (found := re.search(r"\.(\d+)", text)) else 0
    seconds = text[16:17] == ":"
    width = timedelta(microseconds=10 ** (6 - digits)) if seconds else timedelta(minutes=1)
    return moment, moment + width


def when(element: Any) -> tuple[datetime, datetime] | None:
    least, most = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    if isinstance(element, str):
        return extent(element) if re.match(r"\d{4}(-|$)", element) else None
    if "start" in element or "end" in element:
        first = extent(element["start"])[0] if "start" in element else least
        return first, extent(element["end"])[1] if "end" in element else most
    ranges = [extent(one) for one in element.get("event", [])]
    if bounds := element.get("repeat", {}).get("boundsPeriod"):
        ranges.append(when(bounds) or (least, most))
    return (min(one for one, _ in ranges), max(one for _, one in ranges)) if ranges else None


def is_date(element: Any, value: str) -> bool:
    prefix, text = (value[:2], value[2:]) if value[:1].isalpha() else ("eq", value)
    mine = when(element)
    if mine is None:
        return False
    (low, high), (first, last) = mine, extent(text)
    inside = first <= low and high <= last
    return {
        "eq": inside,
        "ne": not inside,
        "gt": high > last,
        "lt": low < first,
        "ge": high > last or inside,
        "le": low < first or inside,
        "sa": low >= last,
        "eb": high <= first,
    }[prefix]


def is_reference(element: Any, value: str, targets: Sequence[str]) -> bool:
    text = element if isinstance(element, str) else element.get("reference", "")
    if "resourceType" in element and isinstance(element, dict):
        text = f"{element['resourceType']}/{element.get('id')}"
    local = re.fullmatch(r"([A-Za-z]+/[^/]+)(/_history/[^/]+)?", text)
    if "/" not in value and ":" not in value:
        return (
            bool(local)
            and local[1].split("/")[1] == value
            and (not targets or local[1].split("/")[0] in targets)
        )
    return value in {text, local[1] if local else None, text.split("|")[0]}


def amount(element: Any) -> tuple[Decimal, Decimal] | None:
    infinite = Decimal("Infinity")
    if not isinstance(element, dict):
        return (Decimal(repr(element)),) * 2
    if "value" in element:
        value, sign = Decimal(repr(element["value"])), element.get("comparator", "")
        if not sign:
            return value, value
        shut = Decimal("0") if "=" in sign else Decimal("1e-20")
        return (-infinite, value - shut) if sign[0] == "<" else (value + shut, infinite)
    low, high = element.get("low", {}).get("value"), element.get("high", {}).get("value")
    if low is None and high is None:
        return None
    return (
        -infinite if low is None else Decimal(repr(low)),
        infinite if high is None else Decimal(repr(high)),
    )


def is_number(element: Any, value: str) -> bool:
    value, _, unit = value.partition("|")
    prefix, text = (value[:2], value[2:]) if value[:1].isalpha() else ("eq", value)
    mine = amount(element)
    if mine is None:
        return False
    if unit:
        system, _, code = unit.partition("|")
        said = element.get("low", element.get("high", element))
        if "currency" in element:
            said = {"system": "urn:iso:std:iso:4217", "code": element["currency"]}
        if system and (said.get("system"), said.get("code")) != (system, code):
            return False
        if not system and code not in {said.get("code"), said.get("unit")}:
            return False
    asked = Decimal(text)
    half = Decimal(5).scaleb(int(asked.as_tuple().exponent) - 1)
    inside = asked - half <= mine[0] and mine[1] < asked + half
    return {
        "eq": inside,
        "ne": not inside,
        "gt": mine[1] > asked,
        "lt": mine[0] < asked,
        "ge": mine[1] > asked or mine == (asked, asked),
        "le": mine[0] < asked or mine == (asked, asked),
        "sa": mine[0] > asked,
        "eb": mine[1] < asked,
    }[prefix]


MEETS = {"token": is_token, "date": is_date, "uri": str.__eq__}


def asked_of(kind: str, element: Any, dice: random.Random) -> Iterator[tuple[str, str]]:  # noqa: PLR0912
    """Some searches, as modifier and value, that an element may meet."""
    if kind == "string":
        for text in texts(element)[:3]:
            size = dice.randint(1, 30)
            yield "", text[:size].upper()
            yield "exact", text
            start = dice.randrange(len(text))
            yield "contains", text[start : start + dice.randint(1, 9)]
    elif kind == "token":
        for system, code in codings(element)[:2]:
            if code:
                yield "", code
                yield "not", code
                yield "", f"|{code}"
            if system:
                yield "", f"{system}|{code or ''}"
                yield "", f"{system}|"
                yield "", f"http://nowhere.org|{code or 'x'}"
    elif kind == "date":
        stated = re.findall(r'"(\d{4}[^"]*)"', json.dumps(element))
        for text in stated[:2]:
            cut = text[: dice.choice((4, 7, 10, 50))]
            for prefix in dice.sample(PREFIXES, 4):
                yield "", prefix + cut
    elif kind == "reference":
        text = element if isinstance(element, str) else element.get("reference", "")
        if text and not text.startswith("#"):
            yield "", text
            yield "", text.split("|")[0]
            if re.fullmatch(r"[A-Za-z]+/[^/]+", text):
                yield "", text.split("/")[1]
    elif kind == "uri":
        yield "", element
    else:
        for number in re.findall(r'"(?:value|low|high)": (-?[\d.e+-]+)', json.dumps(element)) or [
            str(element)
        ]:
            if re.fullmatch(r"-?\d+(\.\d+)?(e[+-]?\d+)?", number):
                unit = dice.choice(("", "", "|http://unitsofmeasure.org|cm", "||mg"))
                if isinstance(element, dict) and "code" in element:
                    unit = dice.choice(
                        ("", f"|{element.get('system', '')}|{element['code']}", f"||{element['code']}")
                    )
                for prefix in dice.sample(PREFIXES, 4):
                    yield "", prefix + number + (unit if kind == "quantity" else "")


def met(parameter: Any, elements: list[Any], modifier: str, value: str) -> bool:
    """Whether any element meets a search."""
    kind = parameter["type"]
    if modifier == "not":
        return not met(parameter, elements, "", value)
    if kind == "reference":
        return any(is_reference(element, value, parameter.get("target", ())) for element in elements)
    if kind == "string":
        return any(is_string(element, value, modifier) for element in elements)
    return any(MEETS.get(kind, is_number)(element, value) for element in elements)


def escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace(",", "\\,").replace("$", "\\$")


def compare(shelf: Any, oracle: Oracle, kind: str, parameter: Any, dice: random.Random) -> int:
    """Some searches by one parameter, each answered twice; how many there were."""
    code, form = parameter["code"], parameter["type"]
    elements = oracle.elements(kind, code)
    present = [one for found in elements.values() for one in found]
    asked = [
        one for element in dice.sample(present, min(4, len(present))) for one in asked_of(form, element, dice)
    ]
    for modifier, value in asked:
        if not value.strip() or (form == "string" and not folded(value)):
            continue
        want = [rid for rid, found in elements.items() if met(parameter, found, modifier, value)]
        name = f"{code}:{modifier}" if modifier else code
        got = [rid for page in shelf.pages(kind, (name, escaped(value)), limit=7) for rid in page]
        assert got == want, (kind, name, value)
    for missing in (True, False):
        want = [rid for rid, found in elements.items() if bool(found) != missing]
        assert shelf.find(kind, (f"{code}:missing", str(missing).lower()), limit=10_000) == want, (kind, code)
    return len(asked)


@pytest.fixture(scope="session")
def oracle(shelf: Any, data_dir: Path) -> Oracle:
    file = data_dir / "records" / "fhir_r4_defs" / "search-parameters.json"
    return Oracle(shelf.bodies, [entry["resource"] for entry in json.loads(file.read_bytes())["entry"]])


@pytest.mark.parametrize("part", range(PARTS))
def test_every_parameter_finds_what_brute_force_finds(shelf: Any, oracle: Oracle, part: int) -> None:
    dice = random.Random(part)
    asked = 0
    for kind in sorted(oracle.by_type)[part::PARTS]:
        for parameter in oracle.of(kind):
            code = parameter["code"]
            # Strings that look like dates are in the examples' CarePlans; only we know that they are none.
            if parameter["type"] not in KINDS or code in {"_id", "_lastUpdated"} or code == "activity-date":
                continue
            if (code.startswith("_") and kind != "Patient") or (shelf.postgres and dice.random() > 0.2):
                continue
            asked += compare(shelf, oracle, kind, parameter, dice)
    assert asked > 200
