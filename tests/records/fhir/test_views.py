"""SQL-on-FHIR views: the official tests, the specification's rules beyond them, and wrong views."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suwen.core.errors import BadInput
from suwen.records.fhir import paths, wire
from suwen.records.fhir.views import columns, compile_view, read_view, run_view, view_name

PATIENTS: list[dict[str, Any]] = [
    {
        "resourceType": "Patient",
        "id": "pt1",
        "active": True,
        "name": [{"family": "F1.1", "use": "official", "given": ["g1", "g2"]}, {"family": "F1.2"}],
        "contact": [
            {"name": {"family": "FC1", "given": ["N1", "N2"]}, "telecom": [{"system": "phone"}]},
            {"name": {"family": "FC2", "given": ["N3"]}, "telecom": [{"system": "email"}]},
        ],
    },
    {"resourceType": "Patient", "id": "pt2", "name": [{"family": "F2.1"}]},
    {"resourceType": "Patient", "id": "pt3"},
    {"resourceType": "Observation", "id": "o1", "status": "final", "valueInteger": 12},
]
ID = {"column": [{"name": "id", "path": "id"}]}


def col(name: str, path: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "path": path, **more}


def rows(*selects: dict[str, Any], resource: str = "Patient", **more: Any) -> list[Any]:
    """Rows as tuples."""
    view = {"resource": resource, "select": list(selects), **more}
    found = run_view(view, PATIENTS)
    assert all(list(row) == columns(view) for row in found)
    return [tuple(row.values()) for row in found]


@pytest.mark.parametrize("direct", [True, False])
def test_the_official_tests(data_dir: Path, direct: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(paths.Path.__init__.__kwdefaults__, "direct", direct)
    passed = 0
    for file in sorted((data_dir / "records/sql_on_fhir_v2").glob("*.json")):
        document = json.loads(file.read_bytes())
        before = copy.deepcopy(document)
        for test in document["tests"]:
            where = f"{file.name}: {test['title']}"
            if test.get("expectError"):
                with pytest.raises(BadInput) as raised:
                    run_view(test["view"], document["resources"])
                assert (raised.value.code, bool(raised.value.where)) == ("bad-view", True), where
            else:
                found = run_view(test["view"], document["resources"])
                assert in_any_order(found) == in_any_order(test["expect"]), where
                assert columns(test["view"]) == test.get("expectColumns", columns(test["view"])), where
            passed += 1
        assert document == before
    assert passed == 89


def in_any_order(found: list[dict[str, Any]]) -> list[str]:
    return sorted(json.dumps(row, sort_keys=True) for row in found)


def test_for_each_drops_and_for_each_or_null_keeps() -> None:
    family = [col("family", "family")]
    assert rows(ID, {"forEach": "name", "column": family}) == [
        ("pt1", "F1.1"),
        ("pt1", "F1.2"),
        ("pt2", "F2.1"),
    ]
    assert rows(ID, {"forEachOrNull": "name", "column": family}) == [
        ("pt1", "F1.1"),
        ("pt1", "F1.2"),
        ("pt2", "F2.1"),
        ("pt3", None),
    ]
    assert rows(ID, {"forEach": "identifier", "column": [col("value", "value")]}) == []


def test_two_iterations_beside_one_another_multiply() -> None:
    one = {"forEach": "contact", "column": [col("contact", "name.family")]}
    other = {"forEach": "name", "column": [col("name", "family")]}
    assert rows(one, other) == [(c, n) for c in ("FC1", "FC2") for n in ("F1.1", "F1.2")]
    assert rows(ID, one, {"forEach": "photo", "column": [col("url", "url")]}) == []
    assert rows(ID, one, {"forEachOrNull": "photo", "column": [col("url", "url")]}) == [
        ("pt1", "FC1", None),
        ("pt1", "FC2", None),
    ]


def test_nested_iterations_with_columns_selects_and_unions() -> None:
    given = {"forEach": "name.given", "column": [col("name", "$this")]}
    family = {"column": [col("name", "name.family")]}
    inner = {"column": [col("system", "telecom.system")], "unionAll": [family, given]}
    expected = [("pt1", "phone", name) for name in ("FC1", "N1", "N2")]
    expected += [("pt1", "email", name) for name in ("FC2", "N3")]
    assert rows(ID, {"forEach": "contact", **inner}) == expected
    assert rows(ID, {"forEachOrNull": "contact", **inner}) == [
        *expected,
        ("pt2", None, None),
        ("pt3", None, None),
    ]


def test_unions() -> None:
    tele, none = (
        {"forEach": "contact", "column": [col("x", "name.family")]},
        {"forEach": "photo", "column": [col("x", "url")]},
    )
    assert rows({"unionAll": [tele, none]}) == [("FC1",), ("FC2",)]
    assert rows({"unionAll": [ID, ID]}) == [(name,) for name in ("pt1", "pt1", "pt2", "pt2", "pt3", "pt3")]
    assert rows({"unionAll": [{"unionAll": [tele, tele]}, none]}) == [("FC1",), ("FC2",), ("FC1",), ("FC2",)]
    assert rows({"unionAll": [none, none]}) == []
    or_null = {"forEachOrNull": "photo", "column": [col("x", "url")]}
    assert rows(ID, {"unionAll": [or_null, or_null]}, where=[{"path": "id = 'pt3'"}]) == [("pt3", None)] * 2


def test_conditions() -> None:
    assert rows(ID, where=[{"path": "name.where(use = 'official').exists()"}]) == [("pt1",)]
    assert rows(ID, where=[{"path": "name.exists()"}, {"path": "active.exists().not()"}]) == [("pt2",)]
    assert rows(ID, where=[{"path": "name.where(family = 'F2.1').empty()"}]) == [("pt1",), ("pt3",)]
    assert rows(ID, where=[{"path": "active"}]) == [("pt1",)]
    over = [{"path": "where(value.ofType(integer) > 11).exists()"}]
    assert rows(ID, resource="Observation", where=over) == [("o1",)]
    with pytest.raises(BadInput, match="not true or false") as raised:
        rows(ID, where=[{"path": "name.family.first()"}])
    assert raised.value.where == "where[0].path = name.family.first()"


def test_values() -> None:
    assert rows({"column": [col("v", "value.ofType(integer)", type="integer")]}, resource="Observation") == [
        (12,)
    ]
    assert rows({"column": [col("v", "value.ofType(string)", type="string")]}, resource="Observation") == [
        (None,)
    ]
    assert rows({"column": [col("v", "name.family", collection=True)]})[0] == (["F1.1", "F1.2"],)
    assert rows({"column": [col("v", "name.count()", type="positiveInt")]})[0] == (2,)
    assert rows({"column": [col("v", "5 / 2.5", type="http://hl7.org/fhirpath/System.Integer")]})[0] == (2.0,)
    assert rows({"column": [col("v", "name.first()", type="HumanName")]})[1] == ({"family": "F2.1"},)
    for collection in ({}, {"collection": False}):
        with pytest.raises(BadInput, match="several values"):
            rows({"column": [col("v", "name.family", **collection)]})
    for kind, path in (
        ("boolean", "id"),
        ("integer", "id"),
        ("integer", "0.5"),
        ("decimal", "active"),
        ("code", "name[0]"),
    ):
        with pytest.raises(BadInput, match="is not of type"):
            rows({"column": [col("v", path, type=kind)]})


def test_decimals_keep_their_digits() -> None:
    observation = wire.read(b'{"resourceType":"Observation","valueQuantity":{"value":1.00}}')
    view = {
        "resource": "Observation",
        "select": [{"column": [col("v", "value.ofType(Quantity).value", type="decimal")]}],
    }
    assert wire.write(run_view(view, [observation])) == b'[{"v":1.00}]'


def test_a_null_row_is_empty_except_for_its_index() -> None:
    nested = {"forEach": "b", "column": [col("inner", "%rowIndex"), col("c", "c")]}
    select = {
        "forEachOrNull": "photo",
        "column": [col("i", "%rowIndex"), col("x", "'x'")],
        "select": [nested],
    }
    assert rows(ID, select, where=[{"path": "id = 'pt3'"}]) == [("pt3", 0, None, 0, None)]


WRONG: list[tuple[Any, str]] = [
    (None, "view"),
    ([], "view"),
    ({}, "resource"),
    ({"select": [ID]}, "resource"),
    ({"resource": "Patiant", "select": [ID]}, "resource"),
    ({"resource": 3, "select": [ID]}, "resource"),
    ({"resourceType": "Patient", "resource": "Patient", "select": [ID]}, "resourceType"),
    ({"resource": "Patient"}, "select"),
    ({"resource": "Patient", "select": {}}, "select"),
    ({"resource": "Patient", "select": [3]}, "select[0]"),
    ({"resource": "Patient", "name": "a b", "select": [ID]}, "name"),
    ({"resource": "Patient", "select": [{"forEach": "@@"}]}, "select[0].forEach = @@"),
    ({"resource": "Patient", "select": [{"forEach": 1}]}, "select[0].forEach"),
    ({"resource": "Patient", "select": [{"repeat": []}]}, "select[0].repeat"),
    ({"resource": "Patient", "select": [{"repeat": "item"}]}, "select[0].repeat"),
    ({"resource": "Patient", "select": [{"forEach": "name", "forEachOrNull": "name"}]}, "select[0]"),
    ({"resource": "Patient", "select": [{"forEach": "name", "repeat": ["name"]}]}, "select[0]"),
    ({"resource": "Patient", "select": [{"foreach": "name"}]}, "select[0]"),
    ({"resource": "Patient", "select": [ID, ID]}, "select"),
    ({"resource": "Patient", "select": [ID, {"select": [{"unionAll": [ID]}]}]}, "select"),
    ({"resource": "Patient", "select": [{"column": [{"path": "id"}]}]}, "select[0].column[0].name"),
    ({"resource": "Patient", "select": [{"column": [col("1a", "id")]}]}, "select[0].column[0].name"),
    ({"resource": "Patient", "select": [{"column": [col("a-b", "id")]}]}, "select[0].column[0].name"),
    (
        {"resource": "Patient", "select": [{"column": [col("a", "id"), col("b", "id.")]}]},
        "select[0].column[1].path = id.",
    ),
    ({"resource": "Patient", "select": [{"column": [{"name": "a"}]}]}, "select[0].column[0].path"),
    ({"resource": "Patient", "select": [{"column": [col("a", "id", type=3)]}]}, "select[0].column[0].type"),
    (
        {"resource": "Patient", "select": [{"column": [col("a", "id", collection="yes")]}]},
        "select[0].column[0].collection",
    ),
    ({"resource": "Patient", "select": [ID], "where": [{"path": "foo()"}]}, "where[0].path = foo()"),
    ({"resource": "Patient", "select": [ID], "where": [{}]}, "where[0].path"),
    ({"resource": "Patient", "select": [ID], "where": [{"path": "id = %x"}]}, "where[0].path = id = %x"),
    ({"resource": "Patient", "select": [ID], "constant": [{"name": "x"}]}, "constant[0]"),
    ({"resource": "Patient", "select": [ID], "constant": [{"name": "x", "valueFoo": 1}]}, "constant[0]"),
    (
        {
            "resource": "Patient",
            "select": [ID],
            "constant": [{"name": "x", "valueString": "a", "valueCode": "a"}],
        },
        "constant[0]",
    ),
    (
        {"resource": "Patient", "select": [ID], "constant": [{"name": "x", "valueInteger": True}]},
        "constant[0].valueInteger",
    ),
    (
        {"resource": "Patient", "select": [ID], "constant": [{"name": "resource", "valueString": "a"}]},
        "constant[0].name",
    ),
    (
        {
            "resource": "Patient",
            "select": [{"unionAll": [ID, {"column": [col("other", "id")]}]}],
        },
        "select[0].unionAll[1]",
    ),
    (
        {
            "resource": "Patient",
            "select": [
                {
                    "unionAll": [
                        {"column": [col("a", "id"), col("b", "id")]},
                        {"column": [col("b", "id"), col("a", "id")]},
                    ]
                }
            ],
        },
        "select[0].unionAll[1]",
    ),
]


@pytest.mark.parametrize(("view", "place"), WRONG)
def test_a_wrong_view_is_refused_with_the_place(view: Any, place: str) -> None:
    with pytest.raises(BadInput) as raised:
        read_view(view)
    assert (raised.value.code, raised.value.where) == ("bad-view", place)


def test_selects_may_not_be_nested_without_end() -> None:
    select: dict[str, Any] = ID
    for _ in range(30):
        select = {"select": [select]}
    with pytest.raises(BadInput, match="nested too deeply"):
        read_view({"resource": "Patient", "select": [select]})


@pytest.mark.parametrize(
    "select",
    [
        {"repeat": ["$this"], "column": [col("id", "id")]},
        {"repeat": ["name", "%resource"], "column": [col("id", "id")]},
        {"select": [{"forEach": "many", "column": [col(f"c{index}", "id")]} for index in range(6)]},
    ],
)
def test_a_view_that_grows_without_end_is_stopped(select: dict[str, Any]) -> None:
    patient = {"resourceType": "Patient", "id": "x", "many": [{}] * 50}
    with pytest.raises(BadInput) as raised:
        run_view({"resource": "Patient", "select": [select]}, [patient])
    assert raised.value.code == "bad-view"


def test_a_view_is_read_once_and_run_often() -> None:
    view = read_view({"resource": "Patient", "name": "people", "select": [ID]})
    rows_of = compile_view(view)
    assert [rows_of(one) for one in PATIENTS] == [[{"id": "pt1"}], [{"id": "pt2"}], [{"id": "pt3"}], []]
    assert (view_name(view), columns(view)) == ("people", ["id"])
    assert view_name({"resource": "Patient", "select": [ID]}) is None


def test_an_error_quotes_no_data() -> None:
    patient = {"resourceType": "Patient", "name": [{"family": "Secret"}, {"family": "Secret"}]}
    for path in ("name.family", "name.family.first() + 1", "name.first()"):
        with pytest.raises(BadInput) as raised:
            run_view(
                {"resource": "Patient", "select": [{"column": [col("v", path, type="code")]}]}, [patient]
            )
        assert "Secret" not in str(raised.value)


SCRAP = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(0, 3)
    | st.sampled_from(["id", "name", "name.family", "@@", "%x"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                ["select", "column", "forEach", "forEachOrNull", "repeat", "unionAll", "name", "path"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(SCRAP, SCRAP)
def test_any_view_gives_rows_or_our_error(select: Any, where: Any) -> None:
    try:
        run_view({"resource": "Patient", "select": select, "where": where}, PATIENTS)
    except BadInput as error:
        assert error.code == "bad-view"
