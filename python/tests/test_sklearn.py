# SPDX-License-Identifier: MIT
"""The estimators: scikit-learn's own checks, and numbers against scikit-learn's models and NumPy's arithmetic."""
from __future__ import annotations

import copy
import json
import os
import pickle
import subprocess
import sys
import threading
import _thread
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn")

from scipy import sparse
from scipy.special import softmax
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits, load_iris
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from adadelta import _trainer
from adadelta.sklearn import AdadeltaClassifier, AdadeltaRegressor

PROGRAM = os.environ.get("ADADELTA_PROGRAM", "")
BOTH = [AdadeltaClassifier, AdadeltaRegressor]


@parametrize_with_checks(
    [
        estimator(**settings)
        for estimator in BOTH
        for settings in (
            {},
            {"hidden_layer_sizes": (16,)},
            {"hidden_layer_sizes": (16,), "early_stopping": True},
            {"hidden_layer_sizes": (8, 4), "activation": "tanh", "method": "adamw", "n_jobs": 2},
        )
    ]
)
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


def data_for(estimator):
    """A small real problem for the kind of estimator."""
    return load_iris(return_X_y=True) if issubclass(estimator, AdadeltaClassifier) else load_diabetes(return_X_y=True)


def noisy(rows=300, classes=3, seed=0):
    """Overlapping classes, so that the likeliest parameters are finite."""
    random = np.random.RandomState(seed)
    y = random.randint(classes, size=rows)
    return random.randn(rows, 4) + y[:, None] * [1.0, -0.5, 0.3, 0.0], y


# ---- The optimum ----


def test_softmax_regression_finds_the_likeliest():
    X, y = noisy()
    model = AdadeltaClassifier(max_iter=1500, random_state=0).fit(X, y)
    oracle = LogisticRegression(penalty=None, tol=1e-10, max_iter=10000).fit(X, y)
    ours, best = log_loss(y, model.predict_proba(X)), log_loss(y, oracle.predict_proba(X))
    assert best - 1e-9 < ours < best * (1 + 1e-4)
    np.testing.assert_allclose(model.predict_proba(X), oracle.predict_proba(X), atol=5e-3)


def test_linear_regression_finds_the_least_squares():
    X, y = load_diabetes(return_X_y=True)
    X = X[:, [0, 1, 2, 3, 8]]  # columns that do not nearly repeat each other
    model = AdadeltaRegressor(max_iter=1000, random_state=0).fit(X, y)
    oracle = LinearRegression().fit(X, y)
    best = np.mean((oracle.predict(X) - y) ** 2)
    assert best * (1 - 1e-9) < np.mean((model.predict(X) - y) ** 2) < best * (1 + 1e-4)
    np.testing.assert_allclose(model.predict(X), oracle.predict(X), atol=0.02 * y.std())


# ---- The arithmetic ----


class NumpyNetwork:
    """The same network and the paper's Adadelta in float64, stepping over all rows at once."""

    def __init__(self, model, derivative_of_loss, hyper):
        self.weights = [weights.astype(float) for weights in model.coefs_]
        self.biases = [biases.astype(float) for biases in model.intercepts_]
        self.offset, self.factor = model.scale_offset_, model.scale_factor_
        self.derivative_of_loss = derivative_of_loss
        self.hyper = hyper
        self.states = [[np.zeros_like(p), np.zeros_like(p)] for p in self.weights + self.biases]

    def values(self, X):
        """The input and each layer's output."""
        values = [(X - self.offset) * self.factor]
        for k, (weights, biases) in enumerate(zip(self.weights, self.biases)):
            z = values[-1] @ weights + biases
            values.append(np.tanh(z) if k + 1 < len(self.weights) else z)
        return values

    def step(self, X, y):
        values = self.values(X)
        delta = self.derivative_of_loss(values[-1], y) / len(X)
        gradients = []
        for k in reversed(range(len(self.weights))):
            gradients.insert(0, (values[k].T @ delta, delta.sum(axis=0)))
            delta = delta @ self.weights[k].T * (1 - values[k] ** 2)
        decayed = [g + self.hyper["weight_decay"] * w for (g, _), w in zip(gradients, self.weights)]
        for p, g, state in zip(self.weights + self.biases, decayed + [b for _, b in gradients], self.states):
            rho, eps = self.hyper["rho"], self.hyper["eps"]
            state[0] = rho * state[0] + (1 - rho) * g**2
            update = np.sqrt(state[1] + eps) / np.sqrt(state[0] + eps) * g
            state[1] = rho * state[1] + (1 - rho) * update**2
            p -= self.hyper["lr"] * update


def cross_entropy_derivative(z, labels):
    return softmax(z, axis=1) - np.eye(z.shape[1])[labels]


def squared_error_derivative(z, numbers):
    return 2 * (z - numbers[:, None])


HYPERS = [{"lr": 1.0, "rho": 0.95, "eps": 1e-6, "weight_decay": 0.0}, {"lr": 0.5, "rho": 0.9, "eps": 1e-4, "weight_decay": 0.02}]


def untrained(estimator, X, y, **settings):
    """Its first weights: a rate of 0 leaves them as they are."""
    return estimator(**{**settings, "lr": 0.0, "max_iter": 1}).fit(X, y)


@pytest.mark.parametrize("hyper", HYPERS)
@pytest.mark.parametrize("hidden", [(), (7,), (6, 5)])
@pytest.mark.parametrize("estimator", BOTH)
def test_training_is_numpys(estimator, hidden, hyper):
    X, y = data_for(estimator)
    settings = {"hidden_layer_sizes": hidden, "activation": "tanh", "batch_size": len(X), "random_state": 5, **hyper}
    first = untrained(estimator, X, y, **settings)
    classifies = estimator is AdadeltaClassifier
    network = NumpyNetwork(first, cross_entropy_derivative if classifies else squared_error_derivative, hyper)
    goal = y if classifies else (y - first.target_offset_) * first.target_factor_
    fitted = estimator(**settings, max_iter=6, schedule="constant").fit(X, y)
    fed = estimator(**settings)
    losses = []
    for _ in range(6):
        z = network.values(X)[-1]
        losses.append(
            log_loss(y, softmax(z, axis=1)) if classifies else np.mean((z[:, 0] - goal) ** 2) / first.target_factor_**2
        )
        network.step(X, goal)
        fed.partial_fit(X, y, *([np.unique(y)] if classifies else []))
    for model in (fitted, fed):
        np.testing.assert_allclose(model.loss_curve_, losses, rtol=1e-4)
        for ours, theirs in zip(model.coefs_ + model.intercepts_, network.weights + network.biases):
            np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=2e-5)
    assert fitted.n_iter_ == fed.n_iter_ == 6 and fitted.loss_ == fitted.loss_curve_[-1]


def test_probabilities_are_numpys_softmax():
    X, y = load_digits(return_X_y=True)
    model = AdadeltaClassifier((20,), max_iter=3, random_state=0).fit(X, y)
    hidden = np.maximum(((X - model.scale_offset_) * model.scale_factor_) @ model.coefs_[0] + model.intercepts_[0], 0)
    expected = softmax(hidden @ model.coefs_[1] + model.intercepts_[1], axis=1)
    proba = model.predict_proba(X)
    np.testing.assert_allclose(proba, expected, atol=1e-5)
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_array_equal(model.predict_log_proba(X), np.log(proba))
    np.testing.assert_array_equal(model.predict(X), proba.argmax(axis=1))


@pytest.mark.parametrize("scale", _trainer.SCALES)
def test_scaling_is_numpys(scale):
    X = np.random.RandomState(0).randn(50, 3) * [1, 10, 0] + [3, -2, 7]
    model = AdadeltaRegressor(scale=scale, max_iter=1).fit(X, X[:, 0])
    low, apart, spread = X.min(axis=0), np.ptp(X, axis=0), X.std(axis=0)
    offset = {"none": 0 * low, "minmax": low}.get(scale, np.where(apart > 0, X.mean(axis=0), low))
    factor = {"none": np.ones(3), "minmax": 1 / np.where(apart > 0, apart, 1)}.get(scale, 1 / np.where(apart > 0, spread, 1))
    np.testing.assert_allclose(model.scale_offset_, offset, rtol=1e-12)
    np.testing.assert_allclose(model.scale_factor_, factor, rtol=1e-12)


def test_a_row_is_predicted_alike_among_any_others():
    X, y = load_digits(return_X_y=True)
    for n_jobs in (1, 2):
        model = AdadeltaClassifier((100,), max_iter=2, random_state=0, n_jobs=n_jobs).fit(X, y)
        together = model.predict_proba(X)
        np.testing.assert_array_equal(np.vstack([model.predict_proba(row[None]) for row in X[:40]]), together[:40])
        np.testing.assert_array_equal(model.predict_proba(X[::-3]), together[::-3])


def test_threads_do_not_change_a_bit():
    X, y = load_digits(return_X_y=True)
    one, two = (AdadeltaClassifier((128,), batch_size=500, max_iter=3, random_state=0, n_jobs=n).fit(X, y) for n in (1, 2))
    np.testing.assert_array_equal(one.predict_proba(X), two.predict_proba(X))


# ---- Sparse rows ----


@pytest.mark.parametrize("form", [sparse.csr_matrix, sparse.csc_matrix, sparse.coo_matrix, sparse.csr_array])
def test_sparse_rows_are_the_dense_ones(form):
    X, y = load_digits(return_X_y=True)
    settings = {"hidden_layer_sizes": (16,), "max_iter": 3, "scale": "minmax", "random_state": 0}
    dense, thin = AdadeltaClassifier(**settings).fit(X, y), AdadeltaClassifier(**settings).fit(form(X), y)
    np.testing.assert_array_equal(dense.predict_proba(X), thin.predict_proba(form(X)))
    np.testing.assert_array_equal(dense.predict_proba(X), thin.predict_proba(X))
    dense.partial_fit(X[:100], y[:100]), thin.partial_fit(form(X[:100]), y[:100])
    np.testing.assert_array_equal(dense.predict_proba(X), thin.predict_proba(X))


def test_standardised_sparse_rows_are_close():
    X, y = load_digits(return_X_y=True)
    dense, thin = (AdadeltaClassifier(max_iter=3, random_state=0, early_stopping=True).fit(D, y) for D in (X, sparse.csr_matrix(X)))
    np.testing.assert_allclose(dense.predict_proba(X), thin.predict_proba(X), atol=1e-4)
    np.testing.assert_allclose(dense.scale_factor_, thin.scale_factor_, rtol=1e-12)


def test_duplicates_and_disorder_in_sparse_rows():
    X = sparse.csr_matrix((np.array([1.0, 2, 3, 4]), np.array([1, 0, 1, 0]), np.array([0, 3, 4])), shape=(2, 2))
    before = X.data.copy(), X.indices.copy()
    model = AdadeltaRegressor(max_iter=2, random_state=0).fit(X, [0, 1])
    np.testing.assert_array_equal(model.predict(X), model.predict(np.array([[2.0, 4.0], [4.0, 0.0]])))
    np.testing.assert_array_equal(X.data, before[0])
    np.testing.assert_array_equal(X.indices, before[1])


# ---- Use ----


def test_accuracy_on_real_data():
    X, y = load_digits(return_X_y=True)
    train, test, train_y, test_y = train_test_split(X, y, random_state=0)
    assert AdadeltaClassifier((64,), max_iter=30, random_state=0).fit(train, train_y).score(test, test_y) > 0.96
    assert AdadeltaClassifier(random_state=0).fit(*load_iris(return_X_y=True)).score(*load_iris(return_X_y=True)) > 0.97


@pytest.mark.parametrize("labels", [["no", "yes", "perhaps"], [True, False], [7, -2, 3], [3.0, 1.0, 2.0]])
def test_labels_of_any_type(labels, tmp_path):
    X, y = noisy(classes=len(labels))
    y = np.array(labels)[y]
    model = AdadeltaClassifier(max_iter=20, random_state=0).fit(X, y)
    np.testing.assert_array_equal(model.classes_, np.unique(y))
    assert model.predict(X).dtype == y.dtype and model.score(X, y) > 0.5
    model.save(tmp_path / "model")
    loaded = AdadeltaClassifier.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
    if labels[0] in ("no", 7):
        np.testing.assert_array_equal(loaded.classes_, model.classes_)


def test_partial_fit_learns_in_pieces():
    X, y = load_digits(return_X_y=True)
    model = AdadeltaClassifier((32,), random_state=0)
    with pytest.raises(ValueError, match="classes"):
        model.partial_fit(X, y)
    for _ in range(5):
        for part in np.array_split(np.arange(len(X)), 6):
            model.partial_fit(X[part], y[part], classes=range(10))
    assert model.n_iter_ == 30 and model.score(X, y) > 0.95
    with pytest.raises(ValueError, match="classes"):
        model.partial_fit(X, y, classes=range(9))
    with pytest.raises(ValueError, match="11"):
        model.partial_fit(X, y + 2)
    with pytest.raises(ValueError, match="features"):
        model.partial_fit(X[:, :5], y)


def test_partial_fit_goes_on_after_fit():
    X, y = load_iris(return_X_y=True)
    once = AdadeltaClassifier(max_iter=4, schedule="constant", random_state=0).fit(X, y)
    more = AdadeltaClassifier(max_iter=3, schedule="constant", random_state=0).fit(X, y).partial_fit(X, y)
    np.testing.assert_array_equal(once.predict_proba(X), more.predict_proba(X))
    assert once.loss_curve_ == more.loss_curve_


@pytest.mark.parametrize("through", [lambda model: pickle.loads(pickle.dumps(model)), copy.deepcopy])
@pytest.mark.parametrize("method", _trainer.METHODS)
@pytest.mark.parametrize("estimator", BOTH)
def test_pickled_in_the_middle(estimator, method, through):
    X, y = data_for(estimator)
    lr = 1e-3 if method in ("sgd", "momentum") else None
    model = estimator((6,), max_iter=2, method=method, lr=lr, random_state=0).fit(X, y)
    twin = through(model)
    assert twin.loss_curve_ == model.loss_curve_
    for part in (slice(0, 100), slice(20, 90)):
        np.testing.assert_array_equal(twin.predict(X), model.predict(X))
        model.partial_fit(X[part], y[part]), twin.partial_fit(X[part], y[part])
    for ours, theirs in zip(model.coefs_ + model.intercepts_, twin.coefs_ + twin.intercepts_):
        np.testing.assert_array_equal(ours, theirs)


def test_early_stopping_keeps_the_best():
    X, y = noisy(rows=200)
    model = AdadeltaClassifier((50,), early_stopping=True, n_iter_no_change=5, max_iter=400, random_state=0).fit(X, y)
    assert 6 <= model.n_iter_ == len(model.validation_scores_) == len(model.loss_curve_) < 400
    assert model.best_validation_score_ == max(model.validation_scores_)
    # The rows set aside, as the trainer chooses them; their score by the parameters that were kept.
    index = np.empty(len(X), dtype=np.uintp)
    held = index[_trainer.split(y.astype(np.int32), 3, 0.1, 0, index) :]
    assert model.score(X[held], y[held]) == pytest.approx(model.best_validation_score_, abs=1e-12)
    best = int(np.argmax(model.validation_scores_))
    gains = np.diff(np.maximum.accumulate(model.validation_scores_))
    assert best < model.n_iter_ - 1 and (gains[best:] == 0).all()


def test_early_stopping_of_numbers_is_by_r2():
    X, y = load_diabetes(return_X_y=True)
    model = AdadeltaRegressor((20,), early_stopping=True, max_iter=300, validation_fraction=0.3, random_state=2).fit(X, y)
    index = np.empty(len(X), dtype=np.uintp)
    held = index[_trainer.split(None, 0, 0.3, 2, index) :]
    assert len(held) == round(0.3 * len(X))
    assert model.score(X[held], y[held]) == pytest.approx(model.best_validation_score_, abs=1e-5)
    assert model.n_iter_ < 300


def test_in_pipelines_and_searches():
    X, y = load_iris(return_X_y=True)
    pipeline = make_pipeline(StandardScaler(), AdadeltaClassifier(max_iter=300, random_state=0))
    assert cross_val_score(pipeline, X, y, n_jobs=2).mean() > 0.9
    search = GridSearchCV(
        AdadeltaClassifier(max_iter=300, random_state=0),
        {"hidden_layer_sizes": [(), (8,)], "eps": [1e-6, 1e-4]},
        n_jobs=2,
        cv=3,
    ).fit(X, y)
    assert search.best_score_ > 0.9
    assert clone(search.best_estimator_).get_params() == search.best_estimator_.get_params()


def test_verbose_prints_a_line_an_epoch(capsys):
    X, y = noisy()
    model = AdadeltaClassifier(max_iter=3, verbose=True, early_stopping=True).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3 and f"loss = {model.loss_curve_[1]:.8f}" in lines[1] and "validation score" in lines[2]


# ---- Files ----


@pytest.mark.parametrize("estimator", BOTH)
def test_a_file_brings_back_the_estimator(estimator, tmp_path):
    X, y = data_for(estimator)
    settings = {"hidden_layer_sizes": (5, 4), "activation": "logistic", "max_iter": 4, "rho": 0.9, "scale": "minmax"}
    model = estimator(**settings, random_state=3).fit(X, y)
    model.save(tmp_path / "model")
    loaded = estimator.load(str(tmp_path / "model"))
    for name, value in settings.items():
        assert getattr(loaded, name) == value
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    model.partial_fit(X, y), loaded.partial_fit(X, y)
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    assert loaded.n_iter_ == 5
    other = BOTH[estimator is AdadeltaClassifier]
    with pytest.raises(ValueError, match="the model is for"):
        other.load(tmp_path / "model")


def test_files_that_cannot_be(tmp_path):
    X, y = load_iris(return_X_y=True)
    model = AdadeltaClassifier(max_iter=1).fit(X, y)
    with pytest.raises(OSError):
        model.save(tmp_path / "missing" / "model")
    with pytest.raises(FileNotFoundError):
        AdadeltaClassifier.load(tmp_path / "none")
    model.save(tmp_path / "model")
    content = (tmp_path / "model").read_bytes()
    for size in (0, 7, 100, len(content) // 2, len(content) - 1):
        (tmp_path / "cut").write_bytes(content[:size])
        with pytest.raises(ValueError):
            AdadeltaClassifier.load(tmp_path / "cut")


class Frame:
    """As much of a pandas.DataFrame as scikit-learn looks at."""

    def __init__(self, values, columns):
        self.values, self.columns, self.shape = values, np.array(columns, dtype=object), values.shape

    def __array__(self, dtype=None):
        return np.asarray(self.values, dtype)

    def __len__(self):
        return len(self.values)


def written(path, table, columns):
    np.savetxt(path, table, fmt="%.17g", delimiter=",", header=",".join(columns), comments="")
    return path


def said_by_program(*arguments):
    return subprocess.run([PROGRAM, *map(str, arguments)], check=True, capture_output=True, text=True).stdout


@pytest.mark.skipif(not os.access(PROGRAM, os.X_OK), reason="ADADELTA_PROGRAM names no program")
@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("estimator", BOTH)
def test_the_program_predicts_the_same(estimator, named, tmp_path):
    X, y = data_for(estimator)
    columns = [f"column {k}" for k in range(X.shape[1])]
    model = estimator((8,), max_iter=10, random_state=0).fit(Frame(X, columns) if named else X, y)
    model.save(tmp_path / "model")
    labelled = written(tmp_path / "labelled.csv", np.column_stack([y, X]), ["y", *columns])
    bare = labelled if named else written(tmp_path / "bare.csv", X, columns)
    rows = [line.split(",") for line in said_by_program("predict", tmp_path / "model", bare).splitlines()[1:]]
    # Doubles, written with all digits; but the program's BLAS may be another than SciPy's.
    predicted = np.array(rows, dtype=float)
    expected = model.predict(Frame(X, columns) if named else X)
    np.testing.assert_allclose(predicted[:, 0], expected, rtol=1e-5)
    if estimator is AdadeltaClassifier:
        np.testing.assert_allclose(predicted[:, 1:], model.predict_proba(Frame(X, columns) if named else X), atol=1e-5)
    score = json.loads(said_by_program("eval", "--json", tmp_path / "model", labelled).splitlines()[-1])
    assert score["rows"] == len(X)
    if estimator is AdadeltaClassifier:
        assert score["error"] == pytest.approx(1 - np.mean(expected == y), abs=1e-12)
    else:
        assert score["loss"] == pytest.approx(np.mean((expected - y) ** 2), rel=1e-4)
    loaded = estimator.load(tmp_path / "model")
    assert hasattr(loaded, "feature_names_in_") == named


# ---- What cannot be ----


@pytest.mark.parametrize(
    "name, value",
    [
        ("hidden_layer_sizes", (0,)),
        ("hidden_layer_sizes", (5, -1)),
        ("hidden_layer_sizes", "64"),
        ("hidden_layer_sizes", 2.5),
        ("hidden_layer_sizes", None),
        ("activation", "sine"),
        ("activation", None),
        ("method", "newton"),
        ("lr", -1.0),
        ("lr", np.nan),
        ("lr", "fast"),
        ("rho", 1.0),
        ("eps", 0.0),
        ("weight_decay", -0.1),
        ("batch_size", 0),
        ("batch_size", "large"),
        ("max_iter", 0),
        ("max_iter", 2.0),
        ("schedule", "callback"),
        ("schedule", "never"),
        ("scale", "log"),
        ("init", "ones"),
        ("early_stopping", "yes"),
        ("validation_fraction", 1.0),
        ("n_iter_no_change", 0),
        ("tol", -1e-4),
        ("state_dtype", "i8"),
        ("random_state", -1),
        ("n_jobs", 0),
    ],
)
def test_settings_that_cannot_be_name_themselves(name, value):
    X, y = load_iris(return_X_y=True)
    for method in ("fit", "partial_fit"):
        with pytest.raises(ValueError, match=name):
            getattr(AdadeltaRegressor(**{name: value}), method)(X, y.astype(float))


@pytest.mark.parametrize("hidden", [(1,) * 17, (1000001,)])
def test_networks_too_large_are_refused(hidden):
    with pytest.raises(ValueError, match="1 to 16 widths from 1 to 1000000"):
        AdadeltaClassifier(hidden).fit(*load_iris(return_X_y=True))


def test_state_that_the_method_has_not():
    with pytest.raises(ValueError, match="state u16 does not go with adamw"):
        AdadeltaClassifier(method="adamw", state_dtype="u16").fit(*load_iris(return_X_y=True))


def test_data_that_cannot_be():
    X, y = load_iris(return_X_y=True)
    with pytest.raises(NotFittedError):
        AdadeltaClassifier().coefs_
    with pytest.raises(NotFittedError):
        AdadeltaRegressor().save("nowhere")
    with pytest.raises(ValueError, match="1 class"):
        AdadeltaClassifier().fit(X, np.zeros(len(X)))
    with pytest.raises(ValueError, match="too large or too close"):
        AdadeltaClassifier().fit(X * np.where(X > 6, 1e307, 1), y)
    model = AdadeltaClassifier(max_iter=1).fit(X, y)
    with pytest.raises(ValueError, match="float32"):
        model.predict(np.full((1, 4), 1e300))


def test_divergence_says_so_and_leaves_the_estimator():
    X, y = load_diabetes(return_X_y=True)
    model = AdadeltaRegressor(method="sgd", lr=0.01, max_iter=2, random_state=0).fit(X, y)
    before = model.predict(X)
    with pytest.raises(FloatingPointError, match="lower learning rate than 1e"):
        model.set_params(lr=1e9, max_iter=100).fit(X, y)
    np.testing.assert_array_equal(model.predict(X), before)


# Features, target, class_names: each is refused by the extension itself.
GOOD = np.zeros((3, 2))
STARTS, COLUMNS, VALUES = np.array([0, 1, 2], np.uintp), np.array([0, 1], np.uint32), np.ones(2)


@pytest.mark.parametrize(
    "features, target, classes",
    [
        (GOOD.astype(np.float32), np.zeros(3), None),
        (GOOD.astype(">f8"), np.zeros(3), None),
        (np.zeros((2, 3)).T, np.zeros(3), None),
        (GOOD[0], np.zeros(3), None),
        (np.zeros((0, 2)), np.zeros(0), None),
        (np.zeros((3, 0)), np.zeros(3), None),
        ("text", np.zeros(3), None),
        (GOOD, None, None),
        (GOOD, np.zeros(2), None),
        (GOOD, np.zeros(3, np.int32), None),
        (GOOD, np.array([0, 1, 2], np.int32), ("a", "b")),
        (GOOD, np.array([0, 1, -1], np.int32), ("a", "b")),
        (GOOD, np.array([0, 1, 1], np.int32), ("a", "b\0")),
        (GOOD, np.array([0, 1, 1], np.int32), ("a", 1)),
        ((STARTS, COLUMNS, VALUES), np.zeros(2), None),
        ((STARTS + np.uintp(1), COLUMNS, VALUES, 2), np.zeros(2), None),
        ((STARTS[::-1].copy(), COLUMNS, VALUES, 2), np.zeros(2), None),
        ((STARTS * np.uintp(2**62), COLUMNS, VALUES, 2), np.zeros(2), None),
        ((STARTS, COLUMNS, VALUES, 1), np.zeros(2), None),
        ((STARTS, COLUMNS, VALUES, -1), np.zeros(2), None),
        ((STARTS, COLUMNS, VALUES, 2**40), np.zeros(2), None),
        ((STARTS, COLUMNS, np.ones(1), 2), np.zeros(2), None),
        ((np.array([0, 2], np.uintp), COLUMNS[::-1].copy(), VALUES, 2), np.zeros(1), None),
        ((np.array([], np.uintp), COLUMNS, VALUES, 2), np.zeros(1), None),
    ],
)
def test_the_extension_trusts_no_array(features, target, classes):
    with pytest.raises((ValueError, TypeError, BufferError)):
        _trainer.create(features, target, class_names=classes, epochs=1)
    model = _trainer.create(GOOD, np.array([0, 1, 1], np.int32), class_names=("a", "b"), epochs=1)
    if features is not GOOD:
        with pytest.raises((ValueError, TypeError, BufferError)):
            model.feed(features, np.zeros(len(target), np.int32))
        with pytest.raises((ValueError, TypeError, BufferError)):
            model.predict(features, np.zeros((len(target), 2)))
    with pytest.raises((ValueError, TypeError, BufferError)):
        model.feed(GOOD, np.array([0, 2, 0], np.int32))
    with pytest.raises((ValueError, TypeError, BufferError)):
        model.predict(GOOD, np.zeros((3, 3)))
    with pytest.raises((ValueError, TypeError, BufferError)):
        model.set_parameters(np.zeros(5, np.float32))


# ---- Threads and interrupts ----


def long_run(**settings):
    return AdadeltaClassifier((64,), max_iter=100000, random_state=0, **settings)


def test_an_interrupt_stops_the_run():
    X, y = load_digits(return_X_y=True)
    model = AdadeltaClassifier((64,), max_iter=1, random_state=0).fit(X, y)
    before = model.predict_proba(X)
    timer = threading.Timer(0.3, _thread.interrupt_main)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        model.set_params(max_iter=100000).fit(X, y)
    timer.join()
    np.testing.assert_array_equal(model.predict_proba(X), before)


def test_an_exception_in_a_callback_stops_the_run(monkeypatch):
    def fails(self, epoch, loss, score):
        if epoch == 3:
            raise RuntimeError("enough")

    monkeypatch.setattr(AdadeltaClassifier, "_report", fails)
    with pytest.raises(RuntimeError, match="enough"):
        long_run(verbose=True).fit(*load_iris(return_X_y=True))


def test_a_model_in_training_refuses_its_own_thread():
    X = np.random.RandomState(0).randn(20, 2)
    model = _trainer.create(X, X[:, 0].copy(), epochs=2)
    errors = []

    def meddle(epoch, loss, score):
        with pytest.raises(RuntimeError, match="being trained") as caught:
            model.predict(X, np.empty((20, 1)))
        errors.append(caught)

    model.train(callback=meddle)
    assert len(errors) == 2


def run_in_threads(work, count=4):
    """work(k) in threads, at once; their results by k."""
    results = [None] * count

    def keep(k):
        results[k] = work(k)

    threads = [threading.Thread(target=keep, args=(k,)) for k in range(count)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    return results


def test_fits_in_threads_are_those_alone():
    X, y = load_digits(return_X_y=True)

    def fitted(k):
        return AdadeltaClassifier((64,), max_iter=4, random_state=k, n_jobs=1 + k % 2).fit(X, y).predict_proba(X)

    for k, probabilities in enumerate(run_in_threads(fitted)):
        np.testing.assert_array_equal(probabilities, fitted(k))


def test_one_estimator_in_threads():
    X, y = load_digits(return_X_y=True)
    model = AdadeltaClassifier((64,), max_iter=2, random_state=0).fit(X, y)
    expected = model.predict_proba(X)
    for probabilities in run_in_threads(lambda k: [model.predict_proba(X) for _ in range(5)][-1]):
        np.testing.assert_array_equal(probabilities, expected)
    run_in_threads(lambda k: model.partial_fit(X, y) if k % 2 else model.predict(X))
    assert np.isfinite(model.predict_proba(X)).all()


def test_blas_has_its_threads_back():
    from threadpoolctl import threadpool_info

    before = threadpool_info()
    AdadeltaClassifier(max_iter=2).fit(*load_iris(return_X_y=True))
    with pytest.raises(FloatingPointError):
        AdadeltaRegressor(method="sgd", lr=1e9, max_iter=100).fit(*load_diabetes(return_X_y=True))
    blas = [library for library in threadpool_info() if library["user_api"] == "blas"]
    assert blas == [library for library in before if library["user_api"] == "blas"]


def test_without_scikit_learn_one_clear_line():
    code = "import sys; sys.modules['sklearn'] = None\ntry:\n import adadelta.sklearn\nexcept ImportError as error: print(error)"
    path = str(Path(sys.modules["adadelta"].__file__).parent.parent)
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path})
    assert said.stdout == "adadelta.sklearn needs scikit-learn: pip install scikit-learn\n", said.stderr
