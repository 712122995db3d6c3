# SPDX-License-Identifier: MIT
"""What the estimators of adadelta.sklearn have in common: settings, data, training, model files."""

from __future__ import annotations

import copyreg
import os
import tempfile
from numbers import Integral, Real
from typing import Any, Callable, Optional, Sequence, Union

import numpy as np
import sklearn.utils.validation
from joblib import effective_n_jobs
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from . import _trainer
from ._blas import one_blas_thread

# ---- Settings ----


def _whole(name: str, value: Any, least: int) -> int:
    if isinstance(value, Integral) and not isinstance(value, bool) and least <= value < 2**31:
        return int(value)
    raise ValueError(f"{name} must be a whole number of at least {least}, not {value!r}")


def _number(name: str, value: Any, accepts: Callable[[float], bool], what: str) -> float:
    if isinstance(value, Real) and not isinstance(value, bool) and accepts(float(value)):
        return float(value)
    raise ValueError(f"{name} must be {what}, not {value!r}")


def _choice(name: str, value: Any, names: Sequence[str]) -> str:
    if isinstance(value, str) and value in names:
        return value
    raise ValueError(f"{name} must be one of {', '.join(names)}, not {value!r}")


def _seed(random_state: Any) -> int:
    """A whole number is the seed itself, as of `adadelta train --seed`; else it is drawn."""
    try:
        source = check_random_state(random_state)
    except ValueError as error:
        raise ValueError(f"random_state: {error}") from None
    return int(random_state) if isinstance(random_state, Integral) else int(source.randint(2**31 - 1))


def _threads(n_jobs: Any) -> int:
    if n_jobs is not None and (not isinstance(n_jobs, Integral) or isinstance(n_jobs, bool) or n_jobs == 0):
        raise ValueError(f"n_jobs must be None or a whole number other than 0, not {n_jobs!r}")
    return int(effective_n_jobs(n_jobs))


def _model_text(hidden_layer_sizes: Any) -> str:
    sizes = [hidden_layer_sizes] if isinstance(hidden_layer_sizes, Integral) else hidden_layer_sizes
    try:
        widths = [_whole("hidden_layer_sizes", size, 1) for size in sizes]
    except TypeError:
        raise ValueError(f"hidden_layer_sizes must be whole numbers, not {hidden_layer_sizes!r}") from None
    return "mlp:" + ",".join(map(str, widths)) if widths else "auto"


# ---- Data ----


def validated(estimator: BaseEstimator, *data: Any, reset: bool, **checks: Any) -> Any:
    """X, or X and y, checked by scikit-learn: X [rows, columns] float64, dense or CSR.

    From scikit-learn 1.6 on this is a function, before that a method.
    """
    checks = {"accept_sparse": "csr", "dtype": np.float64, "order": "C", "reset": reset, **checks}
    function = getattr(sklearn.utils.validation, "validate_data", None)
    if function is not None:
        return function(estimator, *data, **checks)
    return estimator._validate_data(*data, **checks)


def features_of(X: Any) -> Any:
    """X as the trainer takes it: itself, or for CSR (row_start, columns, values, number of columns)."""
    if not issparse(X):
        return np.ascontiguousarray(X, dtype=np.float64)
    if not X.has_canonical_format:
        X = X.copy()  # the caller's stays as it is
        X.sum_duplicates()
    values = np.ascontiguousarray(X.data, dtype=np.float64)
    return X.indptr.astype(np.uintp), X.indices.astype(np.uint32), values, X.shape[1]


# ---- The estimator ----


class AdadeltaEstimator(BaseEstimator):
    """Base of the two; its parameters and attributes are described there."""

    def __init__(
        self,
        hidden_layer_sizes: Union[int, Sequence[int]] = (),
        activation: str = "relu",
        *,
        method: str = "adadelta",
        lr: Optional[float] = None,
        rho: Optional[float] = None,
        eps: Optional[float] = None,
        weight_decay: Optional[float] = None,
        batch_size: Union[int, str, None] = None,
        max_iter: Optional[int] = None,
        schedule: Optional[str] = None,
        scale: str = "auto",
        init: str = "auto",
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        tol: float = 1e-4,
        state_dtype: Optional[str] = None,
        random_state: Any = None,
        n_jobs: Optional[int] = None,
        verbose: bool = False,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.method = method
        self.lr = lr
        self.rho = rho
        self.eps = eps
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.schedule = schedule
        self.scale = scale
        self.init = init
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.state_dtype = state_dtype
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    def _more_tags(self) -> dict[str, Any]:  # until scikit-learn 1.5
        return {"X_types": ["2darray", "sparse"]}

    def __sklearn_tags__(self) -> Any:  # from 1.6 on
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    # -- Settings --

    def _settings(self) -> dict[str, Any]:
        """The parameters, checked, as the trainer takes them."""
        hyper = {}
        for name in ("lr", "rho", "eps", "weight_decay"):  # their ranges are the library's
            value = getattr(self, name)
            hyper[name] = None if value is None else _number(name, value, lambda number: True, "a number or None")
        _number("tol", self.tol, lambda tol: 0 <= tol < np.inf, "finite and at least 0")
        _number("validation_fraction", self.validation_fraction, lambda part: 0 < part < 1, "between 0 and 1")
        _whole("n_iter_no_change", self.n_iter_no_change, 1)
        if self.early_stopping not in (False, True) or isinstance(self.early_stopping, str):
            raise ValueError(f"early_stopping must be True or False, not {self.early_stopping!r}")
        batch = None if isinstance(self.batch_size, str) and self.batch_size == "auto" else self.batch_size
        return {
            "model": _model_text(self.hidden_layer_sizes),
            "activation": _choice("activation", self.activation, _trainer.ACTIVATIONS),
            "method": _choice("method", self.method, _trainer.METHODS),
            "hyper": hyper,
            "batch": 0 if batch is None else _whole("batch_size", batch, 1),
            "epochs": 0 if self.max_iter is None else _whole("max_iter", self.max_iter, 1),
            "schedule": None if self.schedule is None else _choice("schedule", self.schedule, _trainer.SCHEDULES),
            "scale": _choice("scale", self.scale, _trainer.SCALES),
            "init": _choice("init", self.init, _trainer.INITS),
            "state": None
            if self.state_dtype is None
            else _choice("state_dtype", self.state_dtype, _trainer.STATE_DTYPES),
            "seed": _seed(self.random_state),
            "threads": _threads(self.n_jobs),
        }

    def _names(self, y: Any) -> dict[str, Any]:
        """The names for the model file: of columns where the data has some, and of a Series as target."""
        names = getattr(self, "feature_names_in_", None)
        target = getattr(y, "name", None)
        return {
            "column_names": None if names is None else tuple(map(str, names)),
            "target_name": target if isinstance(target, str) and target else "y",
        }

    # -- Training --

    def _report(self, epoch: int, loss: float, score: Optional[float]) -> None:
        print(f"Iteration {epoch}, loss = {loss:.8f}" + ("" if score is None else f", validation score = {score:.6f}"))

    def _callback(self) -> Optional[Callable[[int, float, Optional[float]], None]]:
        return self._report if self.verbose else None

    def _train(self, X: Any, target: np.ndarray, names: dict[str, Any]) -> None:
        """Fits a fresh model to X [rows, columns] and target [rows] (int32 below the classes, or float64)."""
        settings = {**self._settings(), **names}
        early: dict[str, Any] = {}
        if self.early_stopping:
            if X.shape[0] < 2:
                raise ValueError("early_stopping needs rows to set aside, but there is 1 sample")
            classes = settings.get("class_names")
            index = np.empty(X.shape[0], dtype=np.uintp)
            labels = target if classes else None
            border = _trainer.split(
                labels, len(classes or ()), float(self.validation_fraction), settings["seed"], index
            )
            rest, held = index[:border], index[border:]
            settings["test"] = features_of(X[held]), target[held]
            early = {"patience": int(self.n_iter_no_change), "tolerance": float(self.tol)}
            early["variance"] = float(np.var(target[held])) or 1.0  # all alike: 1 - the loss itself
            X, target = X[rest], target[rest]
        with one_blas_thread:
            model = _trainer.create(features_of(X), target, **settings)
            losses, scores = model.train(callback=self._callback(), **early)
        model.release()
        self._model = model
        self.n_iter_ = len(losses)
        self.loss_curve_ = losses
        self.loss_ = losses[-1]
        self.validation_scores_ = scores if self.early_stopping else None
        self.best_validation_score_ = max(scores) if self.early_stopping else None

    def _train_on(self, X: Any, target: np.ndarray, names: dict[str, Any]) -> None:
        """One epoch over these rows, at a constant rate, with a fresh model if there is none."""
        fresh = not hasattr(self, "_model")
        with one_blas_thread:
            if fresh:
                settings = {**self._settings(), **names, "epochs": 1, "schedule": "constant", "keep_batch": True}
                model = _trainer.create(features_of(X), target, **settings)
            else:
                model = self._model
                model.feed(features_of(X), target)
            losses, _ = model.train(callback=self._callback())
        model.release()
        self._model = model
        self.loss_curve_ = losses if fresh else self.loss_curve_ + losses
        self.n_iter_ = len(losses) if fresh else self.n_iter_ + len(losses)
        self.loss_ = losses[-1]
        self.validation_scores_ = None
        self.best_validation_score_ = None

    # -- Prediction --

    def _outputs(self, X: Any) -> np.ndarray:
        """[rows, outputs] float64: probabilities, or one column of numbers."""
        check_is_fitted(self, "_model")
        X = validated(self, X, reset=False)
        output = np.empty((X.shape[0], self.n_outputs_))
        with one_blas_thread:
            self._model.predict(features_of(X), output)
        if not np.isfinite(output).all():
            raise ValueError("X has values too far from those that the model was trained on: float32 cannot hold them")
        return output

    # -- What a model holds --

    def _describe(self) -> dict[str, Any]:
        check_is_fitted(self, "_model")
        return self._model.describe()

    def _parameters(self) -> list[np.ndarray]:
        """Weights [out, in] and biases [out], layer by layer, float32."""
        shapes = self._describe()["shapes"]
        sizes = [int(np.prod(shape)) for shape in shapes]
        flat = np.empty(sum(sizes), dtype=np.float32)
        self._model.get_parameters(flat)
        return [part.reshape(shape) for part, shape in zip(np.split(flat, np.cumsum(sizes)[:-1]), shapes)]

    @property
    def coefs_(self) -> list[np.ndarray]:
        """[(in, out)] float32: the weights of each layer, of scaled features; copies."""
        return [weights.T for weights in self._parameters()[::2]]

    @property
    def intercepts_(self) -> list[np.ndarray]:
        """[(out,)] float32: the biases of each layer; copies."""
        return self._parameters()[1::2]

    @property
    def scale_offset_(self) -> np.ndarray:
        """[columns] float64: the network sees (X - scale_offset_) * scale_factor_."""
        return np.array(self._describe()["offset"])

    @property
    def scale_factor_(self) -> np.ndarray:
        """[columns] float64, never 0."""
        return np.array(self._describe()["factor"])

    @property
    def n_layers_(self) -> int:
        """The layers, the input's among them."""
        return len(self._describe()["shapes"]) // 2 + 1

    # -- Model files --

    def save(self, path: Union[str, os.PathLike[str]]) -> None:
        """Writes a model file, whole or not at all, that the program's `adadelta predict` and `eval` read too.

        It holds weights, the optimizer's state, the scaling and the names of classes and, where X had them, of
        columns; without these the program takes the columns of a table in their order. The target is called by the
        name of y where it was a Series, else "y". Raises OSError where it cannot be written.
        """
        check_is_fitted(self, "_model")
        self._model.save(path)

    @classmethod
    def _from_model(cls, path: Union[str, os.PathLike[str]], classes: bool) -> "AdadeltaEstimator":
        with open(path, "rb"):  # what is not there, or not to be read, is Python's own OSError
            pass
        model = _trainer.load(path, 1)
        about = model.describe()
        if (about["class_names"] is not None) != classes:
            kinds = ("numbers", "classes")
            raise ValueError(
                f"{os.fspath(path)!r}: the model is for {kinds[not classes]}, {cls.__name__} for {kinds[classes]}"
            )
        names = ("activation", "method", "lr", "rho", "eps", "weight_decay", "schedule", "scale", "init")
        estimator = cls(
            tuple(shape[0] for shape in about["shapes"][:-2:2]),
            **{name: about[name] for name in names},
            batch_size=about["batch"],
            max_iter=about["epochs"],
            state_dtype=about["state"],
            random_state=about["seed"] if about["seed"] < 2**32 else None,
        )
        estimator._model = model
        estimator.n_features_in_ = len(about["offset"])
        if about["column_names"] is not None:
            estimator.feature_names_in_ = np.array(about["column_names"], dtype=object)
        estimator.n_iter_ = about["epochs_done"]
        estimator.loss_curve_ = []
        estimator.loss_ = np.nan
        estimator.validation_scores_ = None
        estimator.best_validation_score_ = None
        estimator.n_outputs_ = about["shapes"][-1][0]
        return estimator


# ---- Pickling ----


def _restored_model(content: bytes, threads: int) -> _trainer.Model:
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model")
        with open(path, "wb") as file:
            file.write(content)
        return _trainer.load(path, threads)


def _reduced_model(model: _trainer.Model) -> Any:
    """A model is pickled, and copied, as its model file: everything that training needs to go on to the same bits."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model")
        model.save(path)
        with open(path, "rb") as file:
            return _restored_model, (file.read(), model.describe()["threads"])


copyreg.pickle(_trainer.Model, _reduced_model)
