"""Validation against fhir.resources: the same Observations, in turns, and the verdicts compared."""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from statistics import median
from typing import Any

from _common import interleaved, ratio

Resource = dict[str, Any]


def compare(observations: Sequence[Resource], rounds: int) -> dict[str, Any]:
    """Both from parsed JSON to a verdict, and from bytes: ours then also looks for duplicate keys.

    Parameters
    ----------
    observations
        Valid ones, as parsed JSON.
    rounds
        Turns of each side.
    """
    from fhir.resources.R4B.observation import Observation
    from pydantic import ValidationError

    from suwen.core.errors import SuwenError
    from suwen.records.fhir import wire
    from suwen.records.fhir.definitions import definitions
    from suwen.records.fhir.validate import Validator

    validator = Validator(definitions())

    def ours(data: bytes) -> bool:
        try:
            return validator.valid(wire.read(data))
        except SuwenError:
            return False

    def theirs(data: bytes) -> bool:
        try:
            Observation.model_validate_json(data)
        except (ValidationError, ValueError):
            return False
        return True

    whole = [json.dumps(one, ensure_ascii=False).encode() for one in observations]
    parsed = [wire.read(data) for data in whole]
    ours(whole[0]), theirs(whole[0])  # once, for what is made on first use
    seconds = interleaved(
        {
            "ours": lambda: [validator.valid(one) for one in parsed],
            "theirs": lambda: [Observation.model_validate(one) for one in observations],
            "ours_from_bytes": lambda: [ours(data) for data in whole],
            "theirs_from_bytes": lambda: [theirs(data) for data in whole],
        },
        rounds,
    )
    mutants = list(_mutants(observations[:: max(1, len(observations) // 150)]))
    verdicts = Counter[tuple[bool, bool]]()
    stricter: dict[str, Counter[str]] = {"suwen": Counter(), "fhir.resources": Counter()}
    for name, one in [("as it is", one) for one in observations] + mutants:
        data = json.dumps(one, ensure_ascii=False).encode()
        mine, other = ours(data), theirs(data)
        verdicts[mine, other] += 1
        if mine != other:
            stricter["fhir.resources" if mine else "suwen"][name] += 1
    return {
        "validate_speedup": ratio(seconds["theirs"], seconds["ours"]),
        "from_bytes_speedup": ratio(seconds["theirs_from_bytes"], seconds["ours_from_bytes"]),
        "observations": len(whole),
        "per_cpu_s": {name: len(whole) / median(taken) for name, taken in seconds.items()},
        "verdicts_compared": sum(verdicts.values()),
        "verdicts_alike": verdicts[True, True] + verdicts[False, False],
        "both_valid": verdicts[True, True],
        "both_invalid": verdicts[False, False],
        "only_suwen_refuses": dict(stricter["suwen"].most_common()),
        "only_fhir_resources_refuses": dict(stricter["fhir.resources"].most_common()),
        "peer": "fhir.resources, R4B models (it has none for R4)",
        "peer_does_not": "check required bindings, reference targets, or the digits of decimals",
    }


def _set(name: str, value: Any) -> Callable[[Resource], None]:
    def change(one: Resource) -> None:
        one[name] = value

    return change


def _of_code(name: str, value: Any) -> Callable[[Resource], None]:
    def change(one: Resource) -> None:
        one["code"]["coding"][0][name] = value

    return change


MUTATIONS: dict[str, Callable[[Resource], None]] = {
    "status left out": lambda one: one.pop("status"),
    "code left out": lambda one: one.pop("code"),
    "status not of its value set": _set("status", "finished"),
    "status a number": _set("status", 5),
    "status empty": _set("status", ""),
    "unknown element": _set("statuses", "final"),
    "unknown element within": _of_code("kode", "x"),
    "list for one value": _set("status", ["final"]),
    "one value for a list": lambda one: one.update(category=one["category"][0]),
    "empty list": _set("category", []),
    "empty object": _set("code", {}),
    "null": _set("issued", None),
    "object for text": _of_code("code", {"value": "x"}),
    "boolean for text": _of_code("display", True),
    "no such date": _set("effectiveDateTime", "2011-02-30"),
    "date in words": _set("effectiveDateTime", "yesterday"),
    "time without zone": _set("effectiveDateTime", "2011-02-03T04:05:06"),
    "instant without time": _set("issued", "2011-02-03"),
    "two values": lambda one: one.update(valueString="x", valueInteger=5),
    "two dates": lambda one: one.update(effectiveInstant="2011-02-03T04:05:06Z", effectiveDateTime="2011"),
    "number as text": _set("valueInteger", "5"),
    "fraction for a whole number": _set("valueInteger", 5.5),
    "whole number too large": _set("valueInteger", 2**40),
    "reference to a wrong type": _set("subject", {"reference": "Medication/1"}),
    "reference without type": _set("encounter", {"reference": 5}),
    "id too long": _set("id", "x" * 65),
    "id with a space": _set("id", "a b"),
    "code with spaces around": _set("status", " final "),
    "extension without url": _set("extension", [{"valueString": "x"}]),
    "extension with two values": _set("extension", [{"url": "u", "valueString": "x", "valueCode": "x"}]),
    "other type": _set("resourceType", "Observations"),
}


def _mutants(observations: Sequence[Resource]) -> Iterator[tuple[str, Resource]]:
    """Each observation once spoilt, the kinds of damage in turn."""
    kinds = list(MUTATIONS)
    for number, original in enumerate(observations):
        for name in kinds[number % 5 :: 5]:
            one = copy.deepcopy(original)
            for value in [key for key in one if key.startswith("value")] if "number" in name else ():
                del one[value]
            MUTATIONS[name](one)
            yield name, one
