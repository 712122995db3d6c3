# SPDX-License-Identifier: MIT
# The trainer, which checks every array it is given (ValueError, TypeError or BufferError, never a crash).
# Features: an array [rows, columns] of float64, or sparse rows (row_start [rows + 1] of uintp, columns of uint32,
# values of float64, number of columns), columns rising within a row. All arrays C-contiguous.
from os import PathLike
from typing import Any, Callable, Optional, Union

Features = Any

METHODS: tuple[str, ...]
SCHEDULES: tuple[str, ...]
ACTIVATIONS: tuple[str, ...]
INITS: tuple[str, ...]
SCALES: tuple[str, ...]
STATE_DTYPES: tuple[str, ...]

class Model:
    # One number an epoch. patience > 0: early stopping. Raises FloatingPointError where the run diverged.
    def train(
        self,
        *,
        callback: Optional[Callable[[int, float, Optional[float]], object]] = None,
        patience: int = 0,
        tolerance: float = 0,
        variance: float = 1,
    ) -> tuple[list[float], list[float]]: ...
    def feed(self, features: Features, target: Any) -> None: ...
    def release(self) -> None: ...
    def predict(self, features: Features, output: Any) -> None: ...
    def get_parameters(self, array: Any) -> None: ...
    def set_parameters(self, array: Any) -> None: ...
    def describe(self) -> dict[str, Any]: ...
    def save(self, path: Union[str, bytes, PathLike[str]]) -> None: ...

def create(
    features: Features,
    target: Any,
    *,
    class_names: Optional[tuple[str, ...]] = None,
    column_names: Optional[tuple[str, ...]] = None,
    target_name: str = "y",
    test: Optional[tuple[Features, Any]] = None,
    model: Optional[str] = None,
    activation: Optional[str] = None,
    init: Optional[str] = None,
    method: Optional[str] = None,
    hyper: dict[str, Optional[float]] = ...,
    schedule: Optional[str] = None,
    scale: Optional[str] = None,
    state: Optional[str] = None,
    batch: int = 0,
    epochs: int = 0,
    seed: int = 1,
    keep_batch: bool = False,
    threads: int = 1,
) -> Model: ...
def load(path: Union[str, bytes, PathLike[str]], threads: int) -> Model: ...
def defaults(method: str) -> dict[str, float]: ...
def split(labels: Any, classes: int, fraction: float, seed: int, index: Any) -> int: ...
def set_sequential(sequential: bool) -> None: ...
