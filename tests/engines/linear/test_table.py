"""Rows of samples become one table whose columns are found by name."""

from __future__ import annotations

import numpy as np
import pytest

from suwen.core.errors import BadInput
from suwen.core.sample import Sample
from suwen.engines.linear.table import Table, rows
from suwen.formats.signals.row import Row


def sample(values: list[float], names: tuple[str, ...]) -> Sample:
    return Sample(subject_id="s", inputs={"row": Row(values=np.array(values, np.float32), names=names)})


def test_rows_are_stacked_by_the_names_of_the_first() -> None:
    x, names = rows([sample([1, 2, np.nan], ("a", "b", "c")), sample([6, 5, 4], ("c", "b", "a"))])
    assert names == ("a", "b", "c")
    assert x.dtype == np.float32
    np.testing.assert_array_equal(x, [[1, 2, np.nan], [4, 5, 6]])


def test_no_sample_is_an_empty_table() -> None:
    x, names = rows([])
    assert x.shape == (0, 0)
    assert Table(x, names).columns(["a", "b"]).shape == (0, 2)


def test_a_row_without_a_column_of_the_first_is_refused() -> None:
    with pytest.raises(BadInput) as caught:
        rows([sample([1, 2], ("a", "b")), sample([1], ("a",))])
    assert caught.value.code == "missing-columns"


def test_a_table_gives_wanted_columns_and_names_the_absent() -> None:
    table = Table(np.arange(12, dtype=np.float32).reshape(3, 4), ("a", "b", "c", "d"))
    np.testing.assert_array_equal(table.columns(["d", "a"]), [[3, 0], [7, 4], [11, 8]])
    np.testing.assert_array_equal(table.take(np.array([2, 0])).x, [[8, 9, 10, 11], [0, 1, 2, 3]])
    with pytest.raises(BadInput, match=r"lacks 5 of the 6 columns.*v, w, x and 2 more"):
        table.columns(["a", "v", "w", "x", "y", "z"])
