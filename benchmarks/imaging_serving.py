"""ResNet-18 at 224 pixels, one image at a time: the deployed graph against eager PyTorch.

Both sides run in this process on one thread and take turns. The network has random convolutions, but its
batch normalisation has seen real radiographs, so that activations, and with them the int8 calibration, are
those of a network in use.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from _common import data_dir, interleaved, parser, publish, ratio
from numpy.typing import NDArray

SIDE = 224
TARGETS = {"fp32_speedup": 1.5, "int8_speedup": 3.5, "fp32_max_abs_diff": 1e-4}


def radiographs(count: int, side: int) -> tuple[NDArray[np.float32], str]:
    """Images (count, side, side), 0 to 1: real ones where there are any, else phantoms; and which."""
    from suwen.engines.image.prepare import to_input
    from suwen.formats.phantom import chest_phantom
    from suwen.formats.read import read_image

    files = sorted((data_dir() / "imaging" / "cxr_nih").glob("*/*.jp*g"))
    if files:
        chosen = [files[i] for i in np.random.default_rng(0).permutation(len(files))[:count]]
        return np.stack([to_input(read_image(f).load().pixels, side) for f in chosen]), "cxr_nih"
    made = [chest_phantom(seed).load().pixels for seed in range(count)]
    return np.stack([to_input(pixels, side) for pixels in made]), "simulated phantoms (cxr_nih is absent)"


def network(images: NDArray[np.float32], side: int) -> Any:
    """An untrained ResNet-18 in evaluation mode whose batch statistics are those of ``images``."""
    import torch

    from suwen.engines.image.module import Standardised
    from suwen.engines.image.networks import build

    torch.manual_seed(0)
    body = build("resnet18", classes=2, size=side)
    model = Standardised(body, mean=float(images.mean()), std=float(images.std()), per_image=True)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = None  # a cumulative average: every image counts the same
        model.train()
        for start in range(0, len(images), 16):
            model(torch.from_numpy(images[start : start + 16])[:, None])
    return model.eval()


def multiplications(model: Any, side: int) -> float:
    """Multiply-adds of all convolutions for one image, in units of 1e9."""
    import torch

    counts: list[int] = []

    def count(module: Any, _: Any, out: Any) -> None:
        counts.append(out[0].numel() * module.weight[0].numel())

    hooks = [m.register_forward_hook(count) for m in model.modules() if isinstance(m, torch.nn.Conv2d)]
    with torch.inference_mode():
        model(torch.zeros(1, 1, side, side))
    for hook in hooks:
        hook.remove()
    return sum(counts) / 1e9


def measure(*, rounds: int, repeats: int, side: int, images: int) -> dict[str, Any]:
    """Compare the three; ``rounds`` turns of ``repeats`` images each."""
    import torch

    from suwen.engines.image.export import export
    from suwen.engines.image.quantise import quantise
    from suwen.engines.onnx.session import open_session, run

    torch.set_num_threads(1)
    pictures, source = radiographs(images, side)
    calibration, held_out = np.array_split(pictures, 2)
    model = network(calibration, side)
    with tempfile.TemporaryDirectory() as folder:
        full, small = Path(folder) / "model.onnx", Path(folder) / "model.int8.onnx"
        export([model], side, full)
        quantise(full, small, calibration)
        sessions = {"fp32": open_session(full), "int8": open_session(small)}
        megabytes = {"fp32": full.stat().st_size / 1e6, "int8": small.stat().st_size / 1e6}

    def eager(image: NDArray[np.float32]) -> Any:
        with torch.inference_mode():
            return model(torch.from_numpy(image[None, None])).numpy()

    def deployed(name: str, image: NDArray[np.float32]) -> Any:
        return run(sessions[name], image[None, None], ["logits", "members"])[0]

    logits = {
        "eager": np.concatenate([eager(image) for image in held_out]),
        **{name: np.concatenate([deployed(name, image) for image in held_out]) for name in sessions},
    }
    one = held_out[0]
    sides = {
        "eager": lambda: [eager(one) for _ in range(repeats)],
        "fp32": lambda: [deployed("fp32", one) for _ in range(repeats)],
        "int8": lambda: [deployed("int8", one) for _ in range(repeats)],
    }
    taken = interleaved(sides, rounds)
    work = multiplications(model, side)
    milliseconds = {name: 1000 * median(seconds) / repeats for name, seconds in taken.items()}
    margin = {name: z[:, 1] - z[:, 0] for name, z in logits.items()}
    return {
        "fp32_speedup": ratio(taken["eager"], taken["fp32"]),
        "int8_speedup": ratio(taken["eager"], taken["int8"]),
        "fp32_max_abs_diff": float(np.abs(logits["fp32"] - logits["eager"]).max()),
        "int8_max_abs_diff": float(np.abs(logits["int8"] - logits["eager"]).max()),
        "int8_correlation": float(np.corrcoef(margin["int8"], margin["eager"])[0, 1]),
        "logit_margin_sd": float(margin["eager"].std()),
        "cpu_ms_per_image": milliseconds,
        "gmac_per_image": work,
        "gmac_per_cpu_s": {name: 1000 * work / taken_ms for name, taken_ms in milliseconds.items()},
        "megabytes": megabytes,
        "network": "resnet18",
        "side": side,
        "batch": 1,
        "threads": 1,
        "rounds": rounds,
        "images_per_round": repeats,
        "images_compared": len(held_out),
        "images": source,
        "targets": TARGETS,
    }


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--rounds", type=int, default=15, help="turns of each side")
    options.add_argument("--repeats", type=int, default=5, help="images per turn")
    options.add_argument("--side", type=int, default=SIDE, help="pixels")
    options.add_argument("--images", type=int, default=128, help="half calibrate, half are compared")
    chosen = options.parse_args()
    document = measure(rounds=chosen.rounds, repeats=chosen.repeats, side=chosen.side, images=chosen.images)
    publish(document, as_json=chosen.json)


if __name__ == "__main__":
    main()
