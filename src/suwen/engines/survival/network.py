"""Small networks trained side by side as one, and the graph that serves them without torch.

A network of this size is done before a framework has looked at its batch, so that several of them are one product of
matrices with a leading axis, trained on all rows at once where the loss allows it.
"""

from __future__ import annotations

import io
import itertools
import warnings
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import torch
from torch import Tensor, nn

OPSET = 17
INPUT, OUTPUT = "terms", "answers"


class Networks(nn.Module):
    """``members`` multilayer perceptrons with SiLU between their layers (Elfwing et al., Neural Networks 107:3, 2018).

    Parameters
    ----------
    members
        Networks side by side.
    sizes
        Inputs, hidden units of each layer, outputs.
    dropout
        Share of hidden units left out in training.
    seed
        Of the weights: normal, of variance 2 / inputs (He et al., ICCV 2015), the last layer's a tenth as wide.
    """

    def __init__(self, members: int, sizes: tuple[int, ...], dropout: float, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        self.dropout, self.depth = dropout, len(sizes) - 1
        for layer, (inputs, outputs) in enumerate(itertools.pairwise(sizes)):
            spread = (2 / inputs) ** 0.5 if layer < self.depth - 1 else 0.1 / inputs**0.5
            drawn = torch.randn(members, inputs, outputs, generator=generator)
            self.weights.append(nn.Parameter(drawn * spread))
            self.biases.append(nn.Parameter(torch.zeros(members, 1, outputs)))

    def forward(self, x: Tensor) -> Tensor:
        """Answers (members, n, outputs) to terms (n, inputs)."""
        out = x
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            out = torch.matmul(out, weight) + bias
            if layer < self.depth - 1:
                out = nn.functional.dropout(nn.functional.silu(out), self.dropout, self.training)
        return out

    def optimiser(
        self, *, learning_rate: float, weight_decay: float, steps: int
    ) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
        """AdamW with weights decayed and biases not, under one cycle (Smith and Topin, 2019)."""
        groups = [
            {"params": list(self.weights), "weight_decay": weight_decay},
            {"params": list(self.biases), "weight_decay": 0.0},
        ]
        made = torch.optim.AdamW(groups, lr=learning_rate)
        return made, torch.optim.lr_scheduler.OneCycleLR(made, learning_rate, total_steps=steps)


def export(networks: Networks, path: Path) -> None:
    """Write the graph: terms (n, inputs) to answers (members, n, outputs), single precision."""
    import onnx

    buffer = io.BytesIO()
    example = torch.zeros(2, networks.weights[0].shape[1])
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")  # the TorchScript exporter announces its successor
        torch.onnx.export(
            networks.eval(),
            (example,),
            buffer,  # type: ignore[arg-type]
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_axes={INPUT: {0: "n"}, OUTPUT: {1: "n"}},
            opset_version=OPSET,
            dynamo=False,
        )
    graph = onnx.load_from_string(buffer.getvalue())
    del graph.metadata_props[:]
    for node in graph.graph.node:  # source lines of the training machine have no place in a bundle
        node.doc_string = ""
    onnx.checker.check_model(graph)
    onnx.save(graph, str(path))
