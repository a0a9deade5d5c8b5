"""Splits and folds by group."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suwen.core.errors import BadInput
from suwen.core.sample import Sample
from suwen.lifecycle.splits import components, folds, groups, split_by_group

THIRDS = {"train": 0.7, "validation": 0.15, "test": 0.15}


def sample(subject: str, target: str | None, split: str | None = None) -> Sample:
    return Sample(subject_id=subject, inputs={}, target=target, split=split)


def cohort(n: int, *, share: float = 0.3, per_subject: int = 2) -> list[Sample]:
    rng = np.random.default_rng(n)
    return [sample(f"p{i // per_subject}", "sick" if rng.random() < share else "well") for i in range(n)]


cohorts = st.lists(
    st.tuples(st.integers(0, 30), st.sampled_from(["a", "b", "c", None])), min_size=1, max_size=120
).map(lambda rows: [sample(f"s{subject}", target) for subject, target in rows])


def test_components_join_chains() -> None:
    assert components(6, [(4, 3), (1, 3), (0, 5)]) == [0, 1, 2, 1, 1, 0]


def test_groups_unite_subjects_through_a_shared_picture() -> None:
    samples = [sample("b", "x"), sample("a", "x"), sample("c", "x"), sample("b", "y"), sample("d", "x")]
    assert groups(samples, [(2, 3)]) == ("b", "a", "b", "b", "d")
    assert groups(samples) == ("b", "a", "c", "b", "d")


@settings(max_examples=150, deadline=None)
@given(cohorts, st.integers(0, 5), st.randoms(use_true_random=False))
def test_split_properties(samples: list[Sample], seed: int, random: object) -> None:
    names = groups(samples)
    try:
        parts = split_by_group(samples, names, fractions=THIRDS, seed=seed)
    except BadInput as error:
        assert error.code == "too-few-subjects"
        return
    labelled = [i for i, s in enumerate(samples) if s.target is not None]
    assert all((parts[i] is None) == (samples[i].target is None) for i in range(len(samples)))
    for name in set(names):
        assert len({parts[i] for i in labelled if names[i] == name}) <= 1
    for part in THIRDS if labelled else ():
        assert {samples[i].target for i in labelled if parts[i] == part} == {
            samples[i].target for i in labelled
        }
    order = list(range(len(samples)))
    random.shuffle(order)  # type: ignore[attr-defined]
    again = split_by_group(
        [samples[i] for i in order], [names[i] for i in order], fractions=THIRDS, seed=seed
    )
    assert again == tuple(parts[i] for i in order)


@settings(max_examples=80, deadline=None)
@given(cohorts, st.integers(2, 5), st.integers(0, 3))
def test_fold_properties(samples: list[Sample], k: int, seed: int) -> None:
    names, labels = groups(samples), [s.target for s in samples]
    if len(set(names)) < k:
        with pytest.raises(BadInput, match="do not make"):
            folds(names, labels, k, seed)
        return
    number = folds(names, labels, k, seed)
    assert all(len({f for f, n in zip(number, names, strict=True) if n == name}) == 1 for name in set(names))
    backwards = folds(names[::-1], labels[::-1], k, seed)
    np.testing.assert_array_equal(backwards[::-1], number)


def test_shares_and_classes_are_met_closely() -> None:
    samples = cohort(1000)
    parts = split_by_group(samples, groups(samples), fractions=THIRDS, seed=1)
    sick = np.mean([s.target == "sick" for s in samples])
    for part, share in THIRDS.items():
        chosen = [s for s, p in zip(samples, parts, strict=True) if p == part]
        assert abs(len(chosen) - share * 1000) <= 5
        assert abs(np.mean([s.target == "sick" for s in chosen]) - sick) < 0.02


def test_folds_are_balanced() -> None:
    samples = cohort(600)
    number = folds(groups(samples), [s.target for s in samples], 5, 0)
    assert np.ptp(np.bincount(number, minlength=5)) <= 6
    rates = [np.mean([samples[i].target == "sick" for i in np.flatnonzero(number == k)]) for k in range(5)]
    assert np.ptp(rates) < 0.03


def test_seeds_differ() -> None:
    samples = cohort(200)
    names = groups(samples)
    assert split_by_group(samples, names, fractions=THIRDS, seed=0) != split_by_group(
        samples, names, fractions=THIRDS, seed=1
    )


def test_a_rare_class_reaches_every_part() -> None:
    samples = [*cohort(300, share=0), *(sample(f"r{i}", "rare") for i in range(3))]
    parts = split_by_group(samples, groups(samples), fractions=THIRDS, seed=0)
    assert sorted(str(p) for p in parts[-3:]) == ["test", "train", "validation"]


def test_too_few_subjects_of_a_class_is_an_error_that_names_it() -> None:
    samples = [*cohort(50, share=0), sample("r", "rare"), sample("r", "rare")]
    with pytest.raises(BadInput, match=r"train, validation, test: 'rare' has only 1") as caught:
        split_by_group(samples, groups(samples), fractions=THIRDS, seed=0)
    assert caught.value.code == "too-few-subjects"
    assert split_by_group(samples, groups(samples), fractions={"train": 1.0}, seed=0) == ("train",) * 52


def test_validation_is_taken_out_of_a_declared_train_and_test_stays() -> None:
    samples = [
        sample(f"p{i // 2}", "x" if i % 3 else "y", "train" if i < 160 else "test") for i in range(200)
    ]
    parts = split_by_group(samples, groups(samples), fractions={"train": 1.0}, seed=0)
    assert parts[160:] == ("test",) * 40
    assert set(parts[:160]) == {"train", "validation"}
    assert abs(parts.count("validation") - 24) <= 2


def test_declared_parts_are_left_alone_and_unlabelled_samples_are_in_none() -> None:
    samples = [
        sample("a", "x", "train"),
        sample("b", None, "train"),
        sample("c", "x", "validation"),
        sample("d", "x", "test"),
        sample("e", "x"),
    ]
    assert split_by_group(samples, groups(samples), fractions=THIRDS, seed=0) == (
        "train",
        None,
        "validation",
        "test",
        None,
    )


def test_a_declared_test_alone_leaves_the_rest_to_learn_from() -> None:
    samples = [sample(f"p{i}", "xy"[i % 2], "test" if i < 10 else None) for i in range(50)]
    samples.append(sample("p3", "x"))
    parts = split_by_group(samples, groups(samples), fractions=THIRDS, seed=0)
    assert parts[:10] == ("test",) * 10
    assert set(parts[10:50]) == {"train", "validation"}
    assert parts[50] is None


@pytest.mark.parametrize("fractions", [{"train": 0.5}, {"train": 1.2, "test": -0.2}, {"dev": 1.0}, {}])
def test_bad_fractions(fractions: dict[str, float]) -> None:
    with pytest.raises(BadInput, match="fractions") as caught:
        split_by_group(cohort(10), groups(cohort(10)), fractions=fractions, seed=0)
    assert caught.value.code == "bad-fractions"


def test_unknown_declared_part() -> None:
    with pytest.raises(BadInput, match="no part is called 'dev'"):
        split_by_group([sample("a", "x", "dev")], ["a"], fractions=THIRDS, seed=0)
