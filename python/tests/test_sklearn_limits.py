# SPDX-License-Identifier: MIT
"""The estimators: files, what cannot be, threads and interrupts."""
from __future__ import annotations

import _thread
import json
import multiprocessing
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.datasets import load_diabetes, load_digits, load_iris
from sklearn.exceptions import NotFittedError
from threadpoolctl import threadpool_info, threadpool_limits

from adadelta import _trainer
from adadelta.sklearn import AdadeltaClassifier, AdadeltaRegressor
from sklearn_data import BOTH, data_for

PROGRAM = os.environ.get("ADADELTA_PROGRAM", "")


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
    """As much of a pandas.DataFrame, and since 1.3 of the dataframe protocol, as scikit-learn looks at."""

    def __init__(self, values, columns):
        self.values, self.columns, self.shape = values, np.array(columns, dtype=object), values.shape

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.values, dtype)

    def __dataframe__(self):
        return self

    def column_names(self):
        return list(self.columns)

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


@pytest.mark.skipif(not os.access(PROGRAM, os.X_OK), reason="ADADELTA_PROGRAM names no program")
@pytest.mark.parametrize("estimator", BOTH)
def test_the_program_trains_the_same(estimator, tmp_path):
    X, y = data_for(estimator)
    table = written(tmp_path / "t.csv", np.column_stack([X, y]), [f"column {k}" for k in range(X.shape[1])] + ["y"])
    said_by_program("train", table, "--model", "mlp:6", "--epochs", 5, "--seed", 7, "-o", tmp_path / "model")
    loaded = estimator.load(tmp_path / "model")
    model = estimator((6,), max_iter=5, random_state=7).fit(X, y)
    X = Frame(X, loaded.feature_names_in_)
    np.testing.assert_allclose(loaded._outputs(X), model._outputs(X.values), rtol=1e-3, atol=1e-4)
    assert loaded.random_state == 7 and loaded.hidden_layer_sizes == (6,) and loaded.n_iter_ == 5


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
        (GOOD, np.zeros(4), None),
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


def blas_threads():
    libraries = [library for library in threadpool_info() if library["user_api"] == "blas"]
    return {library["num_threads"] for library in libraries if library.get("threading_layer") != "disabled"}


def test_blas_has_one_thread_meanwhile_and_its_own_afterwards(monkeypatch):
    seen = set()
    monkeypatch.setattr(AdadeltaClassifier, "_report", lambda *progress: seen.update(blas_threads()))
    with threadpool_limits(2, user_api="blas"):
        before = blas_threads()
        AdadeltaClassifier(max_iter=2, verbose=True).fit(*load_iris(return_X_y=True))
        assert seen <= {1} and blas_threads() == before
        with pytest.raises(FloatingPointError):
            AdadeltaRegressor(method="sgd", lr=1e9, max_iter=100).fit(*load_diabetes(return_X_y=True))
        assert blas_threads() == before


def test_without_scikit_learn_one_clear_line():
    code = """
import sys
sys.modules["sklearn"] = None
try:
    import adadelta.sklearn
except ImportError as error:
    print(error)
"""
    path = str(Path(_trainer.__file__).parent.parent)
    environment = {**os.environ, "PYTHONPATH": path}
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert said.stdout == "adadelta.sklearn needs scikit-learn: install scikit-learn (Debian: python3-sklearn)\n", said.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_child_of_fork_goes_on():
    """OpenMP's threads are not in it: it must not wait for them. The bits are those of any number of threads."""
    random = np.random.default_rng(0)
    rows, labels = random.standard_normal((4000, 200)), random.integers(0, 3, 4000)
    made = AdadeltaClassifier((256,), max_iter=1, batch_size=1000, n_jobs=2, random_state=0)
    made.fit(rows, labels)
    expected = made.partial_fit(rows, labels).predict_proba(rows)
    made.fit(rows, labels)
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    child = context.Process(target=lambda: answers.put(made.partial_fit(rows, labels).predict_proba(rows)))
    child.start()
    try:
        assert (answers.get(timeout=60) == expected).all()
    finally:
        child.kill()


def test_docstrings_name_what_the_trainer_has():
    """They list choices by hand, for help(): all of the library's, and no other."""
    import re

    for kind in (AdadeltaClassifier, AdadeltaRegressor):
        for word, names in (("method", _trainer.METHODS), ("activation", _trainer.ACTIVATIONS)):
            listed = re.search(rf"^ *{word} : {{(.*?)}}", kind.__doc__, re.M).group(1)
            assert set(re.findall(r"'(\w+)'", listed)) == set(names)
