# SPDX-License-Identifier: BSD-2-Clause
"""Capabilities on a whole machine: what takes several CPUs, or long."""

import re

import pytest

from machine import serix

DIRECTORY = "/usr/lib/serix/tests/"


def attack(build, rounds, seconds, timeout):
    """How many rounds it was."""
    got = serix(DIRECTORY + "cap_attack", str(rounds), str(seconds), options=["--smp", 4, build], timeout=timeout)
    text = got.out.decode("utf-8", "replace")
    print(text)  # the histograms
    assert got.status == 0 and "not ok" not in text, text + got.err
    return int(re.search(r"# (\d+) rounds:", text).group(1))


@pytest.mark.parametrize("build", ["--release", "--debug"])
def test_nothing_gets_through_once_it_is_revoked(build):
    """Three CPUs use a mapping and a port while the fourth revokes: as many rounds as go into the time."""
    attack(build, 10000, 12, 180)


@pytest.mark.parametrize("build", ["--release", "--debug"])
def test_nothing_gets_through_in_10000_rounds(build, monkeypatch):
    """The same where CPUs take turns on one of the host's, and none waits for another that the host has put off."""
    monkeypatch.setenv("SERIX_ACCEL", "tcg,thread=single")
    assert attack(build, 10000, 600, 700) == 10000


@pytest.mark.soak
def test_soak_attack():
    """At once again."""
    assert attack("--release", 10000, 3600, 3700) == 10000
