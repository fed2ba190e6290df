/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory runs that a read fills or a write drains. */
#include <kernel/file.h>

#include <arch/usercopy.h>
#include <kernel/compiler.h>
#include <kernel/string.h>
#include <serix/errno.h>

static void init_one(struct iobuf *io, struct abi_iovec *iov, uint64_t base, size_t len, bool user)
{
	iov->base = base;
	iov->len = len;
	io->user = user;
	io->append = false;
	io->nowait = false;
	io->count = 1;
	io->iov = iov;
	io->offset = 0;
	io->left = len;
}

void iobuf_init_kernel(struct iobuf *io, struct abi_iovec *iov, void *buf, size_t len)
{
	init_one(io, iov, (uintptr_t)buf, len, false);
}

void iobuf_init_user(struct iobuf *io, struct abi_iovec *iov, uaddr_t buf, size_t len)
{
	init_one(io, iov, buf, len, true);
}

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

ssize_t iobuf_zero(struct iobuf *io, size_t len)
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
