# SPDX-License-Identifier: MIT
"""Builds the extension modules with the C library inside: nothing but setuptools and a C compiler is needed."""
import os
import platform
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.sdist import sdist

HERE = Path(__file__).resolve().parent
COPIED = ["include", "src", "train", "CMakeLists.txt", "LICENSE"]  # what an sdist takes along, into library/
LIBRARY = HERE / "library" if (HERE / "library").exists() else HERE.parent


if not (LIBRARY / "include" / "adadelta.h").exists():
    raise SystemExit(f"{LIBRARY} has no include/adadelta.h: build this package inside a clone of adadelta, or from an sdist")


def version():
    """The project's, from its one place."""
    return re.search(r"project\(adadelta VERSION ([0-9.]+)", (LIBRARY / "CMakeLists.txt").read_text()).group(1)


# One kernel file an instruction set, as in src/CMakeLists.txt: which may be used is found out at run time.
X86 = {
    "scalar": [],
    "sse2": ["-msse2"],
    "avx2": ["-mavx2", "-mf16c"],
    "avx512": ["-mavx512f", "-mavx512bw", "-mavx512dq"],
}
KERNELS = {"x86_64": X86, "amd64": X86, "aarch64": {"scalar": [], "neon": []}, "arm64": {"scalar": [], "neon": []}}

COMMON = ["-std=c11", "-O2", "-g0", "-fopenmp", "-fvisibility=hidden", f'-DADADELTA_VERSION="{version()}"']
# These keep the bits from depending on what a compiler fuses.
EXACT = ["-ffp-contract=off"]
KERNEL = ["-O3", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math"]


def sources(folder, leave_out=()):
    return [path for path in sorted(folder.glob("*.c")) if path.name not in leave_out]


def library_parts():
    """The C library's sources, each with its flags."""
    kernels = LIBRARY / "src" / "kernels"
    parts = [(path, EXACT) for path in sources(LIBRARY / "src", ["freestanding.c"]) + [kernels / "dispatch.c"]]
    for isa, flags in KERNELS.get(platform.machine().lower(), {"scalar": []}).items():
        parts.append((kernels / f"kernels_{isa}.c", KERNEL + flags))
    return parts


def core_parts():
    return [(path, []) for path in sorted(C.glob("core*.c"))]


def trainer_parts():
    """The trainer but for what reads files, with the flags of train/CMakeLists.txt, and stand-ins for BLAS and zlib."""
    flags = ["-D_POSIX_C_SOURCE=200809L", "-O3", "-ffp-contract=off", "-fno-math-errno"]
    left_out = ["dataset_read.c", "elementwise.c", "format.c", "products.c"]
    parts = [(path, flags) for path in sources(LIBRARY / "train", left_out)]
    parts.append((LIBRARY / "train" / "elementwise.c", flags + ["-fno-trapping-math"]))
    stand_ins = [C / "blas" / "cblas.c", C / "zlib" / "zlib.c"]
    return parts + [(path, []) for path in sorted(C.glob("trainer*.c")) + stand_ins]


class Build(build_ext):
    """An extension's `parts` are (source, flags). The extensions share objects, and all processors compile them."""

    def finalize_options(self):
        super().finalize_options()
        self.parallel = None  # one extension after the other: the second finds the first one's objects

    def compile(self, part, include_dirs):
        source, flags = part
        return self.compiler.compile(
            [str(source)],
            output_dir=self.build_temp,
            include_dirs=[str(path) for path in include_dirs] + self.compiler.include_dirs,
            extra_postargs=COMMON + flags,
        )[0]

    def build_extension(self, ext):
        made = self.__dict__.setdefault("made", {})  # source -> its object
        missing = [part for part in ext.parts if part[0] not in made]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            objects = pool.map(lambda part: self.compile(part, ext.include_dirs), missing)
            made.update(zip((source for source, _ in missing), objects))
        path = self.get_ext_fullpath(ext.name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        objects = [made[source] for source, _ in ext.parts]
        exports = f"-Wl,--version-script={C / 'exports.map'}"
        self.compiler.link_shared_object(objects, path, libraries=["m"], extra_postargs=["-fopenmp", exports])


class Sdist(sdist):
    """Takes the C library along."""

    def make_release_tree(self, base_dir, files):
        super().make_release_tree(base_dir, files)
        for name in COPIED:
            source, target = LIBRARY / name, Path(base_dir) / "library" / name
            if source.is_dir():
                shutil.copytree(source, target)
            else:
                target.parent.mkdir(exist_ok=True)
                shutil.copy(source, target)


def extension(name, parts, include_dirs):
    made = Extension(name, sources=[], include_dirs=include_dirs, depends=[str(path) for path, _ in parts])
    made.parts = parts
    return made


C = HERE / "c"
INCLUDE = [LIBRARY / "include", C, C / "json"]
TRAINER_INCLUDE = [LIBRARY / "train", LIBRARY / "src", C / "blas", C / "zlib"]
SHARED = [(C / "json" / "jansson.c", []), (C / "forked.c", [])]

setup(
    version=version(),
    packages=["adadelta"],
    package_dir={"": "src"},
    package_data={"adadelta": ["py.typed", "*.pyi"]},
    ext_modules=[
        extension("adadelta._core", library_parts() + SHARED + core_parts(), INCLUDE),
        extension("adadelta._trainer", library_parts() + SHARED + trainer_parts(), INCLUDE + TRAINER_INCLUDE),
    ],
    cmdclass={"build_ext": Build, "sdist": Sdist},
)
