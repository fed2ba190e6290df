# SPDX-License-Identifier: BSD-2-Clause
"""A million messages of every size, on one CPU and across two: none lost, none changed, the memory back.

Instructions are counted, so that the two CPUs take turns whatever else the machine that runs this does.
"""

from machine import serix

MESSAGES = 1_000_000


def test_a_million_messages():
    got = serix("/usr/lib/serix/tests/ipc_million", str(MESSAGES), options=["--icount", "--smp", 2], timeout=1200)
    assert got.status == 0 and b"not ok" not in got.out, got.out.decode("utf-8", "replace") + got.err
