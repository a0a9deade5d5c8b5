"""The life cycle over HTTP: closed without data, jobs with it, and no way out of the data folder."""

from __future__ import annotations

import time

import pytest

from suwen.core.documents import write_json
from suwen.server.app import create_app

from .conftest import Client

TASK = "imaging.pneumonia"
BODIES = {
    "collect": {"source": "films"},
    "prepare": {"source": "films", "run": "r"},
    "train": {"source": "films", "run": "r"},
    "evaluate": {"source": "films"},
    "deploy": {"run": "r"},
    "rollback": None,
}
