"""Time to death or relapse from clinical covariates and genes: breast cancer, and the seriously ill."""

from suwen.core.task import Field, TimeToEvent
from suwen.engines.panel import PanelTask
from suwen.engines.survival.boosted import BoostedCoxLearner
from suwen.engines.survival.cox import CoxLearner
from suwen.engines.survival.deephit import DeepHitLearner
from suwen.engines.survival.deepsurv import DeepSurvLearner
from suwen.formats.signals.survival import SurvivalTable

_PREPARED = "as prepared by Katzman et al., BMC Medical Research Methodology 18:24, 2018; licence not stated."

task = PanelTask(
    name="signals.cancer_survival",
    title="Survival from clinical covariates",
    intended_use=(
        "Prognosis of a patient whose disease is known, read by a clinician beside the patient: the probability to be "
        "alive (in the files of GBSG: without relapse) at each time, its median, and a time that nine of ten like the "
        "patient outlive. One model per disease: it learns from one table of followed patients."
    ),
    not_for=(
        "Choosing a treatment (treated and untreated patients of the table differ in more than the treatment), "
        "diseases other than that of the table, times beyond its follow-up, and telling a patient a date"
    ),
    inputs=(
        Field(
            name="covariates",
            kind="table",
            description="clinical values and gene expression at diagnosis, one row per patient, blank where missing",
        ),
    ),
    endpoint=TimeToEvent(event="death", code=("http://snomed.info/sct", "419620001", "Death")),
    source=SurvivalTable(),
    learners=(
        CoxLearner(penalties=(10.0,)),
        CoxLearner(name="cox_splines", splines=True, rho=1.0),
        BoostedCoxLearner(),
        DeepSurvLearner(),
        DeepHitLearner(),
    ),
    decisive="c_index",
    metrics=(
        "c_index",
        "c_index_uno",
        "ibs",
        "auc_t",
        "hazard_slope",
        "observed_to_expected",
        "conformal_coverage",
    ),
    subgroups=("age_band", "sex"),
    floor={"c_index": 0.6},
    credits={
        "0287b20a6d251556a9eb1216d68e71e66d378bee937c4304d7a8b5912b04d077": f"METABRIC, {_PREPARED}",
        "0413b4b7aa5a43a65ea691f1f6909a29fc0f71225ff93b58642019766ac60116": f"Rotterdam tumour bank, {_PREPARED}",
        "43d3305635268f3ae54eb36d26f583f7f5767d0ca2d00eb36461150807c82363": f"SUPPORT, {_PREPARED}",
        "ddb0b5feab757c2cca62cf845225cfb219e7113ef1a0752cb2bc30b10b3cb6a0": f"WHAS, {_PREPARED}",
    },
    settings={"operating_point": "none", "test_fraction": 0.0, "folds": 10, "shortcut_probe": False},
    extra={
        "demo": "signals/survival/deepsurv_metabric_IHC4_clinical_train_test.h5",
        # Of the 328 test rows of WHAS 230 repeat a training row (its patients are not named).
        "leave_out_repeats": True,
    },
)
