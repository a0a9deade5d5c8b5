"""``suwen plan``: a certified path or trajectory, its motion in simulation, one signed document and one page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from suwen.cli.options import Db, Json, Patient, Store
from suwen.cli.output import emit, line, progress, who

if TYPE_CHECKING:
    from suwen.formats.volume.volume import Volume

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)

ROOM, MOTION = "surgery", "surgery.motion"

Case = Annotated[
    Path | None,
    typer.Argument(
        help="A case: case.json or a ZIP archive of it; or say it with the options.", metavar="[CASE]"
    ),
]
Labels = Annotated[
    Path | None,
    typer.Option("--labels", help="Segmented anatomy: NIfTI, NRRD, DICOM SEG or a folder of slices."),
]
Names = Annotated[Path | None, typer.Option("--names", help="Table of label numbers and names.")]
Body = Annotated[
    Path | None,
    typer.Option("--body", help="Where tissue is: a volume; its surface is where entries may be."),
]
Image = Annotated[Path | None, typer.Option("--image", help="The picture behind the labels, for the page.")]
Target = Annotated[str | None, typer.Option("--target", help="x,y,z, or the name of a structure.")]
Entry = Annotated[
    str | None,
    typer.Option("--entry", help="x,y,z, or a structure; left out, the best place of the surface."),
]
Frame = Annotated[
    str | None, typer.Option("--frame", help="LPS (DICOM) or RAS (NIfTI, 3D Slicer), of x,y,z.")
]
Unit = Annotated[str, typer.Option("--unit", help="Of x,y,z: mm, cm or m.")]
Critical = Annotated[
    list[str] | None,
    typer.Option(
        "--critical", help="Structure to keep clear of: name, number or *pattern*; may be repeated."
    ),
]
Weight = Annotated[
    list[str] | None,
    typer.Option(
        "--weight", help="Extra cost per mm inside a structure; may be repeated.", metavar="NAME=NUMBER"
    ),
]
Bone = Annotated[list[str] | None, typer.Option("--bone", help="Structure that is bone; may be repeated.")]
Radius = Annotated[float | None, typer.Option("--radius-mm", help="Radius of the instrument's shaft.")]
Kind = Annotated[str | None, typer.Option("--instrument", help="free, rigid or steerable.")]
Turning = Annotated[
    float | None, typer.Option("--turning-radius-mm", help="Least radius of a steerable instrument.")
]
Tre = Annotated[
    float | None,
    typer.Option(
        "--registration-tre-mm", help="Registration error at the target, RMS, as measured for this patient."
    ),
]
Html = Annotated[Path | None, typer.Option("--html", help="One self-contained page of the plan.")]
Out = Annotated[Path | None, typer.Option("--out", help="File for the signed plan, JSON.")]
Moved = Annotated[bool, typer.Option("--motion/--no-motion", help="Move an arm along it in simulation.")]
Replaces = Annotated[str | None, typer.Option("--plan-id", help="Id of the plan that this one replaces.")]
Given = Annotated[Path, typer.Argument(help="A plan, as --out wrote it.", metavar="PLAN")]
Before = Annotated[Path, typer.Option("--labels", help="The segmented anatomy that lies before you now.")]


def path(
    case: Case = None,
    labels: Labels = None,
    names: Names = None,
    body: Body = None,
    image: Image = None,
    entry: Entry = None,
    target: Target = None,
    frame: Frame = None,
    unit: Unit = "mm",
    critical: Critical = None,
    weight: Weight = None,
    bone: Bone = None,
    radius: Radius = None,
    kind: Kind = None,
    turning: Turning = None,
    tre: Tre = None,
    motion: Moved = True,
    html: Html = None,
    out: Out = None,
    plan_id: Replaces = None,
    patient: Patient = None,
    store: Store = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Plan the safest path of an instrument, certified by an independent check, or say which structure blocks it."""
    _plan(
        "path", case, _said(locals()), motion=motion, html=html, out=out, plan_id=plan_id, patient=patient,
        store=store, db=db, as_json=as_json,
    )  # fmt: skip


def trajectory(
    case: Case = None,
    labels: Labels = None,
    names: Names = None,
    body: Body = None,
    image: Image = None,
    entry: Entry = None,
    target: Target = None,
    frame: Frame = None,
    unit: Unit = "mm",
    critical: Critical = None,
    weight: Weight = None,
    bone: Bone = None,
    radius: Radius = None,
    tre: Tre = None,
    motion: Moved = True,
    html: Html = None,
    out: Out = None,
    plan_id: Replaces = None,
    patient: Patient = None,
    store: Store = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Rank straight trajectories from thousands of entries: clearance, angle to the bone, length, with a risk map."""
    _plan(
        "trajectory", case, _said(locals()), motion=motion, html=html, out=out, plan_id=plan_id, patient=patient,
        store=store, db=db, as_json=as_json,
    )  # fmt: skip


def check(
    plan: Given,
    labels: Before,
    names: Names = None,
    store: Store = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Say whether a plan may still be followed: unaltered, signed, of this very image, and the newest."""
    from suwen.core.documents import read_json
    from suwen.formats.volume.read import read_volume
    from suwen.lifecycle.plan import checked

    document = read_json(plan)
    with _record(store, db) as record:
        checked(document, image=read_volume(labels, kind="labels"), record=record, where=str(plan))
    said = {"plan_id": document["plan_id"], "revision": document["revision"], "holds": True}
    if as_json:
        emit(said)
        return
    line(f"plan {said['plan_id']}, revision {said['revision']}: holds for this image; {document['sentence']}")


def _said(given: dict[str, Any]) -> dict[str, Any]:
    """The case as the options say it."""
    document: dict[str, Any] = {
        key: str(given[key].resolve())
        for key in ("labels", "names", "body", "image")
        if given[key] is not None
    }
    for key in ("entry", "target"):
        if given[key] is not None:
            document[key] = _place(given[key])
    if given["critical"]:
        document["critical"] = given["critical"]
    if given["weight"]:
        from suwen.lifecycle.settings import parse

        document["weights"] = parse(given["weight"])
    instrument = {
        "radius_mm": given["radius"],
        "kind": given.get("kind"),
        "turning_radius_mm": given.get("turning"),
    }
    rest = {
        "frame": None if given["frame"] is None else given["frame"].upper(),
        "bone": given["bone"],
        "registration_tre_mm": given["tre"],
        "instrument": {key: value for key, value in instrument.items() if value is not None},
        "unit": given["unit"] if given["unit"] != "mm" else None,
    }
    return document | {key: value for key, value in rest.items() if value}


def _place(text: str) -> Any:
    """Coordinates where the text is numbers; else the name of a structure."""
    try:
        return [float(word) for word in text.replace(";", ",").split(",")]
    except ValueError:
        return text


def _plan(
    word: str,
    case: Path | None,
    said: dict[str, Any],
    *,
    motion: bool,
    html: Path | None,
    out: Path | None,
    plan_id: str | None,
    patient: str | None,
    store: Path | None,
    db: str | None,
    as_json: bool,
) -> None:
    from suwen.core.documents import write_bytes, write_json
    from suwen.core.errors import BadInput
    from suwen.lifecycle.plan import plan

    name = f"{ROOM}.{word}"
    if case is not None and said:
        raise BadInput(
            "the case is given as a file and by options",
            where=", ".join(said),
            fix="Write everything into the case, or leave it out",
            code="two-cases",
        )
    item = case if case is not None else said
    with _record(store, db) as record:
        document, sample = plan(
            name, item, motion=MOTION if motion else None, plan_id=plan_id, patient=patient, record=record,
            actor=who(), progress=progress,
        )  # fmt: skip
    if out is not None:
        write_json(out, document)
    if html is not None:
        from suwen.lifecycle.plan_page import render

        (asked,) = sample.inputs.values()
        progress("drawing the page")
        write_bytes(html, render(document, _labels(asked), image=getattr(asked, "image", None)).encode())
    if as_json:
        emit(document)
        return
    for text in spoken(document):
        line(text)
    for file in (out, html):
        if file is not None:
            line(str(file))


def spoken(document: dict[str, Any]) -> list[str]:
    """A plan in a few lines, for a terminal."""
    said = [document["sentence"]]
    motion = document.get("motion")
    if motion:
        said.append(f"motion: {motion['sentence']}")
    ledger = document["ledger"]
    if ledger:
        said.append(f"in the ledger {ledger['log']} as {ledger['plan_id']}, revision {ledger['revision']}")
    return [*said, document["disclaimer"]]


def _labels(asked: Any) -> Volume | None:
    volume: Volume | None = getattr(asked, "labels", None)
    return volume


def _record(store: Path | None, db: str | None) -> Any:
    """The record whose ledger plans go into: the one named, or this installation's own, made where it is not."""
    from suwen.records.record import Record

    return Record.open(store, db)


def register(root: typer.Typer) -> None:
    """Add the verb."""
    for command in (path, trajectory, check):
        app.command()(command)
    root.add_typer(app, name="plan", help="Plan an instrument's path or trajectory; check a plan.")
