"""A deployed image model: gates, ONNX Runtime, activation maps; no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.documents import read_json
from suwen.core.engine import Explainable, Raw, Units
from suwen.core.errors import NotFound
from suwen.core.prediction import Abstention
from suwen.core.sample import Sample
from suwen.core.task import Task
from suwen.engines.image.arrays import stack
from suwen.engines.image.gates import gate
from suwen.engines.onnx.session import open_session, random_like, run

Array = NDArray[np.float32]


class ImageModel:
    """Serves one bundle; see :class:`suwen.core.engine.ServedModel`.

    Parameters
    ----------
    task
        The task it answers; its input field says which images may be given.
    folder
        The verified bundle.
    manifest
        Its manifest.
    """

    def __init__(self, task: Task, folder: Path, manifest: Mapping[str, Any]) -> None:
        self.task, self.folder, self.manifest = task, folder, manifest
        facts = manifest["engine_manifest"]
        self.size = int(facts["size"])
        self.temperature = float(manifest["calibration"]["temperature"])
        self.session = open_session(folder / facts["weights"])
        with np.load(folder / "gate.npz", allow_pickle=False) as arrays:
            self.gate = {key: arrays[key] for key in arrays.files}
        with np.load(folder / "grounds.npz", allow_pickle=False) as arrays:
            self.grounds = arrays["means"].astype(np.float32)

    def infer(self, samples: Sequence[Sample]) -> list[Raw]:
        """Gate each image, then run those that passed in one batch."""
        looked = [self._gate(sample) for sample in samples]
        answers = [Raw(logits=None, members=None, abstained=why, quality=quality) for why, quality in looked]
        open_ = [i for i, answer in enumerate(answers) if answer.abstained is None]
        if open_:
            batch = stack([samples[i] for i in open_], self.size)
            logits, members = run(self.session, batch[:, None], ["logits", "members"])
            for i, scores, each in zip(open_, logits, members, strict=True):
                answers[i] = Raw(logits=scores, members=each, quality=answers[i].quality)
        return answers

    def gates(self, samples: Sequence[Sample]) -> list[Abstention | None]:
        """Why each image would be refused, or ``None``."""
        return [self._gate(sample)[0] for sample in samples]

    def _gate(self, sample: Sample) -> tuple[Abstention | None, dict[str, float]]:
        (image,) = sample.inputs.values()
        picture = image.load()
        return gate(
            picture.pixels,
            field=self.task.inputs[0],
            modality=picture.modality,
            body_part=picture.body_part,
            params=self.gate,
        )

    def units(self, samples: Sequence[Sample]) -> Units | None:
        """Each image is one unit."""
        return None

    def logits(self, samples: Sequence[Sample]) -> Array:
        """Logits (n, K), gates not applied."""
        out: Array = run(self.session, stack(samples, self.size)[:, None], ["logits"])[0]
        return out

    def baselines(self, samples: Sequence[Sample]) -> dict[str, NDArray[np.float64]]:
        """Probabilities (n, K) of HOG and logistic regression.

        Raises
        ------
        NotFound
            When the model was trained with ``baseline=false``.
        """
        from suwen.engines.image.baseline import BASELINE, features, probabilities, side

        path = self.folder / "baseline.json"
        if not path.exists():
            raise NotFound("this model was trained without a baseline", fix="Train with --set baseline=true")
        return {BASELINE: probabilities(features(stack(samples, side(self.size))), read_json(path))}

    def open_up(self, sample: Sample, explained: int) -> Explainable:
        """Lay one image open for the class with index ``explained``."""
        return self._surface(self.session, stack([sample], self.size)[0], explained)

    def _surface(self, session: Any, image: Array, explained: int) -> Explainable:
        def probability(batch: Array) -> Array:
            logits = run(session, batch[:, None], ["logits"])[0] / self.temperature
            odds = np.exp(logits - logits.max(1, keepdims=True))
            share: Array = odds[:, explained] / odds.sum(1)
            return share

        def cam(picture: Array) -> Array:
            maps = run(session, picture[None, None], ["cam"])[0][0]
            others = np.delete(maps, explained, 0).mean(0)
            contrast: Array = maps[explained] - others
            return contrast

        def randomised(seed: int) -> Explainable:
            # Weights of the fp32 graph are named in the manifest; the twin always runs in fp32.
            weights = random_like(self.manifest["engine_manifest"]["initialisers"], seed)
            twin = open_session(self.folder / "model.onnx", replaced=weights)
            return self._surface(twin, image, explained)

        return Explainable(
            image=image,
            probability=probability,
            own_maps={"cam": cam},
            randomised=randomised,
            ground=self.grounds[explained],
        )
