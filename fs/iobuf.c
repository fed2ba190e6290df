/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory runs that a read fills or a write drains. */
#include <kernel/file.h>

#include <arch/paging.h>
#include <arch/usercopy.h>
#include <kernel/compiler.h>
#include <kernel/pmm.h>
#include <kernel/string.h>
#include <serix/errno.h>

void iobuf_init_vec(struct iobuf *io, const struct abi_iovec *iov, uint32_t count, uint64_t total)
{
	io->user = true;
	io->append = false;
	io->nowait = false;
	io->count = count;
	io->iov = iov;
	io->offset = 0;
	io->left = total;
}

/* The contiguous run at the front; its length, cut to `len`.  Something is left. */
static size_t front(struct iobuf *io, size_t len, uint64_t *addr)
{
	while (unlikely(io->offset == io->iov->len)) {
		io->iov++;
		io->count--;
		io->offset = 0;
	}
	*addr = io->iov->base + io->offset;
	len = MIN(len, io->iov->len - io->offset);
	return MIN(len, io->left);
}

static void advance(struct iobuf *io, size_t len)
{
	io->offset += len;
	io->left -= len;
}

/* Is it a program's, and all of `len` goes into the run at the front?  Nearly always. */
static inline bool is_plain(const struct iobuf *io, size_t len)
{
	return io->left >= len && io->user && io->iov->len - io->offset >= len;
}

static __noinline ssize_t write_parts(struct iobuf *io, const void *src, size_t len)
{
	size_t done = 0;

	while (done < len && io->left > 0) {
		uint64_t addr;
		size_t run = front(io, len - done, &addr);

		if (!io->user)
			memcpy((void *)(uintptr_t)addr, (const char *)src + done, run);
		else if (copy_to_user(addr, (const char *)src + done, run) < 0)
			return done > 0 ? (ssize_t)done : -EFAULT;
		advance(io, run);
		done += run;
	}
	return (ssize_t)done;
}

ssize_t iobuf_write(struct iobuf *io, const void *src, size_t len)
{
	if (unlikely(!is_plain(io, len)))
		return write_parts(io, src, len);
	if (copy_to_user(io->iov->base + io->offset, src, len) < 0)
		return -EFAULT;
	advance(io, len);
	return (ssize_t)len;
}

static __noinline ssize_t write_pages_parts(struct iobuf *io, struct page *const *page, size_t offset,
					    size_t len)
{
	size_t done = 0;

	while (done < len) {
		size_t run = MIN(len - done, PAGE_SIZE - offset);
		ssize_t n = iobuf_write(io, (char *)phys_to_virt(page_addr(*page++)) + offset, run);

		if (n < 0)
			return done > 0 ? (ssize_t)done : n;
		done += (size_t)n;
		if ((size_t)n < run)
			break;
		offset = 0;
	}
	return (ssize_t)done;
}

ssize_t iobuf_write_pages(struct iobuf *io, struct page *const *page, size_t offset, size_t len)
{
	size_t run = MIN(len, PAGE_SIZE - offset), left = len;
	uaddr_t to;

	if (unlikely(!is_plain(io, len)))
		return write_pages_parts(io, page, offset, len);
	to = io->iov->base + io->offset;
	while (copy_to_user(to, (char *)phys_to_virt(page_addr(*page++)) + offset, run) == 0) {
		left -= run;
		if (left == 0)
			break;
		to += run;
		offset = 0;
		run = MIN(left, PAGE_SIZE);
	}
	advance(io, len - left);
	return left < len ? (ssize_t)(len - left) : -EFAULT;
}

static __noinline ssize_t read_parts(struct iobuf *io, void *dst, size_t len)
{
	size_t done = 0;

	while (done < len && io->left > 0) {
		uint64_t addr;
		size_t run = front(io, len - done, &addr);

		if (!io->user)
			memcpy((char *)dst + done, (const void *)(uintptr_t)addr, run);
		else if (copy_from_user((char *)dst + done, addr, run) < 0)
			return done > 0 ? (ssize_t)done : -EFAULT;
		advance(io, run);
		done += run;
	}
	return (ssize_t)done;
}

ssize_t iobuf_read(struct iobuf *io, void *dst, size_t len)
{
	if (unlikely(!is_plain(io, len)))
		return read_parts(io, dst, len);
	if (copy_from_user(dst, io->iov->base + io->offset, len) < 0)
		return -EFAULT;
	advance(io, len);
	return (ssize_t)len;
}

static __noinline ssize_t zero_parts(struct iobuf *io, size_t len)
{
	size_t done = 0;

	while (done < len && io->left > 0) {
		uint64_t addr;
		size_t run = front(io, len - done, &addr);

		if (!io->user)
			memset((void *)(uintptr_t)addr, 0, run);
		else if (clear_user(addr, run) < 0)
			return done > 0 ? (ssize_t)done : -EFAULT;
		advance(io, run);
		done += run;
	}
	return (ssize_t)done;
}

ssize_t iobuf_zero(struct iobuf *io, size_t len)
{
	if (unlikely(!is_plain(io, len)))
		return zero_parts(io, len);
	if (clear_user(io->iov->base + io->offset, len) < 0)
		return -EFAULT;
	advance(io, len);
	return (ssize_t)len;
}
