"""Figures of computed answers: plans, registrations, motions."""

from __future__ import annotations

from suwen.lifecycle.evaluation.glossary_line import Line

GLOSSARY = {
    "optimal_fraction": Line(
        title="Optimal",
        direction="higher",
        unit="share of the questions with a published optimum, 0 to 1",
        meaning="Share of the questions whose cost equals the published optimum within one in a thousand.",
    ),
    "found_fraction": Line(
        title="Answered",
        direction="higher",
        unit="share of all questions, 0 to 1",
        meaning="Share of the questions that have an answer; the others were proven to have none.",
    ),
    "certified_fraction": Line(
        title="Certified",
        direction="higher",
        unit="share of the answers, 0 to 1",
        meaning="Share of the answers that the independent check confirms; the others are not put forward.",
    ),
    "cost_ratio": Line(
        title="Cost against the optimum",
        direction="lower",
        unit="1 is the published optimum",
        meaning="Mean cost of the answer divided by the published optimum.",
    ),
    "clearance": Line(
        title="Least clearance beyond the margin",
        direction="higher",
        unit="mm",
        meaning="Worst of all plans: how much further the instrument stays from critical structures than its margin.",
    ),
    "entry_angle_deg": Line(
        title="Largest angle to the bone",
        direction="lower",
        unit="degrees from the bone's normal",
        meaning="Worst of all trajectories: a flat angle lets a drill slip.",
    ),
    "length": Line(
        title="Length",
        direction="lower",
        unit="mm",
        meaning="Mean length from entry to target.",
    ),
    "cpu_seconds_per_query": Line(
        title="CPU time per question",
        direction="lower",
        unit="seconds of one core",
        meaning="Mean processor time of one answer, once the program is warm; another machine needs another time.",
    ),
    "fiducial_registration_error": Line(
        title="Fiducial registration error",
        direction="lower",
        unit="mm, root mean square",
        meaning="How far fiducials miss each other after registration. It does not predict the error at the target.",
    ),
    "target_registration_error": Line(
        title="Target registration error",
        direction="lower",
        unit="mm",
        meaning="Mean distance at the target between where it is and where the registration puts it.",
    ),
    "predicted_target_registration_error": Line(
        title="Predicted target registration error",
        direction="lower",
        unit="mm, root mean square",
        meaning="What Fitzpatrick's formula expects at the target from the fiducials' places and their error.",
    ),
    "tip_error": Line(
        title="Largest tip error",
        direction="lower",
        unit="mm, simulated",
        meaning="Worst of all motions: distance of the instrument's tip from where it should be at that moment.",
    ),
    "remote_centre_drift": Line(
        title="Largest drift of the remote centre",
        direction="lower",
        unit="mm, simulated",
        meaning="Worst of all motions: distance of the shaft from the entry point.",
    ),
    "stop_time_ms": Line(
        title="Longest stop",
        direction="lower",
        unit="ms, simulated",
        meaning="Worst of all motions: time from the order to stop until the arm stands still.",
    ),
    "limits_kept": Line(
        title="Limits kept",
        direction="higher",
        unit="share of the motions, 0 to 1",
        meaning="Share of the motions in which no joint limit of position, speed or torque was exceeded.",
    ),
}
"""Names as in a report, without their unit."""
