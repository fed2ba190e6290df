# SPDX-License-Identifier: BSD-2-Clause
"""Debian's python3, unmodified: each program of tests/system/python checks its own results on Serix.

The root is made from Debian's packages (tools/mkrootfs) if it is not there: without it these tests fail.
"""

import functools
import os
import re
import shutil
import sys
import tempfile

import pytest

import machine

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, "debian"))
import cases  # noqa: E402

PROGRAMS = sorted(name[:-3] for name in os.listdir(os.path.join(HERE, "python")) if name.endswith(".py"))
# Every program's own time limit keeps one that hangs from taking the others with it.
RUNNER = """cd /tmp
for f in /srv/python/*.py; do
	timeout -s KILL 120 python3 "$f" 2>&1
	printf '\\036%s %d\\n' "$(basename "$f" .py)" $?
done"""


@functools.lru_cache(maxsize=None)
def results():
    """All programs run in one machine: what each printed, and its status."""
    with tempfile.TemporaryDirectory() as scratch:
        shutil.copytree(os.path.join(HERE, "python"), os.path.join(scratch, "srv/python"))
        options = ["--overlay", cases.root("python"), "--overlay", scratch, "--mem", "2G", "--smp", "2"]
        run = machine.serix("bash", "-c", RUNNER, options=options, timeout=900)
    assert run.status == 0, run.err
    text = run.out.decode("utf-8", "replace").replace("\r\n", "\n")
    parts = re.split("\x1e(\\w+) (\\d+)\n", text)
    return {name: (int(status), out) for out, name, status in zip(parts[0::3], parts[1::3], parts[2::3])}


@pytest.mark.parametrize("program", PROGRAMS)
def test_program_finds_its_results_right(program):
    status, printed = results().get(program, (None, "nothing came"))
    assert status == 0, printed
