# SPDX-License-Identifier: MIT
"""adadelta.torch beside torch.optim.Adadelta while parameters, groups, state and optimizers change at random."""
import copy
import random

import pytest

torch = pytest.importorskip("torch")

from torch_helpers import close, pair  # noqa: E402

class Pair:
    """PyTorch's optimizer and ours, to which the same is done."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.generator = torch.Generator().manual_seed(seed)
        self.theirs, self.ours = self.sides = pair([(3, 4), (5,), (2, 3, 2)], torch.float64)

    def each_param(self):
        return zip(*([p for group in side.param_groups for p in group["params"]] for side in self.sides))

    def step(self):
        for p, q in self.each_param():
            p.grad = q.grad = None
            if self.random.random() < 0.8:
                g = torch.randn(p.shape, generator=self.generator, dtype=p.dtype)
                p.grad = g
                q.grad = g.t().contiguous().t() if g.dim() == 2 and self.random.random() < 0.5 else g
        for side in self.sides:
            side.step()

    def move_values(self):
        for p, q in self.each_param():
            form = self.random.randrange(4)
            for r in (p, q):
                r.grad = None
                wide = torch.zeros(*r.shape, 2, dtype=r.dtype)
                wide[..., 1] = r.data
                r.data = (r.data.clone(), r.data.t().clone().t() if r.dim() == 2 else r.data, wide[..., 1],
                          r.data.contiguous())[form]

    def exchange_values(self):
        for side in self.sides:
            params = [p for group in side.param_groups for p in group["params"]]
            for a, b in zip(params, params[1:]):
                if a.shape == b.shape:
                    a.data, b.data = b.data, a.data

    def add(self):
        value = torch.randn(self.random.choice([(3, 4), (5,)]), generator=self.generator, dtype=torch.float64)
        rate = self.random.choice([1.0, 0.5])
        for side in self.sides:
            side.add_param_group({"params": [torch.nn.Parameter(value.clone())], "lr": rate})

    def remove(self):
        where = self.random.random()
        for side in self.sides:
            if len(side.param_groups) > 1:
                for p in side.param_groups.pop(int(where * len(side.param_groups)))["params"]:
                    side.state.pop(p, None)  # else PyTorch makes no state_dict

    def settings(self):
        changed = {"lr": self.random.choice([1.0, 0.3]), "weight_decay": self.random.choice([0, 0.1])}
        for side in self.sides:
            side.param_groups[-1].update(changed)

    def forget(self):
        for p, q in self.each_param():
            if self.random.random() < 0.3:
                self.theirs.state.pop(p, None)
                self.ours.state.pop(q, None)

    def exchange_states(self):
        a, b = (copy.deepcopy(side.state_dict()) for side in self.sides)
        self.theirs.load_state_dict(b)
        self.ours.load_state_dict(a)

    def copies(self):
        self.sides = self.theirs, self.ours = [copy.deepcopy(side) for side in self.sides]


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_done_to_it(seed):
    both = Pair(seed)
    deeds = [both.move_values, both.exchange_values, both.add, both.remove, both.settings, both.forget]
    deeds += [both.exchange_states, both.copies] + [both.step] * 5
    for _ in range(60):
        both.random.choice(deeds)()
        both.step()
        for p, q in both.each_param():
            close(q, p, 1e-11)
            assert both.theirs.state[p].keys() == both.ours.state[q].keys()
            for name, value in both.theirs.state[p].items():
                assert torch.allclose(torch.as_tensor(both.ours.state[q][name]), torch.as_tensor(value), rtol=1e-11)
