# SPDX-License-Identifier: BSD-2-Clause
"""Call by call, Serix does what Linux does: the programs of tests/calls print the same on both, with either libc."""

import difflib
import os
import shutil
import subprocess

import pytest

from machine import TOP, shell

AREAS = sorted(name[:-2] for name in os.listdir(os.path.join(TOP, "tests/calls")) if name.endswith(".c") and name != "calls.c")
LIBCS = ("musl", "glibc")
BUILT = os.path.join(TOP, "build/tests/calls")
SCRIPT = "for i in /calls/%s/*; do echo == ${i##*/}; $i 2>&1 || echo status $?; done"


def by_area(out):
    """What each program printed, line by line."""
    areas = {}
    for line in out.replace(b"\r", b"").decode("utf-8", "replace").splitlines():
        if line.startswith("== "):
            lines = areas[line[3:]] = []
        else:
            lines.append(line)
    return areas


@pytest.fixture(scope="module")
def programs():
    subprocess.run(["make", "-s", "-C", TOP, "calls"], check=True, stdout=subprocess.DEVNULL)
    return {libc: {area: os.path.join(BUILT, libc, area) for area in AREAS} for libc in LIBCS}


@pytest.fixture(scope="module", params=LIBCS)
def outcomes(request, programs, tmp_path_factory):
    """(Linux's, Serix's) lines of each area with one C library."""
    libc, scratch = request.param, tmp_path_factory.mktemp(request.param)
    files = {"/calls/%s/%s" % (libc, area): path for area, path in programs[libc].items()}
    os.makedirs(os.path.join(str(scratch), "root/calls", libc))
    for guest, host in files.items():
        shutil.copy(host, os.path.join(str(scratch), "root" + guest))
    root = ["--overlay", os.path.join(str(scratch), "root")]
    linux = [os.path.join(TOP, "tests/system/on-linux"), "--timeout", "400"]
    theirs = subprocess.run(linux + root + ["--", "sh", "-c", SCRIPT % libc], stdout=subprocess.PIPE)
    assert theirs.returncode == 0, theirs.stdout.decode("utf-8", "replace")
    ours = shell(SCRIPT % libc, options=root, timeout=400)
    assert ours.status == 0, ours.out.decode("utf-8", "replace") + ours.err
    return by_area(theirs.stdout), by_area(ours.out)


@pytest.mark.parametrize("area", AREAS)
def test_same_as_linux(outcomes, area):
    theirs, ours = outcomes
    assert theirs[area], "no case at all"
    differences = difflib.unified_diff(theirs[area], ours[area], "Linux", "Serix", n=0, lineterm="")
    assert ours[area] == theirs[area], "\n" + "\n".join(differences)
