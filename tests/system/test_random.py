# SPDX-License-Identifier: BSD-2-Clause
"""Random numbers of whole machines: no boot draws what another one drew, also on CPUs without a source of their own."""

import collections

import pytest

from machine import shell

DRAW = "for i in $(seq 50); do cat /proc/sys/kernel/random/uuid; done; head -c 4096 /dev/urandom | od -An -v -tx8"


@pytest.mark.parametrize("cpu", ["max", "max,-rdrand,-rdseed"])
def test_boots_draw_different_numbers(cpu):
    drawn = collections.Counter()
    for _ in range(3):
        got = shell(DRAW, options=["--cpu", cpu, "--smp", 2])
        assert got.status == 0, got.err
        words = got.out.split()
        assert len(words) == 50 + 512
        drawn.update(words)
    assert max(drawn.values()) == 1
