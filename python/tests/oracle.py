# SPDX-License-Identifier: MIT
"""Algorithm 1 of Zeiler 2012 in Python, for what tests compare with."""
import numpy


class Oracle:
    """Its numbers are of `kind`: longdouble, or float32 for the library's own order of operations in that type."""

    def __init__(self, w, rho=0.95, eps=1e-6, lr=1.0, weight_decay=0.0, kind=numpy.longdouble):
        self.w = numpy.array(w, kind)
        self.rho, self.eps, self.lr, self.weight_decay = (kind(number) for number in (rho, eps, lr, weight_decay))
        self.square_avg = self.w * 0
        self.acc_delta = self.w * 0

    def step(self, grad):
        g = numpy.asarray(grad).astype(self.w.dtype) + self.weight_decay * self.w
        self.square_avg = self.rho * self.square_avg + (1 - self.rho) * g * g
        delta = numpy.sqrt((self.acc_delta + self.eps) / (self.square_avg + self.eps)) * g
        self.acc_delta = self.rho * self.acc_delta + (1 - self.rho) * delta * delta
        self.w = self.w - self.lr * delta
        return self.w
