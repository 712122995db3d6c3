# SPDX-License-Identifier: MIT
"""adadelta.minimize, by SciPy's conventions."""
import time

import numpy
import pytest
from oracle import Oracle

from adadelta import MinimizeResult, minimize


def rosenbrock(x):
    a, b = x
    return 100 * (b - a * a) ** 2 + (1 - a) ** 2, numpy.array([-400 * a * (b - a * a) - 2 * (1 - a), 200 * (b - a * a)])


def square(x):
    return float((x * x).sum()), 2 * x


def value(x):
    return square(x)[0]


def test_rosenbrock():
    result = minimize(rosenbrock, [-1.2, 1], jac=True, schedule={"kind": "cosine"}, patience=0)
    numpy.testing.assert_allclose(result.x, [1, 1], atol=1e-5)
    assert result.success and result.nit == result.nfev - 1 and result.njev == result.nfev
    numpy.testing.assert_array_equal(result.jac, rosenbrock(result.x)[1])
    assert result.fun == rosenbrock(result.x)[0]


def test_quadratic_has_its_closed_form():
    random = numpy.random.default_rng(3)
    root, b = random.normal(size=(4, 4)), random.normal(size=4)
    a = root @ root.T + 4 * numpy.eye(4)

    def quadratic(x):
        return 0.5 * x @ a @ x - b @ x, a @ x - b

    result = minimize(quadratic, numpy.zeros(4), jac=True, schedule={"kind": "cosine"})
    numpy.testing.assert_allclose(result.x, numpy.linalg.solve(a, b), atol=1e-4)


def test_steps_are_algorithm_1s():
    seen, settings = [], {"lr": 0.7, "rho": 0.9, "eps": 1e-5}
    oracle = Oracle([1.0, 2.0, -3.0], **settings)
    result = minimize(square, [1, 2, -3], jac=True, callback=seen.append, maxiter=50, return_last=True, **settings)
    assert result.nit == 50 and len(seen) == 51 and result.message == "max_iterations steps were taken"
    for x in seen[1:]:
        oracle.step(2 * oracle.w)
        numpy.testing.assert_allclose(x, oracle.w.astype(float), rtol=1e-12)
    assert result.x.tobytes() == seen[-1].tobytes()


def test_forms_of_jac():
    both = minimize(square, [1.0, 2.0], jac=True, maxiter=20)
    apart = minimize(value, [1.0, 2.0], jac=lambda x: 2 * x, maxiter=20)
    assert both.x.tobytes() == apart.x.tobytes() and apart.nfev == apart.njev == 21
    for jac in (None, False, "3-point", "2-point"):
        differences = minimize(value, [1.0, 2.0], jac=jac, maxiter=20)
        numpy.testing.assert_allclose(differences.x, both.x, atol=1e-7)
        assert differences.nfev == 21 * 5
    for bad in (3, "cs", numpy.ones(2), object()):
        with pytest.raises(TypeError, match="jac"):
            minimize(value, [1.0, 2.0], jac=bad)


def test_args():
    for args in ((2.0, 3.0), [2.0]):
        seen = []
        minimize(lambda x, *more: (seen.append(more), square(x))[1], [1.0], args, jac=True, maxiter=1)
        assert seen[0] == (args if isinstance(args, tuple) else (args,))
    apart = minimize(lambda x, c: c * value(x), [1.0], (5,), jac=lambda x, c: 2 * c * x, maxiter=3)
    assert apart.nit == 3


ONES = numpy.ones((4, 3))


@pytest.mark.parametrize("x0", [[1, 2], (1.0, 2.0), numpy.array([1, 2]), numpy.float32([1, 2]), ONES, 3, ONES[::2, :1]])
def test_forms_of_x0(x0):
    before = numpy.array(x0)
    result = minimize(lambda x: (value(x), 2 * x), x0, jac=True, maxiter=5)
    assert result.x.shape == numpy.shape(x0) == result.jac.shape and result.x.dtype == numpy.float64
    assert (numpy.array(x0) == before).all() and value(result.x) < value(before * 1.0)
    if numpy.ndim(x0) == 2:
        flat = minimize(lambda x: (value(x), (2 * x).ravel()), x0, jac=True, maxiter=5)
        assert flat.x.tobytes() == result.x.tobytes()


BAD = [
    ({"x0": []}, ValueError, "x0"),
    ({"x0": [1, numpy.nan]}, ValueError, "x0"),
    ({"x0": [1, numpy.inf]}, ValueError, "x0"),
    ({"x0": ["1", "2"]}, TypeError, "x0"),
    ({"x0": [1j]}, TypeError, "x0"),
    ({"x0": None}, TypeError, "x0"),
    ({"x0": [[1], [1, 2]]}, (TypeError, ValueError), "x0"),
    ({"fun": 3}, TypeError, "fun"),
    ({"callback": 3}, TypeError, "callback"),
    ({"lr": -1}, ValueError, "lr"),
    ({"rho": 1}, ValueError, "rho"),
    ({"eps": 0}, ValueError, "eps"),
    ({"eps": "x"}, TypeError, "eps"),
    ({"maxiter": -1}, ValueError, "maxiter"),
    ({"maxiter": 1.5}, TypeError, "maxiter"),
    ({"maxiter": 2**64}, ValueError, "maxiter"),
    ({"patience": -1}, ValueError, "patience"),
    ({"gtol": -1}, ValueError, "gtol"),
    ({"gtol": numpy.nan}, ValueError, "gtol"),
    ({"tol": -1}, ValueError, "gtol"),
    ({"ftol": numpy.inf}, ValueError, "ftol"),
    ({"max_seconds": -1}, ValueError, "max_seconds"),
    ({"max_seconds": "x"}, TypeError, "max_seconds"),
    ({"f_target": numpy.nan}, ValueError, "f_target"),
    ({"schedule": "cosine"}, TypeError, "schedule"),
    ({"schedule": lambda step: 1}, TypeError, "schedule"),
    ({"schedule": {"kind": "x"}}, ValueError, "kind"),
    ({"schedule": {"kind": "step"}}, ValueError, "schedule"),
    ({"speed": 1}, TypeError, "speed"),
    ({"options": {"speed": 1}}, TypeError, "speed"),
    ({"options": {"gtol": -1}}, ValueError, "gtol"),
    ({"bounds": [(0, 1)]}, ValueError, "bounds"),
    ({"hess": lambda x: x}, ValueError, "hess"),
]


@pytest.mark.parametrize("change, error, word", BAD)
def test_arguments_that_cannot_be(change, error, word):
    def fun(x):
        raise AssertionError("fun was called")

    with pytest.raises(error, match=word):
        minimize(**{"fun": fun, "x0": [1.0, 2.0], "jac": True, **change})


@pytest.mark.parametrize(
    "fun, jac, error, words",
    [
        (lambda x: 3.0, True, TypeError, "fun: with jac=True"),
        (lambda x: (1.0, x, x), True, TypeError, "fun: with jac=True"),
        (lambda x: (x, x), True, ValueError, "fun: the value must be one number"),
        (lambda x: ("x", x), True, TypeError, "fun: the value"),
        (lambda x: (None, x), True, TypeError, "fun: the value"),
        (lambda x: (1j, x), True, TypeError, "fun: the value"),
        (lambda x: (1.0, x[:1]), True, ValueError, "jac: the gradient must be of shape"),
        (lambda x: (1.0, numpy.ones((2, 1))), True, ValueError, "jac: the gradient must be of shape"),
        (lambda x: (1.0, None), True, TypeError, "jac: the gradient"),
        (value, lambda x: "xy", TypeError, "jac: the gradient"),
        (value, lambda x: 1 / 0, ZeroDivisionError, ""),
        (lambda x: 1 / 0, None, ZeroDivisionError, ""),
    ],
)
def test_functions_that_return_what_cannot_be(fun, jac, error, words):
    with pytest.raises(error, match=words):
        minimize(fun, [1.0, 2.0], jac=jac)


def test_gradients_transposed_are_refused():
    with pytest.raises(ValueError, match="jac: the gradient must be of shape"):
        minimize(lambda x: (value(x), 2 * x.T), numpy.ones((2, 3)), jac=True)


def test_values_of_size_one():
    for form in (numpy.float32, lambda v: numpy.array([v]), lambda v: numpy.array([[v]]), int, lambda v: [v]):
        assert minimize(lambda x: (form(value(x)), 2 * x), [1.0, 2.0], jac=True, maxiter=2).nit == 2


def test_runs_that_go_wrong_end_at_the_last_good_point():
    result = minimize(lambda x: (numpy.nan, x), [1.0], jac=True)
    assert not result.success and numpy.isnan(result.fun) and result.jac is None and result.x == [1]
    assert "NaN" in result.message and result.nfev == 1
    for bad in (numpy.nan, numpy.inf, 1e200):  # the gradient
        calls = []

        def fun(x):
            calls.append(x)
            return value(x), 2 * x if len(calls) < 4 else numpy.full(1, bad)

        result = minimize(fun, [1.0], jac=True, return_last=True)
        assert not result.success and result.nit == 3 and "gradient" in result.message
        assert result.x.tobytes() == calls[2].tobytes() and result.jac.tobytes() == (2 * calls[2]).tobytes()


def test_callbacks():
    seen = []

    def by_result(intermediate_result):
        seen.append(intermediate_result)
        if intermediate_result.nit == 3:
            raise StopIteration

    result = minimize(square, [1.0], jac=True, callback=by_result)
    assert result.nit == 3 and not result.success and "callback" in result.message
    assert [point.nit for point in seen] == [0, 1, 2, 3] and seen[2].fun == value(seen[2].x)
    assert minimize(square, [1.0], jac=True, callback=lambda x: x[0] < 0.99).x[0] < 0.99
    for bad in (KeyError("mine"), KeyboardInterrupt()):

        def fails(x, bad=bad):
            raise bad

        with pytest.raises(type(bad)):
            minimize(square, [1.0], jac=True, callback=fails)
        with pytest.raises(type(bad)):
            minimize(fails, [1.0], jac=True)
    kept = []
    minimize(square, [1.0], jac=True, callback=kept.append, maxiter=2)
    assert kept[0] == 1 and kept[1] != kept[2]  # each is its own


def test_what_fun_does_to_x_does_not_matter():
    def spoils(x):
        result = value(x)
        x[:] = numpy.nan
        return result

    assert minimize(spoils, [1.0, 2.0], maxiter=5).x.tobytes() == minimize(value, [1.0, 2.0], maxiter=5).x.tobytes()


def test_limits():
    assert minimize(square, [1.0], jac=True, maxiter=0).nit == 0
    result = minimize(square, [1.0], jac=True, f_target=0.5)
    assert result.success and 0.4 < result.fun <= 0.5
    result = minimize(lambda x: (value(x) + 1, 2 * x), [1.0], jac=True, gtol=0.1)
    assert result.success and abs(result.jac).max() < 0.1 and result.gradient_norm == abs(result.jac).max()
    assert minimize(square, [1.0], jac=True, tol=0.1).nit < minimize(square, [1.0], jac=True).nit
    begin = time.monotonic()
    result = minimize(square, [1.0], jac=True, max_seconds=0.05, lr=0, patience=0, maxiter=2**64 - 1)
    assert "max_seconds" in result.message and time.monotonic() - begin < 5
    assert "patience" in minimize(lambda x: (1.0, x), [1.0], jac=True, patience=5).message


def test_options():
    result = minimize(square, [1.0], jac=True, options={"maxiter": 3, "lr": 0.5, "disp": True})
    assert result.nit == 3
    assert result.x.tobytes() == minimize(square, [1.0], jac=True, maxiter=3, lr=0.5).x.tobytes()
    assert minimize(square, [1.0], jac=True, maxiter=3, options={"gtol": 0.0}).nit == 3
    assert minimize(square, [1.0], jac=True, maxiter=9, tol=1.0, options={"gtol": 0.0}).nit == 9


def test_result_is_like_scipys(capfd):
    optimize = pytest.importorskip("scipy.optimize")
    theirs = optimize.minimize(square, [1.0, 2.0], jac=True, method="CG")
    ours = minimize(square, [1.0, 2.0], jac=True)
    assert {"x", "fun", "jac", "success", "status", "message", "nit", "nfev", "njev"} <= ours.keys()
    assert theirs.keys() - ours.keys() <= {"allvecs"}
    assert isinstance(ours, MinimizeResult) and ours.x is ours["x"] and set(dir(ours)) == ours.keys()
    ours.more = 3
    assert ours["more"] == 3 and "more: 3" in repr(ours)
    del ours.more
    with pytest.raises(AttributeError, match="more"):
        ours.more
    seen, options = [], {"maxiter": 2000, "disp": True}
    method = optimize.minimize(
        square, [1.0, 2.0], jac=True, method=minimize, tol=1e-3, callback=seen.append, options=options
    )
    assert method.success and abs(method.x).max() < 1e-3 and len(seen) == method.nit + 1
    assert optimize.minimize(value, [1.0], method=minimize, options={"maxiter": 4}).nit == 4
    assert capfd.readouterr() == ("", "")
