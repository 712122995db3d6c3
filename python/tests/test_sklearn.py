# SPDX-License-Identifier: MIT
"""The estimators: scikit-learn's own checks, and numbers against scikit-learn's models and NumPy's arithmetic."""
from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn")

from scipy import sparse
from scipy.special import softmax
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits, load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from adadelta import _trainer
from adadelta.sklearn import AdadeltaClassifier, AdadeltaRegressor
from sklearn_data import BOTH, data_for, noisy


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


HYPERS = [
    {"lr": 1.0, "rho": 0.95, "eps": 1e-6, "weight_decay": 0.0},
    {"lr": 0.5, "rho": 0.9, "eps": 1e-4, "weight_decay": 0.02},
]


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
    divisor = {"none": np.ones(3), "minmax": apart}.get(scale, spread)
    factor = 1 / np.where(apart > 0, divisor, 1)
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
    settings = {"hidden_layer_sizes": (128,), "batch_size": 500, "max_iter": 3, "random_state": 0}
    one, two = (AdadeltaClassifier(**settings, n_jobs=n_jobs).fit(X, y) for n_jobs in (1, 2))
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
    settings = {"max_iter": 3, "random_state": 0, "early_stopping": True}
    dense, thin = (AdadeltaClassifier(**settings).fit(form, y) for form in (X, sparse.csr_matrix(X)))
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
    if labels[0] in ("no", 7, 3.0):  # 3.0 is called 3, as a table would have it
        np.testing.assert_array_equal(loaded.classes_, model.classes_)


def test_the_seed_decides():
    X, y = load_iris(return_X_y=True)

    def fitted(random_state):
        return AdadeltaClassifier((5,), max_iter=2, random_state=random_state).fit(X, y).predict_proba(X)

    np.testing.assert_array_equal(fitted(3), fitted(3))
    np.testing.assert_array_equal(fitted(np.random.RandomState(3)), fitted(np.random.RandomState(3)))
    assert not np.array_equal(fitted(3), fitted(4))
    assert not np.array_equal(fitted(None), fitted(None))


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


@pytest.mark.parametrize("estimator", BOTH)
def test_partial_fit_twice_is_two_epochs(estimator):
    X, y = data_for(estimator)
    once = estimator((5,), max_iter=2, schedule="constant", random_state=0).fit(X, y)
    twice = estimator((5,), random_state=0)
    for _ in range(2):
        twice.partial_fit(X, y, *([np.unique(y)] if estimator is AdadeltaClassifier else []))
    np.testing.assert_array_equal(once.predict(X), twice.predict(X))
    assert once.loss_curve_ == twice.loss_curve_


def test_a_small_first_piece_does_not_cut_the_batch():
    X, y = load_diabetes(return_X_y=True)
    model = AdadeltaRegressor(batch_size=100).partial_fit(X[:10], y[:10]).partial_fit(X, y)
    assert model._describe()["batch"] == 100
    assert AdadeltaRegressor(batch_size=1000, max_iter=1).fit(X, y)._describe()["batch"] == len(X)


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
    border = _trainer.split(y.astype(np.int32), 3, 0.1, 0, index)
    held = index[border:]
    np.testing.assert_allclose(model.scale_offset_, X[index[:border]].mean(axis=0), rtol=1e-9)
    assert model.score(X[held], y[held]) == pytest.approx(model.best_validation_score_, abs=1e-12)
    best = int(np.argmax(model.validation_scores_))
    gains = np.diff(np.maximum.accumulate(model.validation_scores_))
    assert best < model.n_iter_ - 1 and (gains[best:] == 0).all()


@pytest.mark.parametrize("patience, tol", [(1, 0.0), (5, 1e-4), (5, 0.02), (12, 0.005)])
def test_early_stopping_is_patient(patience, tol):
    X, y = noisy(rows=200)
    settings = {"early_stopping": True, "n_iter_no_change": patience, "tol": tol, "validation_fraction": 0.3}
    model = AdadeltaClassifier((20,), **settings, max_iter=400, random_state=1).fit(X, y)
    best, without_gain, stopped = -np.inf, 0, []
    for score in model.validation_scores_:
        without_gain = without_gain + 1 if score < best + tol else 0
        best = max(best, score)
        stopped.append(without_gain > patience)
    assert stopped == [False] * (model.n_iter_ - 1) + [True]


def test_early_stopping_of_numbers_is_by_r2():
    X, y = load_diabetes(return_X_y=True)
    settings = {"early_stopping": True, "validation_fraction": 0.3, "max_iter": 300}
    model = AdadeltaRegressor((20,), **settings, random_state=2).fit(X, y)
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
