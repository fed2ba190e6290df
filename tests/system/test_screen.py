# SPDX-License-Identifier: BSD-2-Clause
"""The framebuffer terminal and the PS/2 keyboard.  The pictures stay in build/screens for people to look at."""

import os
import shutil
import socket
import time

import pytest

from machine import TOP, qemu, serix
from qmp import Qmp

SCREENS = os.path.join(TOP, "build/screens")


class Screen:
    """The machine seen through its screen and keyboard."""

    def __init__(self, tmp_path):
        image, path = tmp_path / "disk", str(tmp_path / "qmp")
        shutil.copyfile(os.path.join(TOP, "build/serix.img"), image)
        self.scratch = str(tmp_path / "screen.ppm")
        self.machine = qemu(tmp_path, "-drive", "if=none,id=d,format=raw,file=%s" % image, "-device",
                            "ide-hd,drive=d,bootindex=0", "-qmp", "unix:%s,server=on,wait=off" % path, timeout=120)
        self.machine.prompt()
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(path)
        self.qmp = Qmp(sock)

    def pixels(self):
        """(width, height, RGB bytes) of what is shown."""
        self.qmp.screenshot(self.scratch)
        with open(self.scratch, "rb") as f:
            kind, size, _, data = f.read().split(b"\n", 3)
        assert kind == b"P6"
        width, height = map(int, size.split())
        return width, height, data

    def settle(self, seconds=20):
        """Wait until the picture has not changed for a while, but for a blinking cursor."""
        deadline, last = time.monotonic() + seconds, None
        while time.monotonic() < deadline:
            now = self.pixels()
            if last and now[:2] == last[:2] and sum(a != b for a, b in zip(now[2], last[2])) < 2000:
                return now
            last = now
            time.sleep(1)
        return last

    def save(self, name):
        os.makedirs(SCREENS, exist_ok=True)
        self.qmp.screenshot(os.path.join(SCREENS, name + ".png"))


def colours(pixels):
    data = pixels[2]
    return {data[i:i + 3] for i in range(0, len(data) - 2, 3)}


def lit(pixels):
    """How many pixels are not background."""
    data = pixels[2]
    return sum(data[i:i + 3] != b"\0\0\0" for i in range(0, len(data) - 2, 3))


@pytest.fixture(scope="module")
def screen(tmp_path_factory):
    screen = Screen(tmp_path_factory.mktemp("screen"))
    with screen.machine:
        yield screen


def test_typed_command_shows(screen):
    before = lit(screen.settle())
    screen.qmp.type("clear; uname -a; ls --color -l /; ps; free\n")
    after = screen.settle()
    screen.save("shell")
    assert lit(after) > 500 and lit(after) != before
    assert len(colours(after)) >= 3


def test_keyboard_reaches_the_shell(screen):
    """Shift, digits and punctuation: seen from the other console."""
    screen.qmp.type("echo 'Ab1!@#$%^&*()_+{}|:\"<>?~`-=[]\\;,./' > /tmp/typed\n")
    time.sleep(2)
    assert screen.machine.command("cat /tmp/typed") == "Ab1!@#$%^&*()_+{}|:\"<>?~`-=[]\\;,./\n"


def test_control_keys(screen):
    screen.qmp.type("sleep 1000\n")
    time.sleep(1)
    screen.qmp.keys("ctrl", "c")
    screen.qmp.type("echo $? > /tmp/status\n")
    time.sleep(2)
    assert screen.machine.command("cat /tmp/status") == "130\n"


def test_vi(screen):
    screen.qmp.type("vi /tmp/note\n")
    time.sleep(2)
    screen.qmp.type("iThe first line\nAnd the second one\x1b")
    screen.settle()
    screen.save("vi")
    screen.qmp.keys("up")
    screen.qmp.type("dd:wq\n")
    time.sleep(2)
    assert screen.machine.command("cat /tmp/note") == "And the second one\n"


def test_panic_is_on_the_screen(tmp_path):
    shot = tmp_path / "panic.png"
    got = serix("true", options=["--boot", "uefi", "--cmdline", "panic_test=panic", "--screenshot", shot], timeout=120)
    assert got.status == 126
    os.makedirs(SCREENS, exist_ok=True)
    shutil.copyfile(shot, os.path.join(SCREENS, "panic.png"))
    assert shot.stat().st_size > 10000  # an empty screen compresses to less
