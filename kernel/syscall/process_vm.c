/* SPDX-License-Identifier: BSD-2-Clause */
/* process_vm_readv(2), process_vm_writev(2): between two programs' memory, for who may look into the
 * other. */
#include <kernel/syscall.h>

#include <arch/usercopy.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/slab.h>
#include <kernel/vm.h>
#include <serix/errno.h>

#define IOV_MAX 1024u
#define CHUNK   4096u

/* A list of ranges, and where in it we are. */
struct ranges {
	struct abi_iovec *list;
	uint64_t count, at, offset;
};

static int get_ranges(uaddr_t from, uint64_t count, struct ranges *r)
{
	uint64_t total = 0;
	int err;

	*r = (struct ranges){ .count = count };
	if (count > IOV_MAX)
		return -EINVAL;
	r->list = kcalloc(count + 1, sizeof(*r->list));
	if (!r->list)
		return -ENOMEM;
	err = copy_from_user(r->list, from, count * sizeof(*r->list));
	for (uint64_t i = 0; err == 0 && i < count; i++) {
		if (r->list[i].len > INT64_MAX || add_overflows(total, r->list[i].len, &total) ||
		    total > INT64_MAX)
			err = -EINVAL;
	}
	if (err < 0)
		kfree(r->list);
	return err;
}

/* The next bytes: how many there are in one piece; 0 at the end. */
static uint64_t piece(struct ranges *r, uaddr_t *addr)
{
	while (r->at < r->count && r->offset == r->list[r->at].len) {
		r->at++;
		r->offset = 0;
	}
	if (r->at == r->count)
		return 0;
	*addr = (uaddr_t)r->list[r->at].base + r->offset;
	return r->list[r->at].len - r->offset;
}

static ssize_t move_piece(struct vm_space *vm, uaddr_t theirs, uaddr_t ours, char *chunk, size_t len,
			  bool write)
{
	ssize_t n;

	if (!write) {
		n = vm_read(vm, theirs, chunk, len);
		return n > 0 && copy_to_user(ours, chunk, MIN((size_t)n, (size_t)CHUNK)) < 0 ? -EFAULT : n;
	}
	if (copy_from_user(chunk, ours, len) < 0)
		return -EFAULT;
	return vm_write(vm, theirs, chunk, len);
}

/* What was moved before something could not be counts. */
static int64_t move(struct vm_space *vm, struct ranges *local, struct ranges *remote, char *chunk, bool write)
{
	uaddr_t ours, theirs;
	int64_t done = 0;

	for (;;) {
		uint64_t here = piece(local, &ours), there = piece(remote, &theirs);
		size_t len = MIN(MIN(here, there), (uint64_t)CHUNK);
		ssize_t n;

		if (len == 0 || signal_pending())
			return done;
		n = move_piece(vm, theirs, ours, chunk, len, write);
		if (n <= 0)
			return done ? done : -EFAULT;
		local->offset += (uint64_t)n;
		remote->offset += (uint64_t)n;
		done += n;
		if ((size_t)n < len)
			return done;
	}
}

/* The memory of a process that the running one may look into.  -ESRCH, -EPERM. */
static int memory_of(pid_t pid, struct vm_space **out)
{
	struct process *p = process_find(pid);
	int err = 0;

	if (!p)
		return -ESRCH;
	if (!cred_may_look(current_cred(), p))
		err = -EPERM;
	*out = err == 0 ? process_vm_get(p) : NULL;
	process_put(p);
	return err == 0 && !*out ? -ESRCH : err;
}

static int64_t transfer(const struct syscall_args *args, bool write)
{
	char *chunk = kmalloc(CHUNK);
	struct ranges local, remote;
	struct vm_space *vm;
	int64_t result = chunk ? 0 : -ENOMEM;

	if (result == 0 && ARG(5, uint64_t))
		result = -EINVAL;
	if (result == 0)
		result = get_ranges(ARG(1, uaddr_t), ARG(2, uint64_t), &local);
	if (result < 0)
		goto out_chunk;
	result = get_ranges(ARG(3, uaddr_t), ARG(4, uint64_t), &remote);
	if (result < 0)
		goto out_local;
	result = memory_of(ARG(0, pid_t), &vm);
	if (result == 0) {
		result = move(vm, &local, &remote, chunk, write);
		vm_space_put(vm);
	}
	kfree(remote.list);
out_local:
	kfree(local.list);
out_chunk:
	kfree(chunk);
	return result;
}

SYSCALL(process_vm_readv)
{
	return transfer(args, false);
}

SYSCALL(process_vm_writev)
{
	return transfer(args, true);
}
