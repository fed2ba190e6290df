/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls that move bytes between two descriptors without a buffer of the program's. */
#include <kernel/splice.h>
#include <kernel/syscall.h>

#include <arch/usercopy.h>
#include <kernel/cap.h>
#include <kernel/vfs.h>
#include <serix/abi_fs.h>
#include <serix/errno.h>

#include "transfer.h"
#include "user_vec.h"

/* Both descriptors in use, and the positions that the program keeps (user address 0: the file's own). */
struct pair {
	struct file_use in, out;
	uaddr_t user_in, user_out;
	off_t in_pos, out_pos;
};

static int use_pair(struct pair *p, int in, int out)
{
	int err = file_use(in, p->user_in ? CAP_READ | CAP_SEEK : CAP_READ, &p->in);

	if (err < 0)
		return err;
	err = file_use(out, p->user_out ? CAP_WRITE | CAP_SEEK : CAP_WRITE, &p->out);
	if (err < 0)
		file_done(&p->in);
	return err;
}

static void done_pair(const struct pair *p)
{
	file_done(&p->out);
	file_done(&p->in);
}

static int get_position(uaddr_t user, off_t *out)
{
	uint64_t raw;

	if (!user)
		return 0;
	if (get_user_u64(user, &raw) < 0)
		return -EFAULT;
	*out = (off_t)raw;
	return *out < 0 ? -EINVAL : 0;
}

static int get_positions(struct pair *p)
{
	int err = get_position(p->user_in, &p->in_pos);

	return err < 0 ? err : get_position(p->user_out, &p->out_pos);
}

static int64_t put_positions(const struct pair *p, int64_t n)
{
	if (n <= 0)
		return n;
	if ((p->user_in && put_user_u64(p->user_in, (uint64_t)p->in_pos) < 0) ||
	    (p->user_out && put_user_u64(p->user_out, (uint64_t)p->out_pos) < 0))
		return -EFAULT;
	return n;
}

static struct transfer_end in_of(struct pair *p)
{
	return (struct transfer_end){ p->in.file, p->user_in ? &p->in_pos : NULL };
}

static struct transfer_end out_of(struct pair *p)
{
	return (struct transfer_end){ p->out.file, p->user_out ? &p->out_pos : NULL };
}

static size_t limited(size_t len)
{
	return MIN(len, (size_t)RW_COUNT_MAX);
}

/* What goes from file to file is read and written. */
static void count_both(int64_t n)
{
	count_read(n);
	count_write(n);
}

SYSCALL(sendfile)
{
	struct pair p = { .user_in = ARG(2, uaddr_t) };
	struct transfer_end in;
	int64_t n = use_pair(&p, ARG(1, int), ARG(0, int));

	if (n < 0)
		return n;
	n = (int64_t)ARG(3, size_t) < 0 ? -EINVAL : get_positions(&p);
	if (n == 0) {
		in = in_of(&p);
		n = put_positions(&p, file_send(&in, p.out.file, limited(ARG(3, size_t))));
		count_both(n);
	}
	done_pair(&p);
	return n;
}

/* Positions of a pipe are refused before they are looked at. */
static int64_t splice_pair(struct pair *p, size_t len, bool nowait)
{
	struct transfer_end in, out;
	int64_t n = 0;

	if ((p->user_in && file_is_pipe(p->in.file)) || (p->user_out && file_is_pipe(p->out.file)))
		return -ESPIPE;
	n = get_positions(p);
	if (n < 0)
		return n;
	in = in_of(p);
	out = out_of(p);
	return put_positions(p, file_splice(&in, &out, limited(len), nowait));
}

/* takes: SPLICE_F_*, else EINVAL */
SYSCALL(splice)
{
	struct pair p = { .user_in = ARG(1, uaddr_t), .user_out = ARG(3, uaddr_t) };
	uint32_t flags = ARG(5, uint32_t);
	int64_t n;

	if (ARG(4, size_t) == 0)
		return 0;
	if (flags & ~SPLICE_F_ALL)
		return -EINVAL;
	n = use_pair(&p, ARG(0, int), ARG(2, int));
	if (n < 0)
		return n;
	n = splice_pair(&p, ARG(4, size_t), flags & SPLICE_F_NONBLOCK);
	done_pair(&p);
	return n;
}

/* takes: SPLICE_F_*, else EINVAL */
SYSCALL(tee)
{
	struct pair p = { .user_in = 0 };
	uint32_t flags = ARG(3, uint32_t);
	int64_t n;

	if (flags & ~SPLICE_F_ALL)
		return -EINVAL;
	if (ARG(2, size_t) == 0)
		return 0;
	n = use_pair(&p, ARG(0, int), ARG(1, int));
	if (n < 0)
		return n;
	n = file_tee(p.in.file, p.out.file, limited(ARG(2, size_t)), flags & SPLICE_F_NONBLOCK);
	done_pair(&p);
	return n;
}

SYSCALL(copy_file_range)
{
	struct pair p = { .user_in = ARG(1, uaddr_t), .user_out = ARG(3, uaddr_t) };
	struct transfer_end in, out;
	int64_t n;

	n = use_pair(&p, ARG(0, int), ARG(2, int));
	if (n < 0)
		return n;
	n = ARG(5, uint32_t) ? -EINVAL : get_positions(&p);
	if (n == 0) {
		in = in_of(&p);
		out = out_of(&p);
		n = put_positions(&p, file_copy_range(&in, &out, limited(ARG(4, size_t))));
		count_both(n);
	}
	done_pair(&p);
	return n;
}

/* Pages are copied, not given: what a program may not touch after SPLICE_F_GIFT it may here. */
/* takes: SPLICE_F_*, else EINVAL */
SYSCALL(vmsplice)
{
	uint32_t flags = ARG(3, uint32_t);
	struct user_vec vec;
	struct file_use use;
	struct iobuf io;
	off_t none = 0;
	bool write;
	int64_t n;

	if (flags & ~SPLICE_F_ALL)
		return -EINVAL;
	n = file_use(ARG(0, int), 0, &use);
	if (n < 0)
		return n;
	write = use.file->access & CAP_WRITE;
	if (!file_is_pipe(use.file) || !(atomic_load(&use.cap->rights) & (write ? CAP_WRITE : CAP_READ)))
		n = -EBADF;
	else
		n = user_vec_get(&vec, ARG(1, uaddr_t), ARG(2, uint64_t));
	if (n == 0) {
		iobuf_init_vec(&io, vec.iov, (uint32_t)ARG(2, uint64_t), vec.total);
		io.nowait = flags & SPLICE_F_NONBLOCK;
		n = write ? use.file->ops->write(use.file, &io, &none)
			  : use.file->ops->read(use.file, &io, &none);
		user_vec_put(&vec);
	}
	file_done(&use);
	return n;
}
