# SPDX-License-Identifier: BSD-2-Clause
"""What unprivileged programs may and may not do: the programs of user/tests, each in a machine."""

import os
import re

import pytest

from machine import TOP, serix, shell

PROGRAMS = sorted(name[:-2] for name in os.listdir(os.path.join(TOP, "user/tests")) if name.endswith(".c"))


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name):
    got = serix("/usr/lib/serix/tests/" + name, timeout=120)
    assert got.status == 0, got.out.decode("utf-8", "replace") + got.err
    assert b"not ok" not in got.out


FREE = "awk '/^(MemFree|Cached|Buffers|SReclaimable):/ {s += $2} END {print \"free\", s}' /proc/meminfo"
REPEAT = "i=0; while [ $i -lt %d ]; do %s; i=$((i+1)); done"


@pytest.mark.parametrize("count", [2000, pytest.param(20000, marks=pytest.mark.full)])
@pytest.mark.parametrize("what", ["/bin/busybox true", "echo x | true"])
def test_processes_leave_nothing_behind(what, count):
    """fork, exec, wait and pipes: free memory is back where it was, caches that /proc reports included."""
    script = "; ".join([REPEAT % (100, what), FREE, REPEAT % (count, what), FREE])
    got = shell(script, timeout=900)
    assert got.status == 0, got.err
    before, after = (int(n) for n in re.findall(rb"^free (\d+)$", got.out, re.M))
    assert after >= before - 256
