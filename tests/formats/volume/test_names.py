"""Tables of names: every kind the field uses, and nothing half understood."""

from __future__ import annotations

from pathlib import Path

import pytest

from suwen.core.errors import SuwenError
from suwen.formats.volume.names import read_names

ITK_SNAP = """################################################
# ITK-SnAP Label Description File
################################################
    0     0    0    0        0  0  0    "Clear Label"
    1   255    0    0        1  1  1    "Left thalamus"
   12     0  255    0      0.5  1  1    "Vessel"
"""


@pytest.mark.parametrize(
    "text",
    [
        ITK_SNAP,
        "# Slicer color file\n0 background 0 0 0 0\n1 Left_thalamus 1 2 3 255\n12 Vessel 4 5 6 255\n",
        "#No. Label Name: R G B A\n\n0 Unknown 0 0 0 0\n1  Left_thalamus  70 130 180 0\n12 Vessel 4 5 6 0\n",
        "value\tlabel\tcolor\n0\tbackground\t\n1\tLeft thalamus\t\"rgb(1,2,3)\"\n12\tVessel\t\n",
        "value\tlabel\r1\tLeft thalamus\r12\tVessel\r",
        "label,name\n1,Left thalamus\n12,Vessel\n",
        "Name;Label Value\nLeft thalamus;1\nVessel;12\n",
        "index,name,r,g,b\n1,\"Left thalamus\",1,2,3\n12,Vessel,1,2,3\n13,,1,2,3\n",
        '{"1": "Left thalamus", "12": "Vessel"}',
        '{"labels": {"background": 0, "Left thalamus": 1, "Vessel": 12}, "modality": {"0": "CT"}}',
        "NRRD0004\ntype: short\nSegment0_Name:=Left thalamus\nSegment0_LabelValue:=1\n"
        "Segment1_Name:=Vessel\nSegment1_LabelValue:=12\n\nrest",
    ],
    ids=["itk-snap", "slicer", "freesurfer", "tsv", "cr-only", "csv", "semicolon", "colours", "json", "nnunet", "nrrd"],
)  # fmt: skip
def test_every_table_says_the_same(text: str) -> None:
    names = read_names(text.encode())
    assert {value: name.replace("_", " ") for value, name in names.items()} == {
        1: "Left thalamus",
        12: "Vessel",
    }


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty-file"),
        ("# nothing\n", "no-names"),
        ("0 background 0 0 0 0\n", "no-names"),
        ("1 a 0 0 0 255\n2 b 0 0\n", "bad-names"),
        ("1 a 0 0 0 255\n1 b 0 0 0 255\n", "duplicate-label"),
        ("what,ever\n1,a\n", "bad-names"),
        ("value,name\none,a\n", "bad-names"),
        ("value,name\n-1,a\n", "bad-names"),
        ("value,name\n1\n", "bad-names"),
        ('1 0 0 0 1 1 1 "open\n', "bad-names"),
        ("{not json", "bad-names"),
        ("[1, 2]", "bad-names"),
        ('{"a": [1, 2]}', "bad-names"),
        ('{"a": true}', "bad-names"),
        ("[" * 100_000, "bad-names"),
        ("value,name\n1," + "x" * 200_000, "bad-names"),
        ("\0\1", "not-text"),
    ],
)
def test_what_is_no_table_is_refused(text: str, code: str) -> None:
    with pytest.raises(SuwenError) as error:
        read_names(text.encode())
    assert error.value.code == code


def test_the_real_tables_name_the_atlas(anatomy: Path) -> None:
    colours = read_names(anatomy / "spl_head" / "hncma-atlas-lut.ctbl")
    table = read_names(anatomy / "spl_head" / "brain-atlas-labels-with-metadata.tsv")
    assert (len(colours), len(table)) == (343, 334)
    assert colours[391] == "left_subthalamic_nucleus"
    assert table[391] == "left subthalamic nucleus"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SuwenError) as error:
        read_names(tmp_path / "none.ctbl")
    assert error.value.code == "not-found"
