"""What the scripts of this folder share: loading emitted modules and comparing their values."""

import importlib.util

import numpy as np


def load(path):
    """The module in a file."""
    spec = importlib.util.spec_from_file_location("emitted", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def error(found, expected, old=()):
    """The relative error of all entries together; infinite where one is no number.

    With the value before the step it is relative to the larger of the two: their difference is
    rounded like them.
    """
    found, expected, old = (np.asarray(x, dtype=float).ravel() for x in (found, expected, old))
    if found.shape != expected.shape or not np.all(np.isfinite(found)):
        return float("inf")
    size = max(np.linalg.norm(expected), np.linalg.norm(old), 1e-30)
    return float(np.linalg.norm(found - expected) / size)
