# SPDX-License-Identifier: BSD-2-Clause
"""Linux in the same QEMU: the oracle for whatever Serix does as Linux does it."""

import io
import os
import subprocess

from machine import TOP, Result
import cpio

BUSYBOX = os.environ.get("BUSYBOX", "/bin/busybox")
BEGIN, END = b"=== begin\r\n", b"=== end "
INIT = """#!/bin/sh
mkdir -p /proc /sys /dev /tmp /root
mount -t proc none /proc; mount -t sysfs none /sys; mount -t tmpfs -o nosuid,nodev none /tmp; mount -t devtmpfs none /dev
mkdir -p /dev/pts /dev/shm; mount -t devpts none /dev/pts; mount -t tmpfs none /dev/shm
ln -s /proc/self/fd /dev/fd
stty -opost
printf '=== begin\\r\\n'
{ %s
} < /dev/null
printf '=== end %%d\\r\\n' $?
poweroff -f
"""


def parents(path):
    """The folders above a file: "a/b/c" has "a" and "a/b"."""
    parts = path.strip("/").split("/")[:-1]
    return {"/".join(parts[:i + 1]) for i in range(len(parts))}


def initrd(script, files):
    """busybox under all its names, `files` (guest path: host path), and an init that runs the script."""
    out = io.BytesIO()
    archive = cpio.Writer(out)
    for folder in sorted({"bin"}.union(*(parents(guest) for guest in files))):
        archive.directory(folder)
    with open(BUSYBOX, "rb") as f:
        archive.file("bin/busybox", f.read(), 0o755)
    for applet in subprocess.run([BUSYBOX, "--list"], stdout=subprocess.PIPE, text=True, check=True).stdout.split():
        if applet != "busybox":
            archive.symlink("bin/" + applet, "busybox")
    for guest, host in files.items():
        with open(host, "rb") as f:
            archive.file(guest.strip("/"), f.read(), 0o755)
    archive.file("init", (INIT % script).encode(), 0o755)
    archive.finish()
    return out.getvalue()


def linux(script, files, tmp_path, smp=1, memory="512M", timeout=120):
    """Run a shell script on Debian's Linux with nothing but busybox and `files`; what it printed and its status."""
    kernel = subprocess.run([os.path.join(TOP, "tools/linux-kernel")], stdout=subprocess.PIPE, text=True, check=True)
    root = os.path.join(str(tmp_path), "linux.cpio")
    with open(root, "wb") as f:
        f.write(initrd(script, files))
    done = subprocess.run(["qemu-system-x86_64", "-machine", "q35", "-cpu", "max", "-m", memory, "-smp", str(smp),
                           "-nodefaults", "-no-reboot", "-display", "none", "-nic", "none", "-serial", "stdio",
                           "-kernel", kernel.stdout.strip(), "-initrd", root,
                           "-append", "console=ttyS0 loglevel=1 panic=-1 mitigations=off rdinit=/init"],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=timeout)
    _, begun, after = done.stdout.partition(BEGIN)
    out, ended, status = after.partition(END)
    assert begun and ended, "Linux did not come to the end:\n" + done.stdout.decode("utf-8", "replace")
    return Result(int(status.split()[0]), out, "")
