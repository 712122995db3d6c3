# SPDX-License-Identifier: MIT
"""Adadelta for NumPy arrays and anything else with the buffer protocol."""

import contextlib
import copy
import os
import threading
from typing import Any, Callable, Iterator, Mapping, Sequence, Union

from adadelta import _core

Array = Any  # numpy.ndarray, array.array, memoryview, ...: float64, float32 or float16, in one piece, row-major
Arrays = Union[Array, Sequence[Array], Mapping[str, Array]]

_HYPER = _core.hyper("adadelta")
_OPTIONS = _core.defaults["options"]
_GRADIENTS = _core.defaults["gradients"]
_TENSOR = _core.defaults["tensor"]
_NEEDED = ("lr", "rho", "eps", "weight_decay", "decoupled", "maximize")  # of hyper, what Adadelta uses
_ALONE = "w"  # the name of an array that is given by itself


def _as_numpy(lent: Any) -> Any:
    """The library's memory as a NumPy array, or as a memoryview where there is no NumPy."""
    try:
        import numpy
    except ImportError:
        return memoryview(lent)
    return numpy.asarray(lent)


def _copied(array: Array) -> Array:
    if isinstance(array, memoryview):
        flat = memoryview(bytearray(array))
        return flat.cast(array.format) if array.ndim == 1 else flat.cast(array.format, array.shape or ())
    return array.copy() if hasattr(array, "copy") else copy.copy(array)  # NumPy's copy() is row-major, copy.copy not


def _named(arrays: Arrays, what: str) -> dict[str, Array]:
    """Arrays by name: of a dict its keys, of a list or tuple the places, of one array "w"."""
    if isinstance(arrays, Mapping):
        for name in arrays:
            if not isinstance(name, str):
                raise TypeError(f"{what}: names of arrays must be texts, not {type(name).__name__}")
        return dict(arrays)
    if isinstance(arrays, (list, tuple)):
        return {str(place): array for place, array in enumerate(arrays)}
    return {_ALONE: arrays}


def checked_schedule(schedule: Any) -> Any:
    """A schedule as the library takes it."""
    if callable(schedule):
        return schedule
    if schedule is not None and not isinstance(schedule, Mapping):
        raise TypeError(f"schedule: must be None, a dict or a function, not {type(schedule).__name__}")
    return dict(schedule or {})


def _checked_name(what: str, choice: str, name: Any) -> str:
    """So that a wrong name is found when the optimizer is made, not at its first step."""
    if not isinstance(name, str):
        raise TypeError(f"{what} must be a text, not {type(name).__name__}")
    if name not in _core.names[choice]:
        raise ValueError(f"{what} must be one of {_core.names[choice]}, not {name!r}")
    return name


def _copied_entry(name: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    """An array's part of a state_dict; KeyError where something is missing."""
    for key in ("counts", "dtypes", *entry["dtypes"]):
        if key not in entry:
            raise KeyError(f"state of {name!r}: there is no {key!r}")
    arrays = {key: _copied(entry[key]) for key in entry["dtypes"]}
    return {**arrays, "dtypes": dict(entry["dtypes"]), "counts": dict(entry["counts"])}


def _checked_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a group: those that Adadelta uses."""
    for name in settings:
        if name not in _NEEDED:
            raise TypeError(f"there is no setting {name!r}; settings are {', '.join(_NEEDED)}")
    return dict(settings)


def _of_first_group(name: str) -> Any:
    """A setting of the first group as a property of Adadelta."""
    kind = type(_HYPER[name])

    def get(self: "Adadelta") -> Any:
        return kind(self._core.get_hyper(0)[name])

    def put(self: "Adadelta", value: float) -> None:
        self.set_group(0, **{name: value})

    return property(get, put, doc=f"{name} of the first group, from the next step on.")


class Adadelta:
    """The optimizer, with its state for every array that it has stepped.

    Arrays are told apart by name: those of a dict by its keys, those of a list or tuple by their place ("0", "1", ...),
    one given by itself is "w". An array's state starts at zero at its first step; shape and type stay from then on. So
    all arrays of a model go into one call, as a dict or list; one after the other, they would share the state of "w".

        >>> import numpy
        >>> params, optimizer = {"a": numpy.ones(3), "b": numpy.ones((2, 2))}, Adadelta()
        >>> optimizer.step(params, {name: 2 * array for name, array in params.items()})

    Args:
        rho: decay of both averages, at least 0 and below 1.
        eps: above 0; its root stands where others have a learning rate.
        lr: what every update is multiplied by, at least 0. 1 in the paper.
        weight_decay: L2 decay, at least 0: added to the gradient, or taken off the weights where decoupled.
        decoupled: whether weight decay is apart from the gradient.
        maximize: whether to climb.
        threads: at most so many threads a step; 0: one a processor. No bit depends on it.
        state_dtype: None (as the arrays; float32 for float16), "f32", "f64", "f16", "bf16", or "u16" and "u8": half and
            a quarter of the memory (docs/lowbit.md).
        weights: how float16 arrays keep steps that are smaller than their spacing: "master" (a float32 copy among the
            state), "stochastic" or "nearest".
        grad_dtype: None (as the arrays), or the type that all gradients have: "f32", "f64", "f16".
        nonfinite: what to do about a gradient that has NaN, infinity or numbers too large to be squared: "raise"
            (NonFiniteError, nothing is changed), "skip" (the step is left out and counted), "propagate" (nobody looks).
        scale: gradients are divided by it first; a normal number above 0.
        clip_value, clip_norm, clip_global_norm: bounds on a gradient's elements, on its L2 norm, and on the L2 norm of
            all gradients of a step; 0: none.
        schedule: what lr is multiplied by at a step: None (1), a dict, or a function of the number of steps taken
            before. A dict has "kind", one of "constant", "linear", "cosine", "tail" (1 for two thirds, then linear),
            "step"; with "steps", the length of the run, for the middle three, and "end", the rate there (0); "every"
            and "gamma" (0.1), the factor after so many steps, for the last; "warmup", steps in which it rises to 1 (0).
        averaging: "none", "exponential" or "polyak": averages of the arrays, kept beside them; see swap_averages.
        average_decay: of exponential averages, at least 0 and below 1.
        seed: of random rounding.

    Raises:
        ValueError: a number out of its range, or a name that is none; TypeError: not a number, not a name.

    One optimizer must not be stepped by two threads at once (RuntimeError); two different ones may. The GIL is released
    during a step. Source: Zeiler 2012, Algorithm 1.
    """

    __slots__ = ("_tensor", "_core", "_index", "_group", "_groups", "_pending", "_stepping", "__weakref__")

    def __init__(
        self,
        rho: float = _HYPER["rho"],
        eps: float = _HYPER["eps"],
        lr: float = _HYPER["lr"],
        weight_decay: float = _HYPER["weight_decay"],
        *,
        decoupled: bool = _HYPER["decoupled"],
        maximize: bool = _HYPER["maximize"],
        threads: int = _OPTIONS["threads"],
        state_dtype: str | None = None,
        weights: str = _TENSOR["weights"],
        grad_dtype: str | None = None,
        nonfinite: str = _GRADIENTS["nonfinite"],
        scale: float = _GRADIENTS["scale"],
        clip_value: float = _GRADIENTS["clip_value"],
        clip_norm: float = _GRADIENTS["clip_norm"],
        clip_global_norm: float = _GRADIENTS["clip_global_norm"],
        schedule: Mapping[str, Any] | Callable[[int], float] | None = None,
        averaging: str = _OPTIONS["averaging"],
        average_decay: float = _OPTIONS["average_decay"],
        seed: int = _OPTIONS["seed"],
    ) -> None:
        self._tensor = {"weights": _checked_name("weights", "weights", weights)}
        if grad_dtype is not None:
            self._tensor["gradient_dtype"] = _checked_name("grad_dtype", "dtype", grad_dtype)
        self._core = _core.Optimizer(
            {
                "threads": threads,
                "state_dtype": state_dtype,
                "averaging": averaging,
                "average_decay": average_decay,
                "seed": seed,
            }
        )
        self._core.set_gradients(
            {
                "nonfinite": nonfinite,
                "scale": scale,
                "clip_value": clip_value,
                "clip_norm": clip_norm,
                "clip_global_norm": clip_global_norm,
            }
        )
        self._core.add_group(
            {
                "rho": rho,
                "eps": eps,
                "lr": lr,
                "weight_decay": weight_decay,
                "decoupled": decoupled,
                "maximize": maximize,
            }
        )
        self._index: dict[str, int] = {}  # of tensors, by name
        self._group: dict[str, int] = {}  # of names that add_group was given
        self._groups = 1
        self._stepping = threading.Lock()
        self._pending: dict[str, dict[str, Any]] = {}  # state of arrays that are yet to come
        self._core.set_schedule(checked_schedule(schedule))

    def __repr__(self) -> str:
        hyper = self._core.get_hyper(0)
        settings = ", ".join(f"{name}={hyper[name]!r}" for name in ("rho", "eps", "lr", "weight_decay"))
        groups = f"{self._groups} groups, " if self._groups > 1 else ""
        return f"<Adadelta {settings}: {groups}arrays {sorted(self._index)}, {self.steps} steps>"

    # ---- Stepping ----

    def step(self, w: Arrays, grad: Arrays) -> None:
        """One step, in place.

        Args:
            w: an array of at most 8 dimensions, or a list, tuple or dict of arrays; float64, float32 or float16,
                C-contiguous and writable. No two may overlap, nor overlap a gradient or another's array of the last
                step. The optimizer keeps hold of them.
            grad: the gradients, in the same form and of the same shapes and types (but see grad_dtype).

        Raises:
            TypeError: not an array, or not of such a type. ValueError: another shape, read-only, not contiguous,
            overlapping, or other names. NonFiniteError: see nonfinite. Nothing has been changed then.
        """
        arrays, gradients = _named(w, "w"), _named(grad, "grad")
        if isinstance(grad, (list, tuple, Mapping)) != isinstance(w, (list, tuple, Mapping)):
            raise TypeError(f"grad: must have the form of w: it is of type {type(grad).__name__}, w {type(w).__name__}")
        if arrays.keys() != gradients.keys():
            raise ValueError(f"grad: must have the arrays {sorted(arrays)}, as w, not {sorted(gradients)}")
        with self._alone():
            self._step(arrays, gradients)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """RuntimeError where a step or a load is under way, in another thread or, by a callback, in this one."""
        if not self._stepping.acquire(blocking=False):
            raise RuntimeError("the optimizer is in the middle of a step")
        try:
            yield
        finally:
            self._stepping.release()

    def _step(self, arrays: Mapping[str, Array], gradients: Mapping[str, Array]) -> None:
        core, index = self._core, self._index
        new = [name for name in arrays if name not in index]
        if new:  # in a copy of the optimizer, lest they be there though the step is refused
            core, index = core.clone(), dict(index)
            for name in new:
                group = self._group.get(name, 0)
                index[name] = self._register(core, name, group, arrays[name], self._pending.get(name))
        core.step_arrays(
            tuple(index[name] for name in arrays), tuple(arrays.values()), tuple(gradients[name] for name in arrays)
        )
        self._core, self._index = core, index
        for name in new:
            self._pending.pop(name, None)

    def update(self, w: Arrays, grad: Arrays) -> Arrays:
        """One step that leaves w as it is: returns the new array, or a list, tuple or dict of new arrays, like w.

        The state goes on from call to call, so that `w = optimizer.update(w, grad)` in a loop trains. Arguments and
        errors are step's, but w may be read-only.
        """
        new: Arrays
        if isinstance(w, Mapping):
            new = {name: _copied(array) for name, array in w.items()}
        elif isinstance(w, (list, tuple)):
            new = [_copied(array) for array in w]
            new = tuple(new) if isinstance(w, tuple) else new
        else:
            new = _copied(w)
        self.step(new, grad)
        return new

    # ---- Groups ----

    def add_group(self, names: Sequence[str], **settings: float) -> None:
        """Gives arrays settings of their own, before their first step.

        Args:
            names: of arrays, as step has them ("bias", or "1" for the second of a list).
            settings: any of lr, rho, eps, weight_decay, decoupled, maximize; the others are those of the first group.
        """
        names = [names] if isinstance(names, str) else list(names)
        for name in names:
            if not isinstance(name, str):
                raise TypeError(f"names: must be texts, not {type(name).__name__}")
            if name in self._index or name in self._group:
                what = "has been stepped" if name in self._index else "is in a group"
                raise ValueError(f"names: {name!r} {what} already")
        number = self._core.add_group({**self._core.get_hyper(0), **_checked_settings(settings)})
        self._group.update(dict.fromkeys(names, number))
        self._groups += 1

    @property
    def groups(self) -> list[dict[str, Any]]:
        """The settings of every group, with the "names" of the arrays in it; a copy. The first has all other arrays."""
        found = []
        for number in range(self._groups):
            hyper = self._core.get_hyper(number)
            names = [name for name in self._index if self._group.get(name, 0) == number]
            names += [name for name, group in self._group.items() if group == number and name not in self._index]
            found.append({"names": names, **{key: hyper[key] for key in _NEEDED}})
        return found

    def set_group(self, number: int, **settings: float) -> None:
        """Changes settings of group `number` from the next step on."""
        if not 0 <= number < self._groups:
            raise ValueError(f"number: there is no group {number}; there are {self._groups}")
        self._core.set_hyper(number, _checked_settings(settings))

    lr = _of_first_group("lr")
    rho = _of_first_group("rho")
    eps = _of_first_group("eps")
    weight_decay = _of_first_group("weight_decay")
    decoupled = _of_first_group("decoupled")
    maximize = _of_first_group("maximize")

    @property
    def schedule(self) -> Any:
        """What lr is multiplied by: a dict or a function, see schedule above."""
        return self._core.get_schedule()

    @schedule.setter
    def schedule(self, schedule: Any) -> None:
        self._core.set_schedule(checked_schedule(schedule))

    # ---- Looking inside ----

    @property
    def steps(self) -> int:
        """Steps taken."""
        return self._core.step_count()[0]

    @property
    def skipped(self) -> int:
        """Steps left out for gradients that were not finite (nonfinite="skip")."""
        return self._core.step_count()[1]

    @property
    def state(self) -> dict[str, dict[str, Any]]:
        """{name: {"square_avg": array, "acc_delta": array, ...}}: the optimizer's own memory, which changes with every
        step, until an array is added or something is loaded. bfloat16 is seen as uint16; "u16" and "u8" as codes, for
        which there is read_state."""
        return {name: self._state_of(index) for name, index in self._index.items()}

    def _state_of(self, index: int) -> dict[str, Any]:
        return {key: _as_numpy(lent) for key, (_, lent) in self._core.state(index).items()}

    def read_state(self, name: str, key: str) -> Array:
        """The numbers of a state array ("square_avg", "acc_delta", "master", "average") as float64, whatever the
        state_dtype."""
        import numpy

        array = self._array(name)
        numbers = numpy.empty(memoryview(array).shape or (), numpy.float64)
        self._core.copy_state(self._index[name], key, numbers)
        return numbers

    def stats(self, name: str = _ALONE) -> dict[str, float]:
        """How an array stands: steps, skipped, state_bytes, and rate_min, rate_median and rate_max of the effective rate,
        sqrt((acc_delta + eps)/(square_avg + eps)), over its elements; gradient_norm of the last step that clipped by
        norms, else NaN. Reads all of its state: for now and then."""
        self._array(name)
        found: dict[str, float] = self._core.stats(self._index[name])
        del found["update_norm"]  # which nothing here measures
        return found

    def _array(self, name: str) -> Array:
        if name not in self._index:
            raise KeyError(f"no array {name!r} has been stepped; there are {sorted(self._index)}")
        return self._core.array(self._index[name])

    @property
    def arrays(self) -> dict[str, Array]:
        """The arrays as the last step left them, by name: those that it was given, not copies."""
        return {name: self._array(name) for name in self._index}

    # ---- Averages ----

    def swap_averages(self) -> None:
        """Exchanges arrays and their averages (see averaging), in place; again: exchanges them back, exactly. While
        they are exchanged steps are refused (RuntimeError)."""
        self._core.swap_averages()

    def restart_averages(self) -> None:
        """Forgets the averages: they start again from the arrays as they are."""
        self._core.restart_averages()

    # ---- Keeping ----

    def state_dict(self) -> dict[str, Any]:
        """All that load_state_dict needs to go on with the same bits, as plain dicts, numbers and copies of arrays, for
        pickle; without the arrays that are trained.

        {"steps", "skipped", "groups": as groups has them, "schedule", "state": {name: {"square_avg": array,
        "acc_delta": array, ..., "dtypes": {...}, "counts": {...}}}}
        """
        if self._core.averages_swapped():
            raise RuntimeError("the averages stand in the arrays' place: swap_averages first")
        state = {name: _copied_entry(name, entry) for name, entry in self._pending.items()}
        for name, index in self._index.items():
            lent = self._core.state(index)
            state[name] = {key: _copied(_as_numpy(array)) for key, (_, array) in lent.items()}
            state[name]["dtypes"] = {key: dtype for key, (dtype, _) in lent.items()}
            state[name]["counts"] = self._core.get_counts(index)
        return {
            "steps": self.steps,
            "skipped": self.skipped,
            "groups": self.groups,
            "schedule": self.schedule,
            "state": state,
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Goes on from a state_dict of an optimizer made with the same arguments: counters, groups, schedule, and the
        state of every array, which is put in place now or when the array is first stepped.

        Raises:
            ValueError: arrays of another shape, or TypeError: of another type, than the state is for; KeyError:
            something is missing. Nothing has been changed then.
        """
        with self._alone():
            state = {name: _copied_entry(name, entry) for name, entry in state_dict["state"].items()}
            groups = {name: number for number, group in enumerate(state_dict["groups"]) for name in group["names"]}
            if not state_dict["groups"]:
                raise ValueError("state_dict: there must be at least one group")
            core = self._new_core(state_dict["groups"])
            core.set_schedule(checked_schedule(state_dict["schedule"]))
            index: dict[str, int] = {}
            for name in self._index:
                index[name] = self._register(core, name, groups.get(name, 0), self._array(name), state.pop(name, None))
            core.set_step_count(state_dict["steps"], state_dict["skipped"])
            self._core, self._index, self._pending = core, index, state
            self._groups, self._group = len(state_dict["groups"]), {n: g for n, g in groups.items() if g}

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes optimizer and arrays to a checkpoint file (safetensors; docs/checkpoint.md), whole or not at all; the
        C library reads it, too.

        Raises:
            OSError: the file cannot be written; an older one of that name is untouched. RuntimeError: state that
            load_state_dict brought waits for its array's first step.
        """
        if self._pending:
            raise RuntimeError(f"the arrays {sorted(self._pending)} have state, but have not been stepped")
        self._core.save(path)

    def load(self, path: str | os.PathLike[str], w: Arrays | None = None) -> None:
        """Reads a checkpoint file that save or the C library wrote: settings, counters and state into this optimizer,
        the arrays into w, in place. The file's settings take the place of this optimizer's, schedule and clipping
        included; state_dtype, weights and the groups' number must be the same in both.

        Args:
            path: of the file.
            w: the arrays to fill, in the form that step was given them; None: those of the last step.

        Raises:
            OSError: the file cannot be read. CheckpointError: it is none, is damaged, or has other arrays, groups or
            options than this optimizer. Nothing has been changed then.
        """
        os.stat(path)  # says best what is wrong with a path
        with self._alone():
            arrays = self.arrays if w is None else {**self.arrays, **_named(w, "w")}
            core = self._new_core(self.groups)
            index = {name: self._register(core, name, self._group.get(name, 0), array) for name, array in arrays.items()}
            if callable(self.schedule):
                core.set_schedule(self.schedule)
            core.load(path)
            self._core, self._index, self._pending = core, index, {}

    def _new_core(self, groups: Sequence[Mapping[str, Any]]) -> Any:
        """An optimizer with the same options and no arrays."""
        core = _core.Optimizer(self._core.get_options())
        core.set_gradients(self._core.get_gradients())
        for group in groups:
            core.add_group({key: group[key] for key in _NEEDED})
        return core

    def _register(self, core: Any, name: str, group: int, array: Array, state: Mapping[str, Any] | None = None) -> int:
        """Adds an array, with the state that it had where there is some."""
        index: int = core.add_array(name, group, array, self._tensor)
        if state is None:
            return index
        shape, kept = memoryview(array).shape, core.state(index).keys()
        if state["dtypes"].keys() != kept:
            raise KeyError(f"state of {name!r}: must have {sorted(kept)}, not {sorted(state['dtypes'])}")
        for key, dtype in state["dtypes"].items():
            if memoryview(state[key]).shape != shape:
                raise ValueError(f"w: array {name!r} has shape {shape}, its state {memoryview(state[key]).shape}")
            core.set_state(index, key, dtype, state[key])
        core.set_counts(index, state["counts"])
        return index

    def __getstate__(self) -> dict[str, Any]:
        return {
            "options": self._core.get_options(),
            "tensor": self._tensor,
            "gradients": self._core.get_gradients(),
            "arrays": self.arrays,
            "state_dict": self.state_dict(),
        }

    def __setstate__(self, kept: dict[str, Any]) -> None:
        self._tensor = kept["tensor"]
        self._core = _core.Optimizer(kept["options"])
        self._core.set_gradients(kept["gradients"])
        self._index, self._stepping = {}, threading.Lock()
        self.load_state_dict(kept["state_dict"])
        for name, array in kept["arrays"].items():
            group, state = self._group.get(name, 0), self._pending.pop(name)
            self._index[name] = self._register(self._core, name, group, array, state)
