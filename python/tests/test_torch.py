# SPDX-License-Identifier: MIT
"""adadelta.torch takes the steps of torch.optim.Adadelta, of every type, configuration and form of parameter."""
import math

import pytest

torch = pytest.importorskip("torch")

from adadelta.torch import Adadelta  # noqa: E402
from torch_helpers import close, pair, random_grads, run, set_grads, worst  # noqa: E402

# Those of PyTorch's own tests of Adadelta (torch/testing/_internal/common_optimizers.py), and maximize without decay.
CONFIGURATIONS = {
    "default": {},
    "lr": {"lr": 0.01},
    "decay": {"weight_decay": 0.1},
    "maximize": {"maximize": True},
    "maximize and decay": {"weight_decay": 0.1, "maximize": True},
    "rho and decay": {"rho": 0.95, "weight_decay": 0.9},
}
# Ours rounds as theirs does but where torch contracts or reorders; so nearly all is the last digit, 1,000 times.
RTOL = {torch.float32: 1e-5, torch.complex64: 1e-5, torch.float64: 1e-12, torch.complex128: 1e-12}
SHAPES = [(4, 3), (7,), (), (0, 2), (1, 5), (2, 3, 2, 2)]


@pytest.mark.parametrize("dtype", RTOL, ids=str)
@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_agrees_over_1000_steps(name, dtype):
    """Gradients as of mini-batches: a slope that pulls the parameters back, and noise as large."""
    theirs, ours = pair(SHAPES, dtype, **CONFIGURATIONS[name])
    generator = torch.Generator().manual_seed(1)
    for _ in range(1000):
        noise = random_grads(theirs.params, generator)
        sign = -1 if theirs.param_groups[0]["maximize"] else 1
        for side in (theirs, ours):
            set_grads(side.params, [sign * (0.5 * p.detach() + n) for p, n in zip(side.params, noise)])
            side.step()
    assert worst(theirs, ours) <= RTOL[dtype]
    for p, q in zip(theirs.params, ours.params):
        assert theirs.state[p]["step"] == ours.state[q]["step"] == 1000
        close(ours.state[q]["square_avg"], theirs.state[p]["square_avg"], RTOL[dtype])
        close(ours.state[q]["acc_delta"], theirs.state[p]["acc_delta"], RTOL[dtype])


@pytest.mark.parametrize("foreach", [False, True])
@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_agrees_on_a_network(name, foreach):
    """In float64, where a network's training, unlike float32's, does not amplify the last digit to the first ones."""
    torch.manual_seed(0)
    x, y = torch.randn(64, 6, dtype=torch.float64), torch.randn(64, 2, dtype=torch.float64)
    models, losses = [], []
    for kind in (torch.optim.Adadelta, Adadelta):
        torch.manual_seed(1)
        model = torch.nn.Sequential(torch.nn.Linear(6, 16), torch.nn.Tanh(), torch.nn.Linear(16, 2)).double()
        optimizer = kind(model.parameters(), foreach=foreach, **CONFIGURATIONS[name])
        for step in range(200):
            optimizer.zero_grad()
            part = slice(step % 4 * 16, step % 4 * 16 + 16)
            loss = torch.nn.functional.mse_loss(model(x[part]), y[part])
            (-loss if CONFIGURATIONS[name].get("maximize") else loss).backward()
            optimizer.step()
        models.append(model)
        losses.append(float(loss))
    assert math.isclose(*losses, rel_tol=1e-10)
    for p, q in zip(models[0].parameters(), models[1].parameters()):
        close(q, p, 1e-10)


def test_agrees_with_algorithm_1():
    """A second opinion that is not PyTorch's: the paper's Algorithm 1 in Python's numbers, to the bit in float64."""
    rho, eps, x, v, u = 0.95, 1e-6, [1.0, -2.0, 0.25], [0.0] * 3, [0.0] * 3
    p = torch.nn.Parameter(torch.tensor(x, dtype=torch.float64))
    optimizer = Adadelta([p], rho=rho, eps=eps)
    for t in range(500):
        g = [3 * a + math.sin(t * (k + 1)) for k, a in enumerate(x)]
        p.grad = torch.tensor(g, dtype=torch.float64)
        optimizer.step()
        for k in range(3):
            v[k] = rho * v[k] + (1 - rho) * (g[k] * g[k])
            d = math.sqrt(u[k] + eps) / math.sqrt(v[k] + eps) * g[k]
            u[k] = rho * u[k] + (1 - rho) * (d * d)
            x[k] -= d
        close(p, torch.tensor(x, dtype=torch.float64), 1e-13)


# ---- 16 bits ----


def begin_from(optimizer, params, source):
    """Gives an optimizer the numbers, in its own types, of the state and parameters that another one has."""
    for p, q in zip(source.params, params):
        q.data.copy_(p.data)
        for key in ("square_avg", "acc_delta") if optimizer.state and source.state else ():
            optimizer.state[q][key].copy_(source.state[p][key])


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_bfloat16_agrees(name):
    """PyTorch rounds every intermediate number to 16 bits, the library what it stores; once two roundings fall apart, a
    trajectory in 16 bits is another one. So each of 1,000 steps begins from PyTorch's numbers, and what comes of it is
    compared: within PyTorch's own tolerance for this type, 5e-3 and 5e-3 of the number."""
    theirs, ours = pair([(64,), (5, 3)], torch.bfloat16, **CONFIGURATIONS[name])
    generator = torch.Generator().manual_seed(2)
    for _ in range(1000):
        begin_from(ours, ours.params, theirs)
        grads = random_grads(theirs.params, generator)
        for side in (theirs, ours):
            set_grads(side.params, grads)
            side.step()
        for p, q in zip(theirs.params, ours.params):
            assert torch.allclose(q.float(), p.float(), rtol=5e-3, atol=5e-3)
            for key in ("square_avg", "acc_delta"):
                a, b = ours.state[q][key], theirs.state[p][key]
                assert a.dtype is b.dtype and torch.allclose(a.float(), b.float(), rtol=0.03, atol=5e-3)


@pytest.mark.parametrize("name", CONFIGURATIONS)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_16_bits_are_float32_rounded_once(name, dtype):
    """PyTorch's step in float32 from the same numbers, rounded at its end, is ours but for the last digit."""
    exact, ours = pair([(64,), (5, 3)], torch.float32, **CONFIGURATIONS[name])
    params = [torch.nn.Parameter(p.detach().to(dtype)) for p in exact.params]
    ours = Adadelta(params, **CONFIGURATIONS[name])
    ours.params = params
    generator = torch.Generator().manual_seed(2)
    for _ in range(300):
        begin_from(exact, exact.params, ours)
        grads = [g.to(dtype) for g in random_grads(exact.params, generator)]
        set_grads(ours.params, grads)
        set_grads(exact.params, [g.float() for g in grads])
        for side in (exact, ours):
            side.step()
        for p, q in zip(exact.params, ours.params):
            digit = torch.finfo(dtype).eps
            assert torch.allclose(q.float(), p, rtol=digit, atol=1e-7)
            assert (q == p.to(dtype)).float().mean() > 0.9
            for key in ("square_avg", "acc_delta"):
                assert torch.allclose(ours.state[q][key].float(), exact.state[p][key], rtol=digit, atol=1e-7)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_master_follows_float32(dtype):
    """With a float32 copy and state a 16-bit parameter is the rounded float32 one, given the same gradients."""
    p = torch.nn.Parameter(torch.linspace(-1, 1, 50).to(dtype))
    q = torch.nn.Parameter(p.detach().float())
    ours, exact = Adadelta([p], weights="master", state_dtype="f32"), Adadelta([q])
    generator = torch.Generator().manual_seed(3)
    for _ in range(300):
        p.grad = torch.randn(50, generator=generator).to(dtype)
        q.grad = p.grad.float()
        ours.step()
        exact.step()
    assert torch.equal(p, q.to(dtype))
    assert torch.equal(ours.state[p]["master"], q)
    assert torch.equal(ours.state[p]["square_avg"], exact.state[q]["square_avg"])


def test_stochastic_rounding_keeps_small_steps():
    """Steps of 1e-3 of a bfloat16 number's spacing: to nearest they vanish, by chance their mean is kept."""
    moved = {}
    for weights in ("nearest", "stochastic"):
        p = torch.nn.Parameter(torch.full((4096,), 1.0, dtype=torch.bfloat16))
        optimizer = Adadelta([p], lr=0.01, weights=weights, state_dtype="f32", seed=5)
        for _ in range(20):
            p.grad = torch.ones_like(p)
            optimizer.step()
        moved[weights] = 1 - float(p.detach().double().mean())
    q = torch.nn.Parameter(torch.ones(1))
    exact = Adadelta([q], lr=0.01)
    for _ in range(20):
        q.grad = torch.ones(1)
        exact.step()
    assert moved["nearest"] == 0
    assert math.isclose(moved["stochastic"], 1 - float(q), rel_tol=0.2)


# ---- Forms of parameters and gradients ----


def forms():
    """Parameters of unusual form, each over its own memory."""
    generator = torch.Generator().manual_seed(4)

    def made(*shape, dtype=torch.float64):
        return torch.randn(shape, generator=generator, dtype=dtype)

    return {
        "0-d": made(),
        "no elements": made(0, 3),
        "channels last": made(2, 3, 4, 5).to(memory_format=torch.channels_last),
        "transposed": made(4, 3).t(),
        "columns": made(4, 6)[:, 1:4],
        "every other": made(10)[::2],
        "in the middle": made(10)[3:7],
        "of size one": made(3, 1, 2).transpose(0, 1),
        "complex": made(3, 2, dtype=torch.complex128),
        "conjugated": made(3, 2, dtype=torch.complex128).conj(),
        "negated": made(3, dtype=torch.complex128).conj().imag,
        "real part": made(3, dtype=torch.complex128).real,
    }


def grads_of(p, generator):
    """A gradient of the same numbers in different forms: as the parameter, contiguous, transposed, with gaps, lazy."""
    g = torch.randn(p.shape, generator=generator, dtype=p.dtype)
    wide = torch.zeros(*p.shape, 2, dtype=p.dtype)
    wide[..., 1] = g
    lazy = g.conj().clone().conj() if g.is_complex() else torch.complex(g, -g).conj().imag
    like = torch.empty_like(p).copy_(g)
    return [like, g, g.t().contiguous().t() if p.dim() == 2 else g, wide[..., 1], lazy]


@pytest.mark.parametrize("form", list(forms()))
@pytest.mark.parametrize("decay", [0, 0.1])
def test_forms(form, decay):
    p, q = (torch.nn.Parameter(forms()[form]) for _ in range(2))
    assert p.stride() == forms()[form].stride()
    theirs = torch.optim.Adadelta([p], weight_decay=decay)
    ours = Adadelta([q], weight_decay=decay)
    generator = torch.Generator().manual_seed(5)
    for _ in range(3):
        for g in grads_of(p, generator):
            p.grad, q.grad = g.resolve_conj(), g  # PyTorch's own step fails at a lazy conjugate
            theirs.step()
            ours.step()
            close(q, p, 1e-12)
            for key in ("square_avg", "acc_delta"):
                close(ours.state[q][key], theirs.state[p][key], 1e-12)
    assert q.stride() == p.stride()


def test_gaps_are_left_alone():
    base = torch.arange(12.0).reshape(3, 4)
    kept = base.clone()
    p = torch.nn.Parameter(base[:, 1:3])
    optimizer = Adadelta([p])
    p.grad = torch.ones(3, 2)
    optimizer.step()
    assert torch.equal(base[:, [0, 3]], kept[:, [0, 3]])
    assert (base[:, 1:3] < kept[:, 1:3]).all()


def test_expanded_gradient():
    p = torch.nn.Parameter(torch.zeros(3, 4))
    q = torch.nn.Parameter(torch.zeros(3, 4))
    p.grad = torch.tensor([1.0, 2.0, 3.0, 4.0]).expand(3, 4)
    q.grad = p.grad.contiguous()
    Adadelta([p]).step()
    Adadelta([q]).step()
    assert torch.equal(p, q)


# ---- Sparse gradients ----


def dense_oracle(x, state, rows, values, **settings):
    """Algorithm 1, by PyTorch, on the named rows alone."""
    v, u = state
    q = torch.nn.Parameter(x[rows].clone())
    q.grad = values
    one = torch.optim.Adadelta([q], **settings)
    one.state[q] = {"step": 0 * one_step(), "square_avg": v[rows].clone(), "acc_delta": u[rows].clone()}
    one.step()
    x[rows], v[rows], u[rows] = q.detach(), one.state[q]["square_avg"], one.state[q]["acc_delta"]


def one_step():
    q = torch.nn.Parameter(torch.zeros(1))
    q.grad = torch.zeros(1)
    one = torch.optim.Adadelta([q])
    one.step()
    return one.state[q]["step"]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.complex128], ids=str)
@pytest.mark.parametrize("decay", [0, 0.1])
@pytest.mark.parametrize("sparse_dim", [1, 2])
def test_sparse(dtype, decay, sparse_dim):
    """Rows named, some twice, some steps none, and a dense gradient between: against a dense step of those rows."""
    generator = torch.Generator().manual_seed(6)
    x = torch.randn(5, 4, 3, generator=generator, dtype=dtype)
    state = torch.zeros_like(x), torch.zeros_like(x)
    p = torch.nn.Parameter(x.clone())
    ours = Adadelta([p], weight_decay=decay)
    for step in range(30):
        count = int(torch.randint(0, 9, (1,), generator=generator))
        index = torch.stack([torch.randint(0, n, (count,), generator=generator) for n in x.shape[:sparse_dim]])
        values = torch.randn(count, *x.shape[sparse_dim:], generator=generator, dtype=dtype)
        p.grad = torch.sparse_coo_tensor(index, values, x.shape)
        together = p.grad.to_dense()
        named = torch.zeros(x.shape[:sparse_dim], dtype=torch.bool)
        named[tuple(index)] = True
        if step % 10 == 9:
            p.grad, named[:] = together, True
        ours.step()
        dense_oracle(x, state, named, together[named], weight_decay=decay)
        close(p, x, RTOL[dtype])
        close(ours.state[p]["square_avg"], state[0], RTOL[dtype])
        close(ours.state[p]["acc_delta"], state[1], RTOL[dtype])


@pytest.mark.parametrize("dense_first", [False, True])
def test_embedding_learns_sparsely(dense_first):
    """An embedding of both kinds: unnamed rows and their state stay as they are, bit for bit."""
    torch.manual_seed(0)
    table = torch.nn.Embedding(10, 4, sparse=True)
    optimizer = Adadelta(table.parameters())
    if dense_first:
        table.weight.grad = torch.ones(10, 4)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    before = table.weight.detach().clone()
    table(torch.tensor([2, 7, 2])).pow(2).sum().backward()
    assert table.weight.grad.is_sparse
    optimizer.step()
    moved = (table.weight != before).any(1)
    assert moved.tolist() == [row in (2, 7) for row in range(10)]
    assert optimizer.state[table.weight]["step"] == 1 + dense_first


def test_empty_sparse_gradient_takes_no_part():
    p = torch.nn.Parameter(torch.ones(3, 2))
    optimizer = Adadelta([p], weight_decay=0.1)
    p.grad = torch.sparse_coo_tensor(torch.zeros(1, 0, dtype=torch.long), torch.zeros(0, 2), (3, 2))
    optimizer.step()
    assert torch.equal(p, torch.ones(3, 2)) and optimizer.state[p]["step"] == 0


def test_run_helper_sees_differences():
    """The comparison itself: another rate must not pass for the same."""
    theirs, ours = pair([(8,)], torch.float64)
    ours.param_groups[0]["lr"] = 0.99
    run(theirs, ours, 10)
    assert worst(theirs, ours) > 1e-6
