"""The contest: the same folds for all, scores out-of-fold, a winner by measurement, taken up after a kill."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suwen.core.documents import read_json
from suwen.core.engine import Parts
from suwen.core.errors import BadInput, UnknownSetting
from suwen.engines.folds import grouped_folds
from suwen.engines.panel.contest import ENSEMBLE, Standing, compete, pack
from suwen.engines.panel.engine import chosen_learners, engine, panel
from suwen.engines.panel.fit import fit, units_of
from suwen.engines.panel.settings import check, setting_names

SETTINGS = check({"folds": 3})
CONTEXT = {"classes": ["well", "ill"]}


def contest(
    task: Any, samples: Any, run: Path, *, said: list[str] | None = None, **settings: Any
) -> tuple[Standing, dict[str, float], list[dict[str, float]]]:
    fold = folds(samples)
    return compete(
        task, task.learners, samples, units_of(task, samples), fold, run,
        settings={**SETTINGS, **settings}, context=CONTEXT, seed=7,
        progress=(said if said is not None else []).append,
    )  # fmt: skip


def folds(samples: Any) -> Any:
    return grouped_folds(np.array([s.target for s in samples]), [s.subject_id for s in samples], 3, 0)


def test_every_learner_is_scored_by_a_member_that_never_saw_the_subject(
    rows: Callable[..., Any], slopes: Callable[..., Any], tmp_path: Path
) -> None:
    samples, task = rows(), slopes()
    fold = folds(samples)
    for number in range(3):
        inside = {s.subject_id for s, f in zip(samples, fold, strict=True) if f != number}
        assert not inside & {s.subject_id for s, f in zip(samples, fold, strict=True) if f == number}
    standing, seconds, history = contest(task, samples, tmp_path)
    assert set(standing.scores) == {"none", "weak", "strong", ENSEMBLE}
    sizes = [len(samples) - int((fold == number).sum()) for number in range(3)]
    for learner in task.learners:
        assert [(n, u) for n, u, _ in learner.fits] == [(size, size) for size in sizes]
        assert [seed for *_, seed in learner.fits] == [7000, 7001, 7002], "a seed per fold, for all the same"
        values = np.array([s.inputs["row"].values[learner.at] for s in samples], np.float64)
        for number in range(3):
            slope = read_json(tmp_path / "members" / learner.name / str(number) / "slope.json")["slope"]
            held = fold == number
            if learner.name != standing.winner:
                np.testing.assert_allclose(
                    standing.scores[learner.name][held, 1], slope * values[held], rtol=1e-12
                )
    assert set(seconds) == {"none", "weak", "strong"}
    assert [(line["learner"], line["member"]) for line in history] == [
        (a, b) for a in (0.0, 1.0, 2.0) for b in (0.0, 1.0, 2.0)
    ]


def test_the_measured_winner_stands_first_and_its_shift_is_in_its_scores(
    rows: Callable[..., Any], slopes: Callable[..., Any], tmp_path: Path
) -> None:
    samples, task = rows(), slopes()
    standing, *_ = contest(task, samples, tmp_path, ensemble=False)
    assert ENSEMBLE not in standing.scores
    assert standing.winner == "strong" == max(standing.figures, key=lambda name: standing.figures[name])
    assert list(standing.parts) == ["strong"]
    values = np.array([s.inputs["row"].values[0] for s in samples], np.float64)
    fold = folds(samples)
    raw = np.zeros((len(samples), 2))
    for number in range(3):
        slope = read_json(tmp_path / "members" / "strong" / str(number) / "slope.json")["slope"]
        raw[fold == number, 1] = slope * values[fold == number]
    expected = standing.parts["strong"] * raw + standing.added
    np.testing.assert_allclose(standing.scores["strong"], expected, rtol=1e-9)
    mean = float((1 / (1 + np.exp(expected[:, 0] - expected[:, 1]))).mean())
    assert mean == pytest.approx(sum(s.target == "ill" for s in samples) / len(samples), abs=1e-3)


def test_an_ensemble_that_wins_brings_its_parts_and_no_published_score(
    rows: Callable[..., Any], slopes: Callable[..., Any], slope: Any, tmp_path: Path
) -> None:
    samples = rows(240)
    task = slopes(
        (slope(name="points", at=0, family="score"), slope(name="weak", at=1), slope(name="strong", at=0))
    )
    standing, *_ = contest(task, samples, tmp_path)
    assert standing.figures[ENSEMBLE] > standing.figures["strong"] > standing.figures["weak"]
    assert standing.winner == ENSEMBLE
    assert set(standing.parts) == {"weak", "strong"}
    assert all(weight > 0 for weight in standing.parts.values())


def test_a_published_score_never_wins_over_a_learner(
    rows: Callable[..., Any], slopes: Callable[..., Any], slope: Any, tmp_path: Path
) -> None:
    task = slopes((slope(name="points", at=0, family="score"), slope(name="none", at=2)))
    standing, *_ = contest(task, rows(), tmp_path)
    assert standing.figures["points"] > standing.figures["none"]
    assert standing.winner == "none"
    alone = slopes((slope(name="points", at=0, family="score"),))
    standing, *_ = contest(alone, rows(), tmp_path / "alone")
    assert standing.winner == "points", "unless there is nothing else"
    assert standing.parts == {"points": 1.0}
    assert (standing.added == 0).all()


@pytest.mark.parametrize("dies_at", [1, 2, 3])
def test_a_contest_that_was_killed_goes_on_where_it_was(
    dies_at: int,
    rows: Callable[..., Any],
    slopes: Callable[..., Any],
    slope: Any,
    killed: type[BaseException],
    tmp_path: Path,
) -> None:
    samples = rows()
    whole, *_ = contest(slopes(), samples, tmp_path / "whole")

    weak = slope(name="weak", at=1, dies_at=[dies_at])
    task = slopes((slope(name="none", at=2), weak, slope(name="strong", at=0)))
    with pytest.raises(killed):
        contest(task, samples, tmp_path / "cut")
    done = sorted(path.parent.relative_to(tmp_path / "cut") for path in (tmp_path / "cut").rglob("done.json"))
    assert len(done) == 3 + dies_at - 1, "what died half way is not taken for whole"
    said: list[str] = []
    standing, *_ = contest(task, samples, tmp_path / "cut", said=said)
    assert len(task.learners[0].fits) == 3, "finished members are not trained again"
    assert len(weak.fits) == 3 + 1
    assert said == [f"weak: fold {n} of 3" for n in range(dies_at, 4)] + [
        f"strong: fold {n} of 3" for n in (1, 2, 3)
    ]
    assert standing.winner == whole.winner
    assert standing.parts == whole.parts
    assert standing.figures == whole.figures
    for name, scores in whole.scores.items():
        np.testing.assert_array_equal(standing.scores[name], scores)


def test_what_is_packed_is_flat_and_holds_no_marks(
    rows: Callable[..., Any], slopes: Callable[..., Any], tmp_path: Path
) -> None:
    task = slopes()
    contest(task, rows(), tmp_path)
    (tmp_path / "members" / "weak" / "0" / ".slope.json.x1y2").write_bytes(b"left by a kill")
    model = tmp_path / "model"
    model.mkdir()
    pack(task.learners, tmp_path, model, 3)
    expected = {
        f"{name}.{n}.{file}"
        for name in ("none", "weak", "strong")
        for n in range(3)
        for file in ("half.json", "slope.json")
    }
    assert {path.name for path in model.iterdir()} == expected


def test_the_whole_fit_leaves_what_serves_again(
    rows: Callable[..., Any], slopes: Callable[..., Any], tmp_path: Path
) -> None:
    samples, task = rows(), slopes()
    parts = Parts(
        train=tuple(samples[:90]),
        validation=tuple(samples[90:]),
        groups=tuple(s.subject_id for s in samples),
    )
    fitted = fit(task, parts, SETTINGS, tmp_path, seed=7, progress=lambda _: None)
    assert fitted.samples == tuple(samples), "all of them, out-of-fold"
    winner = fitted.engine_manifest["winner"]
    assert set(fitted.baselines) == {"none", "weak", "strong", ENSEMBLE} - {winner}
    for rival in fitted.baselines.values():
        np.testing.assert_allclose(rival.sum(1), 1)
    facts = read_json(tmp_path / "model" / "panel.json")
    assert set(facts["files"]) == {p.name for p in (tmp_path / "model").iterdir()} - {"panel.json"}

    served = engine.load(task, tmp_path / "model", {"calibration": {"temperature": 1.0}})
    new = rows(40)
    scores = served.logits(new)
    by_hand = np.zeros((40, 2))
    for name, weight in facts["weights"].items():
        at = next(one.at for one in task.learners if one.name == name)
        slope = [read_json(tmp_path / "model" / f"{name}.{n}.slope.json")["slope"] for n in range(3)]
        by_hand[:, 1] += weight * np.mean(slope) * np.array([s.inputs["row"].values[at] for s in new])
    np.testing.assert_allclose(scores, by_hand + facts["added"], rtol=1e-6)
    for answer, expected in zip(served.infer(new), scores, strict=True):
        assert answer.abstained is None
        np.testing.assert_allclose(answer.logits, expected)
        np.testing.assert_allclose(answer.members.mean(0), expected)
    rivals = served.baselines(new)
    assert set(rivals) == {"none", "weak", "strong"} - {winner}
    for name, p in rivals.items():
        np.testing.assert_allclose(p.sum(1), 1, err_msg=name)
    shutil.rmtree(tmp_path / "members")
    assert len(engine.load(task, tmp_path / "model", {}).logits(new)) == 40, "the run is not needed to serve"


def test_only_those_named_compete(slopes: Callable[..., Any]) -> None:
    task = slopes()
    assert [one.name for one in chosen_learners(task, "all")] == ["none", "weak", "strong"]
    chosen = chosen_learners(task, " strong , none")
    assert [one.name for one in chosen] == ["none", "strong"], "in the task's order"
    with pytest.raises(UnknownSetting) as refused:
        chosen_learners(task, "strong,wek")
    assert "weak" in (refused.value.fix or "")


def test_nobody_named_is_refused(slopes: Callable[..., Any]) -> None:
    with pytest.raises(UnknownSetting):
        chosen_learners(slopes(), " , ")


def test_a_task_without_learners_is_refused() -> None:
    from suwen.lifecycle.discovery import find

    with pytest.raises(BadInput, match="lists no learners"):
        panel(find("imaging.pneumonia"))


@pytest.mark.parametrize(
    ("key", "value"), [("folds", 1), ("epochs", 0), ("learning_rate", 0), ("bags", -1), ("threads", "two")]
)
def test_a_setting_out_of_range_is_refused(key: str, value: Any) -> None:
    with pytest.raises(UnknownSetting, match=key):
        check({key: value})


def test_an_unknown_setting_names_the_nearest() -> None:
    with pytest.raises(UnknownSetting) as refused:
        check({"learner": "gru"})
    assert "learners" in (refused.value.fix or "")
    assert set(check({})) == set(setting_names())
