# SPDX-License-Identifier: MIT
"""torch.optim.Adadelta with the C library's step, on the CPU."""
import inspect
import warnings
from itertools import chain
from typing import Any, Callable, Iterable

try:
    import torch
except ImportError as error:
    raise ImportError("adadelta.torch needs PyTorch: install torch (Debian: python3-torch)") from error

from adadelta import _core
from adadelta._torch_memory import Memory

__all__ = ["Adadelta"]

_HYPER = _core.presets["pytorch"]["hyper"]


class Adadelta(torch.optim.Adadelta):
    """In place of torch.optim.Adadelta: arguments, defaults, parameter groups, hooks, schedulers, state_dict and its
    keys are the installed PyTorch's, whose subclass this is. A state_dict of the one loads into the other.

    Args:
        params: parameters, or dicts of parameter groups. float32, float64, bfloat16, float16, complex64 and complex128
            (taken as two reals), of any shape and strides. Dense or sparse gradients: of a sparse one (COO) the rows
            named are stepped, the others keep everything, as if they took no part.
        lr, rho, eps, weight_decay, maximize: as in PyTorch. foreach and capturable mean nothing here; differentiable is
            refused by step.
        state_dtype: None: the state has the parameter's type, as in PyTorch; or "f32", "f64", "bf16", "f16".
        weights: how bfloat16 and float16 parameters keep steps that are smaller than their spacing: "nearest" (they do
            not; as in PyTorch), "master" (a float32 copy, as "master" in the state), or "stochastic".
        nonfinite: "raise" (a NaN, infinite or far too large gradient: NonFiniteError, nothing is changed), "skip" (the
            step is left out), "propagate" (as PyTorch: nobody looks).
        threads: at most so many; None: torch.get_num_threads() at each step. No bit depends on it.
        seed: of stochastic rounding.

    Parameters on other devices are stepped by PyTorch's own code, with one warning.

    Raises (by step):
        NonFiniteError: see nonfinite. ValueError: parameters that overlap (or one that is there twice), or whose memory
        is gone; they are named by their place, param_groups[0]['params'][3]. Nothing has been changed then, but that
        state may now be there, of zeros, as before the first step.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = _HYPER["lr"],
        rho: float = _HYPER["rho"],
        eps: float = _HYPER["eps"],
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        state_dtype: str | None = None,
        weights: str = "nearest",
        nonfinite: str = "raise",
        threads: int | None = None,
        seed: int = _core.defaults["options"]["seed"],
        **others: Any,
    ) -> None:
        self._memory = Memory(state_dtype, weights, nonfinite, threads, seed)
        super().__init__(
            params, lr=lr, rho=rho, eps=eps, weight_decay=weight_decay, foreach=foreach, maximize=maximize, **others
        )

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step of all parameters that have a gradient. closure, if given, computes them and returns the loss, which
        is returned."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        if any(group.get("differentiable") for group in self.param_groups):
            raise RuntimeError("differentiable: this step has no derivative; use torch.optim.Adadelta for that")
        elsewhere = self._memory.step(self.param_groups, self.state)
        if elsewhere:
            self._step_elsewhere(elsewhere)
        return loss

    def _step_elsewhere(self, params: list[torch.Tensor]) -> None:
        """PyTorch's own step of these parameters alone."""
        warnings.warn(
            f"a parameter is on device '{params[0].device}' ({params[0].layout}): PyTorch's own step does it, as "
            "adadelta.torch serves strided tensors on the CPU",
            stacklevel=5,
        )
        chosen = set(map(id, params))
        groups = self.param_groups
        self.param_groups = [{**group, "params": [p for p in group["params"] if id(p) in chosen]} for group in groups]
        try:
            inspect.unwrap(torch.optim.Adadelta.step)(self)  # without hooks: they are called for the step as a whole
        finally:
            self.param_groups = groups

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """As in PyTorch; settings that the library does not take are refused here already."""
        super().add_param_group(param_group)
        try:
            self._memory.set_groups(self.param_groups)
        except ValueError:
            self.param_groups.pop()
            raise

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Goes on from a state_dict of this class or of torch.optim.Adadelta."""
        given = [state_dict]
        register = getattr(self, "register_load_state_dict_pre_hook", None)  # of PyTorch 2
        handle = register and register(lambda _, seen: given.append(seen))  # after all hooks that may exchange it
        try:
            super().load_state_dict(state_dict)
        finally:
            if handle:
                handle.remove()
        self._keep_types(given[-1])

    def _keep_types(self, given: dict[str, Any]) -> None:
        """PyTorch brings state into the parameter's type: what was kept in a wider one would lose its digits."""
        keys = chain.from_iterable(group["params"] for group in given["param_groups"])
        params = chain.from_iterable(group["params"] for group in self.param_groups)
        for key, p in zip(keys, params):
            for name, value in given["state"].get(key, {}).items():
                if torch.is_tensor(value):
                    loaded = self.state[p][name]
                    kept = loaded if loaded.dtype is value.dtype else value.to(p.device)
                    self.state[p][name] = kept.clone()  # PyTorch 2 would share it with what was given

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_memory": self._memory}
