"""Spellings of units at the bedside, as UCUM writes them."""

from __future__ import annotations

import re

_SPELLED = {
    "mmhg": "mm[Hg]",
    "mm hg": "mm[Hg]",
    "bpm": "/min",
    "beats/min": "/min",
    "breaths/min": "/min",
    "/minute": "/min",
    "1/min": "/min",
    "c": "Cel",
    "°c": "Cel",
    "degc": "Cel",
    "celsius": "Cel",
    "cel": "Cel",
    "f": "[degF]",
    "°f": "[degF]",
    "degf": "[degF]",
    "fahrenheit": "[degF]",
    "[degf]": "[degF]",
    "mg/dl": "mg/dL",
    "g/dl": "g/dL",
    "g/l": "g/L",
    "mmol/l": "mmol/L",
    "umol/l": "umol/L",
    "µmol/l": "umol/L",
    "μmol/l": "umol/L",
    "meq/l": "meq/L",
    "u/l": "U/L",
    "iu/l": "U/L",
    "[iu]/l": "U/L",
    "ng/ml": "ng/mL",
    "pg/ml": "pg/mL",
    "ng/l": "ng/L",
    "ug/l": "ug/L",
    "µg/l": "ug/L",
    "μg/l": "ug/L",
    "ml": "mL",
    "l": "L",
    "kpa": "kPa",
    "iu": "[iU]",
    "units": "[iU]",
    "[iu]": "[iU]",
    "iu/h": "[iU]/h",
    "[iu]/h": "[iU]/h",
    "fraction": "1",
    "lb": "[lb_av]",
    "lbs": "[lb_av]",
    "years": "a",
    "year": "a",
    "sec": "s",
    "seconds": "s",
    "k/ul": "10*3/uL",
    "10^3/ul": "10*3/uL",
    "10*3/ul": "10*3/uL",
    "x10^3/ul": "10*3/uL",
    "10^9/l": "10*9/L",
    "10*9/l": "10*9/L",
    "x10^9/l": "10*9/L",
    "cells/nl": "/nL",
    "ph": "[pH]",
    "score": "{score}",
}


def ucum(text: str | None) -> str | None:
    """The unit as UCUM writes it; ``None`` for a blank, and the text itself where it is not a known spelling."""
    clean = re.sub(r"\s+", " ", text or "").strip()
    if not clean:
        return None
    tight = clean.lower().replace(" / ", "/").replace("/ ", "/").replace(" /", "/")
    return _SPELLED.get(tight, clean)


_SHOWN = {
    "mm[Hg]": "mmHg",
    "Cel": "°C",
    "[degF]": "°F",
    "10*3/uL": "10³/µL",
    "10*9/L": "10⁹/L",
    "umol/L": "µmol/L",
    "ug/L": "µg/L",
    "[iU]": "IU",
    "[iU]/h": "IU/h",
    "a": "years",
    "1": "",
    "{score}": "",
    "[pH]": "",
}


def shown(unit: str) -> str:
    """A UCUM unit as clinicians write it; empty for a bare number."""
    return _SHOWN.get(unit, unit)


def with_unit(value: float, unit: str) -> str:
    """A value with its unit as clinicians write it: ``29 /min``, ``90%``."""
    words = shown(unit)
    return f"{value:g}{words if words == '%' else f' {words}'}".strip()
