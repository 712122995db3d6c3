# SPDX-License-Identifier: MIT
"""What pip has installed."""
import importlib.metadata
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile

import adadelta
from adadelta import _core

SOURCE = pathlib.Path(os.environ.get("ADADELTA_SOURCE", pathlib.Path(__file__).parents[2]))
PACKAGE = pathlib.Path(adadelta.__file__).parent


def test_version_is_the_projects():
    text = (SOURCE / "CMakeLists.txt").read_text()
    assert adadelta.__version__ == re.search(r"VERSION ([0-9.]+)", text[text.index("project(") :]).group(1)
    assert importlib.metadata.version("adadelta") == adadelta.__version__


def test_types_and_stubs_come_along():
    assert (PACKAGE / "py.typed").exists() and (PACKAGE / "_core.pyi").exists()


def test_nothing_but_the_c_library_is_linked():
    """A wheel must run where no libjansson and no BLAS is: it asks for libc, libm and the compiler's own libraries."""
    for extension in PACKAGE.glob("*.so"):
        shown = subprocess.run(["readelf", "-d", extension], capture_output=True, text=True, check=True).stdout
        needed = set(re.findall(r"NEEDED.*\[(.*?)\.so", shown))
        loader = {"ld-linux-x86-64", "ld-linux-aarch64"}
        assert needed <= {"libc", "libm", "libgomp", "libpthread", "libgcc_s"} | loader, extension


def test_only_the_module_is_visible():
    """So that two libraries in a process, or two versions of one, do not meet."""
    for extension in PACKAGE.glob("*.so"):
        command = ["nm", "-D", "--defined-only", extension]
        shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        names = {line.split()[-1] for line in shown.splitlines()}
        assert {name for name in names if not name.startswith("PyInit_")} <= {"_init", "_fini"}, extension


def test_all_instruction_sets_are_inside():
    """Those that this machine has can be asked for, and give the same bits."""
    code = (
        "import numpy, adadelta; from adadelta import _core; w = numpy.linspace(-1, 1, 1001); o = adadelta.Adadelta()\n"
        "for _ in range(5): o.step(w, numpy.sin(w))\n"
        "print(_core.isa(), w.tobytes().hex())"
    )
    seen = {}
    for isa in ("scalar", "sse2", "avx2", "avx512", "neon"):
        environment = {**os.environ, "ADADELTA_ISA": isa}
        made = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
        assert made.returncode == 0, made.stderr
        used, bits = made.stdout.split()
        seen[used] = bits
    assert "scalar" in seen and len(set(seen.values())) == 1
    assert _core.isa() in seen


def test_source_archive_is_complete(tmp_path):
    """It carries the C library, and all that the extensions are made of: outside the repository there is no other."""
    leave_out = shutil.ignore_patterns("build", "*.egg-info", "dist", "__pycache__")
    for part in ("include", "src", "train", "python"):
        shutil.copytree(SOURCE / part, tmp_path / part, ignore=leave_out)
    for part in ("CMakeLists.txt", "LICENSE"):
        shutil.copy(SOURCE / part, tmp_path / part)
    where = tmp_path / "python"
    made = subprocess.run([sys.executable, "setup.py", "-q", "sdist"], cwd=where, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    (archive,) = (where / "dist").glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        packed = {name.partition("/")[2] for name in opened.getnames()}
    for part in ("include", "src", "train"):
        for path in (SOURCE / part).rglob("*.[ch]"):
            assert f"library/{path.relative_to(SOURCE)}" in packed
    for part in ("c", "src"):
        for path in (where / part).rglob("*.*"):
            assert ".egg-info" in str(path) or path.relative_to(where).as_posix() in packed, path


def test_the_licence_comes_along():
    files = importlib.metadata.files("adadelta")
    assert any(path.name == "LICENSE" for path in files)


def test_kernels_have_the_flags_of_the_library():
    """The sets stand in src/CMakeLists.txt, and once more in setup.py."""
    cmake = (SOURCE / "src/CMakeLists.txt").read_text()
    setup = (SOURCE / "python/setup.py").read_text()
    found = dict(re.findall(r"set\(flags_(\w+) (.*?)\)", cmake))
    assert {"sse2", "avx2", "avx512"} == set(found)
    for isa, flags in found.items():
        assert f'"{isa}": {json.dumps(flags.split())}' in setup
    common = re.search(r'COMPILE_OPTIONS "(-O3;.*?);\$', cmake).group(1)
    assert f"KERNEL = {json.dumps(common.split(';'))}" in setup
    kernels = {path.stem.removeprefix("kernels_") for path in (SOURCE / "src/kernels").glob("kernels_*.c")}
    assert all(f'"{isa}"' in setup for isa in kernels)
