# SPDX-License-Identifier: MIT
"""Runs the commands of the README and of some pages of docs/, as they stand there, in a folder that looks like the
checkout after a build."""
import os
import re
import shlex
import subprocess
import tempfile
import unittest

PROGRAM = os.environ['ADADELTA_PROGRAM']
SOURCE = os.environ['ADADELTA_SOURCE']

# Commands that other tests run, or that are this test's own surroundings.
ELSEWHERE = {'./scripts/demo', './scripts/test'}


def commands(page):
    with open(os.path.join(SOURCE, page), encoding='utf-8') as text:
        blocks = re.findall(r'^```sh\n(.*?)^```', text.read().replace('\\\n', ' '), re.S | re.M)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


class Readme(unittest.TestCase):
    def test_every_command_runs(self):
        lines = [line for line in commands('README.md') if line not in ELSEWHERE]
        self.assertGreater(len(lines), 3)
        self.check_commands(lines)

    def test_commands_of_low_bit_state(self):
        lines = commands('docs/lowbit.md')
        self.assertEqual(len(lines), 2)
        self.check_commands(lines)

    def test_commands_of_surfaces(self):
        lines = commands('docs/surface.md')
        self.assertEqual(len(lines), 5)
        self.check_commands(lines)

    def test_commands_of_traces(self):
        lines = commands('docs/trace.md')
        self.assertEqual(len(lines), 2)
        self.check_commands(lines)

    def check_commands(self, lines):
        with tempfile.TemporaryDirectory() as folder:
            os.symlink(os.path.join(SOURCE, 'data'), os.path.join(folder, 'data'))
            os.mkdir(os.path.join(folder, 'build'))
            os.symlink(PROGRAM, os.path.join(folder, 'build', 'adadelta'))
            for line in lines:
                with self.subTest(line):
                    words = shlex.split(line)
                    self.assertEqual(words[0], 'build/adadelta', 'a command that no test knows')
                    result = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=300)
                    self.assertEqual(result.returncode, 0, result.stderr)
                    for before, after in zip(words, words[1:]):
                        if before == '-o':
                            self.assertGreater(os.path.getsize(os.path.join(folder, after)), 0)

    def test_every_link_leads_somewhere(self):
        pages = 0
        for folder, _, names in os.walk(SOURCE):
            if re.match(r'(\.git|build|out)', os.path.relpath(folder, SOURCE)):
                continue
            for name in names:
                if name.endswith('.md'):
                    pages += 1
                    self.check_links(os.path.join(folder, name))
        self.assertGreater(pages, 3)

    def check_links(self, path):
        with open(path, encoding='utf-8') as page:
            links = re.findall(r'\]\(([^)#\s]+)', page.read())
        for link in links:
            if not link.startswith(('http://', 'https://')):
                with self.subTest(page=path, link=link):
                    self.assertTrue(os.path.exists(os.path.join(os.path.dirname(path), link)))


if __name__ == '__main__':
    unittest.main()
