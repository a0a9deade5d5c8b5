"""qSOFA, the bedside criteria of Sepsis-3.

Singer M, Deutschman CS, Seymour CW, et al. The Third International Consensus Definitions for Sepsis and
Septic Shock (Sepsis-3). JAMA 315(8):801-810, 2016, Box 4: respiratory rate of 22/min or more, altered
mentation, systolic blood pressure of 100 mm Hg or less; two or more are positive. Altered mentation is a
Glasgow Coma Scale below 15 (Seymour CW, et al. JAMA 315(8):762-774, 2016), or not alert on ACVPU.
"""

from suwen.engines.rules.table import Band, Parameter, Response, Score, Table
from suwen.systems.signals._news2 import FACTS

_ALTERED = next(fact for fact in FACTS if fact.name == "altered")

PARAMETERS = (
    Parameter(
        name="respiratory_rate",
        title="Respiratory rate",
        variable="RespRate",
        tables=(Table(bands=(Band(up_to=21, points=0), Band(up_to=None, points=1))),),
    ),
    Parameter(
        name="mentation",
        title="Mentation",
        fact="altered",
        tables=(Table(bands=(Band(up_to=0, points=0), Band(up_to=None, points=1))),),
    ),
    Parameter(
        name="systolic_blood_pressure",
        title="Systolic blood pressure",
        variable="SysBP",
        tables=(Table(bands=(Band(up_to=100, points=1), Band(up_to=None, points=0))),),
    ),
)

RESPONSES = (
    Response(
        band="negative",
        at_least=0,
        text="A negative qSOFA does not rule sepsis out.",
        monitoring="as NEWS2 says",
        risk="low",
    ),
    Response(
        band="positive",
        at_least=2,
        text="Where infection is suspected: investigate for organ dysfunction, start or escalate therapy, "
        "consider referral to critical care or monitor more often; where it is not yet, consider infection.",
        monitoring="more often than before, if that has not been done",
        risk="high",
        alarm=True,
    ),
)

QSOFA = Score(
    name="qSOFA",
    title="Quick Sequential Organ Failure Assessment",
    source="Singer et al., JAMA 315(8):801-810, 2016 (Sepsis-3)",
    parameters=PARAMETERS,
    facts=(_ALTERED,),
    responses=RESPONSES,
    urgent=2,
    code=("https://suwen.dev/scores", "qSOFA", "Quick SOFA (qSOFA) total score"),
)
