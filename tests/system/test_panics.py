# SPDX-License-Identifier: BSD-2-Clause
"""What breaks an invariant of the kernel stops it, and the panic says what it was and where."""

import pytest

from machine import serix

EXPECTED = {
    "panic": "asked for by panic_test=panic",
    "assert": "assertion failed: zero == 1, kernel/core/panic_test.c:",
    "null": "null pointer: kernel write at 0",
    "user-memory": "user memory touched outside the copy routines: kernel write at 0x400000",
    "unmapped": "address not mapped: kernel write at 0xffff",
    "write-text": "write to read-only memory: kernel write at 0xffff",
    "write-rodata": "write to read-only memory: kernel write at 0xffff",
    "execute-data": "execution of data: kernel fetch at 0xffff",
    "execute-user": "execution of user memory: kernel fetch at 0x400000",
    "divide": "divide error in the kernel",
    "invalid-opcode": "invalid opcode in the kernel",
    "stack-overflow": "lies in the guard page of a stack",
    "canary": "stack canary overwritten",
    "copy-too-long": "assertion failed: len <= __builtin_dynamic_object_size(src, 0)",
    "interrupt": "null pointer: kernel write at 0",
}

LOCKUPS = {
    "hard-lockup": ("watchdog: hard lockup on cpu 2", "spin_for_ever+0x"),
    "soft-lockup": ("watchdog: soft lockup on cpu ", "do_soft_lockup+0x"),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_panic_says_what_broke(name):
    got = serix("true", options=["--cmdline", "panic_test=" + name])
    assert got.status == 126
    assert "panic: " in got.err.split("\n")[0] and EXPECTED[name] in got.err.split("\n")[0]
    assert "stack trace:" in got.err and "+0x" in got.err
    if name in ("panic", "assert"):  # calls that never return are named, not what lies behind them
        assert "do_%s+0x" % name in got.err


@pytest.mark.parametrize("name", LOCKUPS)
def test_lockup_is_found_and_placed(name):
    """A CPU that keeps interrupts, or the scheduler, away is reported with where each CPU is."""
    cmdline = "panic_test=%s watchdog_thresh=1 watchdog_panic" % name
    got = serix("true", options=["--smp", "3", "--cmdline", cmdline])
    assert got.status == 126
    message, place = LOCKUPS[name]
    assert message in got.err.split("\n")[0]
    assert place in got.err
    assert len([line for line in got.err.split("\n") if "] cpu " in line]) == 3


def test_panic_stops_and_shows_every_cpu():
    got = serix("true", options=["--smp", "4", "--cmdline", "panic_test=panic"])
    assert got.status == 126
    for cpu in range(4):
        assert "cpu %d, task " % cpu in got.err


def place_of_panic(cmdline=""):
    got = serix("true", options=["--cmdline", "panic_test=panic " + cmdline])
    return next(line.split()[-2] for line in got.err.split("\n") if "do_panic+0x" in line)


def test_kernel_runs_somewhere_else_every_time():
    assert len({place_of_panic() for _ in range(4)}) >= 3


def test_nokaslr_keeps_the_linked_addresses():
    assert place_of_panic("nokaslr") == place_of_panic("nokaslr")
    assert place_of_panic("nokaslr").startswith("ffffffff802")
