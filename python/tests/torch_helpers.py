# SPDX-License-Identifier: MIT
"""For the tests of adadelta.torch: PyTorch's optimizer and ours side by side."""
import torch

from adadelta.torch import Adadelta


def pair(shapes, dtype, settings=None, **arguments):
    """(theirs, ours) over equal parameters, which both have as .params; settings are ours alone."""
    generator = torch.Generator().manual_seed(0)
    values = [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]
    if dtype.is_complex:
        values = [torch.complex(value, value.flip(-1) if value.dim() else value) for value in values]
    sides = []
    for kind, more in ((torch.optim.Adadelta, {}), (Adadelta, settings or {})):
        params = [torch.nn.Parameter(value.to(dtype, copy=True)) for value in values]
        side = kind(params, **arguments, **more)
        side.params = params
        sides.append(side)
    return sides


def random_grads(params, generator):
    drawn = {torch.bfloat16: torch.float32, torch.float16: torch.float32}  # of 16 bits not every PyTorch draws
    return [torch.randn(p.shape, generator=generator, dtype=drawn.get(p.dtype, p.dtype)).to(p.dtype) for p in params]


def set_grads(params, grads):
    for p, grad in zip(params, grads):
        p.grad = grad.clone()


def run(theirs, ours, steps, seed=0):
    """Steps both with the same random gradients."""
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        grads = random_grads(theirs.params, generator)
        for side in (theirs, ours):
            set_grads(side.params, grads)
            side.step()


def difference(a, b, atol=0.0):
    """The largest difference of two tensors, over the larger of the number's size, the tensor's mean size and atol."""
    if not a.numel():
        return 0.0
    a, b = (t.detach().resolve_conj().to(torch.complex128 if t.is_complex() else torch.float64) for t in (a, b))
    scale = b.abs().clamp(min=max(float(b.abs().mean()), atol, 1e-300))
    return float(((a - b).abs() / scale).max())


def close(a, b, rtol):
    assert a.shape == b.shape and a.dtype is b.dtype
    assert difference(a, b) <= rtol


def worst(theirs, ours, atol=0.0):
    return max(difference(q, p, atol) for p, q in zip(theirs.params, ours.params))
