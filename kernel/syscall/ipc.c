/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pulse's calls on ports: from user structures to kernel/ipc and back.
 *
 * What a signal interrupts before it had an effect goes on after a signal that the program does not see, with
 * the deadline that it had; so does the receiving half of port_reply_wait.  A call whose message was received
 * ends with EINTR instead: to send it again would do it twice.  A thread that is only told to look at its
 * capabilities again does so: EBADF if the one that the call came through was revoked, else it goes on.
 */
#include <kernel/syscall.h>

#include <arch/usercopy.h>
#include <kernel/cap.h>
#include <kernel/chardev.h>
#include <kernel/file.h>
#include <kernel/ipc.h>
#include <kernel/process.h>
#include <kernel/registry.h>
#include <kernel/timespec.h>
#include <serix/errno.h>

#include "ipc_priv.h"

#define PORT_RIGHTS                                                                                      \
	(PORT_RIGHT_SEND | PORT_RIGHT_RECEIVE | PORT_RIGHT_CALL | PORT_RIGHT_CONTROL | CAP_RIGHT_GRANT | \
	 CAP_RIGHT_EXPORT | CAP_RIGHT_BADGE | PORT_RIGHTS_USER)

struct ipc_identity ipc_identity(void)
{
	const struct credentials *cred = current_cred();

	return (struct ipc_identity){ current_process()->pid, (int32_t)cred->euid, (int32_t)cred->egid };
}

/* --- deadlines, and going on after a signal -------------------------------------------------------- */

enum waiting {
	WAIT_SEND,
	WAIT_RECEIVE,
	WAIT_CALL,
};

static int64_t do_wait(enum waiting what, cap_handle_t handle, uaddr_t user, uint64_t deadline_ns);

static int64_t wait_again(struct syscall_restart *r)
{
	enum waiting what = (enum waiting)r->extra[1];
	struct syscall_restart saved = *r;
	int64_t result = do_wait(what, (cap_handle_t)r->extra[0], r->user, r->deadline_ns);

	if (result != -ERESTARTSYS)
		return result;
	*r = saved;
	r->fn = wait_again;
	return -ERESTART_RESTARTBLOCK;
}

/* -ERESTARTSYS begins the whole call anew, which is the same thing only where it would wait for ever. */
static int64_t restartable(int64_t result, enum waiting what, cap_handle_t handle, uaddr_t user,
			   uint64_t deadline_ns)
{
	if (result != -ERESTARTSYS)
		return result;
	current_thread()->restart = (struct syscall_restart){
		.fn = wait_again,
		.deadline_ns = deadline_ns,
		.user = user,
		.extra = { (uint64_t)handle, what },
	};
	return -ERESTART_RESTARTBLOCK;
}

static int64_t wait_call(enum waiting what, const struct syscall_args *args)
{
	uint64_t deadline = deadline_of(ARG(2, uint64_t));
	int64_t result = do_wait(what, ARG(0, cap_handle_t), ARG(1, uaddr_t), deadline);

	return deadline == WAIT_FOREVER
		       ? result
		       : restartable(result, what, ARG(0, cap_handle_t), ARG(1, uaddr_t), deadline);
}

/* --- sending --------------------------------------------------------------------------------------- */

/* The capabilities of a message that is on its way are to go here. */
static void close_sent(const struct message *m)
{
	cap_handle_t handle;

	if (!(m->flags & MESSAGE_MOVE_CAPS))
		return;
	for (uint32_t n = 0; n < m->cap_count; n++)
		if (copy_from_user(&handle, (uaddr_t)(m->caps + n), sizeof(handle)) == 0)
			cap_close(current_caps(), handle);
}

/* A message as the program describes it, checked as far as that is possible without looking at it. */
static int get_message(struct message *m, uaddr_t user)
{
	if (copy_from_user(m, user, sizeof(*m)) < 0)
		return -EFAULT;
	/* What comes out may be left in when the structure is used again. */
	m->flags &= ~MESSAGE_TRUNCATED_CAPS;
	return m->flags & ~(MESSAGE_MOVE | MESSAGE_PAGES | MESSAGE_MOVE_CAPS) ? -EINVAL : 0;
}

static int make_parcel(const struct message *m, struct capability *via, struct parcel **out)
{
	struct ipc_identity who = ipc_identity();

	return parcel_create(m, &who, via, current_caps(), out);
}

static int64_t send_through(struct capability *via, const struct message *m, uint64_t deadline_ns)
{
	struct parcel *parcel;
	int err = make_parcel(m, via, &parcel);

	if (err < 0)
		return err;
	err = port_send(port_of(via->object), parcel, deadline_ns);
	if (err < 0)
		parcel_take_back(parcel, m);
	else
		close_sent(m);
	return err == -EINTR ? -ERESTARTSYS : err;
}

static int64_t do_send(cap_handle_t handle, uaddr_t user, uint64_t deadline_ns)
{
	struct capability *via;
	struct message m;
	int64_t result = get_message(&m, user);

	if (result < 0)
		return result;
	result = cap_use(current_caps(), handle, OBJECT_PORT, PORT_RIGHT_SEND, &via);
	if (result < 0)
		return result;
	result = send_through(via, &m, deadline_ns);
	cap_done(via);
	return result;
}

/* --- receiving ------------------------------------------------------------------------------------- */

static int put_message(uaddr_t user, const struct message *m)
{
	return copy_to_user(user, m, sizeof(*m));
}

static int64_t receive_through(struct capability *via, struct message *m, uaddr_t user, uint64_t deadline_ns)
{
	struct port *port = port_of(via->object);
	struct receiver self = {
		.capacity = m->capacity,
		.table = current_caps(),
	};
	uint64_t cookie;
	int err = port_receive(port, &self, deadline_ns, &m->size);

	if (err == -EMSGSIZE && put_message(user, m) < 0)
		return -EFAULT;
	if (err < 0)
		return err == -EINTR ? -ERESTARTSYS : err;
	cookie = self.got->cookie;
	err = parcel_deliver(self.got, m, current_caps());
	if (err == 0)
		err = put_message(user, m);
	if (err < 0 && cookie)
		call_refuse(port, cookie);
	return err;
}

static int64_t do_receive(cap_handle_t handle, uaddr_t user, uint64_t deadline_ns)
{
	struct capability *via;
	struct message m;
	int64_t result;

	if (copy_from_user(&m, user, sizeof(m)) < 0)
		return -EFAULT;
	result = cap_use(current_caps(), handle, OBJECT_PORT, PORT_RIGHT_RECEIVE, &via);
	if (result < 0)
		return result;
	result = receive_through(via, &m, user, deadline_ns);
	cap_done(via);
	return result;
}

/* --- calls ----------------------------------------------------------------------------------------- */

int ipc_wait_for_answer(struct call *call, const struct capability *via, uint64_t deadline_ns)
{
	for (;;) {
		int err = call_wait(call, deadline_ns);
		bool signal = err == -EINTR && signal_confirm_call();

		if (err != -EINTR)
			return err;
		if (cap_is_revoked(via))
			return -EBADF;
		if (signal)
			return -EINTR;
	}
}

static int64_t call_through(struct capability *via, struct message *m, uaddr_t user, uint64_t deadline_ns)
{
	struct call call = { .capacity = m->capacity };
	struct parcel *parcel;
	int err = make_parcel(m, via, &parcel);

	if (err < 0)
		return err;
	err = call_begin(&call, port_of(via->object), parcel);
	if (err < 0) {
		parcel_take_back(parcel, m);
		return err;
	}
	err = ipc_wait_for_answer(&call, via, deadline_ns);
	call_end(&call);
	if (call.parcel) {
		parcel_take_back(call.parcel, m);
		return err == -EINTR ? -ERESTARTSYS : err;
	}
	close_sent(m);
	if (!call.answer) /* else it came first, whatever ended the wait */
		return err;
	err = parcel_deliver(call.answer, m, current_caps());
	return err < 0 ? err : put_message(user, m);
}

static int64_t do_call(cap_handle_t handle, uaddr_t user, uint64_t deadline_ns)
{
	struct capability *via;
	struct message m;
	int64_t result = get_message(&m, user);

	if (result < 0)
		return result;
	result = cap_use(current_caps(), handle, OBJECT_PORT, PORT_RIGHT_CALL, &via);
	if (result < 0)
		return result;
	/* An answer cannot be there at once. */
	result = deadline_ns ? call_through(via, &m, user, deadline_ns) : -EAGAIN;
	cap_done(via);
	return result;
}

/* Answer the call m->reply. */
static int64_t answer(cap_handle_t handle, const struct message *m)
{
	struct capability *via;
	struct parcel *parcel;
	int err = cap_use(current_caps(), handle, OBJECT_PORT, PORT_RIGHT_RECEIVE, &via);

	if (err < 0)
		return err;
	err = make_parcel(m, NULL, &parcel);
	if (err < 0)
		goto out;
	err = call_answer(port_of(via->object), m->reply, parcel);
	if (err < 0)
		parcel_take_back(parcel, m);
	else
		close_sent(m);
out:
	cap_done(via);
	return err;
}

static int64_t do_wait(enum waiting what, cap_handle_t handle, uaddr_t user, uint64_t deadline_ns)
{
	switch (what) {
	case WAIT_SEND:
		return do_send(handle, user, deadline_ns);
	case WAIT_RECEIVE:
		return do_receive(handle, user, deadline_ns);
	case WAIT_CALL:
		return do_call(handle, user, deadline_ns);
	}
	return -EINVAL;
}

/* --- the calls ------------------------------------------------------------------------------------- */

/* takes: CAP_DERIVE_*, else EINVAL */
SYSCALL(port_create)
{
	struct port_options options = { 0 };
	struct port *port;
	int result;

	if (ARG(0, uaddr_t)) {
		if (ARG(1, uint64_t) != sizeof(options))
			return -EINVAL;
		if (copy_from_user(&options, ARG(0, uaddr_t), sizeof(options)) < 0)
			return -EFAULT;
	}
	if (options.queue_limit > PORT_QUEUE_MAX || (options.flags & ~CAP_DERIVE_CLOEXEC))
		return -EINVAL;
	if (options.queue_limit == 0)
		options.queue_limit = PORT_QUEUE_DEFAULT;
	result = port_create(options.queue_limit, current_cred()->euid, &port);
	if (result < 0)
		return result;
	result = cap_install(current_caps(), &port->object, PORT_RIGHTS,
			     options.flags & CAP_DERIVE_CLOEXEC ? CAP_CLOEXEC : 0, 0);
	if (result < 0)
		kobject_put(&port->object);
	return result;
}

SYSCALL(port_close)
{
	struct capability *via;
	int err = cap_use(current_caps(), ARG(0, cap_handle_t), OBJECT_PORT, PORT_RIGHT_CONTROL, &via);

	if (err < 0)
		return err;
	port_end(port_of(via->object));
	cap_done(via);
	return 0;
}

SYSCALL(port_send)
{
	return wait_call(WAIT_SEND, args);
}

SYSCALL(port_receive)
{
	return wait_call(WAIT_RECEIVE, args);
}

SYSCALL(port_call)
{
	return wait_call(WAIT_CALL, args);
}

SYSCALL(port_reply)
{
	struct message m;
	int err = get_message(&m, ARG(1, uaddr_t));

	return err < 0 ? err : answer(ARG(0, cap_handle_t), &m);
}

SYSCALL(port_reply_wait)
{
	cap_handle_t handle = ARG(0, cap_handle_t);
	uaddr_t user = ARG(1, uaddr_t);
	uint64_t deadline = deadline_of(ARG(2, uint64_t));
	struct message m;
	int64_t result = get_message(&m, user);

	if (result < 0)
		return result;
	if (m.reply)
		result = answer(handle, &m);
	/* Who waited may have left: nothing that a server could do about it. */
	if (result < 0 && result != -ESRCH)
		return result;
	return restartable(do_receive(handle, user, deadline), WAIT_RECEIVE, handle, user, deadline);
}

/* --- names ----------------------------------------------------------------------------------------- */

static int use_registry(int fd, uint32_t right, struct file_use *use)
{
	int err = file_use(fd, right, use);

	if (err < 0)
		return err;
	if (file_is_port_registry(use->file))
		return 0;
	file_done(use);
	return -EINVAL;
}

static int get_name(char name[PORT_NAME_MAX], uaddr_t user)
{
	ssize_t len = strncpy_from_user(name, user, PORT_NAME_MAX);

	return len < 0 ? (int)len : 0;
}

SYSCALL(port_register)
{
	char name[PORT_NAME_MAX];
	struct capability *via;
	struct file_use registry;
	int err = get_name(name, ARG(2, uaddr_t));

	if (err < 0)
		return err;
	err = use_registry(ARG(0, int), CAP_WRITE, &registry);
	if (err < 0)
		return err;
	err = cap_use(current_caps(), ARG(1, cap_handle_t), OBJECT_PORT, PORT_RIGHT_CONTROL, &via);
	if (err == 0) {
		err = registry_add(via, name);
		cap_done(via);
	}
	file_done(&registry);
	return err;
}

SYSCALL(port_connect)
{
	char name[PORT_NAME_MAX];
	struct cap_derive how;
	struct cap_terms terms;
	struct file_use registry;
	cap_handle_t result = get_name(name, ARG(1, uaddr_t));

	if (result < 0)
		return result;
	if (ARG(3, uint64_t) != sizeof(how))
		return -EINVAL;
	if (copy_from_user(&how, ARG(2, uaddr_t), sizeof(how)) < 0)
		return -EFAULT;
	result = cap_terms_of(&how, &terms);
	if (result < 0)
		return result;
	result = use_registry(ARG(0, int), CAP_READ, &registry);
	if (result < 0)
		return result;
	result = registry_connect(name, &terms, current_caps());
	file_done(&registry);
	return result;
}
