/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A core from front to back: the ELF header, a program header for the notes and one for each area, the notes,
 * then the memory, where pages that nobody ever touched are holes of the file.
 *
 * ELF: System V ABI, "Object Files"; which memory goes in: core(5).
 */
#include "core_priv.h"

#include <arch/elf_regs.h>
#include <arch/paging.h>
#include <kernel/file.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/vfs.h>
#include <kernel/vm.h>
#include <kernel/vmalloc.h>
#include <serix/errno.h>

#include "proc_priv.h"

#define ET_CORE     4
#define PT_LOAD     1
#define PT_NOTE     4
#define PN_XNUM     0xffffu /* program headers beyond: their number is in section header 0 */
#define RESIDENCY   256
#define AREAS_SPARE 16 /* others that share the memory may map more meanwhile */

enum core_filter {
	FILTER_ANON_PRIVATE = 1u << 0,
	FILTER_ANON_SHARED = 1u << 1,
	FILTER_FILE_PRIVATE = 1u << 2,
	FILTER_FILE_SHARED = 1u << 3,
	FILTER_ELF_HEADERS = 1u << 4,
};

struct elf_core_header {
	uint8_t ident[16];
	uint16_t type, machine;
	uint32_t version;
	uint64_t entry, phoff, shoff;
	uint32_t flags;
	uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};
_Static_assert(sizeof(struct elf_core_header) == 64, "Elf64_Ehdr");

struct program_header {
	uint32_t type, flags;
	uint64_t offset, vaddr, paddr, filesz, memsz, align;
};
_Static_assert(sizeof(struct program_header) == 56, "Elf64_Phdr");

struct section_header {
	uint32_t name, type;
	uint64_t flags, addr, offset, size;
	uint32_t link, info;
	uint64_t addralign, entsize;
};
_Static_assert(sizeof(struct section_header) == 64, "Elf64_Shdr");

/* --- output --------------------------------------------------------------------------------------- */

static bool killed(const struct process *p)
{
	return (READ_ONCE(p->pending.pending) | READ_ONCE(current_thread()->pending.pending)) &
	       SIGNAL_BIT(SIGKILL);
}

/* May it go on by so many bytes? */
static int check_room(const struct core *c, size_t len)
{
	if (killed(c->source->process))
		return -EINTR;
	return c->pos > c->limit || len > c->limit - c->pos ? -EFBIG : 0;
}

static int write_out(struct core *c, const void *data, size_t len)
{
	int err = check_room(c, len);
	ssize_t n;

	if (err < 0)
		return err;
	n = file_write_kernel(c->file, data, len, (off_t)c->pos);
	if (n != (ssize_t)len)
		return n < 0 ? (int)n : -ENOSPC;
	c->written = c->pos + len;
	return 0;
}

void core_put(struct core *c, const void *data, size_t len)
{
	if (c->err < 0 || len == 0)
		return;
	if (!c->measuring)
		c->err = write_out(c, data, len);
	if (c->err == 0)
		c->pos += len;
}

/* The path of what an area shows; false: none that could be opened. */
bool core_area_path(const struct vm_area *a, char *buf, size_t size)
{
	dev_t dev;
	uint64_t ino;

	if (!a->object || !a->object->ops->describe)
		return false;
	a->object->ops->describe(a->object, buf, size, &dev, &ino);
	return buf[0] == '/';
}

static void measure_notes(struct core *c)
{
	c->measuring = true;
	core_put_notes(c);
	c->measuring = false;
	c->notes_size = c->pos;
	c->pos = 0;
}

/* --- memory --------------------------------------------------------------------------------------- */

static bool begins_with_elf(struct vm_space *vm, const struct vm_area *a)
{
	char magic[4];

	return (a->flags & VM_READ) && a->offset == 0 &&
	       vm_read(vm, a->start, magic, sizeof(magic)) == (ssize_t)sizeof(magic) &&
	       memcmp(magic, "\177ELF", sizeof(magic)) == 0;
}

/* The kernel's own pages in the program's memory, the vDSO among them: no file has them. */
static bool is_special(const struct vm_area *a, char *buf)
{
	return a->object && a->object->pinned && !core_area_path(a, buf, PATH_MAX) && !(a->flags & VM_SHARED);
}

/* How much of an area goes into the core: core(5), "Controlling which mappings are written". */
static uint64_t dumped_size(struct core *c, const struct vm_area *a)
{
	uint32_t filter = READ_ONCE(c->source->process->core_filter);
	uint64_t all = a->end - a->start;
	bool file = core_area_path(a, c->scratch, PATH_MAX);

	if (a->flags & (VM_DONTDUMP | VM_REVOKED))
		return 0;
	if (is_special(a, c->scratch))
		return all;
	if (a->flags & VM_SHARED)
		return filter & (file ? FILTER_FILE_SHARED : FILTER_ANON_SHARED) ? all : 0;
	if ((!a->object || (a->flags & VM_COPIED)) && (filter & FILTER_ANON_PRIVATE))
		return all;
	if (a->object && (filter & FILTER_FILE_PRIVATE))
		return all;
	return a->object && (filter & FILTER_ELF_HEADERS) && begins_with_elf(c->source->vm, a) ? PAGE_SIZE
											       : 0;
}

/* A page that has been touched.  What cannot be read is a hole as well. */
static void put_page(struct core *c, uint64_t addr)
{
	if (vm_read(c->source->vm, addr, c->scratch, PAGE_SIZE) == (ssize_t)PAGE_SIZE)
		core_put(c, c->scratch, PAGE_SIZE);
	else
		c->pos += PAGE_SIZE;
}

static void put_area(struct core *c, const struct core_area *area)
{
	const struct vm_area *a = &area->area;
	uint64_t end = a->start + area->dumped;
	bool comes_again = a->object && a->object->cache; /* what was evicted can be read again */
	unsigned char there[RESIDENCY];

	for (uint64_t at = a->start; at < end && c->err == 0;) {
		size_t pages = MIN((end - at) / PAGE_SIZE, (uint64_t)RESIDENCY);

		if (vm_residency(c->source->vm, at, there, pages) < 0)
			memset(there, 0, sizeof(there)); /* unmapped by somebody who shares the memory */
		for (size_t i = 0; i < pages && c->err == 0; i++, at += PAGE_SIZE) {
			if (there[i] || comes_again)
				put_page(c, at);
			else
				c->pos += PAGE_SIZE;
		}
		/* Holes take no room, but time, and an area may be one hole of many gigabytes. */
		if (c->err == 0)
			c->err = check_room(c, 0);
	}
}

/* --- headers -------------------------------------------------------------------------------------- */

static uint64_t headers_size(const struct core *c)
{
	uint64_t count = (uint64_t)c->area_count + 1;

	return sizeof(struct elf_core_header) + count * sizeof(struct program_header) +
	       (count >= PN_XNUM ? sizeof(struct section_header) : 0);
}

static void put_elf_header(struct core *c)
{
	uint64_t count = (uint64_t)c->area_count + 1;
	bool extended = count >= PN_XNUM;
	struct elf_core_header h = {
		.ident = { 0x7f, 'E', 'L', 'F', 2, 1, 1 }, /* 64 bits, little endian, version 1 */
		.type = ET_CORE,
		.machine = ARCH_ELF_MACHINE,
		.version = 1,
		.phoff = sizeof(h),
		.ehsize = sizeof(h),
		.phentsize = sizeof(struct program_header),
		.phnum = (uint16_t)(extended ? PN_XNUM : count),
	};

	if (extended) {
		h.shoff = sizeof(h) + count * sizeof(struct program_header);
		h.shentsize = sizeof(struct section_header);
		h.shnum = 1;
	}
	core_put(c, &h, sizeof(h));
}

static uint32_t segment_flags(const struct vm_area *a)
{
	return (a->flags & VM_READ ? 4 : 0) | (a->flags & VM_WRITE ? 2 : 0) | (a->flags & VM_EXEC ? 1 : 0);
}

static void put_headers(struct core *c)
{
	uint64_t notes = headers_size(c), at = ALIGN_UP(notes + c->notes_size, PAGE_SIZE);
	struct program_header h = {
		.type = PT_NOTE, .offset = notes, .filesz = c->notes_size, .align = CORE_NOTE_ALIGN
	};
	struct section_header first = { .size = 1, .info = c->area_count + 1 };

	put_elf_header(c);
	core_put(c, &h, sizeof(h));
	for (uint32_t i = 0; i < c->area_count; i++) {
		const struct vm_area *a = &c->areas[i].area;

		h = (struct program_header){
			.type = PT_LOAD,
			.flags = segment_flags(a),
			.offset = at,
			.vaddr = a->start,
			.filesz = c->areas[i].dumped,
			.memsz = a->end - a->start,
			.align = PAGE_SIZE,
		};
		core_put(c, &h, sizeof(h));
		at += h.filesz;
	}
	if ((uint64_t)c->area_count + 1 >= PN_XNUM)
		core_put(c, &first, sizeof(first));
}

/* --- the whole ------------------------------------------------------------------------------------ */

static int copy_areas(struct core *c)
{
	struct vm_space *vm = c->source->vm;
	uint32_t max = READ_ONCE(vm->area_count) + AREAS_SPARE;
	uint64_t at = 0;

	c->areas = vmalloc((size_t)max * sizeof(struct core_area));
	if (!c->areas)
		return -ENOMEM;
	while (c->area_count < max && vm_next_area(vm, at, &c->areas[c->area_count].area))
		at = c->areas[c->area_count++].area.end;
	for (uint32_t i = 0; i < c->area_count; i++)
		c->areas[i].dumped = dumped_size(c, &c->areas[i].area);
	return 0;
}

static void put_areas(struct core *c)
{
	for (uint32_t i = 0; i < c->area_count; i++)
		if (c->areas[i].area.object)
			vm_object_put(c->areas[i].area.object);
	vfree(c->areas);
}

static void put_memory(struct core *c)
{
	static const char end;

	c->pos = ALIGN_UP(c->pos, PAGE_SIZE);
	for (uint32_t i = 0; i < c->area_count && c->err == 0; i++)
		put_area(c, &c->areas[i]);
	/* A hole at the end is part of the file, too. */
	if (c->err == 0 && c->pos > c->written) {
		c->pos--;
		core_put(c, &end, 1);
	}
}

int core_image_write(struct file *file, const struct core_source *source)
{
	struct core c = { .source = source, .file = file, .limit = source->limit };

	c.scratch = kmalloc(MAX(MAX(arch_elf_xstate_size(), (size_t)PAGE_SIZE), (size_t)PATH_MAX));
	if (!c.scratch)
		return -ENOMEM;
	c.err = copy_areas(&c);
	if (c.err == 0) {
		measure_notes(&c);
		put_headers(&c);
		core_put_notes(&c);
		put_memory(&c);
		put_areas(&c);
	}
	kfree(c.scratch);
	return c.err;
}
