# SPDX-License-Identifier: BSD-2-Clause
"""Debian's load generators on four CPUs of the debug build, which checks locks and counts: nothing panics, hangs or
fails, and afterwards there are no more processes and hardly less memory than before."""

import functools
import os
import re
import sys

import pytest

import machine

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "debian"))
import cases  # noqa: E402

# Of stress-ng's stressors one or two from each class, and those that have found something.
STRESSORS = ("pipe", "fork", "futex", "mmapfork", "fsize", "sigq", "sockpair", "epoll", "vm", "tlb-shootdown",
             "exit-group")
OTHERS = {"hackbench -l 20 -g 2": r"^Time: ", "hackbench -p -l 20 -g 2": r"^Time: ", "hackbench -T -l 20 -g 2": r"^Time: ",
          "hackbench -T -p -l 20 -g 2": r"^Time: ", "cyclictest -q -t 2 -l 200 -i 2000": r"^T: 1 .* C: +[1-9]\d+ "}
SCRIPT = """
free_now() { set -- $(grep MemFree /proc/meminfo); echo $2; }
run() { printf '\\036%%s\\n' "$1"; timeout -k 5 60 $1 2>&1; printf '\\036 %%d\\n' $?; }
run true; free_now
%s
run true; free_now; ls -d /proc/[0-9]* | wc -l
"""


@functools.lru_cache(maxsize=None)
def answers():
    """{command: (output, status)} of one machine, and what it printed at the end."""
    commands = ["stress-ng --%s 2 --timeout 2s" % name for name in STRESSORS] + list(OTHERS)
    run = machine.serix("bash", "-c", SCRIPT % "\n".join("run '%s'" % c for c in commands), timeout=400,
                        options=["--debug", "--boot", "pvh", "--smp", "4", "--mem", "2G",
                                 "--overlay", cases.root("load")])
    assert run.status == 0, run.err
    text = run.out.decode()
    found = {c: (out, int(status)) for c, out, status in re.findall("\x1e(\\S.*)\n([^\x1e]*)\x1e (\\d+)\n", text)}
    first, last, processes = (int(n) for n in re.findall(r"^(\d+)$", text, re.M))
    return found, first - last, processes


@pytest.mark.parametrize("name", STRESSORS)
def test_stressor(name):
    out, status = answers()[0]["stress-ng --%s 2 --timeout 2s" % name]
    assert status == 0 and "successful run completed" in out and "skip" not in out, out


@pytest.mark.parametrize("command", OTHERS)
def test_rt_tests(command):
    out, status = answers()[0][command]
    assert status == 0 and re.search(OTHERS[command], out, re.M), out


def test_nothing_stays_behind():
    _, lost, processes = answers()
    assert processes < 10
    assert lost < 16 << 10  # KiB: page cache of what was run, and caches of the kernel's
