# SPDX-License-Identifier: BSD-2-Clause
"""Debian's programs, unmodified: what the cases of tests/system/debian print is what they print on Linux.

The root is made from Debian's packages (tools/mkrootfs) if it is not there: without it these tests fail.
"""

import functools
import os
import sys
import tempfile

import pytest

import machine

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "debian"))
import cases  # noqa: E402


@functools.lru_cache(maxsize=None)
def answers(group):
    """All cases of a group run in one machine."""
    with tempfile.TemporaryDirectory() as scratch:
        cases.overlay(group, scratch)
        options = ["--mem", "2G", "--smp", "2"]
        for directory in cases.overlays(group) + [scratch]:
            options += ["--overlay", directory]
        run = machine.serix("bash", "-c", cases.RUNNER, options=options, timeout=900)
    assert run.status == 0, run.err
    return cases.answers(group, run.out)


def parameters():
    for group in cases.ROOTS:
        marks = [pytest.mark.together("debian " + group)] + [pytest.mark.full] * (group in cases.FULL)
        for name in cases.names(group):
            yield pytest.param(group, name, marks=marks)


@pytest.mark.parametrize("group, name", parameters())
def test_prints_what_it_prints_on_linux(group, name):
    wanted, found = cases.expected(group)[name], answers(group).get(name, ("nothing came", None))
    assert found[0] == wanted[0]
    assert found[1] == wanted[1]
