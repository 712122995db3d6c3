# SPDX-License-Identifier: MIT
"""PyTorch's tensors as the library's: their addresses, and the state, which lies in the library's memory and is seen by
PyTorch as the tensors of optimizer.state."""
from __future__ import annotations

import inspect
import threading
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
_ONE = torch.ones((), device="cpu")
_HYPER = ("lr", "rho", "eps", "weight_decay", "maximize")


def place_name(group: int, place: int) -> str:
    return f"param_groups[{group}]['params'][{place}]"


# A tensor's memory, without a warning about its type: the name has changed with PyTorch 2.0.
_storage = getattr(torch.Tensor, "untyped_storage", None) or torch.Tensor._storage


def _first_step() -> Any:
    """What the installed PyTorch's state["step"] is before the first step: a number, or since 2.3 a tensor."""
    p = torch.nn.Parameter(torch.zeros(1, device="cpu"))
    p.grad = torch.zeros(1, device="cpu")
    theirs = torch.optim.Adadelta([p])
    inspect.unwrap(torch.optim.Adadelta.step)(theirs)  # without the hooks that someone may have set for all optimizers
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


def _extent(t: torch.Tensor) -> int:
    """The elements from a tensor's first to its last one in memory, gaps included."""
    return t.numel() and 1 + sum((n - 1) * stride for n, stride in zip(t.shape, t.stride()))


def _locate(t: torch.Tensor, name: str, part: str = "") -> tuple[int, Any]:
    """Where a tensor lies, and what keeps its memory; ValueError where it has none."""
    address, storage, n = t.data_ptr(), _storage(t), t.numel()
    extent = n if t.is_contiguous() else _extent(t)
    if n and (not address or storage.nbytes() < (t.storage_offset() + extent) * t.element_size()):
        raise ValueError(f"{name}{part}: its memory is gone, or too small for its shape")
    return address, storage


def _share_memory(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether two tensors have a byte in common, whatever gaps they have: the bytes of the one are marked."""
    low = min(a.data_ptr(), b.data_ptr())
    ends = [t.data_ptr() + _extent(t) * t.element_size() for t in (a, b)]
    if a.data_ptr() >= ends[1] or b.data_ptr() >= ends[0]:
        return False
    marks = torch.zeros(max(ends) - low, dtype=torch.bool, device="cpu")

    def bytes_of(t: torch.Tensor) -> torch.Tensor:
        size = t.element_size()
        return marks.as_strided((*t.shape, size), (*(stride * size for stride in t.stride()), 1), t.data_ptr() - low)

    bytes_of(a).fill_(True)
    return bool(bytes_of(b).any())


class Slot:
    """A parameter as a tensor of the library's. It holds the parameter but not the parameter's memory, which PyTorch's
    user may free or exchange between steps."""

    def __init__(self, group: int, place: int, param: torch.Tensor, sparse_dim: int) -> None:
        self.group, self.place, self.param, self.sparse_dim = group, place, param, sparse_dim
        self.name = place_name(group, place)
        self.dtype, self.shape, self.strides = param.dtype, param.shape, param.stride()
        if param.dtype not in _TYPES:
            raise TypeError(f"{self.name}: a parameter of type {param.dtype} cannot be stepped")
        if any(size > 1 and not stride for size, stride in zip(self.shape, self.strides)):
            raise ValueError(f"{self.name}: several of its elements lie at one place in memory")
        self.type, self.is_complex = _TYPES[param.dtype]
        self.is_lazy = param.is_conj() or param.is_neg()
        # A tensor with gaps, or one in another order whose rows count, goes through a copy that is in order.
        is_direct = (param.is_contiguous() or (not sparse_dim and _is_dense(param))) and not self.is_lazy
        self.scratch = None if is_direct else torch.empty(self.shape, dtype=self.dtype, device="cpu")
        self.order = (param if self.scratch is None else self.scratch).stride()
        self.plain = self.scratch is None and not self.is_complex and not sparse_dim
        self.number = -1  # the library's
        self.views: list[tuple[str, torch.Tensor, int]] = []  # of the state: names, tensors and their addresses
        self.counter = param.detach()  # shares the parameter's version: writing to it tells autograd of a change
        self.counter.data = param.new_empty(0)
        self.address = 0

    def is_plain(self, p: torch.Tensor, grad: torch.Tensor) -> bool:
        """Whether parameter and gradient are as they usually are, so that a step needs nothing but their addresses."""
        return (
            self.plain
            and grad.layout is torch.strided
            and p.dtype is grad.dtype is self.dtype
            and p.stride() == grad.stride() == self.strides
            and p.shape == grad.shape == self.shape
            and not (p.is_neg() or grad.is_neg())
        )

    def fits(self, param: torch.Tensor, sparse_dim: int) -> bool:
        return (
            param.dtype is self.dtype
            and param.shape == self.shape
            and param.stride() == self.strides
            and (param.is_conj() or param.is_neg()) == self.is_lazy
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
        """A tensor's numbers in the order that the library sees, as a copy only where they are not yet."""
        if t.stride() == self.order and not (t.is_conj() or t.is_neg()):
            return t
        return torch.empty_strided(self.shape, self.order, dtype=t.dtype, device="cpu").copy_(t)

    def rows(self, gradient: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """A sparse gradient's rows [count] of library_shape, each once, and their gradients [count, ...]."""
        for part in (gradient._indices(), gradient._values()):
            _locate(part, self.name, ": grad")
        for size, index in zip(self.shape, gradient._indices()):  # PyTorch's own coalesce() crashes on such
            if len(index) and (index.min() < 0 or index.max() >= size):
                raise ValueError(f"{self.name}: grad names rows that do not exist")
        gradient = gradient.coalesce()
        rows = torch.zeros(gradient._nnz(), dtype=torch.int64, device="cpu")
        for size, index in zip(self.shape, gradient.indices()):
            rows = rows * size + index
        return rows, gradient.values().resolve_conj().resolve_neg().contiguous()

    def is_seen_in(self, entry: dict[str, Any]) -> bool:
        """Whether PyTorch's state of the parameter is the library's memory."""
        for name, view, address in self.views:
            if entry.get(name) is not view or view.data_ptr() != address:
                return False
        return "step" in entry

    def take_over(self, entry: dict[str, Any], state: dict[str, Any]) -> None:
        """Copies the state that PyTorch has into the library's memory, and has PyTorch look there from now on."""
        for name, (dtype, lent) in state.items():
            view, theirs = self.view(lent, dtype), entry.get(name)
            if theirs is not None and theirs.shape != self.shape:
                raise ValueError(f"{self.name}: its {name} has shape {tuple(theirs.shape)}, not {tuple(self.shape)}")
            if theirs is not None:
                view.copy_(theirs)
            self.views.append((name, view, view.data_ptr()))
        if "step" not in entry:
            entry["step"] = _first_step()
        entry.update((name, view) for name, view, _ in self.views)

    def view(self, lent: Any, dtype: str) -> torch.Tensor:
        """The library's memory as a tensor like the parameter."""
        real = _REALS[dtype]
        if self.is_complex and real not in _COMPLEX:
            raise TypeError(f"{self.name}: a complex parameter cannot have state of type {dtype}")
        if not self.param.numel():
            return torch.zeros_like(self.param, dtype=_COMPLEX[real] if self.is_complex else real)
        flat = torch.frombuffer(lent, dtype=real)
        flat = torch.view_as_complex(flat.view(-1, 2)) if self.is_complex else flat
        return flat.as_strided(self.shape, self.order)


class Turns:
    """What takes part in a step."""

    def __init__(self) -> None:
        self.slots: list[Slot] = []
        self.gradients: list[Any] = []  # as step_addresses has them
        self.entries: list[dict[str, Any]] = []  # of PyTorch's state
        self.keep: list[Any] = []  # memory that must live as long as the library looks at it
        self.copies: list[tuple[torch.Tensor, torch.Tensor]] = []  # parameters, and their values in order
        self.elsewhere: list[torch.Tensor] = []

    def add(self, slot: Slot, p: torch.Tensor, grad: torch.Tensor, entry: dict[str, Any]) -> None:
        """A dense gradient, or the values of a sparse one, in the library's order."""
        slot.address, values = _locate(p, slot.name)
        gradient, memory = _locate(grad, slot.name, ": grad")
        self.slots.append(slot)
        self.gradients.append(gradient)
        self.entries.append(entry)
        self.keep += (values, memory)

    def add_unusual(self, slot: Slot, p: torch.Tensor, grad: torch.Tensor, entry: dict[str, Any]) -> None:
        """A gradient that is sparse or in another order than the parameter, or a parameter that needs a copy."""
        rows, grad = slot.rows(grad) if grad.is_sparse else (None, slot.ordered(grad))
        if rows is not None and not len(rows):
            return  # it takes no part
        if slot.scratch is not None:
            _locate(p, slot.name)
            self.copies.append((p, slot.scratch.copy_(p)))
        self.add(slot, p if slot.scratch is None else slot.scratch, grad, entry)
        if rows is not None:
            self.gradients[-1] = (len(rows), rows.data_ptr(), self.gradients[-1])
            self.keep.append(rows)

    def tell(self) -> None:
        """Tells PyTorch what has happened."""
        for p, values in self.copies:
            p.copy_(values)
        torch._foreach_zero_([slot.counter for slot in self.slots])
        for entry in self.entries:
            if torch.is_tensor(entry["step"]):
                entry["step"].add_(_ONE)  # a tensor of 1 costs a third of the number
            else:
                entry["step"] += 1


class Memory:
    """The library's optimizer behind one of PyTorch's. It is made at the first step, and made anew where something has
    changed its form; the state in optimizer.state counts, whoever put it there."""

    def __init__(self, state_dtype: str | None, weights: str, nonfinite: str, threads: int | None, seed: int) -> None:
        if state_dtype is not None and state_dtype not in _REALS:
            raise ValueError(f"state_dtype must be None or one of {tuple(_REALS)}, not {state_dtype!r}")
        if weights not in _core.names["weights"] or weights == "split":
            raise ValueError(f"weights must be 'nearest', 'master' or 'stochastic', not {weights!r}")
        self.arguments = (state_dtype, weights, nonfinite, threads, seed)
        self.lock = threading.Lock()
        self.owner = 0  # the thread that holds it
        self._start()

    def __reduce__(self) -> Any:
        return Memory, self.arguments  # a copy starts afresh, from the state in the copied optimizer.state

    def _start(self) -> None:
        _, _, nonfinite, threads, seed = self.arguments
        self.core = _core.Optimizer({"seed": seed, "threads": threads or 0})
        self.core.set_gradients({"nonfinite": nonfinite})
        self.slots: dict[int, Slot] = {}  # by id of the parameter, in the order of the library's numbers
        self.groups: list[tuple[float, ...]] = []  # the settings that the library has
        self.is_sound = True

    # ---- Stepping ----

    def step(self, param_groups: list[dict[str, Any]], state: Any) -> list[torch.Tensor]:
        """One step of every parameter with a gradient, but of those that it returns: they are not on the CPU."""
        if self.owner == threading.get_ident():
            raise RuntimeError("the optimizer is in the middle of a step in this thread (a signal handler, a hook)")
        with self.lock:  # a step in another thread waits, even between Python's lines here
            self.owner = threading.get_ident()
            try:
                return self._step_or_start(param_groups, state)
            finally:
                self.owner = 0

    def _step_or_start(self, param_groups: list[dict[str, Any]], state: Any) -> list[torch.Tensor]:
        # Anew after an exception, wherever it came, and to let go of parameters that have left their groups.
        if not self.is_sound or len(self.slots) > sum(len(group["params"]) for group in param_groups):
            self._start()
        self.is_sound = False
        elsewhere = self._step_or_anew(param_groups, state)
        self.is_sound = True
        return elsewhere

    def _step_or_anew(self, param_groups: list[dict[str, Any]], state: Any) -> list[torch.Tensor]:
        try:
            return self._step(param_groups, state)
        except _core.NonFiniteError:
            raise
        except ValueError:
            # A parameter has another form, place or state than before, or has moved to where another one was, so that
            # they seem to overlap: from the start. What is wrong in itself is so once more.
            self._start()
            return self._step(param_groups, state)

    def _step(self, param_groups: list[dict[str, Any]], state: Any) -> list[torch.Tensor]:
        self.set_groups(param_groups)
        turns = self._gather(param_groups, state)
        if not turns.slots:
            return turns.elsewhere
        addresses = [slot.address for slot in self.slots.values()]
        gradients: list[Any] = [0] * len(addresses)
        for slot, gradient in zip(turns.slots, turns.gradients):
            gradients[slot.number] = gradient
        self.core.set_threads(self.arguments[3] or torch.get_num_threads())
        skipped = self.core.step_count()[1]
        self.core.step_addresses(addresses, gradients)
        if self.core.step_count()[1] != skipped:
            return []
        turns.tell()
        return turns.elsewhere

    def _gather(self, param_groups: list[dict[str, Any]], state: Any) -> Turns:
        turns = Turns()
        for group, settings in enumerate(param_groups):
            for place, p in enumerate(settings["params"]):
                grad = p.grad
                if grad is None:
                    continue
                slot = self.slots.get(id(p))
                if slot and not (slot.place == place and slot.group == group):
                    raise ValueError(f"{place_name(group, place)} is the same parameter as {slot.name}")
                if slot and slot.is_plain(p, grad):
                    entry = state[p]
                    if not slot.is_seen_in(entry):
                        raise ValueError(f"{slot.name}: its state has been exchanged")
                    turns.add(slot, p, grad, entry)
                elif p.is_cpu and p.layout is torch.strided:
                    slot = self._slot(group, place, p, grad, state[p])
                    turns.add_unusual(slot, p, grad, state[p])
                else:
                    turns.elsewhere.append(p)
        return turns

    def set_groups(self, param_groups: list[dict[str, Any]]) -> None:
        """Gives the library the settings that have changed."""
        for number, group in enumerate(param_groups):
            settings = tuple([float(group[name]) for name in _HYPER])
            is_known = number < len(self.groups)
            if is_known and settings == self.groups[number]:
                continue
            try:
                if is_known:
                    self.core.set_hyper(number, dict(zip(_HYPER, settings)))
                else:
                    self.core.add_group(dict(zip(_HYPER, settings)))
            except ValueError as error:
                raise ValueError(f"param_groups[{number}]: {error}") from None
            self.groups[number : number + 1] = [settings]

    # ---- Parameters and their state ----

    def _slot(self, group: int, place: int, p: torch.Tensor, grad: torch.Tensor, entry: dict[str, Any]) -> Slot:
        """The slot of a parameter, made where there is none."""
        name = place_name(group, place)
        if grad.layout is not torch.strided and grad.layout is not torch.sparse_coo:
            raise ValueError(f"{name}: grad has layout {grad.layout}, not strided or sparse_coo")
        if grad.dtype is not p.dtype or grad.shape != p.shape or not grad.is_cpu:
            raise ValueError(
                f"{name}: grad is {grad.dtype} {tuple(grad.shape)} on {grad.device}, the parameter {p.dtype} "
                f"{tuple(p.shape)} on {p.device}"
            )
        sparse_dim = grad.sparse_dim() if grad.is_sparse else 0
        slot = self.slots.get(id(p))
        if slot is None:
            return self._add(Slot(group, place, p, sparse_dim), entry)
        if not (slot.fits(p, sparse_dim) and slot.is_seen_in(entry)):
            raise ValueError(f"{name}: its form or its state has changed")
        return slot

    def _add(self, slot: Slot, entry: dict[str, Any]) -> Slot:
        """Makes a parameter the library's next tensor, with the state that PyTorch has of it."""
        state_dtype, weights = self.arguments[:2]
        shape = slot.library_shape
        settings = {
            "dtype": slot.type,
            "state_dtype": state_dtype or slot.type,
            "weights": weights,
            "max_rows": shape[0] if slot.sparse_dim else 0,
        }
        address, _ = _locate(slot.param if slot.scratch is None else slot.scratch, slot.name)
        for other in self.slots.values():  # behind copies the library cannot see it
            if not (slot.scratch is other.scratch is None) and _share_memory(slot.param, other.param):
                raise ValueError(f"tensors '{slot.name}' and '{other.name}' overlap")
        number = self.core.add_address(slot.name, slot.group, shape, address, settings)
        slot.take_over(entry, self.core.state(number))
        self.core.set_counts(number, {"steps": int(entry["step"])})  # chance in stochastic rounding hangs on it
        slot.number, slot.address = number, address
        self.slots[id(slot.param)] = slot
        return slot
