"""Malignancy on a breast ultrasound image."""

from suwen.core.task import Endpoint, Field
from suwen.engines.image.task import ImageTask

task = ImageTask(
    name="imaging.breast",
    title="Malignant lesion on a breast ultrasound image",
    intended_use=(
        "Second reading of one B-mode breast ultrasound image by a clinician: the probability that it "
        "shows a malignant lesion."
    ),
    not_for="Screening, Doppler or elastography, and deciding against a biopsy",
    inputs=(
        Field(
            name="image",
            kind="image",
            description="B-mode breast ultrasound, one frame, PNG, JPEG, NPZ or DICOM",
            accepts=("US", "OT"),
            body_parts=("BREAST",),
        ),
    ),
    endpoint=Endpoint(
        labels={"benign or normal": ("1", "benign", "normal"), "malignant": ("0",)},
        positive="malignant",
        code=("http://snomed.info/sct", "254837009", "Malignant neoplasm of breast"),
    ),
    floor={"auroc": 0.80},
    credits={
        "3ad59c363c9e9cbada92ffda30c6d37ddb848111261727185eb2c083f2e7fbdb": (
            "BreastMNIST of MedMNIST v2 (Yang et al., Scientific Data 10:41, 2023; from Al-Dhabyani et al., "
            "Data in Brief 28:104863, 2020), CC BY 4.0."
        )
    },
    extra={"demo": "imaging/breastmnist.npz"},
)
