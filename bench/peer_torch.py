# SPDX-License-Identifier: MIT
"""torch.optim.Adadelta on one tensor, a peer of `adadelta bench step`: see README.md beside this file."""
import sys

from protocol import need, sample_places, show_values, start_values, take_turns

n, threads, steps, samples = (int(sys.argv[i]) for i in (1, 3, 7, 8))
dtype, variant = sys.argv[2], sys.argv[9]
lr, rho, eps = (float(word) for word in sys.argv[4:7])

torch = need("torch")
torch.set_num_threads(threads)
kind = {"f32": torch.float32, "f64": torch.float64}[dtype]


def whole_row(period):
    period = torch.tensor(period, dtype=kind)
    return period.repeat(-(-n // len(period)))[:n].clone()


x, g = start_values()
parameter = torch.nn.Parameter(whole_row(x))
parameter.grad = whole_row(g)
optimizer = torch.optim.Adadelta([parameter], lr=lr, rho=rho, eps=eps, foreach=variant == "foreach")


def run(count):
    for _ in range(count):
        optimizer.step()


run(steps)
state = optimizer.state[parameter]
show_values(sample_places(n, samples), parameter.detach(), state["square_avg"], state["acc_delta"])
take_turns("PyTorch " + torch.__version__, run)
