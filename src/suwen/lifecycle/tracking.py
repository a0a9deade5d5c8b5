"""Log a run to MLflow: settings, history, metrics, report. Local files unless a server is named."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from suwen.core.engine import Fitted
from suwen.core.home import home
from suwen.core.report import Report
from suwen.core.task import Task

URI = "MLFLOW_TRACKING_URI"


def log_run(
    run: Path, task: Task, manifest: Mapping[str, Any], fitted: Fitted, report: Report, *, enabled: bool
) -> str | None:
    """Log one finished training and return MLflow's run id.

    ``MLFLOW_TRACKING_URI`` is honoured; by default the file store in ``SUWEN_HOME/mlruns``. Without MLflow
    installed, or with ``--set mlflow=false``, nothing is logged and ``None`` is returned.
    """
    if not enabled:
        return None
    try:
        # MLflow 3 asks for consent before it uses a file store, which is what a single machine wants.
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from mlflow.tracking import MlflowClient
    except ImportError:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        client = MlflowClient(tracking_uri=os.environ.get(URI) or (home() / "mlruns").as_uri())
        known = client.get_experiment_by_name(task.name)
        experiment = known.experiment_id if known else client.create_experiment(task.name)
        logged = client.create_run(experiment, run_name=run.name)
        number = logged.info.run_id
        settings = dict(fitted.engine_manifest.get("settings", {})) | {"seed": manifest["seed"]}
        for key, value in settings.items():
            client.log_param(number, key, value)
        for key in ("data_fingerprint", "weights_sha256", "code_version", "version"):
            client.set_tag(number, key, manifest[key])
        for line in fitted.history:
            if "validation_loss" not in line:  # learners of a panel are judged out-of-fold, not by epoch
                continue
            member = int(line.get("member", 0))
            client.log_metric(
                number, f"validation_loss_member{member}", line["validation_loss"], step=int(line["epoch"])
            )
        for name, estimate in report.metrics.items():
            if estimate.value == estimate.value:  # NaN has no place in a metric store
                client.log_metric(number, f"validation_{name}", estimate.value)
        client.log_artifact(number, str(run / "reports" / "validation" / "report.html"))
        client.set_terminated(number)
    return str(number)
