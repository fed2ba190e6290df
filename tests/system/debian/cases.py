# SPDX-License-Identifier: BSD-2-Clause
"""Files of cases: `### NAME`, then a script for bash.  What they print on Linux stands in NAME.expected.

A file runs in one machine, each case in a folder of its own in /tmp and a session without a terminal, with /dev/null
as its input.  The answer is the output, errors among it, and the exit status.  Each case begins with what stands before
the first of its file.
"""

import os
import re
import subprocess

HERE = os.path.dirname(os.path.realpath(__file__))
TOP = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
# Of each file of cases the root that it runs on.
ROOTS = {"coreutils": "base", "text": "base", "archives": "base", "system": "system", "shells": "base",
         "languages": "language", "data": "data", "redis": "data", "build": "build", "trace": "trace",
         "compiled": "base", "privilege": "privilege"}
FULL = ("compiled",)  # groups that only a full run has: compilers of a gigabyte
SECONDS = 240  # for a case
RUNNER = """cd /cases
for f in *; do
	mkdir /tmp/case; cd /tmp/case
	printf '\\036begin %%s\\n' $f
	setsid -w timeout -k 5 %d bash /cases/$f </dev/null >/tmp/out 2>&1
	status=$?; cat /tmp/out; printf '\\036status %%d\\n' $status
	cd /; rm -rf /tmp/case
done
""" % SECONDS
ANSWER = re.compile(r"\x1ebegin (\d+)\n(.*?)\x1estatus (\d+)\n", re.S)
PID = re.compile(r"(?<=^/cases/...)(: line \d+:) +\d+ ", re.M)  # as bash reports a child's end


def parts(path):
    """What a file begins with, and a list of (name, text)."""
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as f:
        found = re.split(r"^### (.*)\n", f.read(), flags=re.M)
    return found[0], list(zip(found[1::2], found[2::2]))


def blocks(path):
    return parts(path)[1]


def names(group):
    return [name for name, _ in blocks(os.path.join(HERE, group + ".cases"))]


def overlay(group, directory, only=None):
    """Write the cases as files below the directory, which is an overlay then."""
    os.makedirs(os.path.join(directory, "cases"))
    before, scripts = parts(os.path.join(HERE, group + ".cases"))
    before = re.sub(r"^#.*\n", "", before, flags=re.M)
    for i, (name, script) in enumerate(scripts):
        if only is None or only in name:
            with open(os.path.join(directory, "cases", "%03d" % i), "w") as f:
                f.write(before + script)


def answers(group, output):
    """{name: (output, status)} of what the machine printed."""
    known = names(group)
    text = PID.sub(r"\1 PID ", output.decode("utf-8", "surrogateescape"))
    return {known[int(i)]: (out + "\n" * (not out.endswith("\n")), int(status)) for i, out, status in ANSWER.findall(text)}


def expected(group):
    """{name: (output, status)} as recorded on Linux."""
    found = {}
    for name, text in blocks(os.path.join(HERE, group + ".expected")):
        status, _, out = text.partition("\n")
        found[name] = (out, int(status))
    return found


def record(group, found):
    with open(os.path.join(HERE, group + ".expected"), "w", encoding="utf-8", errors="surrogateescape", newline="") as f:
        for name in names(group):
            if name in found:
                f.write("### %s\n%d\n%s" % (name, found[name][1], found[name][0]))


def overlays(group):
    """What a group's machine has, made if it is not there."""
    found = [root(ROOTS[group])]
    if group == "compiled":
        found.append(programs())
    return found


def programs():
    """A folder with /opt/go-program and /opt/rust-program; one at a time compiles them."""
    lock = os.path.join(TOP, "build/programs.lock")
    subprocess.run(["flock", lock, "make", "-s", "-C", TOP, "debian-programs"], check=True)
    return os.path.join(TOP, "build/debian-programs")


def root(name):
    """A Debian root, made if it is not there."""
    subprocess.run(["make", "-s", "-C", TOP, "rootfs-" + name], check=True)
    return os.path.join(TOP, "build/rootfs-" + name)
