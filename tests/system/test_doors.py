# SPDX-License-Identifier: BSD-2-Clause
"""Every way in, and the machines that each must cope with."""

import re

import pytest

from machine import shell

full = pytest.mark.full
SCRIPT = "uname -a; ls / | wc -l; exit 7"


def works(*options, timeout=60):
    got = shell(SCRIPT, options=options, timeout=timeout)
    assert got.status == 7, got.err
    lines = got.out.decode().splitlines()
    assert lines[0].startswith("Serix") and int(lines[1]) >= 10


@pytest.mark.parametrize("door", ["uefi", "grub", "grub-uefi", "pvh"])
def test_door(door):
    works("--boot", door, timeout=120)


@pytest.mark.parametrize("memory", ["40M", "64M", pytest.param("512M", marks=full), "3G", "8G"])
def test_memory(memory):
    works("--mem", memory)


@pytest.mark.parametrize("cpu", ["qemu64", "Nehalem", "Skylake-Client", pytest.param("max", marks=full)])
def test_cpu(cpu):
    works("--cpu", cpu)


@pytest.mark.parametrize("count", [pytest.param(1, marks=full), 4, 8])
def test_smp(count):
    works("--smp", count)


@pytest.mark.parametrize("machine", ["pc", pytest.param("q35", marks=full), "microvm"])
def test_machine(machine):
    works("--machine", machine)


@full
@pytest.mark.parametrize("door", ["uefi", "grub", "grub-uefi"])
@pytest.mark.parametrize("memory", ["64M", "3G", "8G"])
def test_memory_through_firmware(door, memory):
    if memory == "64M" and "uefi" in door:
        memory = "128M"  # OVMF itself needs that much
    works("--boot", door, "--mem", memory, timeout=180)


@full
@pytest.mark.parametrize("door", ["uefi", "grub", "grub-uefi"])
@pytest.mark.parametrize("cpu", ["qemu64", "Nehalem", "Skylake-Client"])
def test_cpu_through_firmware(door, cpu):
    works("--boot", door, "--cpu", cpu, timeout=180)


def handed_over(door, log):
    """The shape of what the kernel printed of boot_info: no numbers, no door's name, each kind of line once.
    (The video mode's size is one of the numbers: GRUB's `auto` is not the firmware's choice.)"""
    shell("true", options=["--boot", door, "--log", log], timeout=120)
    lines = re.findall(r"^\[[^\]]*\] boot: (.*)$", log.read_text(errors="replace"), re.M)
    shapes = {re.sub(r"\b[0-9a-fx]*[0-9][0-9a-fx]*\b", "N", line.replace("\r", "")) for line in lines}
    return sorted(s for s in shapes if not s.startswith(("memory", "path")))


def test_doors_hand_over_the_same(tmp_path):
    """A Multiboot2 and a UEFI boot print the same boot_info apart from names and addresses."""
    multiboot2, uefi = (handed_over(door, tmp_path / door) for door in ("grub-uefi", "uefi"))
    assert uefi and multiboot2 == uefi
