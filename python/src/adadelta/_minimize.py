# SPDX-License-Identifier: MIT
"""Minimising a function of several variables with Adadelta, by the conventions of scipy.optimize.minimize."""
import math
from typing import Any, Callable, Mapping

from adadelta import _core
from adadelta._optimizer import checked_schedule

_HYPER = _core.hyper("adadelta")
_DEFAULTS = _core.defaults["minimize"]


class MinimizeResult(dict[str, Any]):
    """What came of a run, by key or as attributes, as scipy.optimize.OptimizeResult.

    x: the best point seen (the last good one with return_last). fun, jac: value and gradient there (NaN and None where no
    point was good). success: whether the gradient met gtol or the value reached f_target; a value that stalls is no
    success: Adadelta leaps to and fro across a valley while its steps are large. status, message: why the run ended
    (enum adadelta_minimize_reason and its text; gradient_tolerance is gtol, objective_tolerance ftol). nit: steps.
    nfev, njev: calls.
    """

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    __setattr__ = dict.__setitem__  # type: ignore[assignment]
    __delattr__ = dict.__delitem__  # type: ignore[assignment]

    def __dir__(self) -> list[str]:
        return list(self.keys())

    def __repr__(self) -> str:
        width = max(map(len, self), default=0)
        return "\n".join(f"{name:>{width}}: {value!r}" for name, value in self.items())


class _Objective:
    """fun, jac and args as one function of the memory of x, for the library; and how often it was called."""

    def __init__(
        self, fun: Callable[..., Any], jac: Any, args: tuple[Any, ...], shape: tuple[int, ...], last: bool
    ) -> None:
        for what, function in (("fun", fun), ("jac", jac)):
            if not callable(function) and (what == "fun" or not _is_word(function)):
                expected = "a function" if what == "fun" else "True, a function, '3-point' or None"
                raise TypeError(f"{what}: must be {expected}, not {function!r}")
        self.fun, self.jac, self.args, self.shape, self.last = fun, jac, args, shape, last
        self.calls = self.gradients = 0
        self.found: tuple[float, Any] = (float("inf"), None)  # value and gradient of the point that will be given back

    def __call__(self, memory: bytearray, iteration: int) -> tuple[float, Any]:
        import numpy

        x = numpy.frombuffer(memory).reshape(self.shape)
        if self.jac is True:
            self.calls += 1
            value, gradient = _pair(self.fun(x, *self.args))
        else:
            value, gradient = self.value(x), self.gradient(x)
        gradient = _numbers(gradient, "jac: the gradient")
        if gradient.size != x.size or (x.size > 1 and gradient.shape not in (x.shape, (x.size,))):
            raise ValueError(f"jac: the gradient must be of shape {x.shape}, as x0, not {gradient.shape}")
        self.gradients += 1
        with numpy.errstate(over="ignore"):
            good = numpy.isfinite(value) and numpy.isfinite(gradient * gradient).all()  # as the library has it
        if good and (self.last or value <= self.found[0]):
            self.found = value, gradient.reshape(self.shape)
        return value, gradient

    def value(self, x: Any) -> float:
        self.calls += 1
        value = self.fun(x.copy(), *self.args)
        if isinstance(value, tuple):
            raise TypeError("fun: returned a tuple; if it is value and gradient, say jac=True")
        return _number(value)

    def gradient(self, x: Any) -> Any:
        """jac, or central differences, of error h^2 with h about the cube root of the precision."""
        import numpy

        if callable(self.jac):
            return self.jac(x, *self.args)
        flat, gradient = x.ravel(), numpy.empty(x.size)
        for k, h in enumerate(numpy.cbrt(numpy.finfo(float).eps) * numpy.maximum(1.0, abs(flat))):
            ahead, behind = flat.copy(), flat.copy()
            ahead[k] += h
            behind[k] -= h
            difference = self.value(ahead.reshape(x.shape)) - self.value(behind.reshape(x.shape))
            gradient[k] = difference / (ahead[k] - behind[k])
        return gradient


def _is_word(jac: Any) -> bool:
    return jac is None or isinstance(jac, bool) or (isinstance(jac, str) and jac in ("2-point", "3-point"))


def _numbers(given: Any, what: str) -> Any:
    """A new row-major array of float64; TypeError or ValueError that says what."""
    import numpy

    try:
        array = numpy.asarray(given)
    except ValueError as error:
        raise ValueError(f"{what} must be an array: {error}") from None
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{what} must hold real numbers, not {array.dtype}")
    return numpy.array(array, dtype=numpy.float64, order="C")


def _number(value: Any, what: str = "fun: the value") -> float:
    """A number, or an array of one."""
    array = _numbers(value, what)
    if array.size != 1:
        raise ValueError(f"{what} must be one number, not an array of shape {array.shape}")
    return float(array.reshape(()))


def _pair(result: Any) -> tuple[float, Any]:
    """What fun returns with jac=True."""
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        raise TypeError("fun: with jac=True it must return value and gradient")
    return _number(result[0]), result[1]


def _progress(callback: Callable[..., Any] | None, shape: tuple[int, ...]) -> Callable[..., bool] | None:
    """callback(x) or, where its one parameter has that name, callback(intermediate_result), as in SciPy; a true result
    or StopIteration ends the run."""
    if callback is None:
        return None
    if not callable(callback):
        raise TypeError(f"callback: must be a function or None, not {callback!r}")
    import inspect

    import numpy

    function = callback
    try:
        whole = set(inspect.signature(callback).parameters) == {"intermediate_result"}
    except (TypeError, ValueError):
        whole = False

    def progress(memory: bytearray, iteration: int, value: float, norm: float, best: float, seconds: float) -> bool:
        x = numpy.frombuffer(memory).reshape(shape)
        try:
            if not whole:
                return bool(function(x))
            result = MinimizeResult(x=x, fun=value, nit=iteration, gradient_norm=norm, best_fun=best, seconds=seconds)
            return bool(function(intermediate_result=result))
        except StopIteration:
            return True

    return progress


# The library's names of what SciPy's users call otherwise.
_LIBRARY = {"maxiter": "max_iterations", "gtol": "gradient_tolerance", "ftol": "objective_tolerance"}


def _checked_limits(limits: Mapping[str, Any]) -> dict[str, Any]:
    """The library's options; what it would refuse without saying which is refused here, by the user's name."""
    for name in ("maxiter", "patience"):
        if not hasattr(limits[name], "__index__"):
            raise TypeError(f"{name}: must be a whole number, not {type(limits[name]).__name__}")
        if not 0 <= limits[name] < 2**64:
            raise ValueError(f"{name}: must be at least 0 and below 2**64, not {limits[name]}")
    for name in ("gtol", "ftol", "max_seconds"):
        if not 0 <= _number(limits[name], name) < float("inf"):
            raise ValueError(f"{name}: must be finite and at least 0, not {limits[name]}")
    if math.isnan(_number(limits["f_target"], "f_target")):
        raise ValueError("f_target: must not be NaN")
    return {_LIBRARY.get(name, name): value for name, value in limits.items()}


def _refuse(unused: Mapping[str, Any]) -> None:
    """SciPy hands what it has to every method, mostly None or ()."""
    for name, value in unused.items():
        if name not in ("hess", "hessp", "bounds", "constraints", "disp"):
            raise TypeError(f"there is no option {name!r}")
        if name != "disp" and value is not None and not (isinstance(value, (tuple, list, dict)) and not value):
            raise ValueError(f"{name}: Adadelta has no use for it")


def _start(x0: Any) -> Any:
    import numpy

    x = _numbers(x0, "x0")
    if not x.size or not numpy.isfinite(x).all():
        raise ValueError("x0: must have at least one number, all finite")
    return x


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
        callback: called at every point, the first included, with x, or with intermediate_result= if that is its
            parameter's name; what is true, or StopIteration, ends the run.
        lr, rho, eps: of the steps, which begin at about lr times the root of eps: x should be of the order of 1, or lr
            larger.
        schedule: of lr, such as {"kind": "cosine"}, over maxiter steps unless it says "steps". With patience=0, lest a
            stall end it before, it gives more digits than a constant rate.
        maxiter: at most so many steps. gtol: ends where all components of the gradient are smaller; 0: never.
        ftol, patience: ends where the value has, over `patience` steps, not fallen by this part of itself.
        f_target: ends at a value of this or below. max_seconds: no step after this time; 0: no limit.
        return_last: gives back the last point, not the best: for values that are noisy.
        options: any of the above from lr on, as SciPy has them; these go first.

    Returns:
        MinimizeResult.

    Raises:
        ValueError, TypeError: an argument that cannot be, named. What fun, jac or callback raise.

    It serves as a method of SciPy's, too: scipy.optimize.minimize(fun, x0, jac=True, method=adadelta.minimize).
    """
    limits = {
        "maxiter": maxiter,
        "gtol": gtol if tol is None else tol,
        "ftol": ftol,
        "patience": patience,
        "f_target": f_target,
        "max_seconds": max_seconds,
        "return_last": return_last,
    }
    if options:
        steps = {"lr": lr, "rho": rho, "eps": eps, "schedule": schedule}
        settings: dict[str, Any] = {**steps, **limits, **unused, **options}
        return minimize(fun, x0, args, jac, callback=callback, **settings)
    _refuse(unused)
    if callable(schedule):
        raise TypeError("schedule: must be None or a dict; a function is for Adadelta")
    x = _start(x0)
    objective = _Objective(fun, jac, args if isinstance(args, tuple) else (args,), x.shape, return_last)
    run = _core.minimize(
        objective,
        x,
        {"lr": lr, "rho": rho, "eps": eps},
        checked_schedule(schedule),
        _checked_limits(limits),
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
