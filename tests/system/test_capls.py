# SPDX-License-Identifier: BSD-2-Clause
"""capls: the tree of a process's capabilities, and what it says when there is nothing to draw."""

import re

from machine import shell

# A shell whose descriptor 5 was duplicated twice, once from the copy, while its parent holds the original.
SCENE = """
exec 5</etc/passwd
sh -c 'exec 6<&5 7<&6 8</dev/null; capls $$' > /tmp/tree
status=$?
cat /tmp/tree
exit $status
"""


def lines_of(text):
    """slot -> (depth in the drawing, the rest of the line)"""
    found = {}
    for line in text.splitlines()[1:]:
        m = re.match(r"((?:\|  |   )*)(?:\|-|`-) (\d+) (.*)$", line)
        assert m, line
        found[int(m.group(2))] = (len(m.group(1)) // 3, m.group(3))
    return found


def test_copies_stand_below_what_they_were_made_from():
    got = shell(SCENE)
    assert got.status == 0, got.err
    text = got.out.decode()
    drawn = lines_of(text)
    assert re.match(r"\d+ capls: \d+ capabilities|\d+ sh: \d+ capabilities", text)
    assert drawn[5][1].startswith("file /etc/passwd  (")
    assert re.search(r"\bread\b", drawn[5][1]) and not re.search(r"\bwrite\b", drawn[5][1])
    assert drawn[5][0] == 0 and drawn[6][0] == 1 and drawn[7][0] == 2
    assert re.search(r"from slot 5 of process \d+", drawn[5][1])
    assert "from" not in drawn[6][1]
    assert drawn[8][0] == 0 and drawn[8][1].startswith("file /dev/null  (") and "from" not in drawn[8][1]


def test_the_file_it_reads_has_a_stable_first_line():
    got = shell("head -1 /proc/self/capabilities; cut -f1,3,13 /proc/self/capabilities | tail -n +2 | head -3")
    first, *rest = got.out.decode().splitlines()
    assert first.split("\t") == ["slot", "generation", "type", "rights", "depth", "expires", "object", "tag", "parent",
                                 "children", "flags", "badge", "name"]
    assert [line.split("\t")[0] for line in rest] == ["0", "1", "2"]


def test_usage_and_errors():
    got = shell("capls; echo $?; capls x; echo $?; capls 0; echo $?; capls 99999; echo $?; capls --help | head -1")
    assert got.out.decode().splitlines() == [
        "usage: capls PID...",
        "Draw the capabilities of processes as trees: slot, type, name, rights, and what limits them.",
        "2",
        "capls: 'x' is no process number", "2",
        "capls: '0' is no process number", "2",
        "capls: there is no process 99999", "1",
        "usage: capls PID...",
    ]


def test_others_processes_are_not_for_everybody():
    got = shell("su user -c 'capls 1; echo $?; capls $$ | head -1'")
    told = got.out.decode().splitlines()
    assert told[0] == "capls: process 1: Permission denied" and told[1] == "1"
    assert re.match(r"\d+ \w+: \d+ capabilities", told[2])
