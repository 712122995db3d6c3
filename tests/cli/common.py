# SPDX-License-Identifier: MIT
"""Runs the program as a person would: what every test of the command line shares."""
import contextlib
import fcntl
import gzip
import json
import os
import pty
import shutil
import signal
import struct
import subprocess
import tempfile
import termios
import time
import unittest
import xml.etree.ElementTree as xml
import zlib

PROGRAM = os.environ["ADADELTA_PROGRAM"]
SOURCE = os.environ["ADADELTA_SOURCE"]


def data(name):
    return os.path.join(SOURCE, "data", name)


def lines_of(path):
    with open(path) as file:
        return file.readlines()


def default_signals():
    """A shell that runs tests in the background lets them ignore Ctrl-C; the program under test must not inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Case(unittest.TestCase):
    """A test with a folder of its own, which is also where the program runs."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="adadelta-test-")
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, content):
        with open(self.path(name), "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        return self.path(name)

    def start(self, *words, env=None, **options):
        return subprocess.Popen([PROGRAM, *map(str, words)], cwd=self.folder, env={**os.environ, **(env or {})},
                                preexec_fn=default_signals, **options)

    def wait_for_unfinished(self):
        """Until a file that is being written holds something."""
        deadline = time.monotonic() + 60
        size = 0
        while size == 0:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.001)
            for name in os.listdir(self.folder):
                with contextlib.suppress(FileNotFoundError):  # one that was made to try the folder
                    size += os.path.getsize(self.path(name)) if name.endswith(".tmp") else 0

    def pseudo_terminal(self, rows, columns):
        """Our end of a terminal of that size, and the program's."""
        try:
            ours, theirs = pty.openpty()
        except OSError as error:  # a container without /dev/pts
            self.skipTest(f"no pseudo-terminal to be had: {error}")
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        return ours, theirs

    def run_program(self, *words, env=None):
        process = self.start(*words, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        out, err = process.communicate(timeout=300)
        return process.returncode, out.decode(), err.decode()

    def ok(self, *words, env=None):
        """Standard output of a run that must succeed."""
        code, out, err = self.run_program(*words, env=env)
        self.assertEqual(code, 0, f"{words}: {err}")
        return out

    def events(self, *words, env=None):
        """The JSON lines of a run; any other line on standard output fails."""
        def refuse(text):
            raise ValueError(text)  # NaN and Infinity, which are no JSON
        return [json.loads(line, parse_constant=refuse)
                for line in self.ok(*words, "--json", "--quiet", env=env).splitlines()]

    def fails(self, code, *words, says=(), env=None):
        """The run must end with that code and one line on standard error that holds all of says; nothing may be left."""
        before = sorted(os.listdir(self.folder))
        got, out, err = self.run_program(*words, "--quiet", env=env)
        self.assertEqual(got, code, f"{words}: {out}{err}")
        self.assertEqual(out, "", words)
        self.assertRegex(err, r"\Aadadelta: [^\n]+\n\Z", words)
        for text in [says] if isinstance(says, str) else says:
            self.assertIn(text, err, words)
        self.assertEqual(sorted(os.listdir(self.folder)), before, f"{words} left a file")
        return err


def results(events):
    """What a run comes to: its lines but for the one that tells its settings."""
    return [event for event in events if event["event"] != "start"]


def without_seconds(events):
    return [{key: value for key, value in event.items() if key not in ("seconds", "saved")} for event in events]


def tensors(path):
    """The arrays of a safetensors file: name to type, shape and bytes."""
    with open(path, "rb") as file:
        content = file.read()
    size = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8:8 + size])
    header.pop("__metadata__", None)
    body = content[8 + size:]
    return {name: (entry["dtype"], entry["shape"], body[slice(*entry["data_offsets"])])
            for name, entry in header.items()}


def png_size(path):
    """Width and height of a PNG file, all of whose checksums and pixels are there."""
    with open(path, "rb") as file:
        content = file.read()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    place, size, pixels = 8, None, b""
    while place < len(content):
        length, kind = struct.unpack(">I4s", content[place:place + 8])
        body = content[place + 8:place + 8 + length]
        assert zlib.crc32(kind + body) == struct.unpack(">I", content[place + 8 + length:place + 12 + length])[0]
        if kind == b"IHDR":
            size = struct.unpack(">II", body[:8])
        pixels += body if kind == b"IDAT" else b""
        place += 12 + length
    assert kind == b"IEND" and zlib.decompress(pixels)
    return size


def svg_texts(path):
    return ["".join(text.itertext()).strip() for text in xml.parse(path).iter("{http://www.w3.org/2000/svg}text")]


def idx(shape, values):
    """An IDX file of unsigned bytes."""
    return struct.pack(">HBB", 0, 8, len(shape)) + b"".join(struct.pack(">I", n) for n in shape) + bytes(values)


def zipped(content):
    return gzip.compress(content, mtime=0)
