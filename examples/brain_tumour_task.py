"""Tumour on a brain MR slice: a clinical task in one file."""

from suwen.core.task import Endpoint, Field
from suwen.engines.image.task import ImageTask

task = ImageTask(
    name="imaging.brain_tumour",
    title="Tumour on a brain MR slice",
    intended_use=(
        "Second reading of one brain MR slice by a radiologist: the probability that the slice shows a "
        "glioma, a meningioma or a pituitary tumour."
    ),
    not_for="Grading or outlining a tumour, other tumours, metastases, children, and slices from CT",
    inputs=(
        Field(
            name="image",
            kind="image",
            description="one MR slice of the brain, any plane, PNG, JPEG, NPZ or DICOM",
            accepts=("MR", "OT"),
            body_parts=("BRAIN", "HEAD", "SKULL"),
        ),
    ),
    endpoint=Endpoint(
        # Class name, then the spellings that mean it in the data: three labels become one class.
        labels={
            "no tumour": ("no_tumor", "no_tumour", "normal"),
            "tumour": ("glioma", "meningioma", "pituitary"),
        },
        positive="tumour",
        code=("http://snomed.info/sct", "126952004", "Neoplasm of brain"),
    ),
    # Below this a model is not promoted, whoever trained it.
    floor={"auroc": 0.85},
    # What differs from the engine's defaults; `--set` on the command line wins.
    settings={"size": 64, "operating_point": "sensitivity>=0.95"},
    credit="Your data set: who made it, where it lies, its licence.",
)
