# SPDX-License-Identifier: BSD-2-Clause
"""Programs on several CPUs: what holds on one holds on four, and too much of anything ends alone."""

import os

import pytest

from machine import TOP, serix, shell
from test_load import complaints

DIRECTORY = "/usr/lib/serix/tests/"
PROGRAMS = sorted(name[:-2] for name in os.listdir(os.path.join(TOP, "user/tests")) if name.endswith(".c"))
# crowd is run below, case by case; usage judges shares of time, on one CPU; the others have tests of their own that
# run them on several.
ELSEWHERE = ("crowd", "usage", "cap_attack", "cap_model", "ipc_million", "call_fuzz")
ARGUMENTS = {"storm": ["15"]}  # seconds
CROWDS = ("processes", "bomb", "hog", "hogs", "faults")


@pytest.mark.parametrize("cpus", (1, 4))
@pytest.mark.parametrize("case", CROWDS)
def test_the_shell_survives(log, case, cpus):
    """A thousand processes, a fork bomb, all memory eaten, a hundred threads on one mapping: the shell goes on."""
    got = shell(DIRECTORY + "crowd %s; echo status $?; echo still | tr s S" % case, timeout=240,
                options=["--debug", "--smp", cpus, "--log", log])
    assert got.status == 0, got.out.decode("utf-8", "replace") + got.err
    assert got.out.replace(b"\r", b"").endswith(b"status 0\nStill\n"), got.out.decode("utf-8", "replace")
    assert complaints(log) == []


@pytest.mark.parametrize("name", [name for name in PROGRAMS if name not in ELSEWHERE])
def test_program_on_four_cpus(log, name):
    got = serix(DIRECTORY + name, *ARGUMENTS.get(name, []), timeout=400, options=["--debug", "--smp", 4, "--log", log])
    assert got.status == 0, got.out.decode("utf-8", "replace") + got.err
    assert b"not ok" not in got.out
    assert complaints(log) == []


@pytest.mark.parametrize("name", ("threads", "storm", "signals", "process", "memory"))
def test_four_at_once(log, name):
    """The same program four times, side by side."""
    one = "(%s%s > /tmp/$i 2>&1 || touch /tmp/failed)" % (DIRECTORY, name)
    got = shell("for i in 1 2 3 4; do %s & done; wait; if test -e /tmp/failed; then cat /tmp/[1-4]; exit 1; fi" % one,
                timeout=300, options=["--debug", "--smp", 4, "--log", log])
    assert got.status == 0, got.out.decode("utf-8", "replace") + got.err
    assert complaints(log) == []
