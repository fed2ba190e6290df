# SPDX-License-Identifier: BSD-2-Clause
"""What unprivileged programs may and may not do: the programs of user/tests, each in a machine."""

import itertools
import os
import random
import re
import time

import pytest

from machine import TOP, serix

DIRECTORY = "/usr/lib/serix/tests/"
# These want several CPUs, and are told how long: test_capabilities, test_messages.
ELSEWHERE = {"cap_attack", "ipc_million"}
PROGRAMS = sorted({name[:-2] for name in os.listdir(os.path.join(TOP, "user/tests")) if name.endswith(".c")} - ELSEWHERE)


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name):
    got = serix(DIRECTORY + name, timeout=400)
    assert got.status == 0, got.out.decode("utf-8", "replace") + got.err
    assert b"not ok" not in got.out


def test_rings_leave_memory():
    """Completions that nobody takes are kept, but not in the memory that others need to begin."""
    got = serix(DIRECTORY + "uring_hostile", "memory", options=["--mem", "96M"])
    assert got.status == 0 and b"not ok" not in got.out, got.out.decode("utf-8", "replace") + got.err


@pytest.mark.parametrize("build", ["--release", "--debug"])
def test_translations_on_four_cpus(build):
    """What munmap, mprotect, mremap, madvise and fork took away is gone on every CPU."""
    got = serix(DIRECTORY + "tlb", "100", options=["--smp", 4, build], timeout=180)
    assert got.status == 0 and b"not ok" not in got.out, got.out.decode("utf-8", "replace") + got.err


@pytest.mark.parametrize("build", ["--release", "--debug"])
@pytest.mark.parametrize("name, rounds", [("futex", 1000), ("rseq", 5000), ("vdso", 5000), ("membarrier", 100)])
def test_threads_on_four_cpus(name, rounds, build):
    got = serix(DIRECTORY + name, str(rounds), options=["--smp", 4, build], timeout=180)
    assert got.status == 0 and b"not ok" not in got.out, got.out.decode("utf-8", "replace") + got.err


def model_steps(steps, build, seconds=3600):
    """Returns how many there were before the seconds were over."""
    seed = random.randrange(1 << 32)
    got = serix(DIRECTORY + "cap_model", "--steps", str(steps), "--seconds", str(seconds), "--seed", str(seed),
                options=["--smp", 4, build], timeout=180 + min(steps // 500, seconds))
    out = got.out.decode("utf-8", "replace")
    print("%s, seed %d:\n%s" % (build, seed, out))
    assert got.status == 0 and "not ok" not in out, out + got.err
    return int(re.search(r"^# (\d+) steps", out, re.M).group(1))


@pytest.mark.parametrize("build, steps", [("--release", 100000), ("--debug", 50000)])
def test_64_processes_on_four_cpus_do_what_the_model_of_capabilities_says(build, steps):
    assert model_steps(steps, build) >= steps


@pytest.mark.soak
def test_soak_model(soak_seconds):
    """Ten million steps, or as many as there is time for: machine after machine, each with a seed of its own."""
    wanted, done, machines, start = 10000000, 0, 0, time.monotonic()
    for build in itertools.cycle(["--debug", "--release"]):
        left = soak_seconds - int(time.monotonic() - start)
        if done >= wanted or left <= 0:
            break
        done += model_steps(min(wanted - done, 1000000), build, left)
        machines += 1
    print("# %d of %d steps, of %d seeds, in %d s" % (done, wanted, machines, time.monotonic() - start))


@pytest.mark.full
def test_20000_processes_and_pipes_leave_nothing_behind():
    got = serix(DIRECTORY + "leaks", "20000", timeout=1800)
    assert got.status == 0, got.out.decode("utf-8", "replace") + got.err
