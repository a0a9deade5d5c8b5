"""The tree of errors: codes, statuses, sentences."""

from __future__ import annotations

import pytest

from suwen.core import errors
from suwen.core.errors import EXIT_CODE, MissingExtra, SuwenError, nearest

KINDS = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, SuwenError)]
STATUS = {
    "SuwenError": 500, "BadInput": 400, "Unreadable": 422, "UnknownSetting": 400, "TooLarge": 413,
    "WrongMediaType": 415, "Refused": 403,
    "LeakageFound": 409, "FloorMissed": 409, "Untrusted": 403, "NotFound": 404, "Conflict": 409,
    "MissingExtra": 424,
}  # fmt: skip


def test_the_tree_is_as_drawn() -> None:
    assert {kind.__name__: kind.http_status for kind in KINDS} == STATUS
    codes = [kind.code for kind in KINDS]
    assert len(codes) == len(set(codes))
    for kind in KINDS:
        assert kind.__name__ in (errors.__doc__ or "")
        assert kind.__doc__
        assert kind.code == kind.code.lower().replace(" ", "-").replace("_", "-")
    assert EXIT_CODE == 3


def test_an_error_says_what_where_and_what_to_do() -> None:
    error = errors.Unreadable("the file is empty", where="a.png", fix="Send it again", code="empty-file")
    assert str(error) == "the file is empty (a.png). Send it again."
    assert error.as_dict() == {
        "error": {
            "code": "empty-file", "what": "the file is empty", "where": "a.png", "fix": "Send it again"
        }
    }  # fmt: skip
    assert str(SuwenError("it broke")) == "it broke."
    assert errors.Unreadable.code == "unreadable", "a precise code stays with its own error"


def test_a_missing_package_names_its_extra() -> None:
    error = MissingExtra("torch", "train", "training")
    assert "pip install 'suwen[train]'" in str(error)
    assert error.code == "missing-extra"


@pytest.mark.parametrize(
    ("name", "known", "hint"),
    [
        ("epoch", ["epochs", "seed"], "Did you mean 'epochs'"),
        ("zzz", ["b", "a"], "Known: a, b"),
        ("x", [], "Known: none"),
    ],
)
def test_the_nearest_name(name: str, known: list[str], hint: str) -> None:
    assert nearest(name, known) == hint
