"""Digits are read from scikit-learn's file without importing scikit-learn, and are what its own function gives."""

from __future__ import annotations

import importlib.machinery
import subprocess
import sys

import numpy as np
from sklearn.datasets import load_digits

from engine.datasets import digits


def test_they_are_what_the_package_loads():
    images, labels = digits._read()
    raw = load_digits()
    np.testing.assert_array_equal(images, raw.images)
    np.testing.assert_array_equal(labels, raw.target)
    assert labels.dtype == np.int64


def test_nothing_of_the_package_is_imported_for_them():
    asked = "import sys; from engine import datasets; datasets.load('digits', 8); print('sklearn' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_where_the_file_is_elsewhere_the_package_is_asked(monkeypatch, tmp_path):
    spec = importlib.machinery.ModuleSpec("sklearn", None, is_package=True)
    spec.submodule_search_locations.append(str(tmp_path))
    monkeypatch.setattr(digits.importlib.util, "find_spec", lambda name: spec)
    images, labels = digits._read()
    assert images.shape == (1797, 8, 8)
    assert len(labels) == 1797
