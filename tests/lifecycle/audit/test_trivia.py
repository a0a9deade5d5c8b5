"""What counts as trivia, and what is left out because it says nothing."""

from __future__ import annotations

import numpy as np

from suwen.core.sample import Sample
from suwen.lifecycle.audit.trivia import MOST_CATEGORIES, meaning, suspects


def samples(n: int = 40, **columns: list[str]) -> list[Sample]:
    """Interleaved labels; subject 'p<i>', file 'scan_<2i>.png'."""
    return [
        Sample(
            subject_id=f"p{i // 2:03d}",
            inputs={},
            target=f"{'xy'[(i * 7) % 5 % 2]}",
            source=f"folder/scan_{i % 11}.png",
            attributes={name: cells[i] for name, cells in columns.items()},
        )
        for i in range(n)
    ]


def found(members: list[Sample], views: list[dict[str, object]] | None = None, known: bool = True) -> dict:
    return suspects(members, views or [{} for _ in members], subjects_known=known)[0]  # type: ignore[arg-type]


def test_ids_names_and_order() -> None:
    matrices = found(samples())
    assert set(matrices) == {"subject_number", "name_number_1", "order"}
    assert all(np.isfinite(matrix).all() for matrix in matrices.values())
    np.testing.assert_array_equal(matrices["subject_number"][:, 0], np.arange(40) // 2)


def test_digits_of_unknown_subjects_mean_nothing() -> None:
    assert "subject_number" not in found(samples(), known=False)


def test_a_number_that_is_the_subject_is_not_probed_twice() -> None:
    members = [
        Sample(subject_id=f"{i:08d}", inputs={}, target="xy"[i % 2], source=f"a/{i:08d}_{i * i % 7:03d}.jpg")
        for i in range(30)
    ]
    assert set(found(members)) == {"subject_number", "name_number_2", "order"}


def test_columns_numeric_categorical_and_neither() -> None:
    n = 40
    matrices = found(
        samples(
            n,
            age=[str(20 + i % 30) if i % 20 else "" for i in range(n)],
            sex=["FM"[i % 2] for i in range(n)],
            prose=[f"words {i}" for i in range(n)],
            same=["1"] * n,
            blank=[""] * n,
        )
    )
    assert n > MOST_CATEGORIES
    assert {name for name in matrices if name.startswith("column:")} == {"column:age", "column:sex"}
    assert matrices["column:sex"].shape == (n, 2)
    assert matrices["column:age"][:, -1].sum() == 2  # the mark of a missing cell


def test_views_the_search_vector_and_constants_are_not_trivia() -> None:
    members = samples()
    views: list[dict[str, object]] = [
        {"fine": np.ones(4), "thumbnail": np.arange(3.0) * i, "image_size": np.array([28.0, 28.0, 1.0])}
        for i in range(40)
    ]
    for i, view in enumerate(views[:30]):
        view["file_size"] = float(1000 + i)
    matrices = found(members, views)
    assert "fine" not in matrices
    assert "image_size" not in matrices
    assert matrices["thumbnail"].shape == (40, 2)
    assert matrices["file_size"][:, -1].sum() == 10


def test_class_by_class_listing_and_numbering_are_left_out_and_said() -> None:
    members = [
        Sample(subject_id=f"s{i}", inputs={}, target=t, source=f"{t}/{t}_{i}.png")
        for t in ("benign", "malignant")
        for i in range(20)
    ]
    matrices, notes = suspects(members, [{} for _ in members], subjects_known=False)
    assert matrices == {}
    assert len(notes) == 2
    assert "order" in notes[1]


def test_meanings() -> None:
    assert meaning("column:age") == "the column 'age'"
    assert meaning("name_number_2") == "number 2 in the file name"
    assert meaning("thumbnail") == "an 8x8 thumbnail"
    assert meaning("spectrum") == "the view 'spectrum'"
