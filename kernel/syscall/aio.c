/* SPDX-License-Identifier: BSD-2-Clause */
/* Asynchronous I/O by contexts: from user structures to fs/aio and to what read(2) and write(2) do. */
#include <kernel/syscall.h>

#include <arch/usercopy.h>
#include <kernel/aio.h>
#include <kernel/eventfd.h>
#include <kernel/file.h>
#include <kernel/proc_calls.h>
#include <kernel/timespec.h>
#include <serix/abi_fs.h>
#include <serix/errno.h>

#include "transfer.h"
#include "user_vec.h"

/* --- contexts ------------------------------------------------------------------------------------------- */

SYSCALL(io_setup)
{
	uint32_t requests = ARG(0, uint32_t);
	struct aio_context *ctx;
	uint64_t id;
	int err;

	if (get_user_u64(ARG(1, uaddr_t), &id) < 0)
		return -EFAULT;
	if (id != 0 || requests == 0)
		return -EINVAL;
	err = aio_setup(requests, &id);
	if (err < 0 || put_user_u64(ARG(1, uaddr_t), id) == 0)
		return err;
	/* Nobody would ever know its number. */
	ctx = aio_find(id);
	if (!ctx)
		return -EFAULT;
	err = aio_destroy(ctx);
	aio_put(ctx);
	return err < 0 ? err : -EFAULT;
}

SYSCALL(io_destroy)
{
	struct aio_context *ctx = aio_find(ARG(0, uaddr_t));
	int err;

	if (!ctx)
		return -EINVAL;
	err = aio_destroy(ctx);
	aio_put(ctx);
	return err;
}

/* --- submitting ----------------------------------------------------------------------------------------- */

/* One request: what the program asked, and where it says so. */
struct request {
	struct aio_context *ctx;
	struct abi_iocb iocb;
	uaddr_t user;
	struct file_use resfd; /* file NULL: nobody is told but the ring */
};

static struct abi_io_event event_of(const struct request *r, int64_t result)
{
	/* What was interrupted is not begun anew by the call that submitted it. */
	if (result <= -ERESTARTSYS)
		result = -EINTR;
	return (struct abi_io_event){ .data = r->iocb.data, .obj = r->user, .res = result };
}

/* It is over. */
static int complete(const struct request *r, int64_t result)
{
	struct abi_io_event event = event_of(r, result);

	aio_complete(r->ctx, &event);
	if (r->resfd.file)
		eventfd_signal(r->resfd.file, 1);
	return 0;
}

static int check_transfer(const struct request *r, const struct file *file, bool write)
{
	if (write ? !file->ops->write : !file->ops->read)
		return -EINVAL;
	if (r->iocb.rw_flags & ~(int32_t)RWF_ALL)
		return -EOPNOTSUPP;
	if (r->iocb.flags & IOCB_FLAG_IOPRIO) {
		int err = ioprio_check((uint16_t)r->iocb.ioprio);

		if (err < 0)
			return err;
	}
	return r->iocb.offset < 0 ? -EINVAL : 0;
}

static int run_buffer(const struct request *r, const struct file_use *use, const struct transfer *t)
{
	struct abi_iovec iov;
	struct iobuf io;
	int err = user_buffer_check(r->iocb.buf, r->iocb.nbytes);

	if (err < 0)
		return err;
	iobuf_init_user(&io, &iov, r->iocb.buf, MIN(r->iocb.nbytes, (uint64_t)RW_COUNT_MAX));
	return complete(r, transfer_run(use, t, &io));
}

static int run_vector(const struct request *r, const struct file_use *use, const struct transfer *t)
{
	struct user_vec vec;
	struct iobuf io;
	int err = user_vec_get(&vec, r->iocb.buf, r->iocb.nbytes);

	if (err < 0)
		return err;
	iobuf_init_vec(&io, vec.iov, (uint32_t)r->iocb.nbytes, vec.total);
	err = complete(r, transfer_run(use, t, &io));
	user_vec_put(&vec);
	return err;
}

static int run_transfer(const struct request *r, bool write, bool vector)
{
	struct transfer t = { .write = write, .pos = &r->iocb.offset, .flags = (uint32_t)r->iocb.rw_flags };
	struct file_use use;
	int err = transfer_use(r->iocb.fd, &t, &use);

	if (err < 0)
		return err;
	err = check_transfer(r, use.file, write);
	if (err == 0)
		err = vector ? run_vector(r, &use, &t) : run_buffer(r, &use, &t);
	file_done(&use);
	return err;
}

static int run_sync(const struct request *r)
{
	const struct syscall_args args = { .a = { (uint64_t)r->iocb.fd } };
	int64_t result;

	if (r->iocb.buf || r->iocb.offset || r->iocb.nbytes || r->iocb.rw_flags)
		return -EINVAL;
	result = r->iocb.opcode == IOCB_CMD_FSYNC ? sys_fsync(&args) : sys_fdatasync(&args);
	return result < 0 ? (int)result : complete(r, 0);
}

static int run_poll(const struct request *r)
{
	struct abi_io_event event = event_of(r, 0);
	struct file_use use;
	int err;

	if ((uint16_t)r->iocb.buf != r->iocb.buf || r->iocb.offset || r->iocb.nbytes || r->iocb.rw_flags)
		return -EINVAL;
	err = file_use(r->iocb.fd, 0, &use);
	if (err < 0)
		return err;
	if (atomic_load(&use.file->flags) & O_PATH)
		err = -EBADF;
	else
		err = aio_poll(r->ctx, use.cap, r->resfd.cap, (uint16_t)r->iocb.buf, &event);
	file_done(&use);
	return err;
}

/* 0: it has used its place in the ring, or will. */
static int run(const struct request *r)
{
	switch (r->iocb.opcode) {
	case IOCB_CMD_PREAD:
	case IOCB_CMD_PREADV:
		return run_transfer(r, false, r->iocb.opcode == IOCB_CMD_PREADV);
	case IOCB_CMD_PWRITE:
	case IOCB_CMD_PWRITEV:
		return run_transfer(r, true, r->iocb.opcode == IOCB_CMD_PWRITEV);
	case IOCB_CMD_FSYNC:
	case IOCB_CMD_FDSYNC:
		return run_sync(r);
	case IOCB_CMD_POLL:
		return run_poll(r);
	default:
		return -EINVAL;
	}
}

static int use_resfd(struct request *r)
{
	int err = file_use(r->iocb.resfd, CAP_WRITE, &r->resfd);

	if (err == 0 && !file_is_eventfd(r->resfd.file)) {
		file_done(&r->resfd);
		err = -EINVAL;
	}
	return err;
}

static int run_and_tell(struct request *r)
{
	bool tells = r->iocb.flags & IOCB_FLAG_RESFD;
	int err = tells ? use_resfd(r) : 0;

	if (err < 0)
		return err;
	/* As on Linux, which has one of its numbers there: io_cancel looks for that. */
	err = put_user_u32(r->user + offsetof(struct abi_iocb, key), 0);
	if (err == 0)
		err = run(r);
	if (tells)
		file_done(&r->resfd);
	return err;
}

static int submit(struct aio_context *ctx, uaddr_t user)
{
	struct request r = { .ctx = ctx, .user = user };
	int err = copy_from_user(&r.iocb, user, sizeof(r.iocb));

	if (err < 0)
		return err;
	if (r.iocb.reserved || (int64_t)r.iocb.nbytes < 0)
		return -EINVAL;
	err = aio_begin(ctx);
	if (err < 0)
		return err;
	err = run_and_tell(&r);
	if (err < 0)
		aio_abort(ctx);
	return err;
}

/*
 * takes: IOCB_CMD_* in run, not IOCB_CMD_NOOP (EINVAL), else EINVAL; RWF_* in check_transfer, else
 * EOPNOTSUPP; IOCB_FLAG_* in run_and_tell check_transfer, else ignored
 */
SYSCALL(io_submit)
{
	struct aio_context *ctx = aio_find(ARG(0, uaddr_t));
	int64_t count = ARG(1, int64_t), done = 0;
	uaddr_t list = ARG(2, uaddr_t), user;
	int err = 0;

	if (!ctx)
		return -EINVAL;
	if (count < 0)
		err = -EINVAL;
	count = MIN(count, (int64_t)aio_room(ctx));
	for (; done < count && err == 0; done += err == 0) {
		err = get_user_u64(list + (uint64_t)done * sizeof(user), &user);
		if (err == 0)
			err = submit(ctx, user);
	}
	aio_put(ctx);
	return done > 0 ? done : err;
}

/* The last argument is what Linux has long ceased to write to. */
SYSCALL(io_cancel)
{
	struct aio_context *ctx;
	uint32_t key;
	int err;

	if (get_user_u32(ARG(1, uaddr_t) + offsetof(struct abi_iocb, key), &key) < 0)
		return -EFAULT;
	ctx = key == 0 ? aio_find(ARG(0, uaddr_t)) : NULL;
	if (!ctx)
		return -EINVAL;
	err = aio_cancel(ctx, ARG(1, uaddr_t));
	aio_put(ctx);
	return err == 0 ? -EINPROGRESS : err;
}

/* --- collecting ----------------------------------------------------------------------------------------- */

static int get_deadline(uaddr_t user, uint64_t *deadline)
{
	struct abi_timespec ts;

	*deadline = WAIT_FOREVER;
	if (!user)
		return 0;
	if (copy_from_user(&ts, user, sizeof(ts)) < 0)
		return -EFAULT;
	/* What is no time is one that is over, as Linux takes it. */
	if (!timespec_valid(&ts) || (ts.sec == 0 && ts.nsec == 0))
		*deadline = 0;
	else
		*deadline = deadline_after(timespec_to_ns(&ts));
	return 0;
}

static int64_t get_events(const struct syscall_args *args, uint64_t deadline)
{
	int64_t min = ARG(1, int64_t), max = ARG(2, int64_t), n = -EINVAL;
	struct aio_context *ctx = aio_find(ARG(0, uaddr_t));

	if (!ctx)
		return -EINVAL;
	if (min >= 0 && min <= max)
		n = aio_read_events(ctx, (uint64_t)min, (uint64_t)max, ARG(3, uaddr_t), deadline);
	aio_put(ctx);
	return n;
}

SYSCALL(io_getevents)
{
	uint64_t deadline;
	int err = get_deadline(ARG(4, uaddr_t), &deadline);

	return err < 0 ? err : get_events(args, deadline);
}

SYSCALL(io_pgetevents)
{
	struct abi_aio_sigset set = { 0, 0 };
	uint64_t deadline, mask;
	bool masked = false;
	int64_t n;
	int err = get_deadline(ARG(4, uaddr_t), &deadline);

	if (err == 0 && args->a[5])
		err = copy_from_user(&set, ARG(5, uaddr_t), sizeof(set));
	if (err == 0)
		err = signal_mask_from_user(set.mask, set.size, &mask, &masked);
	if (err < 0)
		return err;
	if (masked)
		signal_mask_enter(mask);
	n = get_events(args, deadline);
	if (masked)
		signal_mask_leave(n == -EINTR);
	return n == -EINTR ? -ERESTARTNOHAND : n;
}
