"""From trained members to one ONNX graph: mean logits, activation maps, and each member's logits."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from suwen.engines.image.module import Standardised

INPUT = "image"
OUTPUTS = ("logits", "cam", "members")
OPSET = 17


class Ensemble(nn.Module):
    """Members side by side in one graph.

    Outputs for images (n, 1, S, S) in 0 to 1: ``logits`` (n, K), the mean over members; ``cam``
    (n, K, h, w), the mean class activation map before the bias; ``members`` (n, M, K). With ``mirror`` every
    member also sees the image's mirror image, and both answers are averaged.
    """

    def __init__(self, members: Sequence[Standardised], *, mirror: bool) -> None:
        super().__init__()
        self.members, self.mirror = nn.ModuleList(members), mirror

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits, class activation maps and the members' logits."""
        logits, maps = [], []
        for member in self.members:
            assert isinstance(member, Standardised)  # noqa: S101 (ModuleList forgets its type)
            features = member.features(image)
            scores, cam = member.network.classify(features), member.network.cam(features)
            if self.mirror:
                turned = member.features(image.flip(-1))
                scores = (scores + member.network.classify(turned)) / 2
                cam = (cam + member.network.cam(turned).flip(-1)) / 2
            logits.append(scores)
            maps.append(cam)
        stacked = torch.stack(logits, 1)
        return stacked.mean(1), torch.stack(maps, 1).mean(1), stacked


def export(
    members: Sequence[Standardised], size: int, path: Path, *, mirror: bool = False
) -> list[dict[str, Any]]:
    """Write the graph and list its weights.

    Parameters
    ----------
    members
        Trained networks in evaluation mode.
    size
        Side of the input.
    path
        The ``.onnx`` file to write.
    mirror
        Average each answer with that of the mirrored image.

    Returns
    -------
    list of dict
        ``{"name", "shape", "std"}`` of every weight and bias, from which a twin of
        random weights can be made without torch.
    """
    import onnx
    from onnx import numpy_helper

    ensemble = Ensemble(members, mirror=mirror).eval()
    example = torch.rand(2, 1, size, size)
    buffer = io.BytesIO()
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        # The TorchScript exporter announces its successor, which takes ten times as long for these graphs.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            ensemble,
            (example,),
            buffer,  # type: ignore[arg-type]
            input_names=[INPUT],
            output_names=list(OUTPUTS),
            dynamic_axes={name: {0: "n"} for name in (INPUT, *OUTPUTS)},
            opset_version=OPSET,
            dynamo=False,
        )
    graph = onnx.load_from_string(buffer.getvalue())
    del graph.metadata_props[:]
    for node in graph.graph.node:  # source lines of the training machine have no place in a bundle
        node.doc_string = ""
    onnx.checker.check_model(graph)
    onnx.save(graph, str(path))
    weights = [numpy_helper.to_array(item) for item in graph.graph.initializer]
    return [
        {"name": item.name, "shape": list(value.shape), "std": float(np.std(value))}
        for item, value in zip(graph.graph.initializer, weights, strict=True)
        if value.ndim >= 1 and value.dtype == np.float32
    ]


def difference(
    members: Sequence[Standardised], path: Path, images: NDArray[np.float32], *, mirror: bool = False
) -> float:
    """Largest absolute difference of the logits between torch and ONNX Runtime on ``images``."""
    from suwen.engines.onnx.session import open_session, run

    with torch.no_grad():
        expected = Ensemble(members, mirror=mirror).eval()(torch.from_numpy(images)[:, None])[0].numpy()
    (got,) = run(open_session(path), images[:, None], ["logits"])
    return float(np.abs(got - expected).max())
