"""What learning from stays costs: our loops against bare PyTorch and LightGBM, and how cost grows.

Both sides train the same network on the same arrays with the same batches, epochs, loss, optimiser and schedule, and
the same trees with the same parameters; they take turns in this process on one thread. Ours also writes a checkpoint
every epoch, exports ONNX and checks it against the network; bare sides do not.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from _common import cpu_seconds, data_dir, interleaved, parser, publish, ratio

TARGETS = {"network_overhead": 1.1, "trees_overhead": 1.2}


def stays(n: int) -> tuple[Any, Any, str]:
    """The first stays of CinC 2012 set-a and their classes."""
    from suwen.systems.signals.mortality import task

    folder = data_dir() / "signals" / "cinc2012"
    samples = task.collect(str(folder)).samples[:n]
    labels = np.array([sample.target == task.endpoint.positive for sample in samples], np.int64)
    return samples, labels, "CinC 2012 set-a"


def network(cell: str, epochs: int, steps: int) -> Any:
    """Our learner, quick enough to repeat."""
    from suwen.engines.series import Network
    from suwen.systems.signals._stay import STATIC

    return Network(cell=cell, steps=steps, static=STATIC, recipe=(("epochs", epochs),))


def ours(learner: Any, design: Any, labels: Any) -> None:
    """Our fit, into a folder that is thrown away."""
    from suwen.core.engine import Units
    from suwen.systems.signals.mortality import task

    units = Units(owner=np.arange(len(labels)), hour=np.zeros(len(labels)), target=labels)
    with tempfile.TemporaryDirectory() as folder:
        learner.fit(
            task, design, units, Path(folder), settings={"threads": 1},
            context={"classes": list(task.endpoint.classes)}, seed=0, progress=lambda _: None,
        )  # fmt: skip


def bare_network(learner: Any, design: Any, labels: Any) -> None:
    """The same job without Lightning, checkpoints, hiding of sensors or export."""
    import torch

    from suwen.engines.loop.optimiser import cosine
    from suwen.engines.series.networks import build
    from suwen.engines.series.scaling import fit_scaling

    chosen = learner.settings({})
    x = torch.from_numpy(fit_scaling(design).features(design))
    y = torch.from_numpy(labels)
    torch.manual_seed(0)
    net = build(
        learner.cell, features=x.shape[2], outputs=2, width=chosen["width"], dropout=chosen["dropout"],
        moving=design.value.shape[2],
    )  # fmt: skip
    size = chosen["batch_size"]
    batches = max(1, len(y) // size)
    optimiser = torch.optim.AdamW(
        net.parameters(), lr=chosen["learning_rate"], weight_decay=chosen["weight_decay"]
    )
    steps = chosen["epochs"] * batches
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: cosine(step, steps))
    weight = torch.linspace(0, 1, x.shape[1]) ** 2
    weight = weight / weight.sum()
    for _ in range(chosen["epochs"]):
        order = torch.randperm(len(y))
        for number in range(batches):
            end = len(y) if number == batches - 1 else (number + 1) * size
            rows = order[number * size : end]
            out = net(x[rows])
            every = torch.nn.functional.cross_entropy(
                out.reshape(-1, 2), y[rows].repeat_interleave(x.shape[1]), reduction="none"
            ).reshape(len(rows), -1)
            loss = 0.7 * every[:, -1].mean() + 0.3 * (every * weight).sum(1).mean()
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), chosen["clip"])
            optimiser.step()
            schedule.step()


def trees(rounds: int) -> Any:
    """Our boosted learner as the mortality task sets it."""
    from suwen.engines.boosted.learner import BoostedClasses
    from suwen.systems.signals._stay import SHALLOW, SUMMARIES

    return BoostedClasses(table=SUMMARIES, rounds=rounds, parameters=SHALLOW)


def bare_trees(learner: Any, design: Any, labels: Any, rounds: int) -> Any:
    """LightGBM alone, by the same parameters."""
    import lightgbm

    parameters = learner._parameters(len(labels), 2, {"threads": 1})
    return lightgbm.train(parameters | {"seed": 0}, lightgbm.Dataset(design.x, labels), rounds)


def inference(
    learner: Any, design: Any, labels: Any, boosted: Any, table: Any, rounds: int, turns: int
) -> dict[str, Any]:
    """Served on ONNX Runtime against eager PyTorch and LightGBM's own prediction, the same answers."""
    import torch

    from suwen.core.engine import Units
    from suwen.engines.series.networks import build
    from suwen.systems.signals.mortality import task

    units = Units(owner=np.arange(len(labels)), hour=np.zeros(len(labels)), target=labels)
    context = {"classes": list(task.endpoint.classes)}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        named: dict[str, Any] = {"context": context, "seed": 0, "progress": lambda _: None}
        learner.fit(task, design, units, place, settings={"threads": 1, "epochs": 1}, **named)
        member = learner.open(task, place, "", context)
        features = member.scaling.features(design)
        net = build(
            learner.cell,
            features=features.shape[2],
            outputs=2,
            width=64,
            dropout=0.3,
            moving=design.value.shape[2],
        ).eval()

        def eager() -> None:
            with torch.no_grad():
                for start in range(0, len(features), 512):
                    net(torch.from_numpy(features[start : start + 512]))

        boosted.fit(task, table, units, place, settings={"threads": 1, "rounds": rounds}, **named)
        served = boosted.open(task, place, "", context)
        booster = bare_trees(boosted, table, labels, rounds)
        net_times = interleaved({"served": lambda: member.course(features), "eager": eager}, turns)
        tree_times = interleaved(
            {
                "served": lambda: served.scores(table),
                "lightgbm": lambda: booster.predict(table.x, raw_score=True, num_threads=1),
            },
            turns,
        )
    return {
        "network_served_over_eager_pytorch": ratio(net_times["served"], net_times["eager"]),
        "trees_served_over_lightgbm": ratio(tree_times["served"], tree_times["lightgbm"]),
        "network_us_per_stay": 1e6 * median(net_times["served"]) / len(labels),
        "trees_us_per_stay": 1e6 * median(tree_times["served"]) / len(labels),
    }


def growth(
    cell: str, samples: Any, labels: Any, epochs: int, sizes: list[int], lengths: list[int]
) -> dict[str, Any]:
    """CPU seconds of our fit by number of stays and by length."""
    from suwen.systems.signals.mortality import task

    found: dict[str, Any] = {"stays": {}, "hours": {}}
    for n in sizes:
        learner = network(cell, epochs, 48)
        design = learner.design(task, samples[:n])
        found["stays"][n] = cpu_seconds(lambda d=design, one=learner, k=n: ours(one, d, labels[:k]))
    for steps in lengths:
        learner = network(cell, epochs, steps)
        design = learner.design(task, samples[: sizes[0]])
        found["hours"][steps] = cpu_seconds(lambda d=design, one=learner: ours(one, d, labels[: sizes[0]]))
    return found


def main() -> None:
    """Measure and print."""
    options = parser(__doc__)
    options.add_argument("--stays", type=int, default=1000)
    options.add_argument("--epochs", type=int, default=3)
    options.add_argument("--rounds", type=int, default=300)
    options.add_argument("--turns", type=int, default=3)
    given = options.parse_args()
    if not (data_dir() / "signals" / "cinc2012").is_dir():
        publish({"absent": ["signals/cinc2012"], "targets": TARGETS}, as_json=given.json)
        return
    from suwen.systems.signals.mortality import task

    samples, labels, data = stays(2 * given.stays)
    part, truth = samples[: given.stays], labels[: given.stays]
    learner, boosted = network("gru", given.epochs, 48), trees(given.rounds)
    design, table = learner.design(task, part), boosted.design(task, part)
    ours(network("gru", 1, 48), learner.design(task, part[:100]), truth[:100])  # imports are not training
    nets = interleaved(
        {"ours": lambda: ours(learner, design, truth), "bare": lambda: bare_network(learner, design, truth)},
        given.turns,
    )
    woods = interleaved(
        {
            "ours": lambda: ours(boosted, table, truth),
            "bare": lambda: bare_trees(boosted, table, truth, given.rounds),
        },
        given.turns,
    )
    document = {
        "data": data,
        "stays": given.stays,
        "network_overhead": ratio(nets["ours"], nets["bare"]),
        "network_cpu_s": median(nets["ours"]),
        "trees_overhead": ratio(woods["ours"], woods["bare"]),
        "trees_cpu_s": median(woods["ours"]),
        "inference": inference(learner, design, truth, boosted, table, given.rounds, given.turns),
        "growth_cpu_s": growth(
            "gru", samples, labels, 1, [given.stays // 2, given.stays, 2 * given.stays], [12, 24, 48]
        ),
        "targets": TARGETS,
    }
    publish(document, as_json=given.json)


if __name__ == "__main__":
    main()
