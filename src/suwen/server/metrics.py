"""Figures for Prometheus; labels are route templates, task names and codes, never a patient's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper edges of the latency histogram, s."""


class Metrics:
    """The figures of one application, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests = Counter(
            "suwen_http_requests", "HTTP requests.", ["method", "route", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "suwen_http_request_duration_seconds",
            "Time to answer, seconds.",
            ["method", "route"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self._predictions = Counter(
            "suwen_predictions",
            "Results given, by decision or reason of abstention.",
            ["task", "outcome"],
            registry=self.registry,
        )
        self._model = Gauge(
            "suwen_model_info", "The model in service.", ["task", "model", "source"], registry=self.registry
        )

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

    def predictions(self, task: str, outcomes: Iterable[str]) -> None:
        """Count results by task and outcome."""
        for outcome in outcomes:
            self._predictions.labels(task, outcome).inc()

    def render(self, tasks: Iterable[dict[str, Any]]) -> bytes:
        """The text exposition; ``tasks`` is the document of ``suwen tasks``."""
        self._model.clear()
        for task in tasks:
            if task["deployed"]:
                self._model.labels(task["name"], task["deployed"]["model"], task["deployed"]["source"]).set(1)
        return generate_latest(self.registry)
