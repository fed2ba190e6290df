# SPDX-License-Identifier: BSD-2-Clause
"""What a door needs around kernel, initrd and command line: a FAT volume for UEFI, an ISO for GRUB.

These are made for one boot and thrown away; the images that people copy come from efi/efi.mk.
"""

import os
import shlex
import subprocess

MIB = 1 << 20


def tool(*argv, **options):
    """Run a program quietly; its words appear only when it fails."""
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if done.returncode != 0:
        raise OSError("%s failed:\n%s" % (argv[0], done.stdout))


def uefi_config(cmdline):
    return "\n".join([
        "timeout=0",
        "default=run",
        "",
        "[run]",
        "kernel=/serix/serix.elf",
        "module=/serix/initrd.cpio",
        "cmdline=" + cmdline,
        "",
    ])


def grub_config(cmdline):
    # GRUB splits and unquotes like a shell, so every word of the command line is quoted like for one.
    words = " ".join(shlex.quote(word) for word in cmdline.split())
    return "\n".join([
        "insmod all_video",
        "set gfxpayload=1024x768x32,auto",
        "multiboot2 /boot/serix.elf " + words,
        "module2 /boot/initrd.cpio initrd.cpio",
        "boot",
        "",
    ])


def esp_volume(path, loader, kernel, initrd, config):
    """A FAT volume with the loader where firmware looks for it."""
    payload = sum(os.path.getsize(f) for f in (loader, kernel, initrd))
    size = (payload + payload // 8) // MIB + 8
    with open(path, "wb") as f:
        f.truncate(size * MIB)
    config_file = path + ".cfg"
    with open(config_file, "w") as f:
        f.write(config)
    tool("mformat", "-i", path, *(["-F"] if size >= 64 else []), "-v", "SERIX", "::")
    tool("mmd", "-i", path, "::/EFI", "::/EFI/BOOT", "::/serix")
    tool("mcopy", "-i", path, loader, "::/EFI/BOOT/BOOTX64.EFI")
    tool("mcopy", "-i", path, kernel, "::/serix/serix.elf")
    tool("mcopy", "-i", path, initrd, "::/serix/initrd.cpio")
    tool("mcopy", "-i", path, config_file, "::/serix/serix.cfg")


def grub_iso(path, kernel, initrd, config):
    """An ISO that BIOS and UEFI boot alike, going straight into the kernel."""
    tree = path + ".d"
    os.makedirs(os.path.join(tree, "boot/grub"))
    for source, name in ((kernel, "serix.elf"), (initrd, "initrd.cpio")):
        os.symlink(os.path.abspath(source), os.path.join(tree, "boot", name))
    with open(os.path.join(tree, "boot/grub/grub.cfg"), "w") as f:
        f.write(config)
    modules = "multiboot2 normal iso9660 part_gpt part_msdos fat all_video"
    tool("grub-mkrescue", "-o", path, "--compress=no", "--locales=", "--fonts=", "--themes=",
         "--install-modules=" + modules, tree, "--", "-follow", "on")
