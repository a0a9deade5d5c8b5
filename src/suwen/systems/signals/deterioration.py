"""Clinical deterioration by NEWS2 and qSOFA, from vital signs as they are observed."""

from dataclasses import replace

from suwen.core.task import Field, Points
from suwen.core.variables import Variable
from suwen.engines.rules.task import RulesTask
from suwen.formats.signals.stays import Stays
from suwen.systems.signals._news2 import NEWS2
from suwen.systems.signals._qsofa import QSOFA
from suwen.systems.signals._quantities import FIO2, HR, RESP, SAO2, SYS, TEMP, pressure

_GCS = Variable(
    name="GCS",
    title="Glasgow coma scale",
    unit="{score}",
    plausible=(3, 15),
    reference=(15, None),
    loinc=("9269-2",),
    convertible={"1": (1.0, 0.0)},
)

task = RulesTask(
    name="signals.deterioration",
    title="Deterioration of an adult in hospital: NEWS2 and qSOFA",
    intended_use=(
        "Track and trigger for adults of 16 years and over in acute hospitals: NEWS2 with its clinical response and "
        "monitoring frequency, and qSOFA, from the vital signs of the last hours. Points, not probabilities."
    ),
    not_for=(
        "Children under 16, pregnancy, chronic altered mentation charted as new, replacing clinical judgement, "
        "and ruling anything out: a low score does not"
    ),
    inputs=(
        Field(
            name="observations",
            kind="series",
            description="vital signs over time: respiration, SpO2, air or oxygen, systolic pressure, pulse, ACVPU or "
            "GCS, temperature; a long CSV or JSON table, or the record's FHIR Observations",
        ),
    ),
    endpoint=Points(
        labels={"stable": ("0", "no"), "deteriorated": ("1", "yes")},
        positive="deteriorated",
        code=NEWS2.code,
    ),
    source=Stays(),
    scores=(NEWS2, QSOFA),
    variables=(
        RESP,
        replace(SAO2, name="SpO2", title="Oxygen saturation, pulse oximetry", loinc=("59408-5", "2708-6")),
        Variable(
            name="Oxygen",
            title="Air or oxygen (0 air, 1 oxygen)",
            unit="1",
            plausible=(0, 1),
            coded={
                **{"air": 0, "room air": 0, "no": 0, "false": 0, "oxygen": 1, "o2": 1, "yes": 1, "true": 1},
                **{"722742002": 0, "371825009": 1},  # SNOMED CT: breathing room air, patient on oxygen
            },
        ),
        Variable(
            name="O2Flow",
            title="Oxygen flow",
            unit="L/min",
            plausible=(0, 80),
            loinc=("3151-8",),
            convertible={"mL/min": (0.001, 0.0)},
        ),
        FIO2,
        replace(
            pressure("SysBP", "Systolic blood pressure", SYS, (111, 140)),
            loinc=("8480-6", "76534-7", "76215-3"),
        ),
        replace(HR, loinc=("8867-4", "8889-8")),
        Variable(
            name="Consciousness",
            title="Consciousness (0 alert, 1 confused, 2 voice, 3 pain, 4 unresponsive)",
            unit="1",
            plausible=(0, 4),
            reference=(None, 0),
            loinc=("67775-7",),
            snomed=("1104441000000107",),
            coded={
                **{"alert": 0, "confused": 1, "confusion": 1, "responds to voice": 2, "voice": 2},
                **{"responds to pain": 3, "pain": 3, "unresponsive": 4},
                **{"a": 0, "c": 1, "v": 2, "p": 3, "u": 4},
                # SNOMED CT: mentally alert, acute confusion, responds to voice, responds to pain, unresponsive.
                **{"248234008": 0, "130987000": 1, "300202002": 2, "450847001": 3, "422768004": 4},
            },
        ),
        _GCS,
        replace(TEMP, loinc=("8310-5", "8331-1")),
        Variable(
            name="SpO2Scale",
            title="SpO2 scale prescribed (2 for a target of 88-92%)",
            unit="1",
            plausible=(1, 2),
        ),
    ),
    floor={"auroc": 0.6},
    settings={"operating_point": "published", "shortcut_probe": False},
    extra={"window_h": 12, "reads_record": True},
)
