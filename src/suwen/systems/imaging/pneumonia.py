"""Pneumonia on a frontal chest X-ray."""

from suwen.core.task import Endpoint, Field
from suwen.engines.image.task import ImageTask

task = ImageTask(
    name="imaging.pneumonia",
    title="Pneumonia on a chest X-ray",
    intended_use=(
        "Second reading of a frontal chest X-ray by a clinician who sees the patient: the probability that "
        "the film shows pneumonia. The shipped model learned from children of one to five years."
    ),
    not_for=(
        "Lateral views, CT, ruling pneumonia out without a clinician, and adults with the shipped model: "
        "train on films of your own hospital first"
    ),
    inputs=(
        Field(
            name="image",
            kind="image",
            description="frontal chest X-ray, upright or supine, PNG, JPEG, NPZ or DICOM",
            accepts=("CR", "DX", "RG", "OT"),
            body_parts=("CHEST", "LUNG", "THORAX"),
        ),
    ),
    endpoint=Endpoint(
        labels={
            "normal": ("0", "no_finding", "no finding", "negative"),
            "pneumonia": ("1", "positive"),
        },
        positive="pneumonia",
        code=("http://snomed.info/sct", "233604007", "Pneumonia"),
    ),
    floor={"auroc": 0.80},
    credits={
        "a7e119a5116d407b7a746789281e67c1560dd95a9f56c57968bd8101fcdfc0f8": (
            "PneumoniaMNIST of MedMNIST v2 (Yang et al., Scientific Data 10:41, 2023; from Kermany et al., "
            "Cell 172:1122, 2018), CC BY 4.0."
        )
    },
    # Train and validation of the reconstructed PneumoniaMNIST, by their fingerprints (docs/adr/0007).
    reviewed_leakage={
        "ff18cedff15cee22373f63c7d73811f96b39ecd8f87137422fbb1dfa8f92fe06"
        "+c81b44a07f1642e4833275de5349ad93c7f98db8442302091e0e763a47d473b9": (
            "PneumoniaMNIST holds 8 images in both train and validation, a known defect of the file."
        )
    },
    extra={"demo": "imaging/pneumoniamnist.npz", "phantom": "chest"},
)
