"""From trained networks to one ONNX graph of a single step."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import torch
from torch import Tensor, nn

from suwen.engines.series.networks import StepNetwork

OPSET = 17
INPUTS, OUTPUTS = ("features", "state"), ("logits", "next")


class Bagged(nn.Module):
    """Networks of different seeds in one graph: mean logits, states side by side."""

    def __init__(self, networks: Sequence[StepNetwork]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)
        self.sizes = [network.size for network in networks]

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """One step of every network: inputs (n, F) and states (n, sum of sizes)."""
        logits, states = [], []
        for network, own in zip(self.networks, torch.split(state, self.sizes, 1), strict=True):
            assert isinstance(network, StepNetwork)  # noqa: S101 (ModuleList forgets its type)
            answer, after = network.step(x, own)
            logits.append(answer)
            states.append(after)
        return torch.stack(logits).mean(0), torch.cat(states, 1)


def export(networks: Sequence[StepNetwork], features: int, path: Path) -> int:
    """Write the graph of one step and return the length of its state.

    Parameters
    ----------
    networks
        Trained, in evaluation mode.
    features
        Inputs per step.
    path
        The ``.onnx`` file.
    """
    import onnx

    bagged = Bagged(networks).eval()  # the exporter puts back the mode it finds
    size = sum(bagged.sizes)
    buffer = io.BytesIO()
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")  # the TorchScript exporter announces its successor
        torch.onnx.export(
            bagged,
            (torch.zeros(2, features), torch.zeros(2, size)),
            buffer,  # type: ignore[arg-type]  # it takes a stream as well as a path
            input_names=list(INPUTS),
            output_names=list(OUTPUTS),
            dynamic_axes={name: {0: "n"} for name in (*INPUTS, *OUTPUTS)},
            opset_version=OPSET,
            dynamo=False,
        )
    graph = onnx.load_from_string(buffer.getvalue())
    del graph.metadata_props[:]
    for node in graph.graph.node:  # source lines of the training machine have no place in a bundle
        node.doc_string = ""
    onnx.checker.check_model(graph)
    onnx.save(graph, str(path))
    return size
