/* SPDX-License-Identifier: BSD-2-Clause */
#include "elf.h"

#include <stdbool.h>

#include <serix/errno.h>

#define EM_X86_64 62
#define ET_EXEC   2
#define ET_DYN    3
#define PF_X      1u
#define PF_W      2u
#define PAGE      4096u

/* The kinds of program header that a linked kernel has. */
enum {
	PT_LOAD = 1,
	PT_DYNAMIC = 2,
	PT_NOTE = 4,
	PT_PHDR = 6,
	PT_GNU_STACK = 0x6474e551,
	PT_GNU_RELRO = 0x6474e552,
	PT_GNU_PROPERTY = 0x6474e553,
};

struct elf_header {
	uint8_t ident[16];
	uint16_t type;
	uint16_t machine;
	uint32_t version;
	uint64_t entry;
	uint64_t phoff;
	uint64_t shoff;
	uint32_t flags;
	uint16_t ehsize;
	uint16_t phentsize;
	uint16_t phnum;
	uint16_t shentsize;
	uint16_t shnum;
	uint16_t shstrndx;
};

struct elf_phdr {
	uint32_t type;
	uint32_t flags;
	uint64_t offset;
	uint64_t vaddr;
	uint64_t paddr;
	uint64_t filesz;
	uint64_t memsz;
	uint64_t align;
};

_Static_assert(sizeof(struct elf_header) == 64, "ELF64 header");
_Static_assert(sizeof(struct elf_phdr) == 56, "ELF64 program header");

struct checker {
	const uint8_t *file;
	size_t size;
	struct elf_header header;
	struct elf_image *image;
	const char **why;
	uint64_t base;      /* physical address the offsets count from */
	uint64_t paddr_end; /* of the segments seen so far */
	uint64_t slide;     /* virtual minus physical address, the same for all */
	bool entry_found;
};

static int refuse(struct checker *c, const char *why)
{
	*c->why = why;
	return -ENOEXEC;
}

static int check_header(struct checker *c)
{
	static const uint8_t ident[7] = { 0x7f, 'E', 'L', 'F', 2, 1, 1 }; /* 64 bit, little endian, v1 */
	struct elf_header *h = &c->header;
	uint64_t table_end;

	if (c->size < sizeof(*h))
		return refuse(c, "shorter than an ELF header");
	__builtin_memcpy(h, c->file, sizeof(*h));
	for (size_t i = 0; i < sizeof(ident); i++) {
		if (h->ident[i] != ident[i])
			return refuse(c, "not a 64-bit little-endian ELF file");
	}
	if (h->machine != EM_X86_64)
		return refuse(c, "not for x86-64");
	if (h->type != ET_EXEC && h->type != ET_DYN)
		return refuse(c, "neither an executable nor position independent");
	if (h->version != 1 || h->ehsize != sizeof(*h) || h->phentsize != sizeof(struct elf_phdr))
		return refuse(c, "unknown ELF header layout");
	if (h->phnum == 0 || h->phnum > ELF_MAX_SEGMENTS)
		return refuse(c, "not 1 to 32 program headers");
	if (__builtin_add_overflow(h->phoff, h->phnum * sizeof(struct elf_phdr), &table_end) ||
	    table_end > c->size)
		return refuse(c, "program headers outside the file");
	return 0;
}

static struct elf_phdr read_phdr(const struct checker *c, uint32_t index)
{
	struct elf_phdr ph;

	__builtin_memcpy(&ph, c->file + c->header.phoff + index * sizeof(ph), sizeof(ph));
	return ph;
}

/* The segment by itself: inside the file, no wrap, not writable and executable at once. */
static int check_extent(struct checker *c, const struct elf_phdr *ph)
{
	uint64_t end;

	if (ph->filesz > ph->memsz)
		return refuse(c, "segment larger in the file than in memory");
	if (__builtin_add_overflow(ph->offset, ph->filesz, &end) || end > c->size)
		return refuse(c, "segment outside the file");
	if (__builtin_add_overflow(ph->vaddr, ph->memsz, &end) ||
	    __builtin_add_overflow(ph->paddr, ph->memsz, &end))
		return refuse(c, "segment address wraps");
	if ((ph->flags & (PF_W | PF_X)) == (PF_W | PF_X))
		return refuse(c, "segment both writable and executable");
	/* Only what can be written has a use for memory that the file does not fill. */
	if (!(ph->flags & PF_W) && ph->filesz != ph->memsz)
		return refuse(c, "read-only segment not all in the file");
	if (ph->offset % PAGE != ph->vaddr % PAGE)
		return refuse(c, "segment's place in the file does not match its address");
	return 0;
}

/* The segment among the others: ascending, disjoint, in the window. */
static int check_order(struct checker *c, const struct elf_phdr *ph)
{
	if (c->image->segment_count == 0) {
		c->base = ph->paddr & ~(ELF_IMAGE_ALIGN - 1);
		c->slide = ph->vaddr - ph->paddr;
	} else if (ph->paddr < c->paddr_end) {
		return refuse(c, "segments overlap or are out of order");
	}
	if (ph->vaddr - ph->paddr != c->slide)
		return refuse(c, "segments do not move as one");
	if (ph->paddr + ph->memsz - c->base > ELF_WINDOW)
		return refuse(c, "image larger than 64 MiB");
	c->paddr_end = ph->paddr + ph->memsz;
	return 0;
}

static int add_segment(struct checker *c, const struct elf_phdr *ph)
{
	struct elf_image *image = c->image;
	int err = check_extent(c, ph);

	if (err < 0)
		return err;
	if (ph->memsz == 0)
		return 0;
	err = check_order(c, ph);
	if (err < 0)
		return err;
	image->segments[image->segment_count++] = (struct elf_segment){
		.file_offset = ph->offset,
		.file_size = ph->filesz,
		.offset = ph->paddr - c->base,
		.mem_size = ph->memsz,
	};
	image->size = c->paddr_end - c->base;
	if ((ph->flags & PF_X) && c->header.entry >= ph->vaddr && c->header.entry - ph->vaddr < ph->filesz) {
		image->entry = ph->paddr - c->base + (c->header.entry - ph->vaddr);
		c->entry_found = true;
	}
	return 0;
}

static bool is_known_type(uint32_t type)
{
	return type == PT_LOAD || type == PT_DYNAMIC || type == PT_NOTE || type == PT_PHDR ||
	       type == PT_GNU_STACK || type == PT_GNU_RELRO || type == PT_GNU_PROPERTY;
}

int elf_check(const void *file, size_t size, struct elf_image *image, const char **why)
{
	struct checker c = { .file = file, .size = size, .image = image, .why = why };
	int err = check_header(&c);

	if (err < 0)
		return err;
	image->size = 0;
	image->segment_count = 0;
	for (uint32_t i = 0; i < c.header.phnum; i++) {
		struct elf_phdr ph = read_phdr(&c, i);

		/* A program header of another kind was a segment before it was damaged. */
		if (!is_known_type(ph.type))
			return refuse(&c, "program header of an unknown kind");
		if (ph.type != PT_LOAD)
			continue;
		err = add_segment(&c, &ph);
		if (err < 0)
			return err;
	}
	if (image->segment_count == 0)
		return refuse(&c, "nothing to load");
	if (!c.entry_found)
		return refuse(&c, "entry point outside the executable segments");
	return 0;
}

void elf_place(const struct elf_image *image, const void *file, void *base)
{
	uint8_t *to = base;
	uint64_t done = 0;

	for (uint32_t i = 0; i < image->segment_count; i++) {
		const struct elf_segment *s = &image->segments[i];
		uint64_t copied = s->offset + s->file_size;

		__builtin_memset(to + done, 0, s->offset - done);
		__builtin_memcpy(to + s->offset, (const uint8_t *)file + s->file_offset, s->file_size);
		__builtin_memset(to + copied, 0, s->mem_size - s->file_size);
		done = s->offset + s->mem_size;
	}
}
