# SPDX-License-Identifier: BSD-2-Clause
"""Debian's programs for whole screens, each on a pseudo-terminal that tmux holds and whose screen tmux tells.

So tmux itself is tested with them: its server is a session leader without a terminal, that opens many.
"""

import functools
import os
import re
import sys

import machine

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "debian"))
import cases  # noqa: E402

SCRIPT = r"""
export TERM=vt100 LANG=C.UTF-8
cd /root; seq 1 200 > numbers
wait_for() { for i in $(seq 100); do eval "$1" && return; sleep 0.2; done; echo "no: $1"; }
screen() { tmux capture-pane -p -t "${1:-s}"; }
shows() { wait_for "screen $2 | grep -q -- '$1'"; }
begin() { printf '\036%s\n' "$1"; }
run() { begin "$1"; wait_for "! pgrep -x 'tmux: server' > /dev/null"; tmux new-session -d -s s -x 80 -y 24 "$1"; }
keys() { tmux send-keys -t s "$@"; }

begin panes
tmux new-session -d -s s -x 80 -y 24 'bash --norc'
tmux split-window -h -t s 'bash --norc'
tmux send-keys -t s.0 'echo left $((6*7))' Enter; tmux send-keys -t s.1 'echo right $((7*7))' Enter 'stty size' Enter
shows 'left 42' s.0; shows 'right 49' s.1; shows '24 39' s.1
screen s.0; screen s.1; tmux kill-server

run 'vim -u NONE numbers'; shows '^ *1$'
keys /50 Enter; keys dd; keys O inserted Escape; keys :wq Enter
wait_for 'grep -q inserted numbers'; sed -n 49,51p numbers

run 'less numbers'; shows numbers; keys Space; shows '^46$'; keys G; shows '(END)'; screen; keys q
run htop; shows F10Quit; keys F5; shows '─ htop'; screen; keys q
run top; shows PID; screen; keys q
begin end
"""


@functools.lru_cache(maxsize=None)
def screens():
    """{program: what came}, all of one machine."""
    run = machine.serix("bash", "-c", SCRIPT, timeout=200,
                        options=["--boot", "pvh", "--smp", "2", "--mem", "1G", "--overlay", cases.root("screen")])
    assert run.status == 0, run.err
    parts = re.split("\x1e(.*)\n", run.out.decode())
    return {name.partition(" ")[0]: text for name, text in zip(parts[1::2], parts[2::2])}


def screen(name):
    assert "no: " not in screens()[name], screens()[name]
    return screens()[name]


def test_tmux_has_two_panes():
    assert re.search(r"^left 42$", screen("panes"), re.M)
    assert re.search(r"^right 49$", screen("panes"), re.M)


def test_vim_edits_and_saves():
    assert screen("vim") == "49\ninserted\n51\n"


def test_less_pages():
    assert screen("less").startswith("178\n179\n") and screen("less").rstrip().endswith("200\n(END)")


def test_htop_shows_the_tree_of_processes():
    assert re.search(r"─ htop", screen("htop")) and "F10Quit" in screen("htop")
    assert re.search(r"Mem\[\|+", screen("htop"))


def test_top_shows_processes():
    assert re.search(r"^ +\d+ root .* top$", screen("top"), re.M)
    assert re.search(r"^Tasks: +\d+ total", screen("top"), re.M)
