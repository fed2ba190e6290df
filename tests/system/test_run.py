# SPDX-License-Identifier: BSD-2-Clause
"""The interface of tools/run, which people's scripts rely on."""

import hashlib
import os
import random
import socket

import pytest

from machine import serix, shell


def test_output_and_status():
    got = shell("uname -s; ls / | wc -l; exit 7")
    assert got.out.split()[0] == b"Serix"
    assert int(got.out.split()[1]) >= 10
    assert got.status == 7


def test_success_is_silent():
    assert serix("true") == (0, b"", "")


def test_command_not_found():
    assert serix("no-such-program").status == 127


@pytest.mark.parametrize("signal, status", [("TERM", 143), ("KILL", 137), ("SEGV", 139)])
def test_death_by_signal(signal, status):
    assert shell("kill -%s $$" % signal).status == status


def test_arguments_arrive_unchanged():
    words = ["", " ", "a b", "*", "'", '"', "\\n", "$HOME", "two\nlines", "\u00e4\u20ac", "-x", ""]
    got = serix("busybox", "sh", "-c", 'for w; do printf "%s|" "$w"; done', "sh", *words)
    assert got.out.decode() == "".join(word + "|" for word in words)


def test_output_is_exact(tmp_path):
    data = random.Random(1).randbytes(100_000)
    (tmp_path / "data").write_bytes(data)
    got = serix("cat", "/data", options=["--overlay", tmp_path])
    assert hashlib.sha256(got.out).digest() == hashlib.sha256(data).digest()


def test_both_streams_are_the_console():
    assert shell("echo out; echo err >&2").out == b"out\nerr\n"


@pytest.mark.parametrize("data", [b"", b"a line\n", b"two\nlines", b"\x03\x04\x1a\x1c\x7f\n"])
def test_stdin_reaches_the_command(data):
    assert serix("cat", stdin=data).out == data


def test_much_stdin():
    data = b"".join(b"line %d\n" % i for i in range(5000))
    got = serix("md5sum", stdin=data)
    assert got.out.split()[0].decode() == hashlib.md5(data).hexdigest()


def test_kernel_messages_go_to_the_log(log):
    got = serix("echo", "hello", options=["--log", log])
    assert got.out == b"hello\n"
    assert log.stat().st_size > 500


def test_time_out():
    got = serix("sleep", "1000", timeout=6)
    assert got.status == 124


def test_bad_initrd_is_a_failed_boot(tmp_path):
    bad = tmp_path / "initrd"
    bad.write_bytes(b"this is no archive\n" * 100)
    got = serix("true", options=["--initrd", bad])
    assert got.status in (125, 126)
    assert got.err.strip()


def test_panic_is_reported():
    got = serix("true", options=["--cmdline", "panic_test=panic"])
    assert got.status == 126
    assert got.err.startswith("panic:") or "] panic:" in got.err.split("\n")[0]


def test_wrong_arguments():
    assert serix("true", options=["--boot", "floppy"]).status == 125
    assert serix("true", options=["--disk", "/no/such/file"]).status == 125


def test_overlay(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    (one / "opt/deep").mkdir(parents=True)
    (one / "opt/deep/file").write_text("one\n")
    (one / "opt/script").write_text("#!/bin/sh\necho script $1\n")
    (one / "opt/script").chmod(0o755)
    (one / "opt/link").symlink_to("deep/file")
    os.link(one / "opt/deep/file", one / "opt/hard")
    (two / "opt/deep").mkdir(parents=True)
    (two / "opt/deep/other").write_text("two\n")
    (two / "etc").mkdir()
    (two / "etc/hostname").write_text("changed\n")
    got = shell("cat /opt/link /opt/deep/other /etc/hostname; /opt/script x; stat -c %h /opt/hard; stat -c %a /opt/script",
                options=["--overlay", one, "--overlay", two])
    assert got.out == b"one\ntwo\nchanged\nscript x\n2\n755\n"


def test_command_line_is_passed_on():
    got = serix("cat", "/proc/cmdline", options=["--cmdline", "my.option=yes other"])
    assert b"my.option=yes other" in got.out


def test_icount_is_repeatable():
    times = {serix("cat", "/proc/uptime", options=["--icount"]).out for _ in range(2)}
    assert len(times) == 1


@pytest.mark.parametrize("init, why", [("/nosuch", "no program to start as init"), ("/etc/passwd", "no program to start as init"),
                                       ("/bin/true", "init has ended")])
def test_nothing_to_run_is_no_panic(init, why):
    got = serix("true", options=["--cmdline", "init=" + init])
    assert got.status == 125 and got.err.startswith("stopped: " + why)


def test_screenshot(tmp_path):
    shot = tmp_path / "shot.png"
    got = serix("echo", "seen", options=["--boot", "grub", "--screenshot", shot])
    assert got == (0, b"seen\n", "")
    assert shot.read_bytes().startswith(b"\x89PNG")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.mark.parametrize("machine", ["q35", "microvm"])
def test_disk_network_and_debugger(machine, tmp_path):
    disk = tmp_path / "disk"
    disk.write_bytes(bytes(1 << 20))
    options = ["--machine", machine, "--disk", disk, "--net", "%d:80" % free_port(), "--gdb", free_port()]
    assert serix("true", options=options).status == 0


def test_network_without_ports():
    assert serix("true", options=["--net"]).status == 0


def test_debug_build():
    assert serix("uname", "-s", options=["--debug"], timeout=120).out == b"Serix\n"


def test_nothing_temporary_is_left(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert serix("true", options=["--boot", "grub", "--log", tmp_path / "log"]).status == 0
    assert [p.name for p in tmp_path.iterdir()] == ["log"]
