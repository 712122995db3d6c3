# SPDX-License-Identifier: MIT
"""Adadelta (Zeiler 2012) with the C library's step: for NumPy here, for PyTorch in adadelta.torch, for scikit-learn in
adadelta.sklearn.

    >>> import numpy, adadelta
    >>> w = numpy.array([1.0, -2.0])
    >>> optimizer = adadelta.Adadelta()
    >>> for _ in range(5000):
    ...     optimizer.step(w, 2 * w)      # the gradient of the sum of w**2; w changes in place
    >>> bool(abs(w).max() < 1e-3)
    True
"""
import importlib
from typing import Any

from adadelta._core import CheckpointError, NonFiniteError
from adadelta._core import version as __version__
from adadelta._minimize import MinimizeResult, minimize
from adadelta._optimizer import Adadelta

__all__ = ["Adadelta", "CheckpointError", "MinimizeResult", "NonFiniteError", "minimize", "__version__"]


def __getattr__(name: str) -> Any:
    """adadelta.torch and adadelta.sklearn, imported when first asked for."""
    if name in ("torch", "sklearn"):
        return importlib.import_module(f"adadelta.{name}")
    raise AttributeError(f"module 'adadelta' has no attribute {name!r}")
