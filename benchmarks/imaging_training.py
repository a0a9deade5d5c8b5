"""What the training loop costs: ours, through Lightning, against the same job written out in bare PyTorch.

Both sides train the same network on the same images with the same batches, epochs, augmentation function,
loss, optimiser and schedule, and look at validation once per epoch; they take turns in this process on one
thread. Ours also keeps the best weights and writes a checkpoint every epoch, which the bare loop does not.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from _common import data_dir, interleaved, parser, publish, ratio
from numpy.typing import NDArray

SIDE = 28
TARGETS = {"overhead": 1.1}
OURS = "channels_last"
"""Memory layout of the weights in our loop; a bare loop that leaves PyTorch's own is measured as well."""
BARE: dict[str, dict[str, Any]] = {
    "bare": {"augmented": True, "layout": OURS},
    "unaugmented": {"augmented": False, "layout": OURS},
    "default layout": {"augmented": True, "layout": "contiguous_format"},
}
Arrays = tuple[NDArray[np.float32], NDArray[np.int64]]


def radiographs(train: int, validation: int) -> tuple[Arrays, Arrays, str]:
    """PneumoniaMNIST, at most so many of each part, or noise of the same shape; and which."""
    path = data_dir() / "imaging" / "pneumoniamnist.npz"
    if path.exists():
        with np.load(path, allow_pickle=False) as arrays:
            parts = [
                ((arrays[f"{part}_images"][:n] / 255).astype(np.float32), arrays[f"{part}_labels"][:n, 0])
                for part, n in (("train", train), ("val", validation))
            ]
        (images, labels), (kept, truth) = parts
        return (images, labels.astype(np.int64)), (kept, truth.astype(np.int64)), "pneumoniamnist"
    rng = np.random.default_rng(0)
    made = [(rng.random((n, SIDE, SIDE), np.float32), rng.integers(0, 2, n)) for n in (train, validation)]
    return made[0], made[1], "synthetic noise of the same shape (pneumoniamnist.npz is absent)"


def settings(epochs: int, batch: int) -> dict[str, Any]:
    """The engine's own defaults for thumbnails, with these epochs and this batch."""
    from suwen.engines.image.recipe import complete
    from suwen.engines.image.settings import check

    given = check(
        {"epochs": epochs, "batch_size": batch, "flip": False, "threads": 1, "precision": "32-true"}
    )
    return complete(given, n=10_000, size=SIDE)


def ours(train: Arrays, validation: Arrays, how: dict[str, Any]) -> list[float]:
    """Validation loss per epoch of the engine's own training."""
    from suwen.engines.image.member import train_member

    with tempfile.TemporaryDirectory() as folder:
        _, history = train_member(
            train, validation, how, Path(folder), classes=2, seed=0, progress=lambda _: None
        )
    return [line["validation_loss"] for line in history]


def bare(
    train: Arrays, validation: Arrays, how: dict[str, Any], *, augmented: bool, layout: str
) -> list[float]:
    """The same job as one would write it by hand: validation loss per epoch."""
    import torch

    from suwen.engines.image.augment import augment
    from suwen.engines.image.module import Standardised
    from suwen.engines.image.networks import build
    from suwen.engines.image.recipe import augmentation
    from suwen.engines.loop.optimiser import cosine

    # Ours asks for deterministic kernels, a switch of the whole process; a bare loop would not.
    torch.use_deterministic_algorithms(False)
    torch.manual_seed(0)
    images, labels = torch.from_numpy(train[0])[:, None], torch.from_numpy(train[1])
    kept, truth = torch.from_numpy(validation[0])[:, None], torch.from_numpy(validation[1])
    network = build(how["network"], classes=2, size=how["size"], dropout=how["dropout"])
    model = Standardised(network, mean=float(train[0].mean()), std=float(train[0].std()), per_image=True)
    model.to(memory_format=getattr(torch, layout))
    weights = len(labels) / (2 * torch.bincount(labels, minlength=2).clamp(min=1))
    criterion = torch.nn.CrossEntropyLoss(weight=weights, label_smoothing=how["label_smoothing"])
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=how["learning_rate"], weight_decay=how["weight_decay"]
    )
    batch, generator, change = how["batch_size"], torch.Generator().manual_seed(0), augmentation(how)
    starts = range(0, len(labels) - batch + 1, batch)
    steps = len(starts) * how["epochs"]
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: cosine(step, steps))
    losses = []
    for _ in range(how["epochs"]):
        model.train()
        order = torch.randperm(len(labels))
        for start in starts:
            chosen = order[start : start + batch]
            x = augment(images[chosen], change, generator) if augmented else images[chosen]
            optimiser.zero_grad()
            criterion(model(x), labels[chosen]).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimiser.step()
            schedule.step()
        model.eval()
        with torch.no_grad():
            logits = torch.cat([model(kept[i : i + 256]) for i in range(0, len(kept), 256)])
            losses.append(float(torch.nn.functional.cross_entropy(logits - weights.log(), truth)))
    return losses


def measure(*, rounds: int, epochs: int, batch: int, images: int) -> dict[str, Any]:
    """Compare the loops over ``rounds`` trainings of each."""
    import torch

    torch.set_num_threads(1)
    train, validation, source = radiographs(images, max(8, images // 8))
    how = settings(epochs, batch)
    brief = {**how, "epochs": 1}
    few = (train[0][: 2 * batch], train[1][: 2 * batch])
    ours(few, validation, brief)  # the first call of either side imports and compiles
    bare(few, validation, brief, augmented=True, layout=OURS)
    ended: dict[str, float] = {}

    def once(name: str, losses: list[float]) -> None:
        ended[name] = losses[-1]

    def by_hand(name: str, kind: dict[str, Any]) -> None:
        once(name, bare(train, validation, how, **kind))

    taken = interleaved(
        {
            "ours": lambda: once("ours", ours(train, validation, how)),
            **{name: lambda name=name, kind=kind: by_hand(name, kind) for name, kind in BARE.items()},
        },
        rounds,
    )
    return {
        "overhead": ratio(taken["ours"], taken["bare"]),
        "overhead_vs_unaugmented": ratio(taken["ours"], taken["unaugmented"]),
        "overhead_vs_default_layout": ratio(taken["ours"], taken["default layout"]),
        "cpu_s": {name: median(seconds) for name, seconds in taken.items()},
        "overhead_by_round": [a / b for a, b in zip(taken["ours"], taken["bare"], strict=True)],
        "last_validation_loss": ended,
        "network": how["network"],
        "images": len(train[1]),
        "batch": batch,
        "epochs": epochs,
        "threads": 1,
        "rounds": rounds,
        "data": source,
        "targets": TARGETS,
    }


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--rounds", type=int, default=9, help="trainings of each loop")
    options.add_argument("--epochs", type=int, default=2, help="epochs per training")
    options.add_argument("--batch", type=int, default=64, help="images per step")
    options.add_argument("--images", type=int, default=2048, help="training images at most")
    chosen = options.parse_args()
    document = measure(rounds=chosen.rounds, epochs=chosen.epochs, batch=chosen.batch, images=chosen.images)
    publish(document, as_json=chosen.json)


if __name__ == "__main__":
    main()
