"""LIME finds what the probability hangs on, the same way every time, without a word on stderr."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from numpy.typing import NDArray

from suwen.core.errors import MissingExtra
from suwen.explain.lime import lime_map

Array = NDArray[np.floating]
SQUARE = (slice(4, 12), slice(16, 24))


def test_the_map_finds_the_square_and_is_reproducible(
    square_image: Array, square_weights: Array, capfd: pytest.CaptureFixture[str]
) -> None:
    def probability(images: Array) -> Array:
        return 1 / (1 + np.exp(5 - (images * square_weights).sum(axis=(1, 2))))

    found = lime_map(probability, square_image, seed=4)
    inside = np.zeros((28, 28), dtype=bool)
    inside[SQUARE] = True
    assert found.shape == (28, 28)
    assert found[inside].min() > 3 * np.abs(found[~inside]).max()
    assert np.array_equal(found, lime_map(probability, square_image, seed=4))
    assert not np.array_equal(found, lime_map(probability, square_image, seed=5))
    assert np.abs(found).max() <= 1
    assert capfd.readouterr() == ("", "")


def test_without_the_package_the_error_names_the_extra(
    square_image: Array, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "lime.lime_base", None)
    with pytest.raises(MissingExtra) as caught:
        lime_map(lambda images: images.mean(axis=(1, 2)), square_image)
    assert "pip install 'suwen[explain]'" in str(caught.value)


def test_importing_the_methods_imports_nothing_heavy() -> None:
    code = (
        "import sys, suwen.explain.methods, suwen.explain.overlay, suwen.engines.image.gates;"
        "print([m for m in ('lime', 'sklearn', 'scipy', 'skimage', 'matplotlib', 'torch', 'onnxruntime') "
        "if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
