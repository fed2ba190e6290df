# SPDX-License-Identifier: BSD-2-Clause
"""Firmware's and boot loaders' data, made by hand so that tests can spoil it.

ACPI: with `-machine acpi=off` QEMU hands the firmware no tables of its own, and takes ours through fw_cfg.
Multiboot2: QEMU cannot load it, but loads PVH images; such an image is made from the kernel's own segments, the
Multiboot2 information, and a few instructions that enter the kernel as GRUB would.
"""

import struct

# --- ACPI -------------------------------------------------------------------------------------------

SIGNATURES = ("FACP", "APIC", "HPET", "MCFG", "SRAT")


def sdt(signature, body, revision=1):
    """A table with its header; the checksum is right."""
    table = bytearray(struct.pack("<4sIBB6s8sI4sI", signature.encode(), 36 + len(body), revision, 0, b"SERIX ",
                                  b"TESTTABL", 1, b"TEST", 1) + body)
    table[9] = -sum(table) & 0xFF
    return bytes(table)


def madt(cpus=1):
    body = struct.pack("<II", 0xFEE00000, 1)
    body += b"".join(struct.pack("<BBBBI", 0, 8, i, i, 1) for i in range(cpus))
    body += struct.pack("<BBBBII", 1, 12, 0, 0, 0xFEC00000, 0)
    body += struct.pack("<BBBBIH", 2, 10, 0, 0, 2, 0)
    for line in (5, 9, 10, 11):
        body += struct.pack("<BBBBIH", 2, 10, 0, line, line, 0xD)
    return sdt("APIC", body)


def fadt():
    """q35's: PM1a at 0x600/0x604, timer at 0x608, reset register at 0xcf9."""
    body = bytearray(244 - 36)

    def put(offset, layout, *values):
        struct.pack_into("<" + layout, body, offset - 36, *values)
    put(46, "H", 9)                                        # SCI
    put(56, "I", 0x600)                                    # PM1a event
    put(64, "I", 0x604)                                    # PM1a control
    put(76, "I", 0x608)                                    # PM timer
    put(88, "BB", 4, 2)
    put(91, "B", 4)
    put(109, "H", 3)                                       # legacy devices, 8042
    put(112, "I", 1 << 0 | 1 << 2 | 1 << 5 | 1 << 10)      # reset register is there
    put(116, "BBBBQ", 1, 8, 0, 1, 0xCF9)
    put(128, "B", 0x0F)
    return sdt("FACP", bytes(body), 3)


def hpet():
    return sdt("HPET", struct.pack("<IBBBBQBHB", 0x8086A201, 0, 0, 0, 0, 0xFED00000, 0, 0, 0))


def mcfg():
    return sdt("MCFG", bytes(8) + struct.pack("<QHBBI", 0xB0000000, 0, 0, 255, 0))


def srat(memory=512 << 20):
    body = struct.pack("<IQ", 1, 0)
    body += struct.pack("<BBBBI4sI", 0, 16, 0, 0, 1, bytes(4), 0)
    body += struct.pack("<BBIHQQIIQ", 1, 40, 0, 0, 0, memory, 0, 1, 0)
    return sdt("SRAT", body)


def dsdt():
    """Name (_S5, Package () {0, 0, 0, 0}): all that switching off needs."""
    return sdt("DSDT", b"\x08_S5_\x12\x06\x04\x00\x00\x00\x00", 1)


def default_tables():
    return {"FACP": fadt(), "APIC": madt(), "HPET": hpet(), "MCFG": mcfg(), "SRAT": srat()}


class AcpiFiles:
    """The three fw_cfg files from which firmware puts tables in place: data, RSDP, and the linker's script."""

    TABLES, RSDP = "etc/acpi/tables", "etc/acpi/rsdp"

    def __init__(self, tables, fix_checksums=("FACP",), rsdp=None):
        """`tables` by name, spoilt or not.  Those in fix_checksums get theirs from the firmware, which FACP
        needs because a pointer is written into it."""
        self.data = bytearray()
        self.script = [self._entry(1, "56sIB", self.TABLES, 64, 1), self._entry(1, "56sIB", self.RSDP, 16, 2)]
        dsdt_at = self._place(dsdt())
        places = {name: self._place(table) for name, table in tables.items()}
        if len(tables.get("FACP", b"")) >= 44:
            struct.pack_into("<I", self.data, places["FACP"] + 40, dsdt_at)
            self._pointer(self.TABLES, places["FACP"] + 40)
        for name in fix_checksums:
            self._checksum(self.TABLES, places[name], len(tables[name]), 9)
        root = self._place(sdt("RSDT", struct.pack("<%dI" % len(places), *places.values())))
        for i in range(len(places)):
            self._pointer(self.TABLES, root + 36 + 4 * i)
        self._checksum(self.TABLES, root, 36 + 4 * len(places), 9)
        self.rsdp = rsdp or b"RSD PTR \0SERIX \0" + struct.pack("<I", root)
        self._pointer(self.RSDP, 16)
        if rsdp is None:
            self._checksum(self.RSDP, 0, 20, 8)

    def _place(self, table):
        self.data += bytes(-len(self.data) % 64)
        at = len(self.data)
        self.data += table
        return at

    @staticmethod
    def _entry(command, layout, *values):
        values = [v.encode() if isinstance(v, str) else v for v in values]
        return struct.pack("<I124s", command, struct.pack("<" + layout, *values))

    def _pointer(self, file, offset):
        self.script.append(self._entry(2, "56s56sIB", file, self.TABLES, offset, 4))

    def _checksum(self, file, start, length, offset):
        self.script.append(self._entry(3, "56sIII", file, start + offset, start, length))

    def write(self, folder):
        """Write the files; returns QEMU's arguments for them."""
        argv = []
        for name, data in ((self.TABLES, self.data), (self.RSDP, self.rsdp),
                           ("etc/table-loader", b"".join(self.script))):
            path = folder / name.replace("/", "-")
            path.write_bytes(bytes(data))
            argv += ["-fw_cfg", "name=%s,file=%s" % (name, path)]
        return argv


# --- Multiboot2 -------------------------------------------------------------------------------------

MULTIBOOT2_MAGIC = 0x36D76289
HEADER_MAGIC = 0xE85250D6
STUB_AT = 0x3000000  # where the instructions go
INFO_AT = 0x3010000  # the information
MODULE_AT = 0x4000000


def tag(kind, body):
    data = struct.pack("<II", kind, 8 + len(body)) + body
    return data + bytes(-len(data) % 8)


def memory_map(regions):
    body = struct.pack("<II", 24, 0)
    return tag(6, body + b"".join(struct.pack("<QQII", base, length, kind, 0) for base, length, kind in regions))


def default_tags(cmdline, initrd_size, memory=512 << 20):
    return [
        tag(1, cmdline.encode() + b"\0"),
        tag(2, b"serix tests\0"),
        tag(3, struct.pack("<II", MODULE_AT, MODULE_AT + initrd_size) + b"initrd.cpio\0"),
        tag(4, struct.pack("<II", 639, (memory >> 10) - 1024)),
        memory_map([(0, 0x9FC00, 1), (0xF0000, 0x10000, 2), (0x100000, memory - 0x120000, 1),
                    (0xB0000000, 0x10000000, 2), (0xFEC00000, 0x1400000, 2)]),
        tag(0, b""),
    ]


def information(tags):
    body = b"".join(tags)
    return struct.pack("<II", 8 + len(body), 0) + body


def segments(elf):
    """The (physical address, bytes, size in memory) of an ELF64's loadable segments."""
    phoff, = struct.unpack_from("<Q", elf, 32)
    size, count = struct.unpack_from("<HH", elf, 54)
    for i in range(count):
        kind, _, offset, _, paddr, filesz, memsz, _ = struct.unpack_from("<IIQQQQQQ", elf, phoff + i * size)
        if kind == 1:
            yield paddr, elf[offset:offset + filesz], memsz


def multiboot2_entry(elf):
    """The entry address of the Multiboot2 header."""
    at = next(i for i in range(0, 32768, 8) if struct.unpack_from("<I", elf, i)[0] == HEADER_MAGIC)
    length, = struct.unpack_from("<I", elf, at + 8)
    offset = at + 16
    while offset < at + length:
        kind, _, size = struct.unpack_from("<HHI", elf, offset)
        if kind == 3:
            return struct.unpack_from("<I", elf, offset + 8)[0]
        offset += (size + 7) & ~7
    raise ValueError("no entry address in the Multiboot2 header")


def multiboot2_image(kernel, initrd, info, magic=MULTIBOOT2_MAGIC):
    """A PVH image that enters the kernel as a Multiboot2 loader does."""
    entry = multiboot2_entry(kernel)
    stub = b"\xB8" + struct.pack("<I", magic) + b"\xBB" + struct.pack("<I", INFO_AT)
    stub += b"\xB9" + struct.pack("<I", entry) + b"\xFF\xE1"
    note = struct.pack("<III4sII", 4, 4, 18, b"Xen\0", STUB_AT, 0)
    parts = [(STUB_AT, stub, len(stub)), (INFO_AT, info, len(info)), (MODULE_AT, initrd, len(initrd))]
    parts += list(segments(kernel))
    offset = 64 + 56 * (len(parts) + 1)
    headers, payload = [struct.pack("<IIQQQQQQ", 4, 4, offset, 0, 0, len(note), len(note), 4)], note
    for paddr, data, memsz in parts:
        headers.append(struct.pack("<IIQQQQQQ", 1, 7, offset + len(payload), paddr, paddr, len(data), memsz, 1))
        payload += data
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    header = ident + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, STUB_AT, 64, 0, 0, 64, 56, len(headers), 0, 0, 0)
    return header + b"".join(headers) + payload
