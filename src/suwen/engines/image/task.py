"""The kind of task whose input is one picture: what a file in a room fills in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from suwen.core.sample import Sample, Samples
from suwen.core.task import Endpoint, Task


@dataclass(frozen=True, kw_only=True)
class ImageTask(Task):
    """A classification task over single images: X-ray, ultrasound, one CT or MR slice.

    Reads MedMNIST ``.npz``, a folder with ``labels.csv``, class folders, or DICOM with a labels table
    for learning; PNG, JPEG, NPZ or DICOM for prediction.
    """

    engine: str = "image"

    def collect(self, source: str) -> Samples:
        """Read a labelled source; see :func:`suwen.formats.sources.open_images`."""
        from suwen.formats.sources import open_images

        assert isinstance(self.endpoint, Endpoint)  # noqa: S101 (pictures are classified)
        return open_images(source, self.endpoint)

    def read(self, item: Path | bytes) -> Sequence[Sample]:
        """Read the image, or the images of an archive, as unlabelled samples."""
        from suwen.formats.read import read_images

        images = read_images(item)
        return [
            Sample(subject_id=image.content_key()[:16], inputs={self.inputs[0].name: image})
            for image in images
        ]

    def prepare(self, sample: Sample) -> Sample:
        """Decode the image, so that what follows works on pixels."""
        name = self.inputs[0].name
        image = sample.inputs[name].load()
        return Sample(
            subject_id=sample.subject_id,
            inputs={name: image},
            target=sample.target,
            observed_at=sample.observed_at,
            source=sample.source,
            split=sample.split,
            attributes=sample.attributes,
        )
