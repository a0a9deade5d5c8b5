"""Whether the pneumonia model refuses what is not a lung X-ray, and accepts what is one.

``auroc`` ranks each outlier set against the X-rays of the model's own kind by the whole gate (what header or
quality refuse counts as strangest), ``likeness_auroc`` by the likeness score alone, without any header.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from _common import data_dir, parser, publish
from numpy.typing import NDArray

TASK = "imaging.pneumonia"
TARGETS = {"least_auroc": 0.95, "accepted": 0.95}
PICTURES = {"busi": "breast ultrasound", "lungct_iqoth": "lung CT", "brain4": "brain MR"}
Scores = NDArray[np.float64]


def some(items: list[Any], most: int) -> list[Any]:
    """At most so many, drawn at random, the same ones every time."""
    kept = np.random.default_rng(0).permutation(len(items))[:most]
    return [items[i] for i in sorted(kept)]


def arrays(name: str, part: str, most: int) -> list[bytes]:
    """Images of a MedMNIST file as PNG."""
    from suwen.formats.write import grey_png

    path = data_dir() / "imaging" / name
    if not path.exists():
        return []
    with np.load(path, allow_pickle=False) as found:
        images = found[f"{part}_images"]
    return [grey_png((images[i] / 255).astype(np.float32)) for i in some(list(range(len(images))), most)]


def noise(most: int) -> dict[str, list[bytes]]:
    """White noise, and smooth clouds that have the grey range of a picture."""
    from PIL import Image

    from suwen.formats.write import grey_png

    rng = np.random.default_rng(0)
    white = [grey_png(rng.random((128, 128), np.float32)) for _ in range(most)]
    clouds = [
        np.asarray(
            Image.fromarray(rng.random((8, 8), np.float32)).resize((128, 128), Image.Resampling.BICUBIC)
        )
        for _ in range(most)
    ]
    return {"white noise": white, "smooth noise": [grey_png(np.clip(cloud, 0, 1)) for cloud in clouds]}


def dicom(most: int) -> dict[str, list[Path]]:
    """Readable DICOM images by the modality their header names."""
    from suwen.core.errors import SuwenError
    from suwen.formats.read import read_images

    found: dict[str, list[Path]] = {}
    for path in sorted((data_dir() / "imaging" / "dicom").rglob("*")):
        if path.is_file():
            try:
                modality = read_images(path)[0].load().modality
            except SuwenError:
                continue
            if modality in {"CT", "MR", "US"}:
                found.setdefault(f"DICOM {modality}", []).append(path)
    return {name: some(paths, most) for name, paths in sorted(found.items())}


def judge(loaded: Any, items: list[Any]) -> tuple[Scores, Scores, Counter[str]]:
    """Strangeness by the whole gate, strangeness by likeness alone, and the reasons of refusal."""
    from suwen.engines.image.gates import GATE_SIDE, ood_score
    from suwen.engines.image.prepare import to_input

    samples = [sample for item in items for sample in loaded.task.read(item)]
    answers = loaded.served.infer(samples)
    whole = np.array([answer.quality.get("ood_score", np.inf) for answer in answers])
    reduced = [to_input(next(iter(s.inputs.values())).load().pixels, GATE_SIDE) for s in samples]
    alone = ood_score(np.stack(reduced), loaded.served.gate)
    return whole, alone, Counter(answer.abstained.code for answer in answers if answer.abstained)


def area(inside: Scores, outside: Scores) -> float:
    """Probability that an outlier is stranger than an X-ray, ties counted half."""
    below = np.searchsorted(np.sort(inside), outside, side="left")
    upto = np.searchsorted(np.sort(inside), outside, side="right")
    return float((below + upto).mean() / (2 * len(inside)))


def outliers(most: int) -> Iterator[tuple[str, list[Any]]]:
    """Every set of images that are no chest X-ray."""
    yield "breast ultrasound (breastmnist)", arrays("breastmnist.npz", "train", most)
    for folder, title in PICTURES.items():
        files = sorted((data_dir() / "imaging" / folder).glob("*/*.jp*g"))
        yield f"{title} ({folder})", some(files, most)
    yield from dicom(most).items()
    yield from noise(most).items()


def measure(most: int, most_xrays: int) -> dict[str, Any]:
    """Both shares, and the AUROC of every outlier set against both kinds of X-ray."""
    from suwen.lifecycle.discovery import find
    from suwen.lifecycle.models import load

    loaded = load(find(TASK))
    xrays: dict[str, list[Any]] = {
        "pneumoniamnist validation": arrays("pneumoniamnist.npz", "val", most_xrays),
        "cxr_nih": some(sorted((data_dir() / "imaging" / "cxr_nih").glob("*/*.jp*g")), most_xrays),
    }
    inliers, accepted, absent = {}, {}, []
    for name, items in xrays.items():
        if not items:
            absent.append(name)
            continue
        whole, alone, codes = judge(loaded, items)
        inliers[name] = (whole, alone)
        accepted[name] = {
            "n": len(whole),
            "accepted": 1 - codes.total() / len(whole),
            "refused": dict(codes),
        }
    sets: dict[str, Any] = {}
    for name, items in outliers(most):
        if not items:
            absent.append(name)
            continue
        whole, alone, codes = judge(loaded, items)
        sets[name] = {"n": len(whole), "refused_share": codes.total() / len(whole), "codes": dict(codes)}
        for kind, (inside, inside_alone) in inliers.items():
            sets[name][f"auroc against {kind}"] = area(inside, whole)
            sets[name][f"likeness_auroc against {kind}"] = area(inside_alone, alone)
    own = "auroc against pneumoniamnist validation"
    figures = [found[own] for found in sets.values() if own in found]
    return {
        "least_auroc": min(figures, default=None),
        "mean_auroc": float(np.mean(figures)) if figures else None,
        "accepted": {name: found["accepted"] for name, found in accepted.items()},
        "xrays": accepted,
        "outliers": sets,
        "absent": absent,
        "model": loaded.name,
        "targets": TARGETS,
    }


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--images", type=int, default=300, help="images per outlier set at most")
    options.add_argument("--xrays", type=int, default=10_000, help="X-rays per set at most")
    chosen = options.parse_args()
    publish(measure(chosen.images, chosen.xrays), as_json=chosen.json)


if __name__ == "__main__":
    main()
