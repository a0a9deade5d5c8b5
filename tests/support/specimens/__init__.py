"""Specimens: for every task of the house, small real data and what the contract suite needs to know beside."""

from __future__ import annotations

from functools import cache

from specimens.base import Source, Specimen
from specimens.beats import Beats
from specimens.glucose import Glucose
from specimens.images import Images
from specimens.stays import LongTables, Stays2012, Stays2019
from specimens.surgery import FiducialSets, MotionPaths, PathCases, TrajectoryCases
from specimens.tables import Framingham, Genes, Metabric, Questionnaires

__all__ = ["Source", "Specimen", "specimen_of"]

_BY_NAME: dict[str, Specimen] = {
    "signals.mortality": Stays2012(),
    "signals.sepsis": Stays2019(),
    "signals.deterioration": LongTables(),
    "signals.glucose": Glucose(),
    "signals.cardiovascular": Framingham(),
    "signals.diabetes": Questionnaires(),
    "signals.cancer_survival": Metabric(),
    "signals.gene_cancer": Genes(),
    "signals.ecg_beat": Beats(),
    "surgery.path": PathCases(),
    "surgery.trajectory": TrajectoryCases(),
    "surgery.motion": MotionPaths(),
    "surgery.registration": FiducialSets(),
}


@cache
def specimen_of(name: str) -> Specimen:
    """The specimen of a task; a new task is under the contract once it has one here."""
    from suwen.lifecycle.discovery import find

    if name in _BY_NAME:
        return _BY_NAME[name]
    if find(name).engine == "image":
        return Images()
    raise LookupError(f"{name} has no specimen: write one in tests/support/specimens")
