# SPDX-License-Identifier: BSD-2-Clause
"""NUMA: Debian's own numactl and numastat in a machine of two nodes, and user/tests/numa.c, which looks at every page."""

import os
import re
import shutil
import subprocess

import pytest

from machine import serix, shell

FAKE = ("--smp", "2", "--mem", "512M", "--cmdline", "numa=fake=256M,256M topology=1P/0,1P/1")
FIRMWARE = ("--smp", "2", "--machine", "q35 -object memory-backend-ram,id=m0,size=256M"
            " -object memory-backend-ram,id=m1,size=256M -numa node,nodeid=0,memdev=m0,cpus=0"
            " -numa node,nodeid=1,memdev=m1,cpus=1 -numa dist,src=0,dst=1,val=25 -numa dist,src=1,dst=0,val=25")
TOOLS = ("numactl", "numastat")


@pytest.fixture(scope="module")
def overlay(tmp_path_factory):
    """The tools, and the libraries that they are linked with."""
    root = str(tmp_path_factory.mktemp("numactl"))
    for tool in TOOLS:
        path = shutil.which(tool)
        assert path, "no %s: tools/deps installs it" % tool
        linked = subprocess.run(["ldd", path], check=True, capture_output=True, text=True).stdout
        for file in [path] + re.findall(r"(/\S+) \(0x", linked):
            os.makedirs(root + os.path.dirname(file), exist_ok=True)
            shutil.copy(file, root + file)
    return root


@pytest.mark.parametrize("nodes", [FAKE, FIRMWARE], ids=["command-line", "firmware"])
@pytest.mark.parametrize("build", ["--release", "--debug"])
def test_every_page_where_it_belongs(nodes, build):
    got = serix("/usr/lib/serix/tests/numa", "full", options=nodes + (build,), timeout=180)
    assert got.status == 0 and b"not ok" not in got.out, got.out.decode("utf-8", "replace") + got.err
    assert b"who is bound to a node that is full is killed" in got.out


def test_hardware_as_numactl_sees_it(overlay):
    got = shell("numactl --hardware", options=FIRMWARE + ("--overlay", overlay)).out.decode()
    assert "available: 2 nodes (0-1)" in got
    assert re.search(r"node 0 cpus: 0\s", got) and re.search(r"node 1 cpus: 1\s", got)
    assert [line.split() for line in got.splitlines()[-2:]] == [["0:", "10", "25"], ["1:", "25", "10"]]
    for node in (0, 1):
        size, free = (int(re.search(r"node %d %s: (\d+) MB" % (node, what), got).group(1)) for what in ("size", "free"))
        assert 230 < free <= size <= 256


def test_programs_started_by_numactl(overlay):
    """The shell's own anonymous memory: all on the bound node, some on each when interleaved."""
    def maps(options):
        got = shell("exec numactl %s cat /proc/self/numa_maps" % options, options=FAKE + ("--overlay", overlay))
        lines = [line for line in got.out.decode().splitlines() if "anon=" in line and "mapped=" not in line]
        assert got.status == 0 and lines, got.out.decode() + got.err
        return lines

    assert all(" bind:1 " in line and " N1=" in line and " N0=" not in line for line in maps("--membind=1"))
    assert all(" prefer:1 " in line and " N0=" not in line for line in maps("--preferred=1"))
    spread = maps("--interleave=all")
    assert all(" interleave:0-1 " in line for line in spread)
    assert any(" N0=" in line for line in spread) and any(" N1=" in line for line in spread)


def test_cpus_of_a_node(overlay):
    got = shell("numactl --cpunodebind=1 grep Cpus_allowed_list /proc/self/status; numactl --membind=7 true; echo $?",
                options=FAKE + ("--overlay", overlay))
    assert got.out.split()[:2] == [b"Cpus_allowed_list:", b"1"] and got.out.split()[-1] == b"1"


def test_numastat_of_a_bound_program(overlay):
    got = shell("numactl --membind=1 --cpunodebind=0 head -c 20000000 /dev/zero > /tmp/file; numastat",
                options=FAKE + ("--overlay", overlay)).out.decode()
    row = {line.split()[0]: [int(n) for n in line.split()[1:]] for line in got.splitlines() if "_" in line}
    # A file written by the program has its pages where the program is bound to: 20 MB, by a CPU of the other node.
    assert row["other_node"][1] > 4800 and row["numa_hit"][1] > 4800
    assert row["numa_miss"] == row["numa_foreign"] == [0, 0]
