# SPDX-License-Identifier: MIT
"""adadelta.torch stands in torch.optim.Adadelta's place: checkpoints, copies, groups, schedulers, closures."""
import copy
import inspect
import io
import pickle
import warnings

import pytest

torch = pytest.importorskip("torch")

from adadelta.torch import Adadelta  # noqa: E402
from torch_helpers import close, pair, run, set_grads, random_grads, worst  # noqa: E402

SHAPES = [(4, 3), (7,), ()]
TYPES = [torch.float64, torch.float32, torch.bfloat16, torch.complex64]


def same(optimizer, other):
    """Whether parameters and state have the same bits."""
    for p, q in zip(optimizer.params, other.params):
        if not torch.equal(p, q) or optimizer.state[p].keys() != other.state[q].keys():
            return False
        if not all(torch.equal(torch.as_tensor(value), torch.as_tensor(other.state[q][key]))
                   for key, value in optimizer.state[p].items()):
            return False
    return True


# ---- Arguments ----


def test_signature_holds_pytorchs():
    theirs = inspect.signature(torch.optim.Adadelta).parameters
    ours = inspect.signature(Adadelta).parameters
    p = torch.nn.Parameter(torch.zeros(2))
    for name, parameter in theirs.items():
        if name == "params":
            continue
        optimizer = Adadelta([p], **{name: parameter.default})
        assert optimizer.param_groups[0][name] == torch.optim.Adadelta([p]).param_groups[0][name]
        assert name not in ours or ours[name].default == parameter.default
    assert Adadelta([p]).defaults == torch.optim.Adadelta([p]).defaults
    assert isinstance(Adadelta([p]), torch.optim.Adadelta)
    assert repr(Adadelta([p])) == repr(torch.optim.Adadelta([p]))
    assert Adadelta([p], 0.5, 0.8, 1e-5, 0.1, False).param_groups[0]["eps"] == 1e-5


@pytest.mark.parametrize("arguments", [{"lr": -1}, {"rho": 1.1}, {"rho": -0.1}, {"eps": -1}, {"weight_decay": -1}])
def test_wrong_arguments_as_pytorchs(arguments):
    with pytest.raises(ValueError) as theirs:
        torch.optim.Adadelta([torch.zeros(2)], **arguments)
    with pytest.raises(ValueError) as ours:
        Adadelta([torch.zeros(2)], **arguments)
    assert str(ours.value) == str(theirs.value)


@pytest.mark.parametrize(
    "arguments, error, word",
    [
        ({"rho": 1.0}, ValueError, "rho"),
        ({"eps": 0.0}, ValueError, "eps"),
        ({"lr": float("inf")}, ValueError, "lr"),
        ({"state_dtype": "f8"}, ValueError, "state_dtype"),
        ({"weights": "split"}, ValueError, "weights"),
        ({"nonfinite": "ignore"}, ValueError, "nonfinite"),
        ({"threads": -1}, ValueError, "threads"),
        ({"threads": "two"}, TypeError, "threads"),
        ({"seed": -1}, ValueError, "seed"),
        ({"nesterov": True}, TypeError, "nesterov"),
    ],
)
def test_wrong_arguments_of_ours(arguments, error, word):
    with pytest.raises(error, match=word):
        Adadelta([torch.zeros(2)], **arguments)


def test_wrong_parameters():
    for params, error in ((torch.zeros(2), TypeError), ([], ValueError), ([3], TypeError)):
        with pytest.raises(error):
            Adadelta(params)
    p = torch.nn.Parameter(torch.zeros(2))
    with pytest.raises(ValueError):
        Adadelta([{"params": [p]}, {"params": [p]}])


def test_refused_group_is_not_added():
    optimizer = Adadelta([torch.nn.Parameter(torch.zeros(2))])
    with pytest.raises(ValueError, match=r"param_groups\[1\].*eps"):
        optimizer.add_param_group({"params": [torch.nn.Parameter(torch.zeros(2))], "eps": 0.0})
    assert len(optimizer.param_groups) == 1


# ---- Checkpoints and copies ----


@pytest.mark.parametrize("dtype", TYPES, ids=str)
def test_state_dict_goes_to_pytorch_and_back(dtype):
    """Each takes over in the middle from the other, and goes on as if it had been alone."""
    rtol = {torch.float64: 1e-12, torch.bfloat16: 0.1}.get(dtype, 1e-5)
    theirs, ours = pair(SHAPES, dtype, weight_decay=0.01)
    run(theirs, ours, 20)
    a, b = theirs.state_dict(), ours.state_dict()
    assert a["param_groups"] == b["param_groups"] and a["state"].keys() == b["state"].keys()
    for key, entry in a["state"].items():
        assert entry.keys() == b["state"][key].keys() and entry["step"] == b["state"][key]["step"]
        assert type(entry["step"]) is type(b["state"][key]["step"])
    theirs.load_state_dict(copy.deepcopy(b))
    ours.load_state_dict(copy.deepcopy(a))
    run(theirs, ours, 20, seed=1)
    assert worst(theirs, ours) <= rtol
    assert all(entry["step"] == 40 for side in (theirs, ours) for entry in side.state.values())


def saved(optimizer, how):
    """A state_dict as it comes back from a file, or by itself."""
    if how == "plain":
        return optimizer.state_dict()
    file = io.BytesIO()
    torch.save(optimizer.state_dict(), file)
    file.seek(0)
    return torch.load(file)


@pytest.mark.parametrize("settings", [
    {},
    {"state_dtype": "f32"},
    {"weights": "master", "state_dtype": "f32"},
    {"weights": "master"},
    {"weights": "stochastic"},
    {"weights": "stochastic", "state_dtype": "f32", "seed": 3},
], ids=str)
@pytest.mark.parametrize("dtype", TYPES, ids=str)
@pytest.mark.parametrize("how", ["plain", "file"])
def test_resumed_run_has_the_same_bits(dtype, settings, how):
    _, alone = pair(SHAPES, dtype, settings)
    _, other = pair(SHAPES, dtype, settings)
    run(alone, alone, 10)
    for p, q in zip(alone.params, other.params):
        q.data.copy_(p.data)
    other.load_state_dict(saved(alone, how))
    assert same(alone, other)
    run(alone, other, 10, seed=1)
    assert same(alone, other)


def test_loaded_state_is_no_ones_else():
    """The optimizer that gave the state and the dict itself stay as they are."""
    _, ours = pair(SHAPES, torch.float32)
    _, other = pair(SHAPES, torch.float32)
    run(ours, ours, 5)
    given = ours.state_dict()
    kept = copy.deepcopy(given)
    other.load_state_dict(given)
    run(other, other, 5)
    for key, entry in kept["state"].items():
        for name, value in entry.items():
            assert torch.equal(torch.as_tensor(value), torch.as_tensor(given["state"][key][name]))


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda both: pickle.loads(pickle.dumps(both))],
                         ids=["deepcopy", "pickle"])
def test_copy_is_the_same_and_independent(copied):
    settings = {"weights": "stochastic", "state_dtype": "f32", "threads": 1, "nonfinite": "skip", "seed": 7}
    _, ours = pair(SHAPES, torch.bfloat16, settings, weight_decay=0.1)
    run(ours, ours, 5)
    other = copied(ours)
    other.params = other.param_groups[0]["params"]
    assert same(ours, other) and not any(p is q for p, q in zip(ours.params, other.params))
    before = [p.detach().clone() for p in ours.params]
    run(other, other, 5, seed=1)
    assert all(torch.equal(p, q) for p, q in zip(ours.params, before))
    run(ours, ours, 5, seed=1)
    assert same(ours, other)
    other.params[0].grad = torch.full_like(other.params[0], float("nan"))
    other.step()  # "skip" has been copied, too


def test_copied_with_its_model():
    model = torch.nn.Linear(3, 2)
    optimizer = Adadelta(model.parameters())
    model(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    twin, its = copy.deepcopy((model, optimizer))
    assert its.param_groups[0]["params"][0] is twin.weight
    kept = model.weight.detach().clone()
    twin.weight.grad = torch.ones(2, 3)
    its.step()
    assert torch.equal(model.weight, kept) and not torch.equal(twin.weight, kept)


def test_whole_optimizer_in_a_file():
    _, ours = pair(SHAPES, torch.float32)
    run(ours, ours, 3)
    file = io.BytesIO()
    torch.save(ours, file)
    file.seek(0)
    other = torch.load(file, weights_only=False)
    other.params = other.param_groups[0]["params"]
    run(ours, other, 3, seed=1)
    assert same(ours, other)


def test_state_of_another_shape_is_refused():
    _, ours = pair([(4, 3)], torch.float32)
    _, other = pair([(3, 4)], torch.float32)
    run(other, other, 1)
    ours.load_state_dict(other.state_dict())
    set_grads(ours.params, [torch.ones(4, 3)])
    before = ours.params[0].detach().clone()
    with pytest.raises(ValueError, match=r"param_groups\[0\]\['params'\]\[0\].*square_avg.*shape"):
        ours.step()
    assert torch.equal(ours.params[0], before)


# ---- State in the user's hands ----


def test_state_replaced_written_and_cleared():
    theirs, ours = pair(SHAPES, torch.float64)
    run(theirs, ours, 3)
    for side in (theirs, ours):
        for p in side.params:
            side.state[p]["square_avg"] = side.state[p]["square_avg"] * 2  # another tensor
            side.state[p]["acc_delta"].mul_(3)  # in place
    run(theirs, ours, 3, seed=1)
    assert worst(theirs, ours) <= 1e-12
    for side in (theirs, ours):
        for p in side.params:
            side.state[p]["square_avg"].data = side.state[p]["square_avg"].data + 1  # the same tensor, other memory
    run(theirs, ours, 3, seed=2)
    assert worst(theirs, ours) <= 1e-12
    for side in (theirs, ours):
        side.state.clear()
    run(theirs, ours, 3, seed=3)
    assert worst(theirs, ours) <= 1e-12
    assert all(side.state[p]["step"] == 3 for side in (theirs, ours) for p in side.params)


def test_views_of_state_outlive_the_optimizer():
    p = torch.nn.Parameter(torch.zeros(100000))
    optimizer = Adadelta([p])
    p.grad = torch.full((100000,), 2.0)
    optimizer.step()
    view = optimizer.state[p]["square_avg"][5:]
    del optimizer, p
    torch.zeros(1000000).fill_(7)
    assert torch.allclose(view, torch.full((99995,), 0.4))


# ---- Groups, schedulers, closures, hooks ----


def test_groups_have_their_own_settings_and_change():
    p = [torch.nn.Parameter(torch.linspace(-1, 1, 6, dtype=torch.float64)) for _ in range(6)]
    sides = []
    for kind, part in ((torch.optim.Adadelta, p[:3]), (Adadelta, p[3:])):
        first = {"params": part[:1], "lr": 0.5, "weight_decay": 0.1}
        side = kind([first, {"params": part[1:2], "rho": 0.5, "eps": 1e-3}])
        side.params = part
        sides.append(side)
    run(*sides, 10)
    assert worst(*sides) <= 1e-13
    for side in sides:
        side.param_groups[0]["lr"] = 0.1
        side.param_groups[1]["maximize"] = True
        side.add_param_group({"params": side.params[2], "lr": 2.0})
    run(*sides, 10, seed=1)
    assert worst(*sides) <= 1e-13
    for side in sides:  # parameters change places and groups, and one goes
        side.param_groups[0]["params"], side.param_groups[1]["params"] = side.param_groups[1]["params"], []
        side.param_groups[2]["params"].append(side.params[0])
    run(*sides, 10, seed=2)
    for side in sides:
        del side.param_groups[0]
    run(*sides, 10, seed=3)
    assert worst(*sides) <= 1e-13


def test_rate_in_a_tensor_changed_in_place():
    p = torch.nn.Parameter(torch.zeros(2))
    optimizer = Adadelta([p])
    optimizer.param_groups[0]["lr"] = torch.tensor(1.0)
    for rate in (1.0, 0.0, 1.0, 0.0):
        before = p.detach().clone()
        optimizer.param_groups[0]["lr"].fill_(rate)
        p.grad = torch.ones(2)
        optimizer.step()
        assert torch.equal(p, before) == (rate == 0)


@pytest.mark.parametrize("scheduler", [
    lambda o: torch.optim.lr_scheduler.StepLR(o, 3, 0.5),
    lambda o: torch.optim.lr_scheduler.OneCycleLR(o, 1.0, total_steps=40, cycle_momentum=False),
    lambda o: torch.optim.lr_scheduler.LambdaLR(o, lambda k: 1 / (k + 1)),
    lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 10),
], ids=["StepLR", "OneCycleLR", "LambdaLR", "CosineAnnealingLR"])
def test_schedulers(scheduler):
    sides = pair(SHAPES, torch.float64)
    plans = [scheduler(side) for side in sides]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for k in range(30):
            run(*sides, 1, seed=k)
            for plan in plans:
                plan.step()
    assert plans[0].get_last_lr() == plans[1].get_last_lr()
    assert worst(*sides) <= 1e-13


def test_closure_is_called_once_with_gradients_on():
    p = torch.nn.Parameter(torch.ones(3))
    optimizer = Adadelta([p])
    calls = []

    def closure():
        calls.append(torch.is_grad_enabled())
        optimizer.zero_grad()
        loss = (p**2).sum()
        loss.backward()
        return loss

    with torch.no_grad():
        assert float(optimizer.step(closure)) == 3
    assert calls == [True] and optimizer.state[p]["step"] == 1


@pytest.mark.parametrize("set_to_none", [True, False])
def test_zero_grad_and_parameters_without_gradients(set_to_none):
    """A gradient of zeros is a step, none is not."""
    theirs, ours = pair(SHAPES, torch.float64)
    run(theirs, ours, 3)
    for side in (theirs, ours):
        side.zero_grad(set_to_none=set_to_none)
        side.step()
        side.params[1].grad = None
        side.params[2].grad = torch.ones((), dtype=torch.float64)
        side.step()
    assert worst(theirs, ours) <= 1e-13
    for p, q in zip(theirs.params, ours.params):
        assert theirs.state[p]["step"] == ours.state[q]["step"]
    assert ours.state[ours.params[1]]["step"] == (3 if set_to_none else 4)


def test_nothing_to_step():
    p = torch.nn.Parameter(torch.ones(3))
    optimizer = Adadelta([p])
    assert optimizer.step() is None and not optimizer.state


def test_clip_grad_norm():
    theirs, ours = pair(SHAPES, torch.float64)
    for side in (theirs, ours):
        set_grads(side.params, [10 * torch.ones_like(p) for p in side.params])
        torch.nn.utils.clip_grad_norm_(side.params, 1.0)
        side.step()
    assert worst(theirs, ours) <= 1e-13


def test_autograd_notices_the_change():
    """What backward() has saved of a parameter is no longer there after a step: an error, not a wrong gradient."""
    for form in (torch.ones(3), torch.ones(6)[::2]):
        for kind in (torch.optim.Adadelta, Adadelta):
            p = torch.nn.Parameter(form.clone() if form.is_contiguous() else torch.ones(6)[::2])
            p.grad = torch.ones(3)
            optimizer = kind([p])
            for _ in range(2):
                loss = (p**2).sum()
                version = p._version
                optimizer.step()
                assert p._version > version
                with pytest.raises(RuntimeError, match="modified by an inplace operation"):
                    loss.backward()


@pytest.mark.skipif(not hasattr(torch.optim.Optimizer, "register_step_post_hook"), reason="PyTorch 2 has these hooks")
def test_hooks():
    p = torch.nn.Parameter(torch.ones(3))
    optimizer, seen = Adadelta([p]), []
    optimizer.register_step_pre_hook(lambda *_: seen.append("before"))
    optimizer.register_step_post_hook(lambda *_: seen.append("after"))
    p.grad = torch.ones(3)
    optimizer.step()
    assert seen == ["before", "after"]


def test_subclass_and_profile():
    class Mine(Adadelta):
        def step(self, closure=None):
            self.called = True
            return super().step(closure)

    p = torch.nn.Parameter(torch.ones(3))
    optimizer = Mine([p])
    p.grad = torch.ones(3)
    with torch.autograd.profiler.profile() as profile:
        optimizer.step()
    assert optimizer.called and any("Optimizer.step#Mine.step" in event.name for event in profile.function_events)


# ---- Other devices ----


def test_other_devices_by_pytorchs_own_code():
    here = torch.nn.Parameter(torch.ones(3))
    there = torch.nn.Parameter(torch.ones(3, device="meta"))
    optimizer = Adadelta([there, here])
    here.grad = torch.ones(3)
    there.grad = torch.ones(3, device="meta")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            optimizer.step()
    assert len(caught) == 1 and "device 'meta'" in str(caught[0].message) and caught[0].filename == __file__
    assert (here < 1).all() and optimizer.state[here]["step"] == optimizer.state[there]["step"] == 3
    assert optimizer.state[there]["square_avg"].device.type == "meta"
    assert [len(group["params"]) for group in optimizer.param_groups] == [2]


def test_model_moves_to_another_type():
    """model.double() gives every parameter other memory; the state follows."""
    theirs, ours = pair(SHAPES, torch.float32)
    run(theirs, ours, 5)
    for side in (theirs, ours):
        for p in side.params:
            p.data = p.data.double()
            for key in ("square_avg", "acc_delta"):
                side.state[p][key] = side.state[p][key].double()
            p.grad = None
    run(theirs, ours, 5, seed=1)
    assert ours.params[0].dtype is torch.float64 and worst(theirs, ours) <= 1e-6
    for p in ours.params:
        p.data = p.data.float()  # the state stays as it is: ours goes over with the parameter
        p.grad = None
    generator = torch.Generator().manual_seed(2)
    set_grads(ours.params, random_grads(ours.params, generator))
    ours.step()
    assert ours.state[ours.params[0]]["square_avg"].dtype is torch.float32
    close(ours.params[0], theirs.params[0].float(), 0.1)
