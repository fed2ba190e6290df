# SPDX-License-Identifier: BSD-2-Clause
"""What unprivileged programs may and may not do: the programs of user/tests, each in a machine."""

import os
import random

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


def model_steps(steps, build, seed):
    got = serix(DIRECTORY + "cap_model", "--steps", str(steps), "--seed", str(seed), options=["--smp", 4, build],
                timeout=120 + steps // 50)
    print(got.out.decode("utf-8", "replace"))
    assert got.status == 0 and b"not ok" not in got.out, got.out.decode("utf-8", "replace") + got.err


@pytest.mark.parametrize("build", ["--release", "--debug"])
def test_64_processes_on_four_cpus_do_what_the_model_of_capabilities_says(build):
    model_steps(20000 if build == "--release" else 5000, build, random.randrange(1 << 32))


@pytest.mark.soak
def test_soak_model(soak_seconds):
    """Some steps a second for as long: the rest of ten million run on the host, over the same files."""
    model_steps(40 * soak_seconds, "--debug", random.randrange(1 << 32))


@pytest.mark.full
def test_20000_processes_and_pipes_leave_nothing_behind():
    got = serix(DIRECTORY + "leaks", "20000", timeout=1800)
    assert got.status == 0, got.out.decode("utf-8", "replace") + got.err
