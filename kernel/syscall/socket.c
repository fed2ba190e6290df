/* SPDX-License-Identifier: BSD-2-Clause */
/* The socket calls: from descriptors and structures of programs to sockets and messages. */
#include <kernel/syscall.h>

#include <arch/usercopy.h>
#include <kernel/cap.h>
#include <kernel/confine.h>
#include <kernel/process.h>
#include <kernel/socket.h>
#include <kernel/time.h>
#include <kernel/timespec.h>
#include <serix/abi_fs.h>
#include <serix/errno.h>

#include "user_vec.h"

/* --- using a socket ------------------------------------------------------------------------------------ */

/* A descriptor opened with O_PATH counts as none. */
static int no_socket(const struct file *file)
{
	return atomic_load(&file->flags) & O_PATH ? -EBADF : -ENOTSOCK;
}

/* The descriptor is none, is no socket's, or lacks a right. */
static __noinline int why_refused(int fd)
{
	struct file_use use;
	int err = file_use(fd, 0, &use);

	if (err < 0)
		return err;
	if (!file_is_socket(use.file)) {
		err = no_socket(use.file);
	} else {
		cap_audit(CAP_EVENT_DENIAL, use.cap, "socket");
		err = -EPERM;
	}
	file_done(&use);
	return err;
}

static inline int use_socket(int fd, uint32_t rights, struct file_use *use)
{
	int err;

	if (unlikely(file_use(fd, rights, use) < 0))
		return why_refused(fd);
	if (likely(file_is_socket(use->file)))
		return 0;
	err = no_socket(use->file);
	file_done(use);
	return err;
}

static inline const struct socket_ops *ops_of(const struct file_use *use)
{
	return socket_of(use->file)->ops;
}

static bool nonblocking(const struct file_use *use)
{
	return (atomic_load_explicit(&use->file->flags, memory_order_relaxed) & O_NONBLOCK) || in_request();
}

/* --- addresses ----------------------------------------------------------------------------------------- */

static int get_address(uaddr_t user, int32_t length, struct socket_address *out)
{
	if (length < 0 || (uint32_t)length > ADDR_SIZE)
		return -EINVAL;
	out->length = (uint32_t)length;
	out->family = AF_UNSPEC;
	return length > 0 ? copy_from_user(out->bytes, user, (size_t)length) : 0;
}

/* As much as there is room for; the length is the whole one's. */
static int put_address(const struct socket_address *address, uaddr_t user, uaddr_t user_length)
{
	uint32_t room;

	if (get_user_u32(user_length, &room) < 0)
		return -EFAULT;
	if ((int32_t)room < 0)
		return -EINVAL;
	if (copy_to_user(user, address->bytes, MIN(MIN(room, address->length), ADDR_SIZE)) < 0)
		return -EFAULT;
	return put_user_u32(user_length, address->length);
}

/* --- making -------------------------------------------------------------------------------------------- */

static int check_type(uint32_t *type, uint32_t *flags)
{
	*flags = *type & ~(uint32_t)SOCK_TYPE_MASK;
	*type &= SOCK_TYPE_MASK;
	return *flags & ~(uint32_t)(SOCK_CLOEXEC | SOCK_NONBLOCK) ? -EINVAL : 0;
}

static int check_family(int family, uint32_t type)
{
	if (family < 0 || family >= AF_MAX)
		return -EAFNOSUPPORT;
	return type >= SOCK_TYPES ? -EINVAL : 0;
}

/* A socket of one's own reaches out by names that belong to nobody. */
static int may_make_sockets(void)
{
	if (!confine_capability_mode() && !confine_denies(CONFINE_NO_NETWORK))
		return 0;
	cap_audit(CAP_EVENT_DENIAL, NULL, "new socket");
	return confine_capability_mode() ? -EPERM : -EACCES;
}

/* A descriptor; the socket's reference is used up, whatever happens. */
static int install(struct socket *s, uint32_t flags, struct capability *via)
{
	struct file *file;
	int fd, err = socket_open(s, flags & SOCK_NONBLOCK ? O_NONBLOCK : 0, &file);

	if (err < 0) {
		s->ops->close(s);
		socket_put(s);
		return err;
	}
	fd = via ? cap_install_via(current_process()->caps, via, &file->object, file_rights(file),
				   flags & SOCK_CLOEXEC ? CAP_CLOEXEC : 0, 0)
		 : file_install(file, flags & SOCK_CLOEXEC);
	if (fd < 0)
		file_put(file);
	return fd;
}

/*
 * takes: AF_* in unix_family check_family, but AF_MAX, else EAFNOSUPPORT; SOCK_* in check_type
 * fs/socket/unix.c, but SOCK_TYPE_MASK, else EINVAL for flags, ESOCKTNOSUPPORT for types
 * lacks: networks: AF_UNIX is the only family
 */
SYSCALL(socket)
{
	uint32_t type = ARG(1, uint32_t), flags;
	struct socket *s = NULL;
	int err = check_type(&type, &flags);

	if (err == 0)
		err = check_family(ARG(0, int), type);
	if (err == 0)
		err = may_make_sockets();
	if (err == 0)
		err = socket_create(ARG(0, int), (uint16_t)type, ARG(2, int), &s);
	return err < 0 ? err : install(s, flags, NULL);
}

static int64_t install_pair(struct socket *pair[2], uint32_t flags, uaddr_t user)
{
	struct cap_table *caps = current_process()->caps;
	int32_t fds[2];
	int err;

	fds[0] = install(pair[0], flags, NULL);
	fds[1] = install(pair[1], flags, NULL);
	err = fds[0] < 0 ? fds[0] : fds[1] < 0 ? fds[1] : copy_to_user(user, fds, sizeof(fds));
	for (int i = 0; i < 2 && err < 0; i++)
		if (fds[i] >= 0)
			cap_close(caps, fds[i]);
	return err;
}

/*
 * takes: AF_* in unix_family check_family, but AF_MAX, else EAFNOSUPPORT; SOCK_* in check_type
 * fs/socket/unix.c, but SOCK_TYPE_MASK, else EINVAL for flags, ESOCKTNOSUPPORT for types
 * lacks: networks: AF_UNIX is the only family
 */
SYSCALL(socketpair)
{
	uint32_t type = ARG(1, uint32_t), flags;
	struct socket *pair[2];
	int err = check_type(&type, &flags);

	if (err == 0)
		err = check_family(ARG(0, int), type);
	if (err == 0)
		err = socket_create_pair(ARG(0, int), (uint16_t)type, ARG(2, int), pair);
	return err < 0 ? err : install_pair(pair, flags, ARG(3, uaddr_t));
}

/* --- names and connections ----------------------------------------------------------------------------- */

SYSCALL(bind)
{
	struct socket_address address;
	struct file_use use;
	int err = use_socket(ARG(0, int), SOCKET_RIGHT_BIND, &use);

	if (err < 0)
		return err;
	err = get_address(ARG(1, uaddr_t), ARG(2, int32_t), &address);
	if (err == 0)
		err = ops_of(&use)->bind ? ops_of(&use)->bind(socket_of(use.file), &address) : -EOPNOTSUPP;
	file_done(&use);
	return err;
}

SYSCALL(listen)
{
	uint32_t backlog = MIN(ARG(1, uint32_t), (uint32_t)SOMAXCONN);
	struct file_use use;
	int err = use_socket(ARG(0, int), SOCKET_RIGHT_LISTEN, &use);

	if (err < 0)
		return err;
	err = ops_of(&use)->listen ? ops_of(&use)->listen(socket_of(use.file), backlog) : -EOPNOTSUPP;
	file_done(&use);
	return err;
}

SYSCALL(connect)
{
	struct socket_address address;
	struct file_use use;
	int err = use_socket(ARG(0, int), SOCKET_RIGHT_CONNECT, &use);

	if (err < 0)
		return err;
	err = get_address(ARG(1, uaddr_t), ARG(2, int32_t), &address);
	if (err == 0)
		err = ops_of(&use)->connect
			      ? ops_of(&use)->connect(socket_of(use.file), &address, nonblocking(&use))
			      : -EOPNOTSUPP;
	file_done(&use);
	return err;
}

/* The peer's name goes out before there is a descriptor that would have to be taken back. */
static int accept_one(const struct file_use *use, uaddr_t name, uaddr_t length, uint32_t flags)
{
	struct socket_address peer;
	struct socket *s;
	int err = ops_of(use)->accept ? ops_of(use)->accept(socket_of(use->file), nonblocking(use), &s)
				      : -EOPNOTSUPP;

	if (err < 0)
		return err;
	if (name) {
		/* It may be gone already, which the first read tells. */
		if (s->ops->name(s, true, &peer) < 0)
			peer = (struct socket_address){ .length = sizeof(peer.family),
							.family = s->ops->family };
		err = put_address(&peer, name, length);
		if (err < 0) {
			s->ops->close(s);
			socket_put(s);
			return err;
		}
	}
	return install(s, flags, use->cap);
}

static int64_t do_accept(int fd, uaddr_t name, uaddr_t length, uint32_t flags)
{
	struct file_use use;
	int err = use_socket(fd, SOCKET_RIGHT_ACCEPT, &use);

	if (err < 0)
		return err;
	if (flags & ~(uint32_t)(SOCK_CLOEXEC | SOCK_NONBLOCK))
		err = -EINVAL;
	else
		err = accept_one(&use, name, length, flags);
	file_done(&use);
	return err;
}

SYSCALL(accept)
{
	return do_accept(ARG(0, int), ARG(1, uaddr_t), ARG(2, uaddr_t), 0);
}

/* takes: SOCK_* in do_accept, else EINVAL */
SYSCALL(accept4)
{
	return do_accept(ARG(0, int), ARG(1, uaddr_t), ARG(2, uaddr_t), ARG(3, uint32_t));
}

static int64_t get_name(const struct syscall_args *args, bool peer)
{
	struct socket_address address;
	struct file_use use;
	int err = use_socket(ARG(0, int), SOCKET_RIGHT_GETOPT, &use);

	if (err < 0)
		return err;
	err = ops_of(&use)->name ? ops_of(&use)->name(socket_of(use.file), peer, &address) : -EOPNOTSUPP;
	if (err == 0)
		err = put_address(&address, ARG(1, uaddr_t), ARG(2, uaddr_t));
	file_done(&use);
	return err;
}

SYSCALL(getsockname)
{
	return get_name(args, false);
}

SYSCALL(getpeername)
{
	return get_name(args, true);
}

/* takes: SHUT_*, else EINVAL */
SYSCALL(shutdown)
{
	static const uint32_t meant[] = {
		[SHUT_RD] = SOCKET_SHUT_RECEIVE, [SHUT_WR] = SOCKET_SHUT_SEND, [SHUT_RDWR] = SOCKET_SHUT_BOTH
	};
	uint32_t how = ARG(1, uint32_t);
	struct file_use use;
	int err = use_socket(ARG(0, int), SOCKET_RIGHT_SHUTDOWN, &use);

	if (err < 0)
		return err;
	if (how >= ARRAY_SIZE(meant))
		err = -EINVAL;
	else
		err = ops_of(&use)->shutdown ? ops_of(&use)->shutdown(socket_of(use.file), meant[how])
					     : -EOPNOTSUPP;
	file_done(&use);
	return err;
}

/* --- options ------------------------------------------------------------------------------------------- */

/*
 * takes: SO_* in switches set_number set_own, not SO_ATTACH_FILTER SO_DETACH_FILTER SO_LOCK_FILTER
 * SO_TIMESTAMP SO_TIMESTAMPNS SO_MARK SO_PEEK_OFF SO_PASSSEC SO_BINDTODEVICE SO_ZEROCOPY (ENOPROTOOPT), else
 * ENOPROTOOPT
 */
SYSCALL(setsockopt)
{
	struct file_use use;
	int err;

	if (ARG(4, int32_t) < 0)
		return -EINVAL;
	err = use_socket(ARG(0, int), SOCKET_RIGHT_SETOPT, &use);
	if (err < 0)
		return err;
	err = socket_set_option(socket_of(use.file), ARG(1, int), ARG(2, int), ARG(3, uaddr_t),
				ARG(4, uint32_t));
	file_done(&use);
	return err;
}

/*
 * takes: SO_* in switches get_number get_own unix_get_option, not SO_PEERGROUPS SO_PEERSEC SO_TIMESTAMP
 * SO_MARK SO_PEEK_OFF SO_PASSSEC (ENOPROTOOPT), else ENOPROTOOPT
 */
SYSCALL(getsockopt)
{
	struct file_use use;
	int err = use_socket(ARG(0, int), SOCKET_RIGHT_GETOPT, &use);

	if (err < 0)
		return err;
	err = socket_get_option(socket_of(use.file), ARG(1, int), ARG(2, int), ARG(3, uaddr_t),
				ARG(4, uaddr_t));
	file_done(&use);
	return err;
}

/* --- sending ------------------------------------------------------------------------------------------- */

/* Flags that families which have no use for them may pass over, as Linux's do. */
/* clang-format off */
#define HINTS \
	(MSG_DONTROUTE | MSG_EOR | MSG_CONFIRM | MSG_NOSIGNAL | MSG_MORE | MSG_BATCH | MSG_WAITFORONE)
/* clang-format on */
#define SEND_FLAGS (HINTS | MSG_DONTWAIT)
#define RECEIVE_FLAGS \
	(HINTS | MSG_DONTWAIT | MSG_PEEK | MSG_WAITALL | MSG_TRUNC | MSG_CTRUNC | MSG_CMSG_CLOEXEC)

static int check_flags(uint32_t flags, uint32_t known)
{
	return flags & ~known ? -EOPNOTSUPP : 0;
}

/* Naming a receiver with each message is connecting to it. */
static uint32_t rights_to_send(bool named)
{
	return SOCKET_RIGHT_SEND | (named ? SOCKET_RIGHT_CONNECT : 0);
}

/*
 * takes: MSG_* in SEND_FLAGS check_flags, not MSG_OOB MSG_ZEROCOPY MSG_FASTOPEN (EOPNOTSUPP), else
 * EOPNOTSUPP
 */
SYSCALL(sendto)
{
	struct socket_address name __attribute__((uninitialized));
	struct socket_message m = { .flags = ARG(3, uint32_t) };
	size_t len = ARG(2, size_t);
	struct abi_iovec iov;
	struct file_use use;
	struct iobuf io;
	int64_t n = use_socket(ARG(0, int), rights_to_send(args->a[4] && ARG(5, int32_t)), &use);

	if (n < 0)
		return n;
	n = user_buffer_check(ARG(1, uaddr_t), len);
	if (n == 0)
		n = check_flags(m.flags, SEND_FLAGS);
	if (n == 0 && args->a[4]) {
		n = get_address(ARG(4, uaddr_t), ARG(5, int32_t), &name);
		m.name = n == 0 && name.length ? &name : NULL;
	}
	if (n == 0) {
		iobuf_init_user(&io, &iov, ARG(1, uaddr_t), MIN(len, (size_t)RW_COUNT_MAX));
		m.io = &io;
		n = socket_send(use.file, &m);
	}
	file_done(&use);
	return n;
}

/* A message header, checked, and its buffers; user_vec_put() on success. */
static int get_header(struct abi_msghdr *h, uaddr_t user, struct user_vec *vec, struct iobuf *io)
{
	int err;

	if (copy_from_user(h, user, sizeof(*h)) < 0)
		return -EFAULT;
	if (!h->name)
		h->name_len = 0;
	if (h->name_len < 0)
		return -EINVAL;
	h->name_len = MIN(h->name_len, (int32_t)ADDR_SIZE);
	if (h->iov_count > IOV_MAX)
		return -EMSGSIZE;
	err = user_vec_get(vec, h->iov, h->iov_count);
	if (err == 0)
		iobuf_init_vec(io, vec->iov, (uint32_t)h->iov_count, vec->total);
	return err;
}

static int64_t send_header(const struct file_use *use, const struct abi_msghdr *h, struct socket_message *m)
{
	struct socket_address name __attribute__((uninitialized));
	int64_t n = check_flags(m->flags, SEND_FLAGS);

	if (n == 0 && h->name_len > 0) {
		if (!(atomic_load(&use->cap->rights) & SOCKET_RIGHT_CONNECT))
			return -EPERM;
		n = get_address(h->name, h->name_len, &name);
		/* cppcheck-suppress autoVariables ; nobody reads it after this call */
		m->name = &name;
	}
	if (n == 0 && h->control_len > INT32_MAX)
		n = -ENOBUFS;
	if (n == 0 && h->control_len > 0)
		n = socket_read_control(h->control, h->control_len, &m->control);
	if (n == 0)
		n = socket_send(use->file, m);
	m->name = NULL;
	return n;
}

static int64_t send_message(const struct file_use *use, uaddr_t user, uint32_t flags)
{
	struct socket_message m = { .flags = flags };
	struct abi_msghdr h;
	struct user_vec vec;
	struct iobuf io;
	int64_t n = get_header(&h, user, &vec, &io);

	if (n < 0)
		return n;
	m.io = &io;
	n = send_header(use, &h, &m);
	user_vec_put(&vec);
	return n;
}

/*
 * takes: MSG_* in SEND_FLAGS check_flags, not MSG_OOB MSG_ZEROCOPY MSG_FASTOPEN (EOPNOTSUPP), else
 * EOPNOTSUPP
 */
SYSCALL(sendmsg)
{
	struct file_use use;
	int64_t n = use_socket(ARG(0, int), SOCKET_RIGHT_SEND, &use);

	if (n < 0)
		return n;
	n = send_message(&use, ARG(1, uaddr_t), ARG(2, uint32_t));
	file_done(&use);
	return n;
}

/*
 * takes: MSG_* in SEND_FLAGS check_flags, not MSG_OOB MSG_ZEROCOPY MSG_FASTOPEN (EOPNOTSUPP), else
 * EOPNOTSUPP
 */
SYSCALL(sendmmsg)
{
	uint32_t count = MIN(ARG(2, uint32_t), (uint32_t)IOV_MAX), sent = 0;
	uaddr_t at = ARG(1, uaddr_t);
	struct file_use use;
	int64_t n = use_socket(ARG(0, int), SOCKET_RIGHT_SEND, &use);

	if (n < 0)
		return n;
	for (; sent < count && n >= 0; at += sizeof(struct abi_mmsghdr)) {
		n = send_message(&use, at, ARG(3, uint32_t));
		if (n >= 0 && put_user_u32(at + offsetof(struct abi_mmsghdr, len), (uint32_t)n) < 0)
			n = -EFAULT;
		sent += n >= 0;
	}
	file_done(&use);
	return sent > 0 ? sent : n;
}

/* --- receiving ----------------------------------------------------------------------------------------- */

/* takes: MSG_* in RECEIVE_FLAGS check_flags, not MSG_OOB MSG_ERRQUEUE (EOPNOTSUPP), else EOPNOTSUPP */
SYSCALL(recvfrom)
{
	struct socket_address name __attribute__((uninitialized));
	struct socket_message m = { .flags = ARG(3, uint32_t) };
	size_t len = ARG(2, size_t);
	struct abi_iovec iov;
	struct file_use use;
	struct iobuf io;
	int64_t n = use_socket(ARG(0, int), SOCKET_RIGHT_RECEIVE, &use);
	int err = 0;

	if (n < 0)
		return n;
	n = user_buffer_check(ARG(1, uaddr_t), len);
	if (n == 0)
		n = check_flags(m.flags, RECEIVE_FLAGS);
	if (n == 0) {
		iobuf_init_user(&io, &iov, ARG(1, uaddr_t), MIN(len, (size_t)RW_COUNT_MAX));
		name.length = 0;
		m.io = &io;
		m.name = args->a[4] ? &name : NULL;
		n = socket_receive(use.file, &m);
	}
	file_done(&use);
	if (n >= 0 && args->a[4])
		err = put_address(&name, ARG(4, uaddr_t), ARG(5, uaddr_t));
	return err < 0 ? err : n;
}

/* The name, the flags and how much there was of control messages. */
static int put_header(const struct abi_msghdr *h, uaddr_t user, const struct socket_message *m)
{
	uint32_t flags = m->result | (m->flags & MSG_CMSG_CLOEXEC);

	if (h->name && copy_to_user(h->name, m->name->bytes, MIN((uint32_t)h->name_len, m->name->length)) < 0)
		return -EFAULT;
	if (h->name && put_user_u32(user + offsetof(struct abi_msghdr, name_len), m->name->length) < 0)
		return -EFAULT;
	if (put_user_u32(user + offsetof(struct abi_msghdr, flags), flags) < 0)
		return -EFAULT;
	return put_user_u64(user + offsetof(struct abi_msghdr, control_len), m->sink->used);
}

static int64_t receive_message(const struct file_use *use, uaddr_t user, uint32_t flags)
{
	struct socket_address name;
	struct socket_message m = { .flags = flags };
	struct socket_sink sink;
	struct abi_msghdr h;
	struct user_vec vec;
	struct iobuf io;
	int64_t n = get_header(&h, user, &vec, &io);
	int err;

	if (n < 0)
		return n;
	n = check_flags(flags, RECEIVE_FLAGS);
	if (n == 0) {
		sink = (struct socket_sink){ .base = h.control, .size = h.control ? h.control_len : 0 };
		name.length = 0;
		m.io = &io;
		m.name = &name;
		m.sink = &sink;
		n = socket_receive(use->file, &m);
		err = n < 0 ? 0 : put_header(&h, user, &m);
		n = err < 0 ? err : n;
	}
	user_vec_put(&vec);
	return n;
}

/* takes: MSG_* in RECEIVE_FLAGS check_flags, not MSG_OOB MSG_ERRQUEUE (EOPNOTSUPP), else EOPNOTSUPP */
SYSCALL(recvmsg)
{
	struct file_use use;
	int64_t n = use_socket(ARG(0, int), SOCKET_RIGHT_RECEIVE, &use);

	if (n < 0)
		return n;
	n = receive_message(&use, ARG(1, uaddr_t), ARG(2, uint32_t));
	file_done(&use);
	return n;
}

static int get_deadline(uaddr_t user, uint64_t *deadline)
{
	struct abi_timespec ts;

	*deadline = WAIT_FOREVER;
	if (!user)
		return 0;
	if (copy_from_user(&ts, user, sizeof(ts)) < 0)
		return -EFAULT;
	if (!timespec_valid(&ts))
		return -EINVAL;
	*deadline = socket_deadline(timespec_to_ns(&ts));
	return 0;
}

/* What was left, as Linux tells it; looked at between messages only, as there. */
static int put_time_left(uaddr_t user, uint64_t deadline)
{
	uint64_t now = time_now_ns();
	struct abi_timespec left = ns_to_timespec(deadline > now ? deadline - now : 0);

	return user ? copy_to_user(user, &left, sizeof(left)) : 0;
}

static int64_t receive_messages(const struct file_use *use, const struct syscall_args *args,
				uint64_t deadline)
{
	uint32_t count = MIN(ARG(2, uint32_t), (uint32_t)IOV_MAX), flags = ARG(3, uint32_t), got = 0;
	uaddr_t at = ARG(1, uaddr_t);
	int64_t n = socket_take_error(socket_of(use->file));

	for (; got < count && n >= 0; at += sizeof(struct abi_mmsghdr)) {
		n = receive_message(use, at, flags & ~MSG_WAITFORONE);
		if (n >= 0 && put_user_u32(at + offsetof(struct abi_mmsghdr, len), (uint32_t)n) < 0)
			n = -EFAULT;
		if (n < 0)
			break;
		got++;
		if (flags & MSG_WAITFORONE)
			flags |= MSG_DONTWAIT;
		if (deadline != WAIT_FOREVER && time_now_ns() >= deadline)
			break;
	}
	/* An error behind what was received is told by the next call. */
	if (got > 0 && n < 0 && n != -EAGAIN && n > -ERESTARTSYS)
		atomic_store(&socket_of(use->file)->error, (int32_t)-n);
	return got > 0 ? got : n;
}

/* takes: MSG_* in RECEIVE_FLAGS check_flags, not MSG_OOB MSG_ERRQUEUE (EOPNOTSUPP), else EOPNOTSUPP */
SYSCALL(recvmmsg)
{
	struct file_use use;
	uint64_t deadline;
	int64_t n = get_deadline(ARG(4, uaddr_t), &deadline);

	if (n < 0)
		return n;
	n = use_socket(ARG(0, int), SOCKET_RIGHT_RECEIVE, &use);
	if (n < 0)
		return n;
	n = receive_messages(&use, args, deadline);
	file_done(&use);
	if (n > 0 && put_time_left(ARG(4, uaddr_t), deadline) < 0)
		return -EFAULT;
	return n;
}
