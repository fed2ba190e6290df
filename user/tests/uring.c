/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asynchronous I/O by rings, as io_uring_enter(2) has it: rings, what requests do with files, names and
 * sockets, and what is registered.  All of this holds on Linux, too.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>

#include "tap.h"
#include "uring_steps.h"

/* --- making --------------------------------------------------------------------------------------------- */

static int setup(unsigned entries, unsigned flags, unsigned cq_entries)
{
	struct ring r;
	int err = ring_setup(&r, entries, flags, cq_entries);

	if (err == 0)
		ring_end(&r);
	return err;
}

static void sizes(void)
{
	struct ring r;

	need(setup(0, 0, 0) == -EINVAL && setup(32769, 0, 0) == -EINVAL && setup(1, 1u << 30, 0) == -EINVAL);
	need(ring_setup(&r, 5, 0, 0) == 0 && r.p.sq_entries == 8 && r.p.cq_entries == 16);
	need(*ring_word(&r, r.p.sq_off.ring_mask) == 7 && *ring_word(&r, r.p.cq_off.ring_entries) == 16);
	ring_end(&r);
	need(ring_setup(&r, 40000, IORING_SETUP_CLAMP, 0) == 0 && r.p.sq_entries == 32768);
	ring_end(&r);
	need(ring_setup(&r, 4, IORING_SETUP_CQSIZE, 100) == 0 && r.p.cq_entries == 128);
	ring_end(&r);
	need(setup(8, IORING_SETUP_CQSIZE, 4) == -EINVAL && setup(8, IORING_SETUP_CQSIZE, 0) == -EINVAL);
	need(syscall(SYS_io_uring_setup, 8, 8) == -1 && errno == EFAULT);
	need(syscall(SYS_io_uring_enter, 0, 0, 0, 0, NULL, 0l) == -1 && errno == EOPNOTSUPP);
	need(syscall(SYS_io_uring_enter, 99, 0, 0, 0, NULL, 0l) == -1 && errno == EBADF);
	make();
	need(ring_enter(&ring, 0, 0, 1u << 20) == -EINVAL);
	need(mmap(NULL, 4096, PROT_READ, MAP_SHARED, ring.fd, 0x4000000) == MAP_FAILED && errno == ENOMEM);
}

static void nops(void)
{
	make();
	for (int round = 0; round < 100; round++) {
		for (uint64_t i = 0; i < 8; i++)
			put_as(nop(), 100 + i, 0);
		need(ring_submit(&ring, 8) == 8);
		for (uint64_t i = 0; i < 8; i++)
			need(is(100 + i, 0));
	}
	need(nothing());
}

static void is_a_file(void)
{
	struct pollfd p;
	struct stat st;

	make();
	p = (struct pollfd){ .fd = ring.fd, .events = POLLIN | POLLOUT };
	need(poll(&p, 1, 0) == 1 && p.revents == POLLOUT);
	put(nop());
	need(ring_submit(&ring, 0) == 1 && poll(&p, 1, 0) == 1 && p.revents == (POLLIN | POLLOUT));
	need(fstat(ring.fd, &st) == 0 && fcntl(ring.fd, F_GETFD) == FD_CLOEXEC);
	need(read(ring.fd, &st, 8) == -1 && errno == EINVAL);
}

/* --- transfers ------------------------------------------------------------------------------------------ */

static void reads_and_writes(void)
{
	char text[16] = "", a[3], b[8];
	struct iovec out[2] = { { "abc", 3 }, { "defgh", 5 } }, in[2] = { { a, 3 }, { b, 8 } };
	int fd = file();

	make();
	need(run(sqe_of(IORING_OP_WRITE, fd, "hello world", 11, 0)) == 11);
	need(run(sqe_of(IORING_OP_READ, fd, text, 5, 6)) == 5 && memcmp(text, "world", 5) == 0);
	need(run(sqe_of(IORING_OP_READ, fd, text, 5, 11)) == 0 && lseek(fd, 0, SEEK_CUR) == 0);
	need(run(sqe_of(IORING_OP_READ, fd, text, 5, -1ul)) == 5 && lseek(fd, 0, SEEK_CUR) == 5);
	need(run(sqe_of(IORING_OP_WRITEV, fd, out, 2, 4)) == 8);
	need(run(sqe_of(IORING_OP_READV, fd, in, 2, 4)) == 8 && memcmp(b, "defgh", 5) == 0);
	need(run(sqe_of(IORING_OP_FSYNC, fd, NULL, 0, 0)) == 0);
	need(run(sqe_of(IORING_OP_FALLOCATE, fd, (void *)100, 0, 0)) == 0);
	need(lseek(fd, 0, SEEK_END) == 100);
	need(run(sqe_of(IORING_OP_FADVISE, fd, NULL, 100, 0)) == 0);
	need(run(sqe_of(IORING_OP_MADVISE, -1, ring.rings, 4096, 0)) == 0);
}

static void errors(void)
{
	struct abi_sqe s;
	int fd = file(), p[2];

	make();
	need(pipe(p) == 0);
	need(run(sqe_of(IORING_OP_READ, 99, NULL, 0, 0)) == -EBADF);
	need(run(sqe_of(IORING_OP_WRITE, p[0], "x", 1, 0)) == -EBADF);
	need(run(sqe_of(IORING_OP_WRITE, fd, (void *)8, 1, 0)) == -EFAULT);
	need(run(sqe_of(200, fd, NULL, 0, 0)) == -EINVAL);
	s = nop();
	s.flags = 0x80;
	need(run(s) == -EINVAL);
	s = nop();
	s.personality = 1;
	need(run(s) == -EINVAL);
	s = sqe_of(IORING_OP_READ, fd, NULL, 0, 0);
	s.flags = IOSQE_FIXED_FILE;
	need(run(s) == -EBADF);
}

/* What cannot go on waits, and the call does not. */
static void a_read_waits(void)
{
	char text[8] = "";
	int p[2];

	make();
	need(pipe(p) == 0);
	put_as(sqe_of(IORING_OP_READ, p[0], text, 8, 0), 1, 0);
	need(ring_submit(&ring, 0) == 1 && nothing());
	put_as(nop(), 2, 0);
	need(ring_submit(&ring, 1) == 1 && is(2, 0) && nothing());
	need(write(p[1], "abc", 3) == 3);
	need(is(1, 3) && memcmp(text, "abc", 3) == 0);
	/* A closed descriptor does not end it, the other end does. */
	put_as(sqe_of(IORING_OP_READ, p[0], text, 8, 0), 3, 0);
	need(ring_submit(&ring, 0) == 1 && close(p[0]) == 0 && nothing());
	need(close(p[1]) == 0 && is(3, 0));
}

static void a_write_waits(void)
{
	static char big[70000];
	int p[2], n;

	make();
	need(pipe(p) == 0 && fcntl(p[1], F_SETFL, O_NONBLOCK) == 0);
	while (write(p[1], big, 4096) > 0)
		;
	put_as(sqe_of(IORING_OP_WRITE, p[1], "abc", 3, 0), 1, 0);
	need(ring_submit(&ring, 0) == 1 && nothing());
	n = (int)read(p[0], big, sizeof(big));
	need(n > 0 && is(1, 3) && read(p[0], big, sizeof(big)) == 3);
}

static void nowait(void)
{
	struct abi_sqe s;
	int p[2], v[2];
	char text[8];

	make();
	need(pipe(p) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, v) == 0);
	s = sqe_of(IORING_OP_READ, p[0], text, 8, 0);
	s.op_flags = 8; /* RWF_NOWAIT */
	need(run(s) == -EAGAIN);
	s = sqe_of(IORING_OP_RECV, v[0], text, 8, 0);
	s.op_flags = MSG_DONTWAIT;
	need(run(s) == -EAGAIN);
}

static void counters_and_timers(void)
{
	uint64_t n = 0, five = 5;
	int e = eventfd(0, 0);

	make();
	put_as(sqe_of(IORING_OP_READ, e, &n, 8, 0), 1, 0);
	need(ring_submit(&ring, 0) == 1 && nothing() && write(e, &five, 8) == 8);
	need(is(1, 8) && n == 5);
}

/* --- names and sockets ---------------------------------------------------------------------------------- */

static void names(void)
{
	char dir[] = "/tmp/uring-XXXXXX";
	struct abi_sqe s;
	char x[256];
	int fd;

	make();
	need(mkdtemp(dir) && chdir(dir) == 0);
	need(run(sqe_of(IORING_OP_MKDIRAT, AT_FDCWD, "d", 0755, 0)) == 0);
	s = sqe_of(IORING_OP_OPENAT, AT_FDCWD, "d/f", 0644, 0);
	s.op_flags = O_CREAT | O_RDWR;
	fd = run(s);
	need(fd >= 0 && write(fd, "abc", 3) == 3);
	need(run(sqe_of(IORING_OP_STATX, AT_FDCWD, "d/f", 0x7ff, (uintptr_t)x)) == 0);
	need(*(uint64_t *)(x + 40) == 3); /* stx_size */
	need(run(sqe_of(IORING_OP_LINKAT, AT_FDCWD, "d/f", (unsigned)AT_FDCWD, (uintptr_t) "d/g")) == 0);
	need(run(sqe_of(IORING_OP_SYMLINKAT, AT_FDCWD, "g", 0, (uintptr_t) "d/l")) == 0);
	need(run(sqe_of(IORING_OP_RENAMEAT, AT_FDCWD, "d/g", (unsigned)AT_FDCWD, (uintptr_t) "d/h")) == 0);
	need(access("d/h", F_OK) == 0 && access("d/l", F_OK) == -1);
	need(run(sqe_of(IORING_OP_UNLINKAT, AT_FDCWD, "d/h", 0, 0)) == 0);
	need(run(sqe_of(IORING_OP_UNLINKAT, AT_FDCWD, "d/h", 0, 0)) == -ENOENT);
	need(run(sqe_of(IORING_OP_CLOSE, fd, NULL, 0, 0)) == 0 && write(fd, "x", 1) == -1);
	need(run(sqe_of(IORING_OP_CLOSE, fd, NULL, 0, 0)) == -EBADF);
	need(unlink("d/f") == 0 && unlink("d/l") == 0 && rmdir("d") == 0 && rmdir(dir) == 0);
}

static void sockets(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX, .sun_path = "\0uring-test" };
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0), server;
	struct iovec iov;
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	char text[8] = "";
	struct abi_cqe c;

	make();
	need(bind(listener, (void *)&name, sizeof(name)) == 0 && listen(listener, 4) == 0);
	put_as(sqe_of(IORING_OP_ACCEPT, listener, NULL, 0, 0), 1, 0);
	need(ring_submit(&ring, 0) == 1 && nothing());
	put_as(sqe_of(IORING_OP_CONNECT, client, &name, 0, sizeof(name)), 2, 0);
	need(ring_submit(&ring, 2) == 1);
	c = next();
	if (c.user_data == 2) {
		need(c.res == 0);
		c = next();
	} else {
		need(is(2, 0));
	}
	server = c.res;
	need(server >= 0);
	put_as(sqe_of(IORING_OP_RECV, server, text, 8, 0), 3, 0);
	need(ring_submit(&ring, 0) == 1 && nothing());
	put_as(sqe_of(IORING_OP_SEND, client, "abc", 3, 0), 4, IOSQE_CQE_SKIP_SUCCESS);
	need(ring_submit(&ring, 1) == 1 && is(3, 3) && memcmp(text, "abc", 3) == 0);
	iov = (struct iovec){ "defg", 4 };
	need(run(sqe_of(IORING_OP_SENDMSG, server, &m, 1, 0)) == 4);
	iov = (struct iovec){ text, 8 };
	need(run(sqe_of(IORING_OP_RECVMSG, client, &m, 1, 0)) == 4 && memcmp(text, "defg", 4) == 0);
	need(run(sqe_of(IORING_OP_SHUTDOWN, client, NULL, SHUT_WR, 0)) == 0);
	need(run(sqe_of(IORING_OP_RECV, server, text, 8, 0)) == 0 && close(client) == 0);
	need(run(sqe_of(IORING_OP_SEND, server, "x", 1, 0)) == -EPIPE); /* and no signal */
}

/* --- what is registered --------------------------------------------------------------------------------- */

static void buffers(void)
{
	/* In one mapping: Linux wants that. */
	char *memory = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iovec iov[2] = { { memory, 4096 }, { memory + 4096, 4096 } };
	struct abi_sqe s;
	int fd = file();

	make();
	need(ring_register(&ring, IORING_UNREGISTER_BUFFERS, NULL, 0) == -ENXIO);
	need(ring_register(&ring, IORING_REGISTER_BUFFERS, iov, 2) == 0);
	need(ring_register(&ring, IORING_REGISTER_BUFFERS, iov, 2) == -EBUSY);
	memcpy(memory, "abcd", 4);
	need(run(sqe_of(IORING_OP_WRITE_FIXED, fd, memory, 4, 0)) == 4);
	s = sqe_of(IORING_OP_READ_FIXED, fd, memory + 5000, 4, 0);
	need(run(s) == -EFAULT);
	s.buf_index = 1;
	need(run(s) == 4 && memcmp(memory + 5000, "abcd", 4) == 0);
	s.len = 8192;
	need(run(s) == -EFAULT);
	s.buf_index = 2;
	need(run(s) == -EFAULT);
	need(ring_register(&ring, IORING_UNREGISTER_BUFFERS, NULL, 0) == 0);
	iov[0].iov_base = (void *)8;
	need(ring_register(&ring, IORING_REGISTER_BUFFERS, iov, 1) == -EFAULT);
}

static void files(void)
{
	int fds[3] = { file(), -1, file() }, p[2], other;
	struct abi_uring_files_update up = { .offset = 1, .fds = (uintptr_t)&other };
	struct abi_sqe s = sqe_of(IORING_OP_WRITE, 0, "abc", 3, 0);
	char text[8] = "";

	make();
	need(pipe(p) == 0);
	need(ring_register(&ring, IORING_REGISTER_FILES, fds, 3) == 0);
	need(ring_register(&ring, IORING_REGISTER_FILES, fds, 3) == -EBUSY);
	s.flags = IOSQE_FIXED_FILE;
	need(run(s) == 3 && pread(fds[0], text, 8, 0) == 3);
	s.fd = 1;
	need(run(s) == -EBADF);
	s.fd = 3;
	need(run(s) == -EBADF);
	other = p[0];
	need(ring_register(&ring, IORING_REGISTER_FILES_UPDATE, &up, 1) == 1 && close(p[0]) == 0);
	s = sqe_of(IORING_OP_READ, 1, text, 8, 0);
	put_as(s, 1, IOSQE_FIXED_FILE);
	need(ring_submit(&ring, 0) == 1 && nothing() && write(p[1], "hello", 5) == 5 && is(1, 5));
	put_as(s, 2, IOSQE_FIXED_FILE);
	other = -1;
	need(ring_submit(&ring, 0) == 1);
	need(ring_register(&ring, IORING_REGISTER_FILES_UPDATE, &up, 1) == 1);
	need(write(p[1], "x", 1) == 1 && is(2, 1));
	need(ring_register(&ring, IORING_UNREGISTER_FILES, NULL, 0) == 0);
	need(ring_register(&ring, IORING_UNREGISTER_FILES, NULL, 0) == -ENXIO);
}

static void events(void)
{
	int e = eventfd(0, EFD_NONBLOCK), fd = file();
	uint64_t n;

	make();
	need(ring_register(&ring, IORING_REGISTER_EVENTFD, &fd, 1) == -EINVAL);
	need(ring_register(&ring, IORING_REGISTER_EVENTFD, &e, 1) == 0);
	need(ring_register(&ring, IORING_REGISTER_EVENTFD, &e, 1) == -EBUSY);
	need(run(nop()) == 0 && run(nop()) == 0 && read(e, &n, 8) == 8 && n == 2);
	need(ring_register(&ring, IORING_UNREGISTER_EVENTFD, NULL, 0) == 0);
	need(run(nop()) == 0 && read(e, &n, 8) == -1);
}

static void a_probe(void)
{
	char bytes[16 + 256 * 8] = "";
	struct abi_uring_probe *probe = (void *)bytes;

	make();
	need(ring_register(&ring, IORING_REGISTER_PROBE, bytes, 256) == 0);
	need(probe->last_op >= IORING_OP_LINKAT && probe->ops[IORING_OP_READ].flags == 1);
	need(ring_register(&ring, 200, NULL, 0) == -EINVAL);
}

static void disabled(void)
{
	make_with(8, IORING_SETUP_R_DISABLED, 0);
	put(nop());
	need(ring_submit(&ring, 1) == -EBADFD);
	need(ring_register(&ring, IORING_REGISTER_ENABLE_RINGS, NULL, 0) == 0);
	need(ring_submit(&ring, 1) == 1 && is(42, 0));
	need(ring_register(&ring, IORING_REGISTER_ENABLE_RINGS, NULL, 0) == -EBADFD);
}

int main(void)
{
	tap(passes(sizes), "rings and their sizes");
	tap(passes(nops), "requests that do nothing, in order");
	tap(passes(is_a_file), "a ring is a file");
	tap(passes(reads_and_writes), "reads, writes and what else is done to files");
	tap(passes(errors), "errors");
	tap(passes(a_read_waits), "a read waits");
	tap(passes(a_write_waits), "a write waits");
	tap(passes(nowait), "unless it does not want to");
	tap(passes(counters_and_timers), "a counter is waited for");
	tap(passes(names), "names");
	tap(passes(sockets), "sockets");
	tap(passes(buffers), "registered buffers");
	tap(passes(files), "registered files");
	tap(passes(events), "a registered eventfd");
	tap(passes(a_probe), "what there is");
	tap(passes(disabled), "a ring that is not enabled yet");
	return tap_end();
}
