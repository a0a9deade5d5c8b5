"""Small causal networks that answer at every step, whole sequences in training and one step in service.

``forward`` reads (n, T, F) and answers (n, T, K); ``step`` reads (n, F) and the state (n, S) and answers
(n, K) and the next state. Both give the same numbers. The step is written out in plain operations, which export as they
stand. The state carries the running sum, maximum and count
of what the network remembers, so that pooling over time costs nothing in service.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn


class StepNetwork(nn.Module):
    """An embedding, a recurrent cell and a head on what it remembers: last, mean and maximum so far."""

    def __init__(self, features: int, outputs: int, width: int, *, dropout: float, states: int) -> None:
        super().__init__()
        self.width, self.states = width, states
        self.embed = nn.Linear(features, width)
        self.thin = nn.Dropout(dropout / 2)
        self.drop = nn.Dropout(dropout)
        self.head = nn.Linear(3 * width, outputs)

    @property
    def size(self) -> int:
        """Length of the state of one subject."""
        return self.states * self.width + 2 * self.width + 1

    def remember(self, z: Tensor, x: Tensor) -> Tensor:
        """What the cell remembers after each step, (n, T, width), of embedded inputs and the inputs."""
        raise NotImplementedError

    def recall(self, z: Tensor, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """One step: what is remembered, (n, width), and the cell's next state (n, states * width)."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """Answers (n, T, K) of inputs (n, T, F)."""
        z = self.drop(torch.relu(self.embed(self.thin(x))))
        h = self.remember(z, x)
        count = torch.arange(1, x.shape[1] + 1, device=x.device, dtype=x.dtype)[None, :, None]
        pooled = torch.cat([h, h.cumsum(1) / count, h.cummax(1).values], 2)
        return cast(Tensor, self.head(self.drop(pooled)))

    def step(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Answers (n, K) and the next state (n, S) of inputs (n, F)."""
        inner, rest = state[:, : self.states * self.width], state[:, self.states * self.width :]
        total, most, count = rest[:, : self.width], rest[:, self.width : -1], rest[:, -1:]
        h, inner = self.recall(torch.relu(self.embed(x)), x, inner)
        count, total = count + 1, total + h
        most = torch.where(count > 1, torch.maximum(most, h), h)
        answer = self.head(torch.cat([h, total / count, most], 1))
        return answer, torch.cat([inner, total, most, count], 1)


def _gates(cell: nn.RNNBase, z: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
    """What a recurrent layer makes of its input and of its memory, before the gates."""
    w = {name: cast(Tensor, getattr(cell, name)) for name, _ in cell.named_parameters()}
    return (
        nn.functional.linear(z, w["weight_ih_l0"], w["bias_ih_l0"]),
        nn.functional.linear(h, w["weight_hh_l0"], w["bias_hh_l0"]),
    )


class GRU(StepNetwork):
    """Gated recurrent unit (Cho et al., EMNLP 2014)."""

    def __init__(self, features: int, outputs: int, width: int, *, dropout: float, moving: int) -> None:
        super().__init__(features, outputs, width, dropout=dropout, states=1)
        self.cell = nn.GRU(width, width, batch_first=True)

    def remember(self, z: Tensor, x: Tensor) -> Tensor:
        """See the base class."""
        return cast(Tensor, self.cell(z)[0])

    def recall(self, z: Tensor, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """See the base class."""
        enters, stays = _gates(self.cell, z, state)
        (reset, update, fresh), old = enters.chunk(3, 1), stays.chunk(3, 1)
        keep = torch.sigmoid(update + old[1])
        h = (1 - keep) * torch.tanh(fresh + torch.sigmoid(reset + old[0]) * old[2]) + keep * state
        return h, h


class LSTM(StepNetwork):
    """Long short-term memory (Hochreiter and Schmidhuber, Neural Computation 9:1735, 1997)."""

    def __init__(self, features: int, outputs: int, width: int, *, dropout: float, moving: int) -> None:
        super().__init__(features, outputs, width, dropout=dropout, states=2)
        self.cell = nn.LSTM(width, width, batch_first=True)

    def remember(self, z: Tensor, x: Tensor) -> Tensor:
        """See the base class."""
        return cast(Tensor, self.cell(z)[0])

    def recall(self, z: Tensor, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """See the base class."""
        h, c = state[:, : self.width], state[:, self.width :]
        enters, stays = _gates(self.cell, z, h)
        gates = enters + stays
        enter, forget, fresh, leave = gates.chunk(4, 1)
        c = torch.sigmoid(forget) * c + torch.sigmoid(enter) * torch.tanh(fresh)
        h = torch.sigmoid(leave) * torch.tanh(c)
        return h, torch.cat([h, c], 1)


class GRUD(StepNetwork):
    """GRU-D (Che et al., Scientific Reports 8:6085, 2018): values and memory decay with the time since.

    Inputs are laid out as :meth:`suwen.engines.series.scaling.Scaling.features` does: values, masks and hours
    since of ``moving`` variables, then descriptors. A value decays to the training median, which is 0.
    """

    def __init__(self, features: int, outputs: int, width: int, *, dropout: float, moving: int) -> None:
        super().__init__(features, outputs, width, dropout=dropout, states=1)
        self.moving = moving
        self.cell = nn.GRUCell(width, width)
        self.rate = nn.Parameter(torch.zeros(moving))
        self.offset = nn.Parameter(torch.zeros(moving))
        self.forget = nn.Linear(moving, width)

    def _decayed(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Inputs with decayed values, and the factor on the memory, by the time since."""
        v = self.moving
        value, seen, since = x[..., :v], x[..., v : 2 * v], x[..., 2 * v : 3 * v]
        keep = torch.exp(-torch.relu(self.rate * since + self.offset))
        faded = seen * value + (1 - seen) * keep * value
        return torch.cat([faded, x[..., v:]], -1), torch.exp(-torch.relu(self.forget(since)))

    def forward(self, x: Tensor) -> Tensor:
        """See the base class; the decay acts before the embedding."""
        faded, keep = self._decayed(x)
        self.keep = keep
        return super().forward(faded)

    def remember(self, z: Tensor, x: Tensor) -> Tensor:
        """See the base class."""
        h, out = z.new_zeros(z.shape[0], self.width), []
        for at in range(z.shape[1]):
            h = self.cell(z[:, at], h * self.keep[:, at])
            out.append(h)
        return torch.stack(out, 1)

    def step(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """See the base class."""
        faded, self.keep = self._decayed(x)
        return super().step(faded, state)

    def recall(self, z: Tensor, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """See the base class."""
        h = self.cell(z, state * self.keep)
        return h, h


class TCN(StepNetwork):
    """Causal dilated convolutions with residuals (Bai et al., arXiv 1803.01271); its state is the past inputs."""

    KERNEL, DILATIONS = 3, (1, 2, 4, 8)

    def __init__(self, features: int, outputs: int, width: int, *, dropout: float, moving: int) -> None:
        past = (self.KERNEL - 1) * sum(self.DILATIONS)
        super().__init__(features, outputs, width, dropout=dropout, states=past)
        self.layers = nn.ModuleList(
            [nn.Conv1d(width, width, self.KERNEL, dilation=d) for d in self.DILATIONS]
        )

    def remember(self, z: Tensor, x: Tensor) -> Tensor:
        """See the base class."""
        h = z.transpose(1, 2)
        for layer, dilation in zip(self.layers, self.DILATIONS, strict=True):
            padded = nn.functional.pad(h, ((self.KERNEL - 1) * dilation, 0))
            h = h + self.drop(torch.relu(layer(padded)))
        return h.transpose(1, 2)

    def recall(self, z: Tensor, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """See the base class: each layer keeps the inputs that its taps will still need."""
        h, kept, start = z, [], 0
        for layer, dilation in zip(self.layers, self.DILATIONS, strict=True):
            long = (self.KERNEL - 1) * dilation
            past = state[:, start : start + long * self.width].reshape(-1, long, self.width)
            start += long * self.width
            window = torch.cat([past, h[:, None]], 1)
            kept.append(window[:, 1:].reshape(-1, long * self.width))
            taps = window[:, ::dilation].transpose(1, 2)
            weight = cast(Tensor, layer.weight)
            h = h + torch.relu(torch.einsum("nck,ock->no", taps, weight) + cast(Tensor, layer.bias))
        return h, torch.cat(kept, 1)


NETWORKS: dict[str, type[StepNetwork]] = {"gru": GRU, "lstm": LSTM, "gru_d": GRUD, "tcn": TCN}


def build(cell: str, *, features: int, outputs: int, width: int, dropout: float, moving: int) -> StepNetwork:
    """An untrained network of a kind named in :data:`NETWORKS`."""
    return NETWORKS[cell](features, outputs, width, dropout=dropout, moving=moving)  # type: ignore[call-arg]  # every kind takes it
