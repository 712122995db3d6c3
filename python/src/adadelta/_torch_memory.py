# SPDX-License-Identifier: MIT
"""PyTorch's tensors as the library's: their addresses, and the state, which lies in the library's memory and is seen by
PyTorch as the tensors of optimizer.state."""
from __future__ import annotations

import copy
import functools
from typing import Any

import torch

from adadelta import _core

# The library's name of each type, and whether it is complex: two numbers of that type.
_TYPES = {
    torch.float32: ("f32", False),
    torch.float64: ("f64", False),
    torch.bfloat16: ("bf16", False),
    torch.float16: ("f16", False),
    torch.complex64: ("f32", True),
    torch.complex128: ("f64", True),
}
_REALS = {name: dtype for dtype, (name, is_complex) in _TYPES.items() if not is_complex}
_COMPLEX = {torch.float32: torch.complex64, torch.float64: torch.complex128}
_HYPER = ("lr", "rho", "eps", "weight_decay", "maximize")


@functools.lru_cache(maxsize=None)
def _first_step() -> Any:
    """What the installed PyTorch's state["step"] is before the first step: a number, or since 2.0 a tensor."""
    p = torch.nn.Parameter(torch.zeros(1))
    p.grad = torch.zeros(1)
    theirs = torch.optim.Adadelta([p])
    theirs.step()
    return theirs.state[p]["step"] * 0


def _is_dense(t: torch.Tensor) -> bool:
    """Whether the elements fill a piece of memory without gaps, in any order of dimensions."""
    if t.is_contiguous():
        return True
    expected = 1
    for stride, size in sorted((stride, size) for stride, size in zip(t.stride(), t.shape) if size != 1):
        if stride != expected:
            return False
        expected *= size
    return True


# A tensor's memory, without a warning about its type: the name has changed with PyTorch 2.0.
_storage = getattr(torch.Tensor, "untyped_storage", None) or torch.Tensor._storage


def _address(t: torch.Tensor, name: str) -> int:
    """Where a tensor lies; ValueError where its memory is gone."""
    last = t.numel() - 1 if t.is_contiguous() else sum((n - 1) * stride for n, stride in zip(t.shape, t.stride()))
    if t.numel() and _storage(t).nbytes() < (t.storage_offset() + last + 1) * t.element_size():
        raise ValueError(f"{name}: its memory is gone, or too small for its shape")
    return t.data_ptr()


class Slot:
    """A parameter as a tensor of the library's."""

    def __init__(self, group: int, place: int, param: torch.Tensor, sparse_dim: int) -> None:
        self.group, self.place, self.param, self.sparse_dim = group, place, param, sparse_dim
        self.name = f"param_groups[{group}]['params'][{place}]"
        self.dtype, self.shape, self.strides = param.dtype, param.shape, param.stride()
        if param.dtype not in _TYPES:
            raise TypeError(f"{self.name}: a parameter of type {param.dtype} cannot be stepped")
        self.type, self.is_complex = _TYPES[param.dtype]
        # A tensor with gaps, or one in another order whose rows count, goes through a copy that is in order.
        self.is_direct = param.is_contiguous() or (not sparse_dim and _is_dense(param))
        self.number = -1  # the library's
        self.views: dict[str, torch.Tensor] = {}  # of the state
        self.scratch = None if self.is_direct else torch.empty(self.shape, dtype=self.dtype)
        self.plain = self.is_direct and not self.is_complex and not sparse_dim
        self.locate()

    def locate(self) -> None:
        """Takes note of where the values lie now."""
        _address(self.param, self.name)
        if self.scratch is not None:
            self.scratch.copy_(self.param)
        self.address = _address(self.param if self.scratch is None else self.scratch, self.name)
        self.counter = self.param.detach().as_strided((0,), (1,))  # writing to it tells autograd of a change

    def is_plain(self, p: torch.Tensor, grad: torch.Tensor) -> bool:
        """Whether parameter and gradient are as they usually are, so that a step needs nothing but their addresses."""
        return (
            self.plain
            and p.data_ptr() == self.address
            and p.dtype is self.dtype
            and p.stride() == self.strides
            and p.shape == self.shape
            and grad.layout is torch.strided
            and grad.dtype is self.dtype
            and grad.stride() == self.strides
            and grad.shape == self.shape
        )

    def fits(self, group: int, param: torch.Tensor, sparse_dim: int) -> bool:
        return (
            param is self.param
            and group == self.group
            and param.dtype is self.dtype
            and param.shape == self.shape
            and param.stride() == self.strides
            and (sparse_dim == self.sparse_dim or not sparse_dim)
        )

    @property
    def library_shape(self) -> tuple[int, ...]:
        """(elements,), or (rows, elements of a row) where gradients are sparse; a complex element is two."""
        n = self.param.numel() * (2 if self.is_complex else 1)
        if not self.sparse_dim:
            return (n,)
        rows = self.shape[: self.sparse_dim].numel()
        return (rows, n // rows if rows else 0)

    def ordered(self, t: torch.Tensor) -> torch.Tensor:
        """A tensor's numbers in the order of the parameter's memory, as a copy only where they are not yet."""
        t = t.resolve_conj() if self.is_complex else t
        if not self.is_direct:
            return t.contiguous()
        if t.stride() == self.strides:
            return t
        return torch.empty_strided(self.shape, self.strides, dtype=t.dtype).copy_(t)

    def is_seen_in(self, entry: dict[str, Any]) -> bool:
        """Whether PyTorch's state of the parameter is the library's memory."""
        for name, view in self.views.items():
            if entry.get(name) is not view:
                return False
        return True

    def take_over(self, entry: dict[str, Any]) -> None:
        """Copies the state that PyTorch has into the library's memory, and has it look there from now on."""
        for name, view in self.views.items():
            theirs = entry.get(name)
            if theirs is None:
                view.zero_()
            elif theirs.shape != view.shape:
                raise ValueError(f"{self.name}: its {name} has shape {tuple(theirs.shape)}, not {tuple(view.shape)}")
            elif theirs is not view:
                view.copy_(theirs)
        if "step" not in entry:
            entry["step"] = copy.deepcopy(_first_step())
        entry.update(self.views)

    def view(self, lent: Any, dtype: str) -> torch.Tensor:
        """The library's memory as a tensor like the parameter."""
        real = _REALS[dtype]
        if not self.param.numel():
            return torch.zeros_like(self.param, dtype=_COMPLEX[real] if self.is_complex else real)
        flat = torch.frombuffer(lent, dtype=real)
        flat = torch.view_as_complex(flat.view(-1, 2)) if self.is_complex else flat.view(-1)
        return flat.as_strided(self.shape, self.strides) if self.is_direct else flat.view(self.shape)

    def rows(self, gradient: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """A sparse gradient's rows [count] of library_shape, each once, and their gradients [count, ...]."""
        gradient = gradient.coalesce()
        rows = torch.zeros(gradient._nnz(), dtype=torch.int64)
        for size, index in zip(self.shape, gradient.indices()):
            rows = rows * size + index
        values = gradient.values().resolve_conj()
        return rows.contiguous(), values.contiguous()


class Turns:
    """What takes part in a step."""

    def __init__(self) -> None:
        self.slots: list[Slot] = []
        self.gradients: list[Any] = []  # as step_addresses has them
        self.entries: list[dict[str, Any]] = []  # of PyTorch's state
        self.keep: list[torch.Tensor] = []  # what must live as long as the library looks at it
        self.copies: list[tuple[torch.Tensor, torch.Tensor]] = []  # parameters, and their values in order
        self.elsewhere: list[torch.Tensor] = []

    def add(self, slot: Slot, grad: torch.Tensor, gradient: Any, entry: dict[str, Any]) -> None:
        self.slots.append(slot)
        self.gradients.append(gradient)
        self.entries.append(entry)
        self.keep.append(grad)

    def tell(self) -> None:
        """Tells PyTorch what has happened."""
        for p, values in self.copies:
            p.copy_(values)
        torch._foreach_zero_([slot.counter for slot in self.slots])
        for entry in self.entries:
            entry["step"] += 1


class Memory:
    """The library's optimizer behind one of PyTorch's. It is made at the first step, and made anew where a parameter's
    form has changed; the state in optimizer.state counts, whoever put it there."""

    def __init__(self, state_dtype: str | None, weights: str, nonfinite: str, threads: int | None, seed: int) -> None:
        if state_dtype is not None and state_dtype not in _REALS:
            raise ValueError(f"state_dtype must be None or one of {tuple(_REALS)}, not {state_dtype!r}")
        if weights not in _core.names["weights"] or weights == "split":
            raise ValueError(f"weights must be 'nearest', 'master' or 'stochastic', not {weights!r}")
        self.arguments = (state_dtype, weights, nonfinite, threads, seed)
        self.state_dtype, self.weights, self.threads = state_dtype, weights, threads
        self.options = {"seed": seed, "threads": threads or 0}
        self.nonfinite = nonfinite
        self._start(self._new_core())

    def fresh(self) -> Memory:
        return Memory(*self.arguments)

    def _new_core(self) -> Any:
        core = _core.Optimizer(self.options)
        core.set_gradients({"nonfinite": self.nonfinite})
        return core

    def _start(self, core: Any) -> None:
        self.core = core
        self.slots: list[Slot] = []  # by the library's number
        self.numbers: dict[int, int] = {}  # of slots, by id of the parameter
        self.groups: list[tuple[Any, ...]] = []  # the settings that the library has

    # ---- Stepping ----

    def step(self, param_groups: list[dict[str, Any]], state: Any) -> list[torch.Tensor]:
        """One step of every parameter with a gradient, but of those that it returns: they are not on the CPU."""
        self._set_groups(param_groups)
        turns = Turns()
        for group, settings in enumerate(param_groups):
            for place, p in enumerate(settings["params"]):
                grad = p.grad
                if grad is None:
                    continue
                number = self.numbers.get(id(p), -1)
                slot = self.slots[number] if number >= 0 else None
                if slot and slot.param is p and slot.group == group and slot.is_plain(p, grad):
                    entry = state[p]
                    if not slot.is_seen_in(entry):
                        slot.take_over(entry)
                    turns.add(slot, grad, _address(grad, slot.name), entry)
                elif p.is_cpu and p.layout is torch.strided:
                    slot = self._slot(group, place, p, grad, param_groups, state)
                    self._add_turn(turns, slot, p, grad, state[p])
                else:
                    turns.elsewhere.append(p)
        if turns.slots:
            self.core.set_threads(self.threads or torch.get_num_threads())
            skipped = self.core.step_count()[1]
            self._step(param_groups, state, turns)
            if self.core.step_count()[1] == skipped:
                turns.tell()
        return turns.elsewhere

    @staticmethod
    def _add_turn(turns: Turns, slot: Slot, p: torch.Tensor, grad: torch.Tensor, entry: dict[str, Any]) -> None:
        """A turn of a parameter that is not plain, or whose memory has moved."""
        slot.locate()
        if slot.scratch is not None:
            turns.copies.append((p, slot.scratch))
        if grad.is_sparse:
            rows, grad = slot.rows(grad)
            turns.keep.append(rows)
            turns.add(slot, grad, (len(rows), rows.data_ptr(), grad.data_ptr()), entry)
        else:
            grad = slot.ordered(grad)
            turns.add(slot, grad, _address(grad, slot.name), entry)

    def _step(self, param_groups: list[dict[str, Any]], state: Any, turns: Turns) -> None:
        """Arrays may seem to overlap where one has moved to where another was: then once more, from the start."""
        try:
            self._step_once(turns)
        except _core.NonFiniteError:
            raise
        except ValueError:
            self._rebuild(param_groups, state, self.slots)
            self._step_once(turns)

    def _step_once(self, turns: Turns) -> None:
        addresses = [slot.address for slot in self.slots]
        gradients: list[Any] = [0] * len(self.slots)
        for slot, gradient in zip(turns.slots, turns.gradients):
            addresses[slot.number], gradients[slot.number] = slot.address, gradient
        self.core.step_addresses(addresses, gradients)

    # ---- Groups ----

    def _set_groups(self, param_groups: list[dict[str, Any]]) -> None:
        for number, group in enumerate(param_groups):
            settings = tuple(group[name] for name in _HYPER)
            if number < len(self.groups) and settings == self.groups[number]:
                continue
            named = {name: float(value) for name, value in zip(_HYPER, settings)}
            named["maximize"] = bool(group["maximize"])
            if number < len(self.groups):
                self.core.set_hyper(number, named)
                self.groups[number] = settings
            else:
                self.core.add_group(named)
                self.groups.append(settings)

    # ---- Parameters and their state ----

    def _slot(self, group: int, place: int, p: torch.Tensor, grad: torch.Tensor, param_groups: list[dict[str, Any]],
              state: Any) -> Slot:
        """The slot of a parameter, made or made anew where there is none that fits it and its gradient."""
        name = f"param_groups[{group}]['params'][{place}]"
        if grad.layout is not torch.strided and grad.layout is not torch.sparse_coo:
            raise ValueError(f"{name}: grad has layout {grad.layout}, not strided or sparse_coo")
        if grad.dtype is not p.dtype or grad.shape != p.shape:
            raise ValueError(f"{name}: grad is {grad.dtype} {tuple(grad.shape)}, the parameter {p.dtype} {tuple(p.shape)}")
        sparse_dim = grad.sparse_dim() if grad.is_sparse else 0
        number = self.numbers.get(id(p))
        if number is None:
            self._add(Slot(group, place, p, sparse_dim), state)
        elif not self.slots[number].fits(group, p, sparse_dim):
            slots = list(self.slots)
            slots[number] = Slot(group, place, p, sparse_dim or slots[number].sparse_dim)
            self._rebuild(param_groups, state, slots)
        elif not self.slots[number].is_seen_in(state[p]):
            self.slots[number].take_over(state[p])
        return self.slots[self.numbers[id(p)]]

    def _add(self, slot: Slot, state: Any) -> None:
        shape = slot.library_shape
        settings = {
            "dtype": slot.type,
            "state_dtype": self.state_dtype or slot.type,
            "weights": self.weights,
            "max_rows": shape[0] if slot.sparse_dim else 0,
        }
        slot.number = self.core.add_address(slot.name, slot.group, shape, slot.address, settings)
        slot.views = {name: slot.view(lent, dtype) for name, (dtype, lent) in self.core.state(slot.number).items()}
        self.numbers[id(slot.param)] = slot.number
        self.slots.append(slot)
        slot.take_over(state[slot.param])

    def _rebuild(self, param_groups: list[dict[str, Any]], state: Any, slots: list[Slot]) -> None:
        """A new optimizer in place of this one, with these slots; the old one stays if it cannot be made."""
        made = self.fresh()
        made._set_groups(param_groups)
        for slot in slots:
            made._add(Slot(slot.group, slot.place, slot.param, slot.sparse_dim), state)
        vars(self).update(vars(made))
