# SPDX-License-Identifier: BSD-2-Clause
"""The images that people copy, on every kind of medium that they end up on."""

import os
import shutil
import subprocess

import pytest

from machine import OVMF, TOP, Console, qemu

full = pytest.mark.full
IMG = os.path.join(TOP, "build/serix.img")
ISO = os.path.join(TOP, "build/serix.iso")

DISKS = {
    "usb": ["-device", "qemu-xhci", "-device", "usb-storage,drive=d,bootindex=0"],
    "virtio": ["-device", "virtio-blk-pci,drive=d,bootindex=0"],
    "nvme": ["-device", "nvme,drive=d,serial=1,bootindex=0"],
    "ahci": ["-device", "ide-hd,drive=d,bootindex=0"],
}


def session_works(machine):
    with machine:
        machine.prompt()
        assert machine.command("uname -s") == "Serix\n"
        machine.send("poweroff\r")
        machine.expect_off()


@pytest.fixture
def disk(tmp_path):
    def copy(image):
        path = tmp_path / "disk"
        shutil.copyfile(image, path)
        return ["-drive", "if=none,id=d,format=raw,file=%s" % path]
    return copy


@pytest.mark.parametrize("kind", ["usb", pytest.param("virtio", marks=full), pytest.param("nvme", marks=full),
                                  pytest.param("ahci", marks=full)])
def test_img(kind, disk, tmp_path):
    session_works(qemu(tmp_path, *disk(IMG), *DISKS[kind], timeout=120))


@pytest.mark.parametrize("firmware", [pytest.param("bios", marks=full), pytest.param("uefi", marks=full)])
@pytest.mark.parametrize("kind", ["usb", "ahci"])
def test_iso_as_disk(kind, firmware, disk, tmp_path):
    session_works(qemu(tmp_path, *disk(ISO), *DISKS[kind], firmware=firmware, timeout=120))


@pytest.mark.parametrize("firmware", ["bios", pytest.param("uefi", marks=full)])
def test_iso_as_cd(firmware, tmp_path):
    session_works(qemu(tmp_path, "-cdrom", ISO, firmware=firmware, timeout=120))


def test_esp_folder(tmp_path):
    """build/esp copied onto an existing EFI system partition."""
    volume = tmp_path / "volume"
    with open(volume, "wb") as f:
        f.truncate(64 << 20)
    subprocess.run(["mformat", "-i", str(volume), "-F", "::"], check=True)
    subprocess.run(["mcopy", "-s", "-i", str(volume)] +
                   [os.path.join(TOP, "build/esp", d) for d in ("EFI", "serix")] + ["::"], check=True)
    session_works(qemu(tmp_path, "-drive", "if=none,id=d,format=raw,file=%s" % volume, *DISKS["ahci"], timeout=120))


@full
def test_without_graphics(tmp_path):
    """The loader works without a graphics output."""
    variables = tmp_path / "vars"
    shutil.copyfile(os.path.join(OVMF, "OVMF_VARS_4M.fd"), variables)
    image = tmp_path / "disk"
    shutil.copyfile(IMG, image)
    session_works(Console([
        "qemu-system-x86_64", "-machine", "q35", "-cpu", "max", "-m", "512M", "-nodefaults", "-no-reboot", "-display",
        "none", "-nic", "none", "-serial", "stdio",
        "-drive", "if=pflash,format=raw,unit=0,readonly=on,file=%s/OVMF_CODE_4M.fd" % OVMF,
        "-drive", "if=pflash,format=raw,unit=1,file=%s" % variables,
        "-drive", "if=none,id=d,format=raw,file=%s" % image] + DISKS["ahci"], 120))


@pytest.mark.parametrize("entry", [pytest.param("Serix (multiboot2)", marks=full), "Serix (chainloader)"])
def test_existing_grub(entry, tmp_path):
    """The menu entries for a GRUB that is already there (grub/40_serix.cfg), as they are written."""
    with open(os.path.join(TOP, "grub/40_serix.cfg"), encoding="utf-8") as f:
        entries = f.read()
    config = tmp_path / "grub.cfg"
    config.write_text('set default="%s"\nset timeout=0\n%s' % (entry, entries))
    grub = tmp_path / "grub.efi"
    subprocess.run(["grub-mkstandalone", "-O", "x86_64-efi", "-o", str(grub), "--locales=", "--fonts=", "--themes=",
                    "boot/grub/grub.cfg=%s" % config], check=True)
    esp = os.path.join(TOP, "build/esp")
    volume = tmp_path / "volume"
    with open(volume, "wb") as f:
        f.truncate(128 << 20)
    subprocess.run(["mformat", "-i", str(volume), "-F", "::"], check=True)
    subprocess.run(["mmd", "-i", str(volume), "::/EFI", "::/EFI/BOOT", "::/EFI/serix"], check=True)
    for source, target in ((grub, "EFI/BOOT/BOOTX64.EFI"), (os.path.join(esp, "EFI/BOOT/BOOTX64.EFI"), "EFI/serix/"),
                           (os.path.join(esp, "serix"), "")):
        subprocess.run(["mcopy", "-s", "-i", str(volume), str(source), "::/" + target], check=True)
    session_works(qemu(tmp_path, "-drive", "if=none,id=d,format=raw,file=%s" % volume, *DISKS["ahci"], timeout=120))
