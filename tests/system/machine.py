# SPDX-License-Identifier: BSD-2-Clause
"""Starting Serix from a test: one command through tools/run, or a machine to talk to."""

import collections
import os
import re
import shutil
import subprocess
import sys

import pexpect
from pexpect.popen_spawn import PopenSpawn

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
RUN = os.path.join(TOP, "tools/run")
OVMF = "/usr/share/OVMF"
PROMPT = r"serix:[^\r\n]*[#$] "
sys.path.insert(0, os.path.join(TOP, "tools/pylib"))

Result = collections.namedtuple("Result", "status out err")


def serix(*command, options=(), stdin=b"", timeout=60):
    """Run one command in a machine of its own; `options` go to tools/run."""
    argv = [RUN, "--timeout", str(timeout)] + [str(o) for o in options] + ["--"] + list(command)
    done = subprocess.run(argv, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout + 60)
    return Result(done.returncode, done.stdout, done.stderr.decode("utf-8", "replace"))


def shell(script, **options):
    return serix("busybox", "sh", "-c", script, **options)


class Console:
    """A machine whose first serial port is ours: an interactive session.  Through pipes, because a minimal root
    has no pseudo-terminals; the terminal that matters is the guest's."""

    def __init__(self, argv, timeout=60):
        self.child = PopenSpawn(argv, timeout=timeout, encoding="utf-8", codec_errors="replace")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.proc.terminate()  # tools/run then removes what it made
        try:
            self.child.proc.wait(10)
        except subprocess.TimeoutExpired:
            self.child.proc.kill()
            self.child.proc.wait()

    def prompt(self):
        """Wait for the shell; returns what came before its prompt."""
        self.child.expect(PROMPT)
        return self.child.before

    def command(self, line):
        """Type a line and return what it printed, without colours and the like."""
        self.child.send(line + "\r")
        printed = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.prompt())
        return re.sub(r"\r+\n", "\n", printed).partition("\n")[2]

    def send(self, keys):
        self.child.send(keys)

    def expect(self, pattern):
        self.child.expect(pattern)
        return self.child.match

    def expect_off(self):
        """The machine switches itself off."""
        self.child.expect(pexpect.EOF)


def console(*options, timeout=60):
    """tools/run without a command: the interactive console."""
    return Console([RUN, "--timeout", str(timeout)] + [str(o) for o in options], timeout)


def qemu(tmp_path, *arguments, firmware="uefi", memory="512M", timeout=60):
    """QEMU itself, for media and machines that tools/run does not make."""
    argv = ["qemu-system-x86_64", "-machine", "q35", "-cpu", "max", "-m", memory, "-nodefaults", "-no-reboot",
            "-display", "none", "-vga", "std", "-nic", "none", "-serial", "stdio"]
    if firmware == "uefi":
        variables = os.path.join(str(tmp_path), "OVMF_VARS.fd")
        shutil.copyfile(os.path.join(OVMF, "OVMF_VARS_4M.fd"), variables)
        argv += ["-drive", "if=pflash,format=raw,unit=0,readonly=on,file=%s/OVMF_CODE_4M.fd" % OVMF,
                 "-drive", "if=pflash,format=raw,unit=1,file=" + variables]
    return Console(argv + list(arguments), timeout)
