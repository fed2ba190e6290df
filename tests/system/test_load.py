# SPDX-License-Identifier: BSD-2-Clause
"""Everything at once, verified, on one and on several CPUs of the debug build: the load program of user/load.

Proves that its rounds find nothing wrong, that no worker gets stuck, that memory comes back, and that the kernel
has nothing to complain about meanwhile.  The seed is printed: with it and --rounds a failure can be had again.
"""

import random
import re

import pytest

from machine import serix

LOAD = "/usr/lib/serix/tests/load"
CPUS = (1, 2, 4, 8)
LEAKS_KIB = 4096  # what CPUs may hoard and kernel stacks kept for reuse; a leak grows with the time
PATIENCE = 100
COMPLAINT = re.compile(r"lockup|panic:|warning|leak|corrupt|inconsistent", re.I)


def complaints(log):
    """Kernel messages that nothing normal causes; the command line is no complaint."""
    lines = log.read_text("utf-8", "replace").splitlines()
    return [line for line in lines if COMPLAINT.search(line) and "command line" not in line]


def run_load(log, cpus, seconds, *more):
    seed = random.randrange(1 << 32)
    command = [LOAD, "--seconds", str(seconds), "--seed", str(seed), "--leaks", str(LEAKS_KIB),
               "--patience", str(PATIENCE)] + list(more)
    got = serix(*command, options=["--debug", "--smp", cpus, "--log", log], timeout=seconds + 2 * PATIENCE + 60)
    out = got.out.decode("utf-8", "replace")
    print(out)
    assert got.status == 0, out + got.err
    assert re.search(r"by \d+ workers, seed %d: ok\r?\n$" % seed, out)
    assert complaints(log) == []


@pytest.mark.parametrize("cpus", CPUS)
def test_load(log, cpus):
    run_load(log, cpus, 20)


@pytest.mark.soak
@pytest.mark.parametrize("cpus", CPUS)
def test_soak(log, cpus, soak_seconds):
    run_load(log, cpus, soak_seconds)
