"""Every file under ``imaging/dicom``, odd ones too: a result or a reason, how fast, no traceback."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Any

from _common import data_dir, parser, publish

TASK = "imaging.pneumonia"
TARGETS = {"tracebacks": 0, "slowest_s": 5}


def outcome(path: Path) -> str:
    """``result``, ``abstained: code``, ``error: code``, or ``traceback: type`` of one prediction."""
    from suwen.core.errors import SuwenError
    from suwen.lifecycle.predict import predict

    try:
        refusals = {prediction.abstained for prediction in predict(TASK, [path])}
    except SuwenError as error:
        return f"error: {error.code}"
    except Exception as error:  # what must not happen is what is counted here
        return f"traceback: {type(error).__name__}"
    codes = sorted(code for code in refusals if code)
    return f"abstained: {', '.join(codes)}" if codes else "result"


def measure(most: int) -> dict[str, Any]:
    """Predict for each file once; the model is loaded before the clock starts."""
    from suwen.lifecycle.discovery import find
    from suwen.lifecycle.models import load

    model = load(find(TASK)).name
    root = data_dir() / "imaging" / "dicom"
    files = sorted(path for path in root.rglob("*") if path.is_file())[:most]
    outcomes: dict[Path, str] = {}
    wall: dict[Path, float] = {}
    cpu: dict[Path, float] = {}
    for path in files:
        began, spent = time.monotonic(), time.process_time()
        outcomes[path] = outcome(path)
        wall[path], cpu[path] = time.monotonic() - began, time.process_time() - spent
    counts = Counter(outcomes.values())
    slowest = max(wall, key=wall.__getitem__, default=None)
    return {
        "files": len(files),
        "tracebacks": sum(count for code, count in counts.items() if code.startswith("traceback")),
        "slowest_s": wall[slowest] if slowest else None,
        "slowest_cpu_s": max(cpu.values(), default=None),
        "slowest_file": str(slowest.relative_to(root)) if slowest else None,
        "total_cpu_s": sum(cpu.values()),
        "outcomes": dict(counts.most_common()),
        "traceback_files": [
            str(p.relative_to(root)) for p, o in outcomes.items() if o.startswith("traceback")
        ],
        "absent": [] if files else ["imaging/dicom"],
        "model": model,
        "targets": TARGETS,
    }


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--files", type=int, default=10**6, help="files at most")
    chosen = options.parse_args()
    publish(measure(chosen.files), as_json=chosen.json)


if __name__ == "__main__":
    main()
