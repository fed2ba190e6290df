# SPDX-License-Identifier: BSD-2-Clause
"""Bochs has what QEMU's emulation lacks: x2APIC, PCID and the TSC deadline timer (model tigerlake)."""

import os
import re
import subprocess
import time

import pytest

from machine import PROMPT, TOP  # also makes tools/pylib importable
import cpio

CONFIG = """\
cpu: model=tigerlake, count={cpus}, ips=100000000
memory: guest=512, host=512
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/seabios/vgabios-stdvga.bin
vga: extension=vbe
ata0: enabled=1
ata0-master: type=cdrom, path={iso}, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev={serial}
display_library: rfb, options="timeout=0"
log: {log}
panic: action=fatal
error: action=report
"""


def run_bochs(tmp_path, iso, until, seconds=300, cpus=1):
    """What the first serial port said up to the pattern `until`."""
    serial, config, script = tmp_path / "serial", tmp_path / "bochsrc", tmp_path / "debugger"
    config.write_text(CONFIG.format(iso=iso, cpus=cpus, serial=serial, log=tmp_path / "log"))
    script.write_text("c\n")  # Debian's Bochs is the debugger's build: tell it to continue
    serial.write_text("")
    child = subprocess.Popen(["bochs", "-q", "-f", str(config), "-rc", str(script)], cwd=tmp_path,
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and child.poll() is None:
            if re.search(until, serial.read_text(errors="replace")):
                break
            time.sleep(0.5)
    finally:
        child.kill()
        child.wait()
    text = serial.read_text(errors="replace")
    assert re.search(until, text), text[-3000:]
    return text


def iso_that_runs(tmp_path, cmdline, *command):
    """An ISO whose system runs one command, as tools/run would."""
    archive, iso = tmp_path / "initrd.cpio", tmp_path / "run.iso"
    base = open(os.path.join(TOP, "build/initrd.cpio"), "rb").read()
    with open(archive, "wb") as out:
        out.write(base + b"\0" * (-len(base) % cpio.PAGE))
        added = cpio.Writer(out)
        for directory in ("etc", "etc/serix"):
            added.directory(directory)
        added.file("etc/serix/run", b"".join(word.encode() + b"\0" for word in command), 0o600)
        added.finish()
    subprocess.run([os.path.join(TOP, "tools/mkimage"), "iso", str(iso), "--initrd", str(archive), "--cmdline",
                    "serix.run=1 console=ttyS0 log=ttyS0 " + cmdline], cwd=TOP, check=True)
    return iso


@pytest.mark.full
def test_shell_prompt_in_bochs(tmp_path):
    text = run_bochs(tmp_path, os.path.join(TOP, "build/serix.iso"), PROMPT)
    assert "x2apic" in text.lower()


@pytest.mark.full
@pytest.mark.parametrize("cmdline", ["", "nopcid"])
def test_processes_keep_their_memory_apart(tmp_path, cmdline):
    """With tagged translations (and without) no process meets another one's pages or its own former ones."""
    iso = iso_that_runs(tmp_path, cmdline, "/usr/lib/serix/tests/spaces", "30")
    text = run_bochs(tmp_path, iso, r"serix-exit: \d+", seconds=600)
    assert "serix-exit: 0" in text and "not ok" not in text, text[-3000:]
    assert (" pcid" in text) == (cmdline == "")


@pytest.mark.full
def test_processors_start_and_work_by_x2apic(tmp_path):
    """INIT, SIPI and every other interrupt between processors go through MSRs; threads run on all of them."""
    iso = iso_that_runs(tmp_path, "", "/usr/lib/serix/tests/threads")
    text = run_bochs(tmp_path, iso, r"serix-exit: \d+", seconds=900, cpus=3)
    assert "smp: 3 CPUs" in text and "x2apic" in text.lower()
    assert "serix-exit: 0" in text and "not ok" not in text, text[-3000:]
