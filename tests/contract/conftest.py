"""Every task there is: those of the house, and one that an outside package registers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from specimens import Source, Specimen, specimen_of
from suwen.lifecycle import discovery

OUTSIDE = "outside.brain"
MODULE = """
from suwen.core.task import Endpoint, Field
from suwen.engines.image.task import ImageTask

brain = ImageTask(
    name="outside.brain",
    title="Glioma on a brain MR slice",
    intended_use="Second reading of one MR slice by a radiologist.",
    not_for="Reading an examination alone",
    inputs=(
        Field(
            name="image", kind="image", description="one MR slice", accepts=("MR",), body_parts=("BRAIN",)
        ),
    ),
    endpoint=Endpoint(
        labels={"glioma": (), "meningioma": (), "pituitary": (), "no tumour": ("no_tumor",)},
        positive="glioma",
        code=("http://snomed.info/sct", "393564001", "Glioma"),
    ),
    floor={"auroc": 0.8},
    extra={"demo": "imaging/brain4/labels.csv"},
)
"""


@pytest.fixture(scope="session")
def outside_package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package of somebody else's, installed: one module and the entry point that names it."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "brain_ward.py").write_text(MODULE, "utf-8")
    facts = folder / "brain_ward-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: brain-ward\nVersion: 1.0\n", "utf-8")
    (facts / "entry_points.txt").write_text(f"[suwen.tasks]\n{OUTSIDE} = brain_ward:brain\n", "utf-8")
    return folder


@pytest.fixture(scope="module", autouse=True)
def installed(outside_package: Path) -> Iterator[None]:
    """The package is importable while a module of this suite runs, and only then."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(outside_package))
        discovery._index.cache_clear()
        yield
    discovery._index.cache_clear()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run every test that takes ``name`` over every task, with everything its specimen has to offer beside."""
    if "name" not in metafunc.fixturenames:
        return
    names = sorted({*discovery.all_tasks(), OUTSIDE})
    beside = {
        "method": lambda one: one.methods,
        "kind": lambda one: tuple(one.bad),
        "misspelt": lambda one: tuple(one.misspelt),
        "setting": lambda one: tuple(one.out_of_range),
    }
    for key, offers in beside.items():
        if key in metafunc.fixturenames:
            pairs = [(name, each) for name in names for each in offers(_specimen(name))]
            metafunc.parametrize(("name", key), pairs, ids=str)
            return
    metafunc.parametrize("name", names)


def _specimen(name: str) -> Specimen:
    return specimen_of(
        "imaging.pneumonia" if name == OUTSIDE else name
    )  # not installed while tests are collected


@pytest.fixture
def specimen(name: str) -> Specimen:
    """What the contract needs to know of this task."""
    return _specimen(name)


@pytest.fixture
def source(name: str, source_of: Callable[[str], Source]) -> Source:
    """Its small labelled source."""
    return source_of(name)
