/* SPDX-License-Identifier: BSD-2-Clause */
/* ELF64 programs: see the System V gABI, chapters 4 and 5. */
#include <kernel/elf.h>

#include <kernel/string.h>
#include <serix/errno.h>

struct ehdr {
	uint8_t ident[16];
	uint16_t type, machine;
	uint32_t version;
	uint64_t entry, phoff, shoff;
	uint32_t flags;
	uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};
_Static_assert(sizeof(struct ehdr) == ELF_HEADER_SIZE, "Elf64_Ehdr");

struct phdr {
	uint32_t type, flags;
	uint64_t offset, vaddr, paddr, filesz, memsz, align;
};
_Static_assert(sizeof(struct phdr) == ELF_PHDR_SIZE, "Elf64_Phdr");

#define IDENT_CLASS   4
#define IDENT_DATA    5
#define IDENT_VERSION 6
#define CLASS_64      2
#define DATA_LITTLE   1
#define VERSION       1
#define TYPE_EXEC     2
#define TYPE_DYN      3
#define PT_LOAD       1
#define PT_INTERP     3
#define MAX_ALIGN     (1ull << 30)

static bool inside(uint64_t offset, uint64_t size, uint64_t limit)
{
	uint64_t end;

	return !add_overflows(offset, size, &end) && end <= limit;
}

int elf_read_header(const void *head, size_t len, const struct elf_limits *limits, struct elf_header *out)
{
	struct ehdr e;

	if (len < sizeof(e))
		return -ENOEXEC;
	memcpy(&e, head, sizeof(e));
	if (memcmp(e.ident, "\177ELF", 4) != 0 || e.ident[IDENT_CLASS] != CLASS_64 ||
	    e.ident[IDENT_DATA] != DATA_LITTLE || e.ident[IDENT_VERSION] != VERSION || e.version != VERSION)
		return -ENOEXEC;
	if ((e.type != TYPE_EXEC && e.type != TYPE_DYN) || e.machine != limits->machine)
		return -ENOEXEC;
	if (e.phentsize != ELF_PHDR_SIZE || e.phnum == 0 || e.phnum > ELF_MAX_PHDRS)
		return -ENOEXEC;
	if (!inside(e.phoff, (uint64_t)e.phnum * ELF_PHDR_SIZE, limits->file_size))
		return -ENOEXEC;
	*out = (struct elf_header){
		.relative = e.type == TYPE_DYN,
		.entry = e.entry,
		.phdr_offset = e.phoff,
		.phdr_count = e.phnum,
	};
	return 0;
}

static int add_segment(struct elf_image *image, const struct phdr *p, const struct elf_limits *limits)
{
	uint64_t page = limits->page_size, end;

	if (p->memsz == 0)
		return p->filesz == 0 ? 0 : -ENOEXEC;
	if (p->filesz > p->memsz || !inside(p->offset, p->filesz, limits->file_size))
		return -ENOEXEC;
	if (!inside(p->vaddr, p->memsz, limits->address_end - page) ||
	    image->segment_count == ELF_MAX_SEGMENTS)
		return -ENOEXEC;
	if ((p->vaddr - p->offset) & (page - 1))
		return -ENOEXEC;
	if (p->align > MAX_ALIGN || (p->align & (p->align - 1)))
		return -ENOEXEC;
	end = ALIGN_UP(p->vaddr + p->memsz, page);
	if (image->segment_count == 0)
		image->low = ALIGN_DOWN(p->vaddr, page);
	else if (ALIGN_DOWN(p->vaddr, page) < image->high)
		return -ENOEXEC;
	image->high = end;
	image->align = MAX(image->align, p->align);
	image->segments[image->segment_count++] = (struct elf_segment){
		.address = p->vaddr,
		.memory_size = p->memsz,
		.offset = p->offset,
		.file_size = p->filesz,
		.flags = p->flags & (ELF_EXEC | ELF_WRITE | ELF_READ),
	};
	return 0;
}

static int set_interp(struct elf_image *image, const struct phdr *p, const struct elf_limits *limits)
{
	if (image->interp_size != 0 || p->filesz < 2 || p->filesz > ELF_INTERP_MAX ||
	    !inside(p->offset, p->filesz, limits->file_size))
		return -ENOEXEC;
	image->interp_offset = p->offset;
	image->interp_size = p->filesz;
	return 0;
}

static bool entry_is_code(const struct elf_image *image)
{
	for (uint32_t i = 0; i < image->segment_count; i++) {
		const struct elf_segment *s = &image->segments[i];

		if ((s->flags & ELF_EXEC) && image->header.entry >= s->address &&
		    image->header.entry - s->address < s->memory_size)
			return true;
	}
	return false;
}

/* Where the program finds its own headers: in the segment that covers their place in the file. */
static uint64_t mapped_phdrs(const struct elf_image *image)
{
	uint64_t size = (uint64_t)image->header.phdr_count * ELF_PHDR_SIZE;

	for (uint32_t i = 0; i < image->segment_count; i++) {
		const struct elf_segment *s = &image->segments[i];
		uint64_t skip;

		if (!sub_overflows(image->header.phdr_offset, s->offset, &skip) &&
		    inside(skip, size, s->file_size))
			return s->address + skip;
	}
	return 0;
}

int elf_read_image(const struct elf_header *header, const void *table, const struct elf_limits *limits,
		   struct elf_image *out)
{
	memset(out, 0, sizeof(*out));
	out->header = *header;
	out->align = limits->page_size;
	for (uint32_t i = 0; i < header->phdr_count; i++) {
		struct phdr p;
		int err = 0;

		memcpy(&p, (const char *)table + (size_t)i * ELF_PHDR_SIZE, sizeof(p));
		if (p.type == PT_LOAD)
			err = add_segment(out, &p, limits);
		else if (p.type == PT_INTERP)
			err = set_interp(out, &p, limits);
		if (err < 0)
			return err;
	}
	if (out->segment_count == 0 || !entry_is_code(out))
		return -ENOEXEC;
	out->phdr_address = mapped_phdrs(out);
	return 0;
}
