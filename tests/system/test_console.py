# SPDX-License-Identifier: BSD-2-Clause
"""A person at the console."""

import re
import time

import pytest

from machine import console


@pytest.fixture(scope="module")
def session():
    with console("--boot", "pvh", timeout=120) as machine:
        machine.prompt()
        machine.command("cd /root")
        yield machine


def test_commands(session):
    listing = session.command("ls -l /")
    assert re.search(r"^d\S+ .* usr$", listing, re.M)
    assert "busybox" in session.command("ls -l /bin/ls")
    assert session.command("echo $((6 * 7))") == "42\n"
    assert re.search(r"MemTotal:\s+\d+ kB", session.command("cat /proc/meminfo"))


def test_pipes_and_redirections(session):
    assert session.command("echo hello > f; cat < f | tr a-z A-Z; rm f") == "HELLO\n"
    assert session.command("for i in 1 2 3; do echo $i; done | wc -l").strip() == "3"
    assert session.command("ls /nowhere 2>/dev/null; echo $?") == "1\n"


def test_line_editing(session):
    assert session.command("echo wromg\x7f\x7f\x7fong") == "wrong\n"


def test_interrupt(session):
    session.send("sleep 1000\r")
    time.sleep(0.5)
    session.send("\x03")
    session.prompt()
    assert session.command("echo $?") == "130\n"


def test_job_control(session):
    session.command("sleep 1000 &")
    assert "sleep" in session.command("jobs")
    session.send("fg\r")
    session.expect("sleep 1000")
    time.sleep(0.5)
    session.send("\x1a")
    assert "Stopped" in session.prompt()
    session.command("kill -KILL %1")
    session.command("true")
    assert "sleep" not in session.command("ps | grep -v grep")


def test_background_job_ends(session):
    session.command("sleep 1 &")
    time.sleep(1.5)
    assert "Done" in session.command("true") + session.command("true")


def test_ps(session):
    listing = session.command("ps")
    assert re.search(r"^\s*1\s", listing, re.M) and "init" in listing


def test_dmesg(session):
    assert len(session.command("dmesg | tail -n 20").splitlines()) >= 10


def test_vi(session):
    session.send("vi note\r")
    session.expect("note")
    time.sleep(1)  # it asks the terminal for its size, and takes what is typed for the answer
    session.send("ihello from vi")
    session.send("\x1b")
    time.sleep(1)  # what follows at once would be read as a function key
    session.send(":wq\r")
    session.prompt()
    assert session.command("cat note; rm note") == "hello from vi\n"


def test_shell_comes_back(session):
    session.send("exit\r")
    session.prompt()
    assert session.command("echo again") == "again\n"


def test_poweroff():
    with console("--boot", "pvh", timeout=60) as machine:
        machine.prompt()
        machine.send("poweroff\r")
        machine.expect_off()


def test_reboot():
    with console("--boot", "pvh", timeout=90) as machine:
        machine.prompt()
        machine.send("reboot\r")
        machine.prompt()
