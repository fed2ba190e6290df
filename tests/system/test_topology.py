# SPDX-License-Identifier: BSD-2-Clause
"""CPUs, caches and nodes as programs see them: /sys and /proc/cpuinfo are copied out of the machine and shown to
the host's own lscpu."""

import os
import re
import resource
import subprocess

import pytest

from machine import serix, shell

NUMA = ("q35 -object memory-backend-ram,id=m0,size=192M -object memory-backend-ram,id=m1,size=320M"
        " -numa node,nodeid=0,memdev=m0,cpus=0-1 -numa node,nodeid=1,memdev=m1,cpus=2-3"
        " -numa dist,src=0,dst=1,val=31 -numa dist,src=1,dst=0,val=31")
DUMP = """
find /sys -type d | sed 's/^/D /'
find /sys -type l | while read l; do echo "L $l $(readlink $l)"; done
(find /sys -name 'pci0*' -prune -o -type f -print; echo /proc/cpuinfo) | xargs grep -H '' | sed 's/^/F /'
"""


class Tree:
    """What the machine shows, as files below a directory."""

    def __init__(self, root, *options):
        got = shell(DUMP, options=options, timeout=120)
        assert got.status == 0, got.err
        self.root = str(root)
        files = {}
        for line in got.out.decode().replace("\r", "").splitlines():
            if line.startswith("D "):
                os.makedirs(self.root + line[2:], exist_ok=True)
            elif line.startswith("L "):
                _, path, target = line.split(" ")
                os.symlink(target, self.root + path)
            elif line.startswith("F "):
                path, _, text = line[2:].partition(":")
                files.setdefault(path, []).append(text + "\n")
        os.makedirs(self.root + "/proc", exist_ok=True)
        for path, lines in files.items():
            with open(self.root + path, "w") as f:
                f.writelines(lines)

    def read(self, path):
        with open(self.root + path) as f:
            return f.read().strip()

    def cpu(self, path):
        return self.read("/sys/devices/system/cpu/" + path)

    def node(self, path):
        return self.read("/sys/devices/system/node/" + path)

    def lscpu(self):
        """The fields of lscpu's summary."""
        text = subprocess.run(["lscpu", "--sysroot", self.root], env={"LC_ALL": "C", "PATH": os.environ["PATH"]},
                              check=True, capture_output=True, text=True).stdout
        return {k.strip(): v.strip() for k, _, v in (line.partition(":") for line in text.splitlines())}

    def table(self, columns):
        """One tuple of numbers for each CPU."""
        text = subprocess.run(["lscpu", "--sysroot", self.root, "-p=" + columns], check=True, capture_output=True,
                              text=True).stdout
        return [tuple(int(n) for n in line.split(",")) for line in text.splitlines() if not line.startswith("#")]


@pytest.fixture(scope="module")
def numa(tmp_path_factory):
    return Tree(tmp_path_factory.mktemp("numa"), "--smp", "4,sockets=2,cores=2,threads=1", "--machine", NUMA)


@pytest.fixture(scope="module")
def hybrid(tmp_path_factory):
    return Tree(tmp_path_factory.mktemp("hybrid"), "--smp", "8", "--cmdline", "topology=2Px2,4E")


def test_packages_and_nodes_as_the_machine_has_them(numa):
    seen = numa.lscpu()
    assert (seen["CPU(s)"], seen["Socket(s)"], seen["Core(s) per socket"], seen["Thread(s) per core"]) == \
        ("4", "2", "2", "1")
    assert (seen["NUMA node(s)"], seen["NUMA node0 CPU(s)"], seen["NUMA node1 CPU(s)"]) == ("2", "0,1", "2,3")
    assert numa.table("CPU,SOCKET,NODE") == [(0, 0, 0), (1, 0, 0), (2, 1, 1), (3, 1, 1)]


def test_distances_and_memory_of_nodes(numa):
    assert (numa.node("node0/distance"), numa.node("node1/distance")) == ("10 31", "31 10")
    assert numa.node("has_cpu") == numa.node("has_memory") == numa.node("online") == "0-1"
    sizes = [int(re.search(r"MemTotal: +(\d+) kB", numa.node("node%d/meminfo" % n)).group(1)) for n in (0, 1)]
    assert 170 << 10 < sizes[0] <= 192 << 10
    assert 290 << 10 < sizes[1] <= 320 << 10


def test_links_between_cpus_and_nodes(numa):
    assert os.readlink(numa.root + "/sys/devices/system/cpu/cpu2/node1") == "../../node/node1"
    assert os.readlink(numa.root + "/sys/devices/system/node/node1/cpu3") == "../../cpu/cpu3"
    assert numa.cpu("cpu2/node1/cpulist") == "2-3"
    assert not os.path.exists(numa.root + "/sys/devices/system/node/node1/cpu0")


def test_caches_are_shared_by_who_has_them(numa):
    """QEMU gives each core its first two levels and each package its third."""
    seen = numa.lscpu()
    assert seen["L2 cache"].endswith("(4 instances)")
    assert seen["L3 cache"].endswith("(2 instances)")
    last = "cpu3/cache/index3/"
    assert (numa.cpu(last + "level"), numa.cpu(last + "shared_cpu_list"), numa.cpu(last + "shared_cpu_map")) == \
        ("3", "2-3", "c")
    size, line, sets, ways = (int(numa.cpu(last + f).rstrip("K")) for f in
                              ("size", "coherency_line_size", "number_of_sets", "ways_of_associativity"))
    assert size << 10 == line * sets * ways


def test_hybrid_machine_as_described(hybrid):
    assert hybrid.table("CPU,CORE,SOCKET") == [(0, 0, 0), (1, 0, 0), (2, 1, 0), (3, 1, 0), (4, 2, 0), (5, 3, 0),
                                               (6, 4, 0), (7, 5, 0)]
    assert (hybrid.read("/sys/devices/cpu_core/cpus"), hybrid.read("/sys/devices/cpu_atom/cpus")) == ("0-3", "4-7")
    assert hybrid.cpu("cpu1/topology/thread_siblings_list") == "0-1"
    assert hybrid.cpu("cpu1/topology/thread_siblings") == "03"
    assert hybrid.cpu("cpu4/topology/core_siblings_list") == "0-7"
    assert int(hybrid.cpu("cpu4/cpu_capacity")) < int(hybrid.cpu("cpu0/cpu_capacity")) == 1024


def test_cpuinfo_of_every_cpu(hybrid):
    cpus = [dict(re.findall(r"^([^\t:]+)\t*: ?(.*)$", text, re.M))
            for text in hybrid.read("/proc/cpuinfo").split("\n\n")]
    assert [c["processor"] for c in cpus] == [str(n) for n in range(8)]
    assert {(c["siblings"], c["cpu cores"], c["physical id"]) for c in cpus} == {("8", "6", "0")}
    assert [c["core id"] for c in cpus] == list("00112345")
    assert len({c["apicid"] for c in cpus}) == 8
    assert all("sse2" in c["flags"].split() for c in cpus)


def test_sets_of_cpus(hybrid):
    assert (hybrid.cpu("online"), hybrid.cpu("possible"), hybrid.cpu("present")) == ("0-7",) * 3
    assert (hybrid.cpu("offline"), hybrid.cpu("isolated"), hybrid.cpu("kernel_max")) == ("", "", "255")


def test_memory_split_by_the_command_line(tmp_path):
    tree = Tree(tmp_path, "--smp", "4", "--cmdline", "numa=fake=128M,128M")
    assert tree.node("online") == "0-2"
    sizes = [int(re.search(r"MemTotal: +(\d+)", tree.node("node%d/meminfo" % n)).group(1)) >> 10 for n in range(3)]
    assert all(120 <= size <= 132 for size in sizes[:2]) and sizes[2] > 200
    link = tree.root + "/sys/devices/system/node/node%d/cpu%d"
    cpus = [{c for c in range(4) if os.path.lexists(link % (n, c))} for n in range(3)]
    assert set().union(*cpus) == {0, 1, 2, 3} and sum(map(len, cpus)) == 4 and all(cpus)


def test_more_cpus_than_described():
    got = shell("dmesg | grep topology: ; cat /sys/devices/system/cpu/cpu2/topology/core_cpus_list",
                options=("--smp", "3", "--cmdline", "topology=1Px2"))
    text = got.out.decode()
    assert "3 CPUs run, but topology= describes 2" in text
    assert text.split()[-1] == "2"


@pytest.mark.parametrize("words", ["topology=2Q", "topology=", "numa=fake=", "numa=fake=1M,,2M topology=99999P"])
def test_nonsense_is_reported_and_ignored(words):
    got = shell("dmesg | grep ignored; cat /sys/devices/system/node/online", options=("--cmdline", words))
    assert got.status == 0, got.err
    assert b"; ignored" in got.out
    assert got.out.split()[-1] == b"0"


def test_attributes_refuse_what_they_cannot_take():
    """Written by root, whom permissions do not stop."""
    got = shell("exec 2> /dev/null; cd /sys/devices/system/cpu; echo 1 > online; echo $?; cd cpu0/cpuidle/state1;"
                "for v in 1 2 x ''; do echo $v > disable; echo $?; done; cat disable; echo 0 > disable; cat disable;"
                "mkdir /sys/x; echo $?; rm /sys/devices/system/cpu/online; echo $?")
    assert got.out.split() == [b"1", b"0", b"1", b"1", b"1", b"1", b"0", b"1", b"1"]


def test_waiting_is_counted_and_costs_the_host_nothing():
    """Four idle CPUs for 4 s: MWAIT under QEMU's emulation would burn most of the host's time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    got = shell("sleep 4; cat /sys/devices/system/cpu/cpu3/cpuidle/state*/time", options=("--smp", "4"))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert sum(int(t) for t in got.out.split()) > 3000000  # microseconds
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 2.5


@pytest.mark.parametrize("how,state", [("poll", b"POLL"), ("mwait", b"C1"), ("halt", b"C1")])
def test_every_way_to_wait(how, state):
    """Reschedules and interrupts end each of them: a pipe between two CPUs and a sleep."""
    got = shell("cat /sys/devices/system/cpu/cpu0/cpuidle/state*/name | tail -1; sleep 0.2;"
                "yes | head -20000 | wc -l", options=("--smp", "2", "--cmdline", "idle=" + how))
    assert got.out.split() == [state, b"20000"]


def test_serix_without_a_second_node():
    got = serix("cat", "/sys/devices/system/node/node0/distance")
    assert got.out.split() == [b"10"]
