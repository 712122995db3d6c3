# SPDX-License-Identifier: MIT
"""The extension module: threads, memory, and what lives how long."""
import copy
import gc
import os
import resource
import subprocess
import sys
import threading
import time
import weakref

import numpy
import pytest

from adadelta import Adadelta, _core, minimize


def tensor(optimizer, array, name="w", **settings):
    return optimizer.add_array(name, 0, array, settings)


def one():
    optimizer, w = _core.Optimizer(), numpy.ones(4)
    optimizer.add_group({})
    tensor(optimizer, w)
    return optimizer, w


# ---- Threads ----


def test_another_thread_runs_during_a_step():
    """It counts, for which it needs the GIL; without its release it would get none before the step is over."""
    n = 8_000_000
    w, grad, optimizer = numpy.ones(n), numpy.ones(n), Adadelta(threads=1)
    optimizer.step(w, grad)
    seen, stop = [], threading.Event()

    def count():
        while not stop.is_set():
            seen.append(time.perf_counter())
            time.sleep(1e-4)

    thread = threading.Thread(target=count)
    old = sys.getswitchinterval()
    sys.setswitchinterval(100)  # nobody gets it by asking
    try:
        thread.start()
        best = 0
        for _ in range(20):
            begin = time.perf_counter()
            optimizer.step(w, grad)
            end = time.perf_counter()
            time.sleep(1e-3)
            best = max(best, sum(begin < at < end for at in seen))
            if best > 2:
                break
    finally:
        stop.set()
        sys.setswitchinterval(old)
        thread.join()
    assert best > 2


def test_two_optimizers_in_two_threads():
    def run(results, k):
        w, optimizer = numpy.linspace(-1, 1, 200_000) + k, Adadelta(threads=2)
        for _ in range(20):
            optimizer.step(w, numpy.sin(w))
        results[k] = w.tobytes()

    alone, together = {}, {}
    for k in range(2):
        run(alone, k)
    threads = [threading.Thread(target=run, args=(together, k)) for k in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert alone == together


def test_one_optimizer_in_two_threads():
    """RuntimeError or a step: never a crash, and never half of one."""
    n = 500_000
    optimizer, arrays, errors = Adadelta(threads=1), [numpy.ones(n), numpy.ones(n)], []
    optimizer.step(arrays[0], arrays[0] * 2)

    def run(k):
        grad = numpy.ones(n)
        for _ in range(20):
            looks = (optimizer.stats, lambda: optimizer.state, lambda: optimizer.lr)
            for act in (lambda: optimizer.step(arrays[k], grad), *looks):
                try:
                    act()
                except RuntimeError as error:
                    errors.append(str(error))

    threads = [threading.Thread(target=run, args=(k,)) for k in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(errors) <= {"the optimizer is in the middle of a step"}
    for array in arrays:
        assert (array == array[0]).all() and numpy.isfinite(array[0])


def test_a_child_of_a_parent_that_has_stepped_with_threads_steps():
    """OpenMP's threads do not come along with fork(): a child that waited for them would wait for ever."""
    code = """
import os, signal, sys, numpy, adadelta
o, w = adadelta.Adadelta(threads=2), numpy.ones(1_000_000)
o.step(w, w * 2)
twin = w.copy()
pid = os.fork()
if pid == 0:
    signal.alarm(20)
    o.step(w, w * 2)
    adadelta.Adadelta(threads=2).step(w, w * 2)
    os._exit(0 if w[0] < twin[0] else 1)
assert os.waitpid(pid, 0)[1] == 0
o.step(w, w * 2)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize("isa", ["scalar", "sse2", "avx2", "neon"])
def test_instruction_sets_write_the_same_file(isa, tmp_path):
    code = """
import sys, numpy, adadelta
random = numpy.random.default_rng(1)
w = {d: random.normal(size=1001).astype(d) for d in ("f8", "f4", "f2")}
o = adadelta.Adadelta(averaging="exponential", clip_global_norm=1.0, seed=3, **eval(sys.argv[2]))
for _ in range(10):
    o.step(w, {d: random.normal(size=1001).astype(d) for d in w})
o.save(sys.argv[1])
"""
    for settings in ("{}", "{'state_dtype': 'u8', 'weights': 'stochastic'}"):
        files = [tmp_path / "here", tmp_path / isa]
        for path, env in zip(files, ({}, {"ADADELTA_ISA": isa})):
            subprocess.run([sys.executable, "-c", code, path, settings], check=True, env={**os.environ, **env})
        assert files[0].read_bytes() == files[1].read_bytes()


def test_an_unknown_instruction_set():
    code = "import adadelta; adadelta.Adadelta()"
    env = {**os.environ, "ADADELTA_ISA": "mmx"}
    made = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert made.stderr.splitlines()[-1].startswith("ValueError: ADADELTA_ISA must be one of")


# ---- What lives how long ----


def test_lent_memory_keeps_its_optimizer():
    optimizer, w = one()
    optimizer.step_arrays((0,), (w,), (numpy.ones(4),))
    view = numpy.asarray(optimizer.state(0)["square_avg"][1])
    before = view.copy()
    del optimizer
    gc.collect()
    filling = [numpy.zeros(4) for _ in range(1000)]
    assert (view == before).all() and filling
    with pytest.raises(TypeError):
        _core.Array()
    kept = Adadelta()
    kept.step(w, numpy.ones(4))
    old = kept.state["w"]["square_avg"]
    kept.load_state_dict(kept.state_dict())
    assert kept.state["w"]["square_avg"] is not old
    kept.step(w, numpy.ones(4))
    assert (old < kept.state["w"]["square_avg"]).all()


def test_memoryviews_of_state():
    optimizer, _ = one()
    view = memoryview(optimizer.state(0)["square_avg"][1])
    assert (view.format, view.shape, view.itemsize, view.readonly, view.c_contiguous) == ("d", (4,), 8, False, True)
    assert bytes(optimizer.state(0)["acc_delta"][1]) == bytes(32)


def test_references():
    w, grad, optimizer = numpy.ones(3), numpy.ones(3), Adadelta()
    before = sys.getrefcount(w), sys.getrefcount(grad)
    for _ in range(3):
        optimizer.step(w, grad)
    assert (sys.getrefcount(w) - before[0], sys.getrefcount(grad) - before[1]) == (1, 0)  # it keeps hold of w
    for bad in (numpy.full(3, numpy.nan), numpy.ones(4), None, w):
        with pytest.raises((TypeError, ValueError)):
            optimizer.step(w, bad)
    del bad
    other = numpy.ones(3)
    optimizer.step(other, grad)  # and lets go of it
    assert (sys.getrefcount(w), sys.getrefcount(grad)) == before
    rate = lambda step: 1.0  # noqa: E731
    count = sys.getrefcount(rate)
    optimizer.schedule = rate
    twin = copy.copy(optimizer)
    optimizer.step(w, grad)
    twin.schedule = optimizer.schedule = None
    optimizer.load_state_dict(optimizer.state_dict())
    del twin
    gc.collect()
    assert sys.getrefcount(rate) == count
    del optimizer
    assert sys.getrefcount(w) == before[0]


def test_cycles_are_collected():
    class Watched(numpy.ndarray):
        pass

    gone = []
    for through in ("schedule", "array"):
        optimizer, w = Adadelta(), numpy.ones(3).view(Watched)
        if through == "schedule":
            optimizer.schedule = lambda step, optimizer=optimizer: 1.0
        else:
            w.owner = optimizer
        optimizer.step(w, numpy.ones(3))
        gone.append(weakref.ref(w))
        del optimizer, w
    gc.collect()
    assert [watched() for watched in gone] == [None, None]


def test_memory_does_not_grow(tmp_path):
    n = 20_000

    def rounds(count):
        for k in range(count):
            optimizer, w = Adadelta(averaging="polyak", schedule=lambda step: 1.0), numpy.ones(n)
            optimizer.step(w, w * 2)
            optimizer.step([w.copy(), w.copy()], [w * 1, w * 1])
            for bad in (w[:3], w.astype(">f8"), w * numpy.nan, None, w):
                with pytest.raises((TypeError, ValueError)):
                    optimizer.step(w, bad)
            kept = optimizer.state_dict()
            optimizer.load_state_dict(kept)
            copy.deepcopy(optimizer)
            optimizer.save(tmp_path / "kept")
            optimizer.load(tmp_path / "kept")
            with pytest.raises(ValueError):
                optimizer.load(tmp_path / "kept", {"v": w})
            with pytest.raises(ValueError):
                Adadelta(rho=2)
            minimize(lambda x: (1.0, x), w, jac=True, callback=lambda x: None, maxiter=1)

    rounds(5)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rounds(40)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 8 * n * 40 / 1024 / 2, f"{grown} KiB"  # one array of each round would be twice that


# ---- The module by itself ----


def test_names_and_defaults():
    assert _core.names["dtype"] == ("f32", "f64", "bf16", "f16", "u16", "u8")
    assert "adadelta" in _core.names["method"] and set(_core.presets) >= {"paper", "pytorch", "keras"}
    assert _core.hyper("adadelta") == _core.presets["paper"]["hyper"]
    assert _core.hyper("sgd")["lr"] == 0.1 and _core.defaults["minimize"]["patience"] == 1000
    for bad, error in (("x", ValueError), (3, TypeError), (None, TypeError)):
        with pytest.raises(error, match="method"):
            _core.hyper(bad)


def test_numbers_that_are_none():
    optimizer, w = one()
    for act in (
        lambda k: optimizer.get_hyper(k),
        lambda k: optimizer.set_hyper(k, {}),
        lambda k: optimizer.get_tensor(k),
        lambda k: optimizer.state(k),
        lambda k: optimizer.get_counts(k),
        lambda k: optimizer.set_counts(k, {}),
        lambda k: optimizer.stats(k),
        lambda k: optimizer.copy_state(k, "square_avg", w),
        lambda k: optimizer.set_state(k, "square_avg", "f64", w),
        lambda k: optimizer.step_arrays((k,), (w,), (w.copy(),)),
        lambda k: optimizer.add_array("v", k, numpy.ones(1), {}),
    ):
        for number in (1, -1, 2**62, 2**80, "0"):
            with pytest.raises((ValueError, TypeError, OverflowError)):
                act(number)
    for act in (
        lambda: optimizer.step_arrays((0,), (w,), ()),
        lambda: optimizer.step_arrays((0, 0), (w, w), (w, w)),
        lambda: optimizer.copy_state(0, "square_avg", numpy.ones(5)),
        lambda: optimizer.copy_state(0, "x", numpy.ones(4)),
        lambda: optimizer.set_state(0, "square_avg", "f64", numpy.ones(5)),
        lambda: optimizer.add_array("w", 0, numpy.ones(1), {}),
        lambda: optimizer.set_threads(-1),
    ):
        with pytest.raises(ValueError):
            act()
    assert optimizer.step_count() == (0, 0) and (w == 1).all() and optimizer.array(7) is None


def test_a_clone_is_another_optimizer_of_the_same_arrays():
    optimizer, w = one()
    optimizer.step_arrays((0,), (w,), (numpy.ones(4),))
    twin = optimizer.clone()
    mine = w.copy()
    optimizer.step_arrays((0,), (w,), (numpy.ones(4),))
    twin.step_arrays((0,), (mine,), (numpy.ones(4),))
    assert mine.tobytes() == w.tobytes() and twin.step_count() == (2, 0) and twin.array(0) is mine
    w.resize(900_000, refcheck=False)
    with pytest.raises(ValueError, match="resized"):
        optimizer.clone()


@pytest.mark.skipif(sys.version_info < (3, 12), reason="Python's __buffer__ came with 3.12")
def test_exporters_that_come_back():
    optimizer, w = one()

    class Nested:
        def __buffer__(self, flags):
            optimizer.step_arrays((0,), (w,), (numpy.ones(4),))
            optimizer.add_array(f"more{optimizer.step_count()}", 0, numpy.ones(2), {})
            return memoryview(numpy.ones(4))

    optimizer.step_arrays((0,), (Nested(),), (Nested(),))
    assert optimizer.step_count()[0] >= 3


def test_two_threads_in_the_first_step():
    """One of them steps, the other is refused: no step is lost."""
    optimizer, w, grad, refused = Adadelta(threads=1), numpy.ones(2_000_000), numpy.ones(2_000_000), []

    def run():
        for _ in range(10):
            try:
                optimizer.step(w, grad)
            except RuntimeError:
                refused.append(1)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert optimizer.steps + len(refused) == 20 and (w == w[0]).all()


def test_a_step_while_a_file_is_written(tmp_path, monkeypatch):
    """The header is written by Python's json: what it lets in must not be half in the file."""
    import json

    optimizer, w = Adadelta(), numpy.ones(3)
    optimizer.step(w, numpy.ones(3))
    dumps, seen = json.dumps, []

    def intrude(*arguments, **keywords):
        for act in (lambda: optimizer.step(w, numpy.ones(3)), lambda: optimizer.set_group(0, lr=2)):
            with pytest.raises(RuntimeError):
                act()
            seen.append(1)
        return dumps(*arguments, **keywords)

    monkeypatch.setattr(json, "dumps", intrude)
    optimizer.save(tmp_path / "kept")
    monkeypatch.undo()
    into = numpy.zeros(3)
    other = Adadelta()
    other.load(tmp_path / "kept", into)
    assert seen and other.steps == 1 and (into == w).all()


@pytest.mark.parametrize("what", ["set_group", "add_group", "set_gradients", "set_counts", "set_schedule"])
def test_settings_whose_numbers_let_a_step_in(what):
    """A number may be Python code, and start a step: then the setting is refused, as in the middle of any step."""
    began, may_end = threading.Event(), threading.Event()

    def rate(step):
        began.set()
        may_end.wait(60)
        return 1.0

    w, optimizer = numpy.ones(10), Adadelta(schedule=rate)
    may_end.set()
    optimizer.step(w, w * 0 + 1)
    may_end.clear()
    began.clear()
    thread = threading.Thread(target=lambda: optimizer.step(w, numpy.ones(10)))

    class Number:
        def __float__(self):
            thread.start()
            assert began.wait(60)
            return 0.5

        def __index__(self):
            return int(2 * float(self))

    acts = {
        "set_group": lambda: optimizer.set_group(0, lr=Number()),
        "add_group": lambda: optimizer.add_group("b", lr=Number()),
        "set_gradients": lambda: optimizer._core.set_gradients({"scale": Number()}),
        "set_counts": lambda: optimizer._core.set_counts(0, {"steps": Number()}),
        "set_schedule": lambda: optimizer._core.set_schedule({"gamma": Number()}),
    }
    try:
        with pytest.raises(RuntimeError, match="middle of a step"):
            acts[what]()
    finally:
        may_end.set()
        thread.join()
    assert optimizer.steps == 2 and optimizer.lr == 1 and len(optimizer.groups) == 1 and optimizer.schedule is rate


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_fork_after_others_have_used_threads():
    """OpenMP's library is shared by all in a process: whoever started its threads, a child must not wait for them."""
    code = (
        "import os, numpy, adadelta\n"
        "a = adadelta.Adadelta(threads=2); w = numpy.ones(3_000_000); a.step(w, w + 1)\n"
        "import multiprocessing as m; c = m.get_context('fork')\n"
        "def run(): b = adadelta.Adadelta(threads=2); x = numpy.ones(3_000_000); b.step(x, x + 1); os._exit(7)\n"
        "p = c.Process(target=run); p.start(); p.join(60); print(p.exitcode); p.kill()"
    )
    said = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=120)
    assert said.stdout == "7\n", said.stderr
