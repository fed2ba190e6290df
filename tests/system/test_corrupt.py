# SPDX-License-Identifier: BSD-2-Clause
"""Spoilt input at every door: one clear message and a halt, or a boot in spite of it; never a silent hang,
a reset loop or a jump into the dark.

Each kind has 50 variants; without --full a few of them are tried.  A variant's number is its random seed, so
that a failure can be had again.
"""

import io
import os
import random
import re
import struct
import subprocess

import pytest

import blobs
from machine import PROMPT as PROMPT_TEXT, TOP, qemu, serix, shell
import cpio

KERNEL = os.path.join(TOP, "build/x86_64-release/serix.elf")
INITRD = os.path.join(TOP, "build/initrd.cpio")
VARIANTS = 50
PROMPT = PROMPT_TEXT.encode()


def variants(quick):
    return pytest.mark.parametrize("seed", [
        pytest.param(n, marks=() if n % (VARIANTS // quick) == 0 else pytest.mark.full) for n in range(VARIANTS)])


def spoil(data, seed, head=None):
    """Cut short, overwrite, flip or shift, somewhere within the first `head` bytes."""
    rng, data = random.Random(seed), bytearray(data)
    head = min(head or len(data), len(data))
    way = seed % 5
    at = rng.randrange(head)
    if way == 0:
        del data[at:]
    elif way == 1:
        for _ in range(8):
            data[rng.randrange(head)] ^= 1 << rng.randrange(8)
    elif way == 2:
        data[at:at + 16] = rng.randbytes(len(data[at:at + 16]))
    elif way == 3:
        struct.pack_into("<Q", data, min(at & ~7, len(data) - 8), rng.choice((2**64 - 1, 2**63, 2**32 - 1, 0)))
    else:
        del data[at:at + rng.randrange(1, 64)]
    return bytes(data)


def judge(got, log=None):
    """It ran, or somebody said why not.  With a spoilt command line the shell runs on the log's terminal; with a
    spoilt init the kernel says so and starts busybox instead."""
    if got.status == 0 and got.out == b"alive\n":
        return
    if log and re.search(PROMPT + rb"|alive|/init does not start", log.read_bytes()):
        return
    assert got.status == 125, (got.status, got.out, got.err)
    assert "serix: " in got.err.lower() or "stopped: " in got.err, got.err


@variants(quick=10)
def test_initrd(seed, tmp_path):
    """The archive's first headers and names, then busybox's own headers; not the middle of the program, whose
    machine code may go wrong in as many ways as there are programs."""
    with open(INITRD, "rb") as f:
        data = f.read()
    path = tmp_path / "initrd.cpio"
    path.write_bytes(spoil(data, seed, head=8192))
    log = tmp_path / "log"
    judge(serix("echo", "alive", options=["--initrd", path, "--log", log], timeout=15), log)


def spoilt_tables(seed):
    """Either one table with a true checksum over nonsense, or one with a wrong checksum, or a wrong RSDP."""
    rng, tables = random.Random(seed), blobs.default_tables()
    name = blobs.SIGNATURES[seed % len(blobs.SIGNATURES)]
    way = seed // len(blobs.SIGNATURES) % 5
    table = bytearray(tables[name])
    rsdp, fix = None, {"FACP"}
    if way == 0:
        table[9] ^= 0x55
        fix.discard(name)
    elif way == 1:
        struct.pack_into("<I", table, 4, rng.choice((0, 8, 35, 36, 37, 4096, 2**31, 2**32 - 1)))
    elif way == 2:
        for _ in range(6):
            table[rng.randrange(36, len(table))] = rng.randrange(256)
        fix.add(name)
    elif way == 3:
        del table[rng.randrange(36, len(table)):]
        struct.pack_into("<I", table, 4, len(table))
        fix.add(name)
    else:
        rsdp = spoil(b"RSD PTR \0SERIX \0" + struct.pack("<I", 64), rng.choice((1, 2, 3)) + 5 * seed)
    tables[name] = bytes(table)
    return blobs.AcpiFiles(tables, fix, rsdp)


def with_tables(files, folder):
    extra = " ".join(files.write(folder))
    return serix("echo", "alive", options=["--machine", "q35,acpi=off " + extra], timeout=40)


def test_own_acpi_tables_work(tmp_path):
    """The unspoilt tables are used, else the other tests would prove nothing."""
    got = with_tables(blobs.AcpiFiles(blobs.default_tables()), tmp_path)
    assert (got.status, got.out) == (0, b"alive\n"), got.err


@variants(quick=10)
def test_acpi(seed, tmp_path):
    judge(with_tables(spoilt_tables(seed), tmp_path))


def root_with_command(*command):
    """The standard root, and what init is to run in it."""
    extra = io.BytesIO()
    archive = cpio.Writer(extra)
    archive.file("etc/serix/run", b"".join(word.encode() + b"\0" for word in command))
    archive.finish()
    with open(INITRD, "rb") as f:
        return f.read() + extra.getvalue()


def enter_by_multiboot2(folder, spoiled=lambda info: info, magic=blobs.MULTIBOOT2_MAGIC):
    """Boot as GRUB would, with spoilt information.  QEMU's last -kernel counts, which is ours."""
    initrd = root_with_command("echo", "alive")
    tags = blobs.default_tags("console=ttyS1 log=ttyS0 panic=-1 serix.run=1", len(initrd))
    with open(KERNEL, "rb") as f:
        kernel = f.read()
    image = folder / "mb2.elf"
    image.write_bytes(blobs.multiboot2_image(kernel, initrd, spoiled(blobs.information(tags)), magic))
    options = ["--machine", "q35 -kernel %s" % image, "--log", folder / "log"]
    return serix("echo", "unused", options=options, timeout=15)


def test_own_multiboot2_information_works(tmp_path):
    got = enter_by_multiboot2(tmp_path)
    assert (got.status, got.out) == (0, b"alive\n"), got.err


@variants(quick=10)
def test_multiboot2(seed, tmp_path):
    judge(enter_by_multiboot2(tmp_path, lambda info: spoil(info, seed)), tmp_path / "log")


def test_wrong_multiboot2_magic(tmp_path):
    got = enter_by_multiboot2(tmp_path, magic=0x2BADB002)
    assert got.status == 125 and "magic" in got.err


def boot_volume(tmp_path, kernel=KERNEL, config=None):
    """A disk with the UEFI loader and these files; returns what the machine said up to its last word."""
    image = str(tmp_path / "serix.img")
    subprocess.run([os.path.join(TOP, "tools/mkimage"), "img", image, "--kernel", str(kernel)], cwd=TOP, check=True)
    if config is not None:
        path = tmp_path / "serix.cfg"
        path.write_bytes(config)
        subprocess.run(["mcopy", "-o", "-i", image + "@@1M", str(path), "::/serix/serix.cfg"], check=True,
                       env=dict(os.environ, MTOOLS_SKIP_CHECK="1"))
    drive = ["-drive", "if=none,id=d,format=raw,file=" + image, "-device", "ide-hd,drive=d,bootindex=0"]
    with qemu(tmp_path, *drive, timeout=60) as machine:
        return machine.expect(r"[Ss]erix: error: [^\r\n]+|serix: [^\r\n]+|panic: [^\r\n]+|serix:[^\r\n]*[#$] ").group(0)


@variants(quick=2)
def test_kernel_file(seed, tmp_path):
    """What the loader reads of the ELF file: its headers."""
    stripped = tmp_path / "stripped"
    subprocess.run(["objcopy", "--strip-debug", KERNEL, str(stripped)], check=True)
    bad = tmp_path / "bad.elf"
    bad.write_bytes(spoil(stripped.read_bytes(), seed, head=64 + 56 * 5))
    assert boot_volume(tmp_path, kernel=bad)


CONFIG = b"default=serix\ntimeout=0\n\n[serix]\nkernel=/serix/serix.elf\nmodule=/serix/initrd.cpio\ncmdline=\n"


@variants(quick=2)
def test_config(seed, tmp_path):
    assert boot_volume(tmp_path, config=spoil(CONFIG, seed))


def test_processors_that_do_not_answer_are_left_out(tmp_path):
    """A MADT that lists six on a machine of two: each is waited for, reported, and the others work."""
    files = blobs.AcpiFiles({**blobs.default_tables(), "APIC": blobs.madt(cpus=6)})
    extra = " ".join(files.write(tmp_path))
    got = shell("nproc; dmesg | grep -c 'left out'; cat /sys/devices/system/cpu/online",
                options=["--smp", "2", "--machine", "q35,acpi=off " + extra])
    assert (got.status, got.out) == (0, b"2\n4\n0-1\n"), got.err
