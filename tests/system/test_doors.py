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
    """What the kernel printed of boot_info, without addresses and the path's name."""
    shell("true", options=["--boot", door, "--log", log], timeout=120)
    text = log.read_text(errors="replace")
    lines = [re.sub(r"^\[[^\]]*\]\s*", "", line) for line in text.splitlines()]
    return [line for line in lines if line.startswith("boot:")]


def test_doors_hand_over_the_same(tmp_path):
    """A Multiboot2 and a UEFI boot print the same boot_info apart from names and addresses."""
    kinds = []
    for door in ("grub-uefi", "uefi"):
        lines = handed_over(door, tmp_path / door)
        assert lines
        kinds.append(sorted({re.split(r"[ :=]", line[6:])[0] for line in lines}))
    assert kinds[0] == kinds[1]
