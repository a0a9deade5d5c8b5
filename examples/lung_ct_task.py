"""Malignant nodule on an axial lung CT slice: a clinical task in one file."""

from suwen.core.task import Endpoint, Field
from suwen.engines.image.task import ImageTask

task = ImageTask(
    name="imaging.lung_ct",
    title="Malignant nodule on a lung CT slice",
    intended_use=(
        "Second reading of one axial chest CT slice by a radiologist who has the whole series: the "
        "probability that the slice shows a malignant nodule."
    ),
    not_for="Screening, measuring a nodule, reading a series, and slices that are not axial",
    inputs=(
        Field(
            name="image",
            kind="image",
            description="one axial CT slice of the chest, lung window, PNG, JPEG, NPZ or DICOM",
            accepts=("CT", "OT"),
            body_parts=("CHEST", "LUNG", "THORAX"),
        ),
    ),
    endpoint=Endpoint(
        # Class name, then the spellings that mean it in the data: three labels become two classes.
        labels={"not malignant": ("benign", "normal"), "malignant": ()},
        positive="malignant",
        code=("http://snomed.info/sct", "363358000", "Malignant tumor of lung"),
    ),
    # Below this a model is not promoted, whoever trained it.
    floor={"auroc": 0.85},
    # What differs from the engine's defaults; `--set` on the command line wins.
    settings={"size": 64, "operating_point": "sensitivity>=0.95"},
)
