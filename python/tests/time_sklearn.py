# SPDX-License-Identifier: MIT
"""Times AdadeltaClassifier against MLPClassifier (adam) on digits: the same widths, batches and epochs, one thread.

Prints a row for docs/python.md a network: the least of three fits in seconds, and their ratio. Takes ten seconds.
"""
import time
import warnings

from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from adadelta.sklearn import AdadeltaClassifier

EPOCHS = 20


def seconds(estimator, X, y):
    """The least of three fits."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        estimator.fit(X, y)
        times.append(time.perf_counter() - start)
    return min(times)


def main():
    warnings.simplefilter("ignore", ConvergenceWarning)
    X, y = load_digits(return_X_y=True)
    X /= 16  # for MLPClassifier, which does not scale
    with threadpool_limits(1):
        for widths, batch in ((64,), 32), ((64,), 200), ((256, 128), 32):
            settings = {"batch_size": batch, "max_iter": EPOCHS, "random_state": 0}
            ours = seconds(AdadeltaClassifier(widths, **settings), X, y)
            theirs = seconds(MLPClassifier(widths, **settings, n_iter_no_change=EPOCHS), X, y)
            print(f"| {', '.join(map(str, widths))} | {batch} | {ours:.3f} | {theirs:.3f} | {ours / theirs:.2f} |")


if __name__ == "__main__":
    main()
