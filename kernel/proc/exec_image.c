/* SPDX-License-Identifier: BSD-2-Clause */
/* Mapping ELF images: segments are private mappings of the file's pages, so nothing is read ahead. */
#include <arch/elf.h>
#include <arch/paging.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/unsupported.h>
#include <serix/errno.h>

#include "exec_priv.h"

#define PIE_BASE   0x555555554000ull
#define PIE_RANDOM (1ull << 28) /* pages: 1 TiB */

int exec_read(struct vnode *vnode, uint64_t offset, void *buf, size_t len)
{
	char *out = buf;

	while (len) {
		uint64_t in_page = offset % PAGE_SIZE;
		size_t part = MIN(len, PAGE_SIZE - in_page);
		struct page *page;
		int err = vm_object_page(vnode->pages, offset / PAGE_SIZE, &page);

		if (err < 0)
			return err;
		memcpy(out, (char *)phys_to_virt(page_addr(page)) + in_page, part);
		page_put(page);
		out += part;
		offset += part;
		len -= part;
	}
	return 0;
}

static int read_image(struct vnode *vnode, const void *head, size_t head_size, struct elf_image *out)
{
	struct elf_limits limits = {
		.file_size = vnode->size,
		.address_end = USER_END,
		.page_size = PAGE_SIZE,
		.machine = ARCH_ELF_MACHINE,
	};
	struct elf_header header;
	size_t size;
	void *table;
	int err = elf_read_header(head, head_size, &limits, &header);

	if (err < 0)
		return err;
	size = (size_t)header.phdr_count * ELF_PHDR_SIZE;
	table = kmalloc(size);
	if (!table)
		return -ENOMEM;
	err = exec_read(vnode, header.phdr_offset, table, size);
	if (err == 0)
		err = elf_read_image(&header, table, &limits, out);
	kfree(table);
	return err;
}

static uint32_t area_flags(uint32_t elf_flags)
{
	return (elf_flags & ELF_READ ? VM_READ : 0) | (elf_flags & ELF_WRITE ? VM_WRITE : 0) |
	       (elf_flags & ELF_EXEC ? VM_EXEC : 0);
}

/* The file's last page goes on behind the segment's file part: that must read as zero. */
static int clear_tail(struct vm_space *vm, uint64_t from, uint64_t to)
{
	static const char zeros[PAGE_SIZE];
	size_t len = to - from; /* less than a page */
	ssize_t n = vm_write(vm, from, zeros, MIN(len, sizeof(zeros)));

	if (n < 0)
		return (int)n;
	return (size_t)n == len ? 0 : -EFAULT;
}

/* Who starts it is told why it does not: docs/memory.md says what helps. */
static void note_refusal(const struct vm_space *vm, uint32_t flags)
{
	if ((flags & VM_WRITE) && (flags & VM_EXEC) && !vm_may_write_exec(vm))
		unsupported_note(UNSUPPORTED_FLAG, flags, "execve");
}

static int map_segment(struct vm_space *vm, struct vnode *vnode, const struct elf_segment *s, uint64_t base)
{
	uint32_t flags = area_flags(s->flags);
	uint64_t skip = s->address % PAGE_SIZE;
	uint64_t start = base + s->address - skip;
	uint64_t file_end = base + s->address + s->file_size;
	uint64_t zero_start = s->file_size ? ALIGN_UP(file_end, PAGE_SIZE) : start;
	uint64_t end = ALIGN_UP(base + s->address + s->memory_size, PAGE_SIZE);
	uint32_t max = VM_READ | VM_WRITE | VM_EXEC;
	int err = 0;

	note_refusal(vm, flags);
	if (s->file_size)
		err = vm_map(vm, &start, zero_start - start, flags, max, VM_MAP_FIXED, vnode->pages,
			     s->offset - skip);
	if (err == 0 && zero_start < end)
		err = vm_map(vm, &zero_start, end - zero_start, flags, max, VM_MAP_FIXED, NULL, 0);
	if (err == 0 && (flags & VM_WRITE) && s->memory_size > s->file_size && file_end < zero_start)
		err = clear_tail(vm, file_end, zero_start);
	return err;
}

static int map_image(struct vm_space *vm, struct vnode *vnode, const struct elf_image *image, uint64_t base)
{
	for (uint32_t i = 0; i < image->segment_count; i++) {
		int err = map_segment(vm, vnode, &image->segments[i], base);

		if (err < 0)
			return err;
	}
	return 0;
}

int exec_load_program(struct exec *x)
{
	int err = read_image(x->vnode, x->head, x->head_size, &x->image);

	if (err < 0)
		return err;
	if (x->image.header.relative) {
		uint64_t at = ALIGN_DOWN(PIE_BASE + vm_random_offset(x->vm, PIE_RANDOM), x->image.align);

		x->base = at - ALIGN_DOWN(x->image.low, x->image.align);
	}
	err = map_image(x->vm, x->vnode, &x->image, x->base);
	if (err == 0)
		vm_set_brk(x->vm, x->base + x->image.high);
	return err;
}

/* Find room for the whole of it first; nobody else uses the new address space yet. */
static int place_interp(struct exec *x)
{
	uint64_t span = x->interp.high - x->interp.low, at = 0;
	int err;

	if (!x->interp.header.relative)
		return 0;
	err = vm_map(x->vm, &at, span + x->interp.align, 0, 0, 0, NULL, 0);
	if (err < 0)
		return err;
	err = vm_unmap(x->vm, at, span + x->interp.align);
	x->interp_base = ALIGN_UP(at, x->interp.align) - ALIGN_DOWN(x->interp.low, x->interp.align);
	return err;
}

int exec_load_interp(struct exec *x, struct vnode *vnode)
{
	size_t size = (size_t)MIN(vnode->size, (uint64_t)ELF_HEADER_SIZE);
	char head[ELF_HEADER_SIZE];
	int err = exec_read(vnode, 0, head, size);

	if (err == 0)
		err = read_image(vnode, head, size, &x->interp);
	if (err == -ENOEXEC)
		err = -ELIBBAD;
	if (err == 0)
		err = place_interp(x);
	if (err == 0)
		err = map_image(x->vm, vnode, &x->interp, x->interp_base);
	x->has_interp = err == 0;
	return err;
}
