# SPDX-License-Identifier: MIT
"""Data for the tests of the estimators."""
import numpy as np
from sklearn.datasets import load_diabetes, load_iris

from adadelta.sklearn import AdadeltaClassifier, AdadeltaRegressor

BOTH = [AdadeltaClassifier, AdadeltaRegressor]


def data_for(estimator):
    """A small real problem for the kind of estimator."""
    return load_iris(return_X_y=True) if issubclass(estimator, AdadeltaClassifier) else load_diabetes(return_X_y=True)


def noisy(rows=300, classes=3, seed=0):
    """Overlapping classes, so that the likeliest parameters are finite."""
    random = np.random.RandomState(seed)
    y = random.randint(classes, size=rows)
    return random.randn(rows, 4) + y[:, None] * [1.0, -0.5, 0.3, 0.0], y
