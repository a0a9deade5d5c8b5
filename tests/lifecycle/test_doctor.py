"""The installation's examination: honest, quick, and never a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from suwen.lifecycle import doctor as module
from suwen.lifecycle import models
from suwen.lifecycle.doctor import doctor
from suwen.lifecycle.signing import signing_key


def _check(document: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [check for check in document["checks"] if check["name"] == name]
    return found


def test_this_installation_is_well(home: Path) -> None:
    document = doctor()
    assert document["ok"] is True, [check for check in document["checks"] if not check["ok"]]
    assert all(set(check) == {"name", "ok", "detail", "fix"} for check in document["checks"])
    assert json.loads(json.dumps(document)) == document
    assert "onnxruntime" in {check["name"] for check in document["checks"]}
    assert not home.exists(), "looking creates nothing"


def test_every_kind_of_thing_is_looked_at(home: Path) -> None:
    names = {check["name"] for check in doctor()["checks"]}
    assert names >= {"python", "packages", "extra train", "extra explain", "onnxruntime", "codecs"}
    assert names >= {"home", "disk", "signing key", "cores", "memory", "gpu", "data to try"}
    assert names >= {"model imaging.pneumonia", "model imaging.breast"}


def test_it_imports_nothing_that_trains_and_takes_about_a_second() -> None:
    program = (
        "import sys, time, resource\n"
        "from suwen.lifecycle.doctor import doctor\n"
        "doctor()\n"
        "used = resource.getrusage(resource.RUSAGE_SELF)\n"
        "print(used.ru_utime + used.ru_stime)\n"
        "print(sorted({'torch', 'monai', 'lightning', 'sklearn', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    seconds, loaded = done.stdout.splitlines()
    assert loaded == "[]"
    assert float(seconds) < 2.5, "CPU seconds, on a busy machine"


def test_a_key_that_others_can_read_is_a_fault(home: Path) -> None:
    signing_key()
    assert _check(doctor(), "signing key")["ok"] is True
    (home / "keys" / "signing.pem").chmod(0o644)
    document = doctor()
    found = _check(document, "signing key")
    assert (document["ok"], found["ok"]) == (False, False)
    assert "chmod 600" in found["fix"]


def test_a_missing_extra_is_no_fault_but_says_how_to_get_it(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(module.EXTRAS, "train", ("no_such_module_of_that_name",))
    found = _check(doctor(), "extra train")
    assert found["ok"] is True
    assert "suwen[train]" in found["fix"]
    assert "no_such_module_of_that_name" in found["detail"]


def test_a_package_that_is_missing_or_too_old_is_a_fault(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ["numpy>=999.1", "no-such-package-of-that-name>=1", 'torch>=999; extra == "train"']
    monkeypatch.setattr(metadata, "requires", lambda name: asked)
    found = _check(doctor(), "packages")
    assert found["ok"] is False
    assert "older than 999.1" in found["detail"]
    assert "no-such-package-of-that-name is not installed" in found["detail"]
    assert "torch" not in found["detail"]


@pytest.mark.skipif(os.name == "nt", reason="folders are writable by other rules there")
def test_a_home_that_cannot_be_made_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("SUWEN_HOME", str(tmp_path / "file" / "home"))
    found = _check(doctor(), "home")
    assert found["ok"] is False
    assert "SUWEN_HOME" in found["fix"]


def test_a_damaged_model_is_named(home: Path) -> None:
    place = models.folder_of("imaging.breast") / "abc"
    place.mkdir(parents=True)
    (place / "manifest.json").write_text("{}")
    (place / "manifest.sig").write_bytes(b"\0" * 64)
    models.record("imaging.breast", "promoted", "abc")
    document = doctor()
    assert document["ok"] is False
    assert "signature" in _check(document, "model imaging.breast")["detail"]


def test_what_breaks_while_looking_is_a_finding_and_not_a_traceback(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken_part() -> Any:
        raise RuntimeError("a wheel came off")

    monkeypatch.setattr(module, "_EXAMINATIONS", (module._python, broken_part))
    document = doctor()
    assert document["ok"] is False
    assert _check(document, "python")["ok"] is True
    assert "a wheel came off" in _check(document, "broken part")["detail"]
