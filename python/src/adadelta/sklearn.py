# SPDX-License-Identifier: MIT
"""Estimators for scikit-learn: linear, softmax and multi-layer models trained with Adadelta (or a method beside it).

    from adadelta.sklearn import AdadeltaClassifier

    classifier = AdadeltaClassifier(hidden_layer_sizes=(64,), random_state=0).fit(X, y)
    classifier.predict_proba(X)

No learning rate has to be found and features need not be scaled before. Needs scikit-learn 1.2 or newer.
"""

from __future__ import annotations

import os
from typing import Any, Optional, Union

try:
    import sklearn  # noqa: F401
except ImportError:
    raise ImportError("adadelta.sklearn needs scikit-learn: install scikit-learn (Debian: python3-sklearn)") from None

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d

from ._estimator import AdadeltaEstimator, validated

__all__ = ["AdadeltaClassifier", "AdadeltaRegressor"]

_PARAMETERS = """
    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=()
        The widths of the hidden layers, at most 16, each from 1 to 1000000; none: {plain}.
    activation : {{'relu', 'tanh', 'logistic'}}, default='relu'
        Of the hidden layers.
    method : {{'adadelta', 'sgd', 'momentum', 'adagrad', 'rmsprop', 'adamw'}}, default='adadelta'
        How steps are taken.
    lr, rho, eps, weight_decay : float, default=None
        Its settings: lr finite and at least 0, rho in [0, 1), eps finite and above 0, weight_decay finite and at least
        0; None: the method's default (adadelta: 1, 0.95, 1e-6, 0). One that the method does not use is ignored. Biases
        do not decay. Adadelta keeps lr at 1: what others do with a learning rate, it does with the root of eps.
    batch_size : int or 'auto', default=None
        Rows a step, cut to the number of rows. None or 'auto': 16; from 1,000 rows on 32, from 10,000 on 100.
    max_iter : int, default=None
        Epochs. None: as many as make 20,000 steps, from 10 to 1,000.
    schedule : {{'constant', 'linear', 'cosine', 'step', 'tail'}}, default=None
        What the rate is multiplied by during the run: 1; falling to 0; as a cosine; by 0.1 after each third; 1 for two
        thirds and then falling to 0. None: 'tail'.
    scale : {{'auto', 'standard', 'minmax', 'none'}}, default='auto'
        How features are scaled, by the rows fitted to: to mean 0 and deviation 1 (auto and standard), to [0, 1], or not
        at all. A constant column becomes 0. Sparse rows stay sparse in each case.{target_scale}
    init : {{'auto', 'he', 'glorot', 'uniform', 'torch', 'normal', 'zero'}}, default='auto'
        How first weights are drawn. 'auto': He for hidden layers of relu, else Glorot.
    early_stopping : bool, default=False
        Whether to set rows aside{stratified}, score them after each epoch, stop when the score no longer grows, and
        keep the parameters of the best epoch. Unlike in MLPClassifier a run is never stopped early without.
    validation_fraction : float in (0, 1), default=0.1
        The part of the rows that early stopping sets aside.
    n_iter_no_change : int, default=10
        Early stopping ends the run after more epochs than that, one after the other, without a score of tol above the
        best.
    tol : float, default=1e-4
        See n_iter_no_change. Finite and at least 0.
    state_dtype : {{'f32', 'f64', 'bf16', 'f16', 'u16', 'u8'}}, default=None
        What the optimizer's state is kept in; u16 and u8 for adadelta alone. None: 'f32'.
    random_state : int, RandomState instance or None, default=None
        A whole number is the seed (the same as the program's --seed) of first weights, order and validation rows.
    n_jobs : int, default=None
        Threads, as everywhere in scikit-learn: None is 1, -1 all processors. Results have the same bits for any number.
    verbose : bool, default=False
        Whether to print a line an epoch.

    Attributes
    ----------
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,), where X had names
    n_iter_ : int
        Epochs done.
    loss_ : float
        {loss}, in the last epoch: each row's taken before its batch's step.
    loss_curve_ : list of float
        The same of each epoch.
    validation_scores_, best_validation_score_ : list of float, float
        {score} of the rows set aside, after each epoch; None without early stopping.
    coefs_ : list of ndarray of shape (in, out), float32
        Copies of the weights. They are for scaled features: (X - scale_offset_) * scale_factor_.
    intercepts_ : list of ndarray of shape (out,), float32
    scale_offset_, scale_factor_ : ndarray of shape (n_features_in_,), float64
    n_layers_, n_outputs_ : int
"""


def _class_name(label: Any) -> str:
    """As a table would have it: 3.0 is 3."""
    if isinstance(label, (float, np.floating)):
        return str(int(label)) if float(label).is_integer() else repr(float(label))
    return str(label)


def _classes_of(names: list[str]) -> np.ndarray:
    """Whole numbers where all names are some, else str."""
    try:
        numbers = [int(name) for name in names]
    except ValueError:
        return np.array(names)
    return np.array(numbers if [str(number) for number in numbers] == names else names)


class AdadeltaClassifier(ClassifierMixin, AdadeltaEstimator):
    __doc__ = (
        """A softmax or multi-layer classifier, trained in float32 on cross-entropy.

    X may be dense or sparse (CSR; other sparse forms are converted), y any labels of at least two classes.
"""
        + _PARAMETERS.format(
            plain="softmax (multinomial logistic) regression",
            target_scale="",
            stratified=", the same part of each class,",
            loss="Mean cross-entropy in nats",
            score="The accuracy",
        )
        + """    classes_ : ndarray of shape (n_classes,)
        Sorted; the order of the columns of predict_proba.
"""
    )

    def fit(self, X: Any, y: Any) -> "AdadeltaClassifier":
        """Fits a fresh model to X [rows, columns] and labels y [rows]. Returns self.

        Raises FloatingPointError where the loss is no longer finite, with advice. Ctrl-C stops it within a batch or 50
        ms. Either leaves the model of an earlier fit in place.
        """
        names = y
        X, y = validated(self, X, y, reset=True)
        check_classification_targets(y)
        classes, labels = np.unique(column_or_1d(y), return_inverse=True)
        self._train(X, labels.astype(np.int32), self._class_settings(classes, names))
        self.classes_ = classes
        self.n_outputs_ = len(classes)
        return self

    def partial_fit(self, X: Any, y: Any, classes: Optional[Any] = None) -> "AdadeltaClassifier":
        """One epoch over these rows, at a constant rate: on the model there is, or on a fresh one. Returns self.

        classes [n_classes]: all labels there will be; needed at the first call. The scaling is taken from the rows of
        the first call, or of fit, and stays, as do all settings but verbose: pass rows that are like the rest. A
        batch_size above the number of rows is not cut. max_iter, schedule and early_stopping mean nothing here.
        """
        fresh = not hasattr(self, "_model")
        names = y
        X, y = validated(self, X, y, reset=fresh)
        check_classification_targets(y)
        known = self._known_classes(classes, fresh)
        y = column_or_1d(y)
        strange = np.setdiff1d(y, known)
        if len(strange):
            raise ValueError(f"y has labels that are not in classes: {strange[:5].tolist()}")
        self._train_on(X, np.searchsorted(known, y).astype(np.int32), self._class_settings(known, names))
        self.classes_ = known
        self.n_outputs_ = len(known)
        return self

    def _known_classes(self, classes: Optional[Any], fresh: bool) -> np.ndarray:
        if classes is None and fresh:
            raise ValueError("classes must be passed on the first call to partial_fit")
        given = None if classes is None else np.unique(column_or_1d(classes))
        if given is not None and not fresh and not np.array_equal(given, self.classes_):
            raise ValueError(f"classes={given.tolist()} is not what it was before: {self.classes_.tolist()}")
        return given if fresh else self.classes_

    def _class_settings(self, classes: np.ndarray, y: Any) -> dict[str, Any]:
        if len(classes) < 2:
            raise ValueError(f"There must be samples of at least 2 classes, but there is 1 class: {classes.tolist()}")
        return {"class_names": tuple(map(_class_name, classes)), **self._names(y)}

    def predict_proba(self, X: Any) -> np.ndarray:
        """[rows, n_classes] float64: the probability of each class. Of a row the same whatever rows are with it."""
        return self._outputs(X)

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """[rows, n_classes] float64: the logarithm of predict_proba."""
        with np.errstate(divide="ignore"):
            return np.log(self._outputs(X))

    def predict(self, X: Any) -> np.ndarray:
        """[rows]: the likeliest class."""
        probabilities = self._outputs(X)  # first: it says where there is no model yet
        return self.classes_[np.argmax(probabilities, axis=1)]

    @classmethod
    def load(cls, path: Union[str, os.PathLike[str]]) -> "AdadeltaClassifier":
        """The estimator of a model file, of save or of `adadelta train` on a table.

        Classes are whole numbers where all their names are, else str: a file knows names alone. Raises OSError, or
        ValueError where it is no such file.
        """
        estimator = cls._from_model(path, classes=True)
        estimator.classes_ = _classes_of(estimator._describe()["class_names"])
        return estimator


class AdadeltaRegressor(RegressorMixin, AdadeltaEstimator):
    __doc__ = (
        """A linear or multi-layer model of a number, trained in float32 on the squared error.

    X may be dense or sparse (CSR; other sparse forms are converted), y [rows] numbers.
"""
        + _PARAMETERS.format(
            plain="linear regression",
            target_scale=" Unless 'none',\n        y is standardised for training.",
            stratified="",
            loss="Mean squared error in the unit of y, squared",
            score="R^2",
        )
        + """    target_offset_, target_factor_ : float
        The network's output is (y - target_offset_) * target_factor_.
"""
    )

    def fit(self, X: Any, y: Any) -> "AdadeltaRegressor":
        """Fits a fresh model to X [rows, columns] and numbers y [rows]. Returns self.

        Raises FloatingPointError where the loss is no longer finite, with advice. Ctrl-C stops it within a batch or 50
        ms. Either leaves the model of an earlier fit in place.
        """
        names = y
        X, y = validated(self, X, y, reset=True, y_numeric=True)
        self._train(X, np.ascontiguousarray(y, dtype=np.float64), self._names(names))
        self.n_outputs_ = 1
        return self

    def partial_fit(self, X: Any, y: Any) -> "AdadeltaRegressor":
        """One epoch over these rows, at a constant rate: on the model there is, or on a fresh one. Returns self.

        The scaling, of y too, is taken from the rows of the first call, or of fit, and stays, as do all settings but
        verbose: pass rows that are like the rest. A batch_size above the number of rows is not cut. max_iter,
        schedule and early_stopping mean nothing here.
        """
        fresh = not hasattr(self, "_model")
        names = y
        X, y = validated(self, X, y, reset=fresh, y_numeric=True)
        self._train_on(X, np.ascontiguousarray(y, dtype=np.float64), self._names(names))
        self.n_outputs_ = 1
        return self

    def predict(self, X: Any) -> np.ndarray:
        """[rows] float64. Of a row the same whatever rows are with it."""
        check_is_fitted(self, "_model")
        return self._outputs(X)[:, 0]

    @property
    def target_offset_(self) -> float:
        return self._describe()["target"][0]

    @property
    def target_factor_(self) -> float:
        return self._describe()["target"][1]

    @classmethod
    def load(cls, path: Union[str, os.PathLike[str]]) -> "AdadeltaRegressor":
        """The estimator of a model file, of save or of `adadelta train` on a table. Raises OSError, or ValueError."""
        return cls._from_model(path, classes=False)
