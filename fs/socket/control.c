/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Control messages: what goes along with data.
 *
 * Descriptors (SCM_RIGHTS) are grants.  Each is derived from the sender's when the message is made and held
 * with it, so a revocation on the sender's side also reaches what is still under way; the receiver's is then
 * missing among what it gets, and it is told that something is (MSG_CTRUNC).
 */
#include "socket_priv.h"

#include <arch/usercopy.h>
#include <kernel/cap.h>
#include <kernel/confine.h>
#include <kernel/process.h>
#include <kernel/slab.h>
#include <serix/errno.h>

#define CONTROL_MAX 16384u /* bytes of control messages in one call */

/* --- out of a program ---------------------------------------------------------------------------------- */

/* Nothing is made with it before it is settled, which finds out. */
static void revoked_under_way(struct capability *cap, void *holder)
{
	(void)cap;
	(void)holder;
}

static const struct cap_holder_ops holder_ops = { .revoked = revoked_under_way };

void socket_control_free(struct socket_control *control)
{
	if (!control)
		return;
	for (uint32_t i = 0; i < control->cap_count; i++)
		if (control->caps[i])
			cap_drop(control->caps[i]);
	kfree(control);
}

/* A port ends with the last right to receive from it, and that cannot lie about: in a queue it could lie in
 * its own port's, out of everybody's reach. */
static bool must_be_handed_over(const struct capability *cap)
{
	return cap->type == OBJECT_PORT &&
	       (atomic_load_explicit(&cap->rights, memory_order_relaxed) & PORT_RIGHT_RECEIVE);
}

static int take_descriptor(struct socket_control *control, int fd)
{
	static const struct cap_terms unchanged = { .rights = UINT32_MAX };
	struct capability *from;
	int err = cap_use(current_process()->caps, fd, OBJECT_NONE, CAP_RIGHT_GRANT, &from);

	if (err < 0)
		return err;
	if (must_be_handed_over(from))
		err = -EPERM;
	else
		err = cap_derive_held(from, &unchanged, &holder_ops, control,
				      &control->caps[control->cap_count]);
	cap_done(from);
	if (err == 0)
		control->cap_count++;
	return err == -EMLINK ? -ETOOMANYREFS : err;
}

static int take_rights(struct socket_control *control, uaddr_t data, uint64_t size)
{
	uint64_t count = size / sizeof(int32_t);
	uint32_t fd;
	int err;

	if (control->cap_count + count > SCM_MAX_FD)
		return -EINVAL;
	for (uint64_t i = 0; i < count; i++) {
		if (get_user_u32(data + i * sizeof(fd), &fd) < 0)
			return -EFAULT;
		err = take_descriptor(control, (int32_t)fd);
		if (err < 0)
			return err;
	}
	return 0;
}

/* May somebody who is not so say that he is?  In capability mode numbers of processes and users mean
 * nothing. */
static bool may_pretend(enum privilege privilege)
{
	return !confine_capability_mode() && cred_has_privilege(privilege);
}

static bool holds_ids(const struct credentials *cred, const struct abi_ucred *said)
{
	return (said->uid == cred->uid || said->uid == cred->euid || said->uid == cred->suid ||
		may_pretend(PRIV_SETUID)) &&
	       (said->gid == cred->gid || said->gid == cred->egid || said->gid == cred->sgid ||
		may_pretend(PRIV_SETGID));
}

static int check_cred(const struct abi_ucred *said)
{
	struct process *p;

	if (!holds_ids(current_cred(), said))
		return -EPERM;
	if (said->pid == current_process()->pid)
		return 0;
	if (!may_pretend(PRIV_SYS_ADMIN))
		return -EPERM;
	p = process_find(said->pid);
	if (!p)
		return -ESRCH;
	process_put(p);
	return 0;
}

static int take_cred(struct socket_control *control, uaddr_t data, uint64_t size)
{
	struct abi_ucred said;
	int err;

	if (size != sizeof(said))
		return -EINVAL;
	if (copy_from_user(&said, data, sizeof(said)) < 0)
		return -EFAULT;
	err = check_cred(&said);
	if (err < 0)
		return err;
	control->has_cred = true;
	control->cred = (struct socket_cred){ said.pid, said.uid, said.gid };
	return 0;
}

/* Messages of other levels are none of ours, and pass. */
static int take_message(struct socket_control *control, const struct abi_cmsghdr *h, uaddr_t data)
{
	uint64_t size = h->len - sizeof(*h);

	if (h->level != SOL_SOCKET)
		return 0;
	switch (h->type) {
	case SCM_RIGHTS:
		return take_rights(control, data, size);
	case SCM_CREDENTIALS:
		return take_cred(control, data, size);
	default:
		return -EINVAL;
	}
}

static int take_messages(struct socket_control *control, uaddr_t at, uint64_t left)
{
	struct abi_cmsghdr h;
	uint64_t step;
	int err;

	while (left >= sizeof(h)) {
		if (copy_from_user(&h, at, sizeof(h)) < 0)
			return -EFAULT;
		if (h.len < sizeof(h) || h.len > left)
			return -EINVAL;
		err = take_message(control, &h, at + sizeof(h));
		if (err < 0)
			return err;
		step = MIN(CMSG_ALIGN_UP(h.len), left);
		at += step;
		left -= step;
	}
	return 0;
}

int socket_read_control(uaddr_t user, uint64_t length, struct socket_control **out)
{
	struct socket_control *control;
	int err;

	*out = NULL;
	if (length > CONTROL_MAX)
		return -ENOBUFS;
	if (length < sizeof(struct abi_cmsghdr))
		return 0;
	/* NOLINTNEXTLINE(bugprone-sizeof-expression): pointers are meant */
	control = kmalloc(sizeof(*control) + SCM_MAX_FD * sizeof(control->caps[0]));
	if (!control)
		return -ENOMEM;
	*control = (struct socket_control){ 0 };
	list_init(&control->link);
	err = take_messages(control, user, length);
	if (err < 0 || (!control->has_cred && control->cap_count == 0)) {
		socket_control_free(control);
		return err;
	}
	*out = control;
	return 0;
}

/* --- into a program ------------------------------------------------------------------------------------ */

static uint64_t room_in(const struct socket_sink *sink)
{
	return sink->size - sink->used;
}

static int put_header(struct socket_sink *sink, int level, int type, uint64_t len)
{
	struct abi_cmsghdr h = { .len = len, .level = level, .type = type };

	return copy_to_user(sink->base + sink->used, &h, sizeof(h));
}

void socket_put_control(struct socket_message *m, int level, int type, const void *data, uint32_t size)
{
	struct socket_sink *sink = m->sink;
	uint64_t len = sizeof(struct abi_cmsghdr) + size;

	if (!sink || room_in(sink) < sizeof(struct abi_cmsghdr)) {
		m->result |= MSG_CTRUNC;
		return;
	}
	if (room_in(sink) < len) {
		m->result |= MSG_CTRUNC;
		len = room_in(sink);
	}
	if (put_header(sink, level, type, len) < 0 ||
	    copy_to_user(sink->base + sink->used + sizeof(struct abi_cmsghdr), data,
			 MIN((size_t)(len - sizeof(struct abi_cmsghdr)), (size_t)size)) < 0)
		return;
	sink->used += MIN(CMSG_ALIGN_UP(len), room_in(sink));
}

/* A descriptor for one of them, written to `at`.  -EBADF: it was revoked under way. */
static int give_descriptor(struct socket_control *control, uint32_t n, bool peek, uint32_t flags, uaddr_t at)
{
	struct cap_terms terms = { .rights = UINT32_MAX, .flags = flags };
	struct cap_table *table = current_process()->caps;
	cap_handle_t handle;

	if (peek)
		handle = cap_derive_from(control->caps[n], &terms, table);
	else
		handle = cap_settle(control->caps[n], table, flags);
	if (handle < 0)
		return (int)handle;
	if (!peek)
		control->caps[n] = NULL;
	if (put_user_u32(at, cap_handle_slot(handle)) == 0)
		return 0;
	cap_close(table, handle);
	return -EFAULT;
}

static uint64_t descriptors_that_fit(const struct socket_sink *sink)
{
	return !sink || room_in(sink) <= sizeof(struct abi_cmsghdr)
		       ? 0
		       : (room_in(sink) - sizeof(struct abi_cmsghdr)) / sizeof(int32_t);
}

static void give_rights(struct socket_message *m, struct socket_control *control, bool peek)
{
	uint32_t flags = m->flags & MSG_CMSG_CLOEXEC ? CAP_CLOEXEC : 0, given = 0;
	uint64_t fit = descriptors_that_fit(m->sink), len;
	struct socket_sink *sink = m->sink;
	int err = 0;

	for (uint32_t n = 0; n < control->cap_count && given < fit && (err == 0 || err == -EBADF); n++) {
		uaddr_t at = sink->base + sink->used + sizeof(struct abi_cmsghdr) + given * sizeof(int32_t);

		err = give_descriptor(control, n, peek, flags, at);
		given += err == 0;
	}
	if (given < control->cap_count)
		m->result |= MSG_CTRUNC;
	len = sizeof(struct abi_cmsghdr) + given * sizeof(int32_t);
	if (given > 0 && put_header(sink, SOL_SOCKET, SCM_RIGHTS, len) == 0)
		sink->used += MIN(CMSG_ALIGN_UP(len), room_in(sink));
}

void socket_put_rights(struct socket_message *m, struct socket_control *control, bool peek)
{
	give_rights(m, control, peek);
	if (!peek)
		socket_control_free(control);
}
