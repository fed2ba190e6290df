# SPDX-License-Identifier: BSD-2-Clause
"""Capabilities on a whole machine: what takes several CPUs, or long."""

import pytest

from machine import serix

DIRECTORY = "/usr/lib/serix/tests/"


def attack(build, rounds, seconds, timeout):
    got = serix(DIRECTORY + "cap_attack", str(rounds), str(seconds), options=["--smp", 4, build], timeout=timeout)
    text = got.out.decode("utf-8", "replace")
    print(text)  # the histograms
    assert got.status == 0 and "not ok" not in text, text + got.err


@pytest.mark.parametrize("build", ["--release", "--debug"])
def test_nothing_gets_through_once_it_is_revoked(build):
    """Three CPUs use a mapping and a port while the fourth revokes: as many rounds as go into the time."""
    attack(build, 10000, 12, 180)


@pytest.mark.full
def test_nothing_gets_through_in_10000_rounds():
    attack("--release", 10000, 3600, 7200)
