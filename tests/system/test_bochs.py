# SPDX-License-Identifier: BSD-2-Clause
"""Bochs has what QEMU's emulation lacks: x2APIC, PCID and the TSC deadline timer (model tigerlake)."""

import os
import re
import subprocess
import time

import pytest

from machine import PROMPT, TOP

CONFIG = """\
cpu: model=tigerlake, count=1, ips=100000000
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


@pytest.mark.full
def test_shell_prompt_in_bochs(tmp_path):
    serial, config, script = tmp_path / "serial", tmp_path / "bochsrc", tmp_path / "debugger"
    config.write_text(CONFIG.format(iso=os.path.join(TOP, "build/serix.iso"), serial=serial, log=tmp_path / "log"))
    script.write_text("c\n")  # Debian's Bochs is the debugger's build: tell it to continue
    serial.write_text("")
    child = subprocess.Popen(["bochs", "-q", "-f", str(config), "-rc", str(script)], cwd=tmp_path,
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline and child.poll() is None:
            if re.search(PROMPT, serial.read_text(errors="replace")):
                break
            time.sleep(0.5)
    finally:
        child.kill()
        child.wait()
    text = serial.read_text(errors="replace")
    assert re.search(PROMPT, text), text[-3000:]
    assert "x2apic" in text.lower()
