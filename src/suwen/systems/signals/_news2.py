"""NEWS2 as its authors published it: Chart 1 (points), Charts 2 and 4 (thresholds and responses).

Royal College of Physicians. National Early Warning Score (NEWS) 2: Standardising the assessment of
acute-illness severity in the NHS. Updated report of a working party. London: RCP, 2017. The report may be
reproduced with this acknowledgement. SNOMED CT codes: NHS England, NEWS2 in FHIR.
"""

from suwen.engines.rules.table import Band, Fact, Parameter, Reading, Response, Score, Table


def _bands(*pairs: tuple[float | None, int]) -> tuple[Band, ...]:
    return tuple(Band(up_to=up_to, points=points) for up_to, points in pairs)


_SCALE_1 = _bands((91, 3), (93, 2), (95, 1), (None, 0))
_SCALE_2_AIR = _bands((83, 3), (85, 2), (87, 1), (None, 0))
_SCALE_2_OXYGEN = _bands((83, 3), (85, 2), (87, 1), (92, 0), (94, 1), (96, 2), (None, 3))

PARAMETERS = (
    Parameter(
        name="respiration_rate",
        title="Respiration rate",
        variable="RespRate",
        tables=(Table(bands=_bands((8, 3), (11, 1), (20, 0), (24, 2), (None, 3))),),
    ),
    Parameter(
        name="oxygen_saturation",
        title="Oxygen saturation",
        variable="SpO2",
        tables=(
            Table(bands=_SCALE_1, when={"scale_2": False}),
            Table(bands=_SCALE_2_AIR, when={"scale_2": True, "oxygen": False}),
            Table(bands=_SCALE_2_OXYGEN, when={"scale_2": True, "oxygen": True}),
        ),
    ),
    Parameter(
        name="air_or_oxygen",
        title="Air or oxygen",
        fact="oxygen",
        tables=(Table(bands=_bands((0, 0), (None, 2))),),
    ),
    Parameter(
        name="systolic_blood_pressure",
        title="Systolic blood pressure",
        variable="SysBP",
        tables=(Table(bands=_bands((90, 3), (100, 2), (110, 1), (219, 0), (None, 3))),),
    ),
    Parameter(
        name="pulse",
        title="Pulse",
        variable="HR",
        tables=(Table(bands=_bands((40, 3), (50, 1), (90, 0), (110, 1), (130, 2), (None, 3))),),
    ),
    Parameter(
        name="consciousness",
        title="Consciousness",
        fact="altered",
        tables=(Table(bands=_bands((0, 0), (None, 3))),),
    ),
    Parameter(
        name="temperature",
        title="Temperature",
        variable="Temp",
        step=0.1,
        tables=(Table(bands=_bands((35.0, 3), (36.0, 1), (38.0, 0), (39.0, 1), (None, 2))),),
    ),
)

FACTS = (
    Fact(
        name="oxygen",
        yes="on oxygen",
        no="on air",
        readings=(
            Reading(variable="Oxygen", above=0),
            Reading(variable="O2Flow", above=0),
            # Room air is 0.21; sensors and rounding are allowed half a per cent.
            Reading(variable="FiO2", above=0.215),
        ),
    ),
    # The report: scale 2 only where a competent clinician has prescribed a target of 88-92%.
    Fact(
        name="scale_2",
        yes="SpO2 scale 2 (target 88-92%)",
        no="SpO2 scale 1",
        readings=(Reading(variable="SpO2Scale", above=1),),
        otherwise=False,
        keeps=True,
    ),
    # The report: confusion counts as new until it is confirmed to be otherwise; hence also by GCS.
    Fact(
        name="altered",
        yes="not alert",
        no="alert",
        readings=(Reading(variable="Consciousness", above=0), Reading(variable="GCS", below=15)),
    ),
)

RESPONSES = (
    Response(
        band="low",
        at_least=0,
        text="Continue routine NEWS monitoring.",
        monitoring="at least every 12 hours",
        risk="low",
    ),
    Response(
        band="low",
        at_least=1,
        text="A registered nurse assesses the patient, and decides whether to observe more often or escalate.",
        monitoring="at least every 4 to 6 hours",
        risk="low",
    ),
    Response(
        band="low-medium",
        at_least=None,
        text="A nurse informs the medical team caring for the patient, who review and decide whether to "
        "escalate: urgent ward-based response.",
        monitoring="at least every hour",
        risk="moderate",
        alarm=True,
    ),
    Response(
        band="medium",
        at_least=5,
        text="A nurse informs the medical team at once and asks for urgent assessment by a clinician or team "
        "with core competencies in the care of acutely ill patients; care in an environment with "
        "monitoring facilities.",
        monitoring="at least every hour",
        risk="moderate",
        alarm=True,
    ),
    Response(
        band="high",
        at_least=7,
        text="A nurse informs the medical team at once, at least at specialist registrar level; emergency "
        "assessment by a team with critical care competencies, including advanced airway management; "
        "consider transfer to a level 2 or 3 facility; care in an environment with monitoring facilities.",
        monitoring="continuously",
        risk="high",
        alarm=True,
    ),
)

NEWS2 = Score(
    name="NEWS2",
    title="National Early Warning Score 2",
    source="Royal College of Physicians, National Early Warning Score (NEWS) 2, London: RCP, 2017",
    parameters=PARAMETERS,
    facts=FACTS,
    responses=RESPONSES,
    urgent=5,
    code=(
        "http://snomed.info/sct",
        "1104051000000101",
        "Royal College of Physicians NEWS2 (National Early Warning Score 2) total score",
    ),
)
