"""The class of a tumour, or tumour against normal tissue, from the expression of thousands of genes."""

from suwen.core.task import Endpoint, Field
from suwen.engines.linear.genes import RidgeClasses, SelectedLogistic, ShrunkenCentroids
from suwen.engines.panel import PanelTask
from suwen.formats.signals.genes import GeneExpression

task = PanelTask(
    name="signals.gene_cancer",
    title="Class of cancer from gene expression",
    intended_use=(
        "Research: telling classes of tissue apart by the expression of thousands of genes in a few dozen samples, "
        "with genes and strengths chosen inside each fold, so that the figures are those of nested cross-validation."
    ),
    not_for=(
        "Diagnosis or treatment of a patient, samples measured in another laboratory or on another array than those "
        "the model learned from, and naming genes as causes"
    ),
    inputs=(
        Field(name="expression", kind="table", description="one value per gene, in the array's own scale"),
    ),
    endpoint=Endpoint(
        labels={}, positive="", code=("http://snomed.info/sct", "363346000", "Malignant neoplastic disease")
    ),
    source=GeneExpression(),
    learners=(ShrunkenCentroids(), SelectedLogistic(), RidgeClasses()),
    decisive="balanced_accuracy",
    metrics=("balanced_accuracy", "accuracy", "auroc", "mcc", "brier", "ece"),
    settings={
        "test_fraction": 0.0,
        "shortcut_probe": False,
        # With a few dozen samples a threshold chosen among them would flatter every figure.
        "operating_point": "probability>=0.5",
    },
    extra={"demo": "signals/genes/golub.npz"},
)
