"""Networks step by step: one step after another gives what the whole sequence gives, in torch and through ONNX."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from suwen.core.documents import write_json
from suwen.engines.onnx.session import open_session
from suwen.engines.series.export import export
from suwen.engines.series.networks import NETWORKS, StepNetwork, build
from suwen.engines.series.serve import SeriesMember

MOVING, STATIC, STEPS, STAYS, CLASSES, WIDTH = 4, 2, 40, 5, 3, 6
FEATURES = 3 * MOVING + STATIC + 1


def network(cell: str, seed: int = 0) -> StepNetwork:
    """With every weight drawn, so that no gate or decay is idle."""
    torch.manual_seed(seed)
    made = build(cell, features=FEATURES, outputs=CLASSES, width=WIDTH, dropout=0.4, moving=MOVING)
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return made.eval()


def inputs(seed: int = 1) -> torch.Tensor:
    """Values, masks, hours since, descriptors; longer than what a convolution remembers."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(STAYS, STEPS, FEATURES))
    x[..., MOVING : 2 * MOVING] = rng.random((STAYS, STEPS, MOVING)) < 0.4
    x[..., 2 * MOVING : 3 * MOVING] = rng.random((STAYS, STEPS, MOVING))
    return torch.from_numpy(x.astype(np.float32))


def stepped(made: StepNetwork, x: torch.Tensor) -> torch.Tensor:
    state, out = torch.zeros(len(x), made.size), []
    for at in range(x.shape[1]):
        answer, state = made.step(x[:, at], state)
        out.append(answer)
    return torch.stack(out, 1)


@pytest.mark.parametrize("cell", NETWORKS)
def test_steps_give_what_the_whole_sequence_gives(cell: str) -> None:
    made, x = network(cell), inputs()
    with torch.no_grad():
        whole = made(x)
        assert whole.shape == (STAYS, STEPS, CLASSES)
        torch.testing.assert_close(stepped(made, x), whole, rtol=0, atol=2e-5)
        assert whole.std(1).min() > 1e-3, "it says something else at every step"


@pytest.mark.parametrize("cell", NETWORKS)
def test_what_comes_later_changes_nothing_before(cell: str) -> None:
    made, x = network(cell), inputs()
    other = x.clone()
    other[:, 25:] += 3
    with torch.no_grad():
        torch.testing.assert_close(made(x)[:, :25], made(other)[:, :25], rtol=0, atol=1e-6)
        assert (made(x)[:, 25:] - made(other)[:, 25:]).abs().max() > 1e-2


@pytest.mark.parametrize("cell", NETWORKS)
def test_one_graph_of_several_networks_steps_as_they_do(cell: str, tmp_path: Path) -> None:
    many, x = [network(cell, seed) for seed in (0, 1)], inputs()
    size = export(many, FEATURES, tmp_path / "net.onnx")
    assert size == sum(one.size for one in many)
    with torch.no_grad():
        expected = torch.stack([one(x) for one in many]).mean(0).numpy()
    session = open_session(tmp_path / "net.onnx")
    for n in (1, STAYS):
        state = np.zeros((n, size), np.float32)
        for at in range(STEPS):
            logits, state = session.run(None, {"features": x[:n, at].numpy(), "state": state})
            np.testing.assert_allclose(logits, expected[:n, at], atol=5e-5)
            assert state.shape == (n, size)


def test_the_graph_names_nothing_of_the_machine_it_was_made_on(tmp_path: Path) -> None:
    export([network("gru")], FEATURES, tmp_path / "net.onnx")
    content = (tmp_path / "net.onnx").read_bytes()
    assert b".py" not in content
    assert str(Path.cwd()).encode() not in content


@pytest.mark.parametrize("cell", NETWORKS)
def test_a_served_network_answers_at_the_cell_in_which_a_stay_ends(cell: str, tmp_path: Path) -> None:
    from suwen.engines.series.grid import Grid, carried
    from suwen.engines.series.scaling import fit_scaling

    rng = np.random.default_rng(4)
    means = rng.normal(size=(STAYS, STEPS, MOVING)).astype(np.float32)
    means[rng.random(means.shape) < 0.6] = np.nan
    value, seen, since = carried(means, 1.0)
    static = rng.normal(size=(STAYS, STATIC)).astype(np.float32)
    made_of = Grid(value=value, seen=seen, since=since, static=static, end=np.array([39, 0, 12, 39, 7]))
    scaling = fit_scaling(made_of)
    made = network(cell)
    size = export([made], FEATURES, tmp_path / "a.net.onnx")
    np.savez(tmp_path / "a.scaling.npz", **scaling.arrays())
    write_json(tmp_path / "a.net.json", {"state": size, "steps": STEPS, "step_h": 1.0})
    member = SeriesMember(tmp_path, "a.")
    x = scaling.features(made_of)
    assert x.shape == (STAYS, STEPS, FEATURES)
    with torch.no_grad():
        whole = made(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(member.course(x), whole, atol=5e-5)
    expected = whole[np.arange(STAYS), made_of.end]
    np.testing.assert_allclose(member.scores(made_of), expected, atol=5e-5)
    some = np.array([3, 1])
    np.testing.assert_allclose(member.scores(made_of.take(some)), expected[some], atol=5e-5)


def test_many_stays_go_through_in_pieces(tmp_path: Path, monkeypatch: Any) -> None:
    from suwen.engines.series import serve

    made = network("lstm")
    size = export([made], FEATURES, tmp_path / "net.onnx")
    np.savez(tmp_path / "scaling.npz", value=np.zeros((0, 33)), static=np.zeros((0, 33)))
    write_json(tmp_path / "net.json", {"state": size})
    member, x = SeriesMember(tmp_path, ""), inputs().numpy()
    whole = member.course(x)
    monkeypatch.setattr(serve, "CHUNK", 2)
    np.testing.assert_allclose(member.course(x), whole, atol=1e-6)
