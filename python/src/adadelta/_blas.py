# SPDX-License-Identifier: MIT
"""One thread for SciPy's BLAS while the trainer runs: it cuts its products itself, and shares them among its own."""

from __future__ import annotations

import threading
from typing import Any, Optional

import scipy.linalg  # noqa: F401 - so that its BLAS is loaded when threadpoolctl looks for one
from threadpoolctl import ThreadpoolController

from . import _trainer


class _OneBlasThread:
    """A context in which BLAS has one thread; any number of threads may be in it at once, and within each other.

    threadpoolctl sets a limit for the whole process: the first to come sets it and the last to go takes it away.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._controller: Optional[ThreadpoolController] = None
        self._limiter: Any = None

    def __enter__(self) -> None:
        with self._lock:
            if self._controller is None:  # looking for libraries takes a millisecond: once
                self._controller = ThreadpoolController()
                libraries = self._controller.select(user_api="blas").info()
                # A build of OpenBLAS without threads has no locks: two calls at once give wrong products.
                _trainer.set_sequential(any(library.get("threading_layer") == "disabled" for library in libraries))
            if self._inside == 0:
                self._limiter = self._controller.limit(limits=1, user_api="blas")
            self._inside += 1

    def __exit__(self, *exception: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._limiter.restore_original_limits()


one_blas_thread = _OneBlasThread()
