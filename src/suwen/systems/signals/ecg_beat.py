"""The class of one heart beat, by the groups of ANSI/AAMI EC57."""

from suwen.core.task import Endpoint, Field
from suwen.engines.boosted.learner import BoostedClasses
from suwen.engines.linear.logistic import LogisticClasses
from suwen.engines.panel import PanelTask
from suwen.engines.series.waveform import Waveform
from suwen.formats.signals.ecg import EcgBeats
from suwen.systems.signals._beat import described

task = PanelTask(
    name="signals.ecg_beat",
    title="Class of a heart beat",
    intended_use=(
        "Second reading of a long ECG: the class of each beat by AAMI EC57, N normal, S supraventricular, V "
        "ventricular, F fusion, Q unknown or paced, from one lead; the classes are those of the data it learned from."
    ),
    not_for=(
        "Diagnosing a rhythm or ischaemia, records of other leads than it learned from, and, learned from the beats of "
        "one person, any other person"
    ),
    inputs=(
        Field(
            name="beat",
            kind="waveform",
            description="140 values of one lead around a beat, mean 0 and deviation 1",
        ),
    ),
    endpoint=Endpoint(
        labels={}, positive="", code=("http://snomed.info/sct", "698247007", "Cardiac arrhythmia")
    ),
    source=EcgBeats(),
    learners=(
        LogisticClasses(table=described, penalties=(0.3, 0.1, 0.03, 0.01)),
        BoostedClasses(
            table=described, most_rounds=400, parameters={"learning_rate": 0.1, "feature_fraction": 0.2}
        ),
        Waveform(),
    ),
    decisive="log_likelihood",
    metrics=("balanced_accuracy", "accuracy", "auroc", "sensitivity", "ppv", "mcc", "brier", "ece"),
    settings={"test_fraction": 0.0, "shortcut_probe": False, "operating_point": "probability>=0.5"},
    extra={"demo": "signals/ecg/ECG5000_TRAIN.txt"},
)
