# SPDX-License-Identifier: MIT
"""Minimising a function of several variables with Adadelta, by the conventions of scipy.optimize.minimize."""
from __future__ import annotations

from typing import Any, Callable, Mapping

from adadelta import _core

_HYPER = _core.hyper("adadelta")
_DEFAULTS = _core.defaults["minimize"]


class MinimizeResult(dict):
    """What came of a run, by key or as attributes, as scipy.optimize.OptimizeResult.

    x: the best point seen (the last good one with return_last). fun, jac: value and gradient there. success: whether the
    gradient met gtol, the value reached f_target or stalled by ftol. status, message: why the run ended (enum
    adadelta_minimize_reason and its text). nit: steps. nfev, njev: calls.
    """

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __dir__(self) -> list[str]:
        return list(self.keys())

    def __repr__(self) -> str:
        width = max(map(len, self), default=0)
        return "\n".join(f"{name:>{width}}: {value!r}" for name, value in self.items())


class _Objective:
    """fun, jac and args as one function of the memory of x, for the library; and how often it was called."""

    def __init__(self, fun: Callable[..., Any], jac: Any, args: tuple[Any, ...], shape: tuple[int, ...], last: bool) -> None:
        self.fun, self.jac, self.args, self.shape, self.last = fun, jac, args, shape, last
        self.calls = self.gradients = 0
        self.found: tuple[float, Any] = (float("inf"), None)  # value and gradient of the point that will be given back
        if jac is not True and not callable(jac) and jac not in (None, False, "2-point", "3-point"):
            raise ValueError(f"jac: must be True, a function, '3-point' or None, not {jac!r}")

    def __call__(self, memory: bytearray, iteration: int) -> tuple[float, Any]:
        import numpy

        x = numpy.frombuffer(memory).reshape(self.shape)
        if self.jac is True:
            value, gradient = self.fun(x.copy(), *self.args)
            self.calls += 1
        else:
            value, gradient = self.value(x), self.gradient(x)
        gradient = numpy.ascontiguousarray(gradient, dtype=numpy.float64)
        if gradient.size != x.size:
            raise ValueError(f"jac: the gradient must have {x.size} numbers, as x0, not {gradient.size}")
        value = _number(value)
        self.gradients += 1
        if numpy.isfinite(value) and numpy.isfinite(gradient).all() and (self.last or value <= self.found[0]):
            self.found = value, gradient.reshape(self.shape)
        return value, gradient

    def value(self, x: Any) -> float:
        self.calls += 1
        return _number(self.fun(x.copy(), *self.args))

    def gradient(self, x: Any) -> Any:
        """jac, or central differences, of error h^2 with h about the cube root of the precision."""
        import numpy

        if callable(self.jac):
            return self.jac(x.copy(), *self.args)
        flat, gradient = x.ravel(), numpy.empty(x.size)
        for k, h in enumerate(numpy.cbrt(numpy.finfo(float).eps) * numpy.maximum(1.0, abs(flat))):
            ahead, behind = flat.copy(), flat.copy()
            ahead[k] += h
            behind[k] -= h
            difference = self.value(ahead.reshape(x.shape)) - self.value(behind.reshape(x.shape))
            gradient[k] = difference / (ahead[k] - behind[k])
        return gradient


def _number(value: Any) -> float:
    """A value of fun's: a number, or an array of one."""
    import numpy

    array = numpy.asarray(value, dtype=numpy.float64)
    if array.size != 1:
        raise ValueError(f"fun: must return one number, not an array of shape {array.shape}")
    return float(array.reshape(()))


def _progress(callback: Callable[..., Any] | None, shape: tuple[int, ...]) -> Callable[..., bool] | None:
    """callback(x) or, where its one parameter has that name, callback(intermediate_result), as in SciPy; a true result
    or StopIteration ends the run."""
    if callback is None:
        return None
    import inspect

    import numpy

    try:
        whole = set(inspect.signature(callback).parameters) == {"intermediate_result"}
    except (TypeError, ValueError):
        whole = False

    def progress(memory: bytearray, iteration: int, value: float, norm: float, best: float, seconds: float) -> bool:
        x = numpy.frombuffer(memory).reshape(shape)
        try:
            if not whole:
                return bool(callback(x))
            result = MinimizeResult(x=x, fun=value, nit=iteration, gradient_norm=norm, best_fun=best, seconds=seconds)
            return bool(callback(intermediate_result=result))
        except StopIteration:
            return True

    return progress


def minimize(
    fun: Callable[..., Any],
    x0: Any,
    args: tuple[Any, ...] = (),
    jac: Any = None,
    tol: float | None = None,
    callback: Callable[..., Any] | None = None,
    *,
    lr: float = _HYPER["lr"],
    rho: float = _HYPER["rho"],
    eps: float = _HYPER["eps"],
    schedule: Mapping[str, Any] | None = None,
    maxiter: int = _DEFAULTS["max_iterations"],
    gtol: float = _DEFAULTS["gradient_tolerance"],
    ftol: float = _DEFAULTS["objective_tolerance"],
    patience: int = _DEFAULTS["patience"],
    f_target: float = _DEFAULTS["f_target"],
    max_seconds: float = _DEFAULTS["max_seconds"],
    return_last: bool = _DEFAULTS["return_last"],
    options: Mapping[str, Any] | None = None,
    **unused: Any,
) -> MinimizeResult:
    """Minimises fun(x, *args) from x0 with adadelta_minimize, in float64.

    Args:
        fun: returns the value at x [as x0]; with jac=True, value and gradient.
        x0: where to start, finite numbers of any shape; fun sees x in that shape. It is not changed.
        args: further arguments of fun (and jac).
        jac: True (fun returns both), a function of x that returns the gradient [as x0], or None: central differences,
            2n further calls of fun a step.
        tol: gtol, as in SciPy.
        callback: called after each step with x, or with intermediate_result= if that is its parameter's name; what is
            true, or StopIteration, ends the run.
        lr, rho, eps: of the steps. For more digits than a first run gives, run again from there with a tenth of the lr.
        schedule: of lr, such as {"kind": "cosine"}, over maxiter steps unless it says "steps".
        maxiter: at most so many steps. gtol: ends where all components of the gradient are smaller; 0: never.
        ftol, patience: ends where the value has, over `patience` steps, not fallen by this part of itself.
        f_target: ends at a value of this or below. max_seconds: no step after this time; 0: no limit.
        return_last: gives back the last point, not the best: for values that are noisy.
        options: any of the above from maxiter on, as SciPy has them.

    Returns:
        MinimizeResult.

    Raises:
        ValueError, TypeError: an argument that cannot be, named. What fun, jac or callback raise.

    It serves as a method of SciPy's, too: scipy.optimize.minimize(fun, x0, jac=True, method=adadelta.minimize).
    """
    import numpy

    if options:
        return minimize(fun, x0, args, jac, tol, callback, **{"lr": lr, "rho": rho, "eps": eps, "schedule": schedule, **options})
    for name, value in unused.items():  # SciPy hands its own to every method
        if name not in ("hess", "hessp", "bounds", "constraints", "disp"):
            raise TypeError(f"there is no option {name!r}")
        if name != "disp" and value is not None and value != ():
            raise ValueError(f"{name}: Adadelta has no use for it")
    x = numpy.array(x0, dtype=numpy.float64, order="C")
    if not x.size or not numpy.isfinite(x).all():
        raise ValueError("x0: must have at least one number, all finite")
    objective = _Objective(fun, jac, args if isinstance(args, tuple) else (args,), x.shape, return_last)
    run = _core.minimize(
        objective,
        x,
        {"lr": lr, "rho": rho, "eps": eps},
        dict(schedule or {}),
        {
            "max_iterations": maxiter,
            "gradient_tolerance": gtol if tol is None else tol,
            "objective_tolerance": ftol,
            "patience": patience,
            "f_target": f_target,
            "max_seconds": max_seconds,
            "return_last": return_last,
        },
        _progress(callback, x.shape),
    )
    return MinimizeResult(
        x=x,
        fun=run["value"],
        jac=objective.found[1],
        success=run["reason"] in _core.successes,
        status=run["reason"],
        message=run["message"],
        nit=run["iterations"],
        nfev=objective.calls,
        njev=objective.gradients,
        gradient_norm=run["gradient_norm"],
        seconds=run["seconds"],
    )
