/* SPDX-License-Identifier: BSD-2-Clause */
/* Rings and capabilities: what a descriptor does not grant no request does, a revocation ends what waits, and
 * a confined process gains nothing by a ring. */
#include "cap_files.h"

#include <poll.h>

#include "uring_calls.h"

static struct ring ring;

static void make(void)
{
	need(ring_setup(&ring, 8, 0, 0) == 0);
}

static int result(void)
{
	struct abi_cqe c = { 0 };

	while (!ring_get(&ring, &c))
		need(ring_submit(&ring, 1) >= 0);
	return c.res;
}

static int run(struct abi_sqe sqe)
{
	ring_put(&ring, &sqe);
	return result();
}

static void rights_of_files(void)
{
	char text[8] = "";
	int fd = file();

	make();
	need(run(sqe_of(IORING_OP_WRITE, with_rights(fd, FILE_RIGHT_READ | FILE_RIGHT_SEEK), "x", 1, 0)) ==
	     -EBADF);
	need(run(sqe_of(IORING_OP_READ, with_rights(fd, FILE_RIGHT_READ), text, 1, 0)) == -EPERM);
	need(run(sqe_of(IORING_OP_READ, with_rights(fd, FILE_RIGHT_READ | FILE_RIGHT_SEEK), text, 1, 0)) ==
	     1);
	need(run(sqe_of(IORING_OP_FALLOCATE, with_rights(fd, FILE_RIGHT_WRITE), (void *)9, 0, 0)) == -EPERM);
}

static void rights_of_rings(void)
{
	struct cap_info info;
	int less;

	make();
	need(cap_query(cap_handle(ring.fd), &info) == 0 && info.type == CAP_TYPE_RING);
	need(!(info.rights & CAP_RIGHT_GRANT));
	less = with_rights(ring.fd, RING_RIGHT_WAIT | FILE_RIGHT_MAP);
	need(syscall(SYS_io_uring_enter, less, 0, 0, 0, NULL, 0l) == -1 && errno == EPERM);
	need(syscall(SYS_io_uring_register, less, IORING_UNREGISTER_FILES, NULL, 0) == -1 && errno == EPERM);
	need(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, less, 0) == MAP_FAILED && errno == EACCES);
	need(mmap(NULL, 4096, PROT_READ, MAP_SHARED, less, 0) != MAP_FAILED);
}

static void revocation_ends_a_wait(void)
{
	char text[8];
	int p[2], victim;
	struct abi_sqe s;

	make();
	need(pipe(p) == 0);
	victim = with_rights(p[0], ALL_RIGHTS);
	s = sqe_of(IORING_OP_READ, victim, text, 8, 0);
	ring_put(&ring, &s);
	need(ring_submit(&ring, 0) == 1 && cap_revoke(victim, 0) == 0 && result() == -EBADF);
	victim = with_rights(p[0], ALL_RIGHTS);
	s = sqe_of(IORING_OP_POLL_ADD, victim, NULL, 0, 0);
	s.op_flags = POLLIN;
	ring_put(&ring, &s);
	need(ring_submit(&ring, 0) == 1 && cap_revoke(victim, 0) == 0 && result() == -EBADF);
}

static void revocation_of_a_registered_file(void)
{
	int fd = file(), victim = with_rights(fd, ALL_RIGHTS);
	struct abi_sqe s = sqe_of(IORING_OP_WRITE, 0, "x", 1, 0);

	make();
	s.flags = IOSQE_FIXED_FILE;
	need(ring_register(&ring, IORING_REGISTER_FILES, &victim, 1) == 0 && run(s) == 1);
	need(cap_revoke(victim, 0) == 0 && run(s) == -EBADF);
}

static void capability_mode(void)
{
	struct abi_sqe s = sqe_of(IORING_OP_OPENAT, AT_FDCWD, "/etc/hostname", 0, 0);
	char text[8];
	int fd = file();

	make();
	need(syscall(1036, CAP_ENTER) >= 0);
	need(run(s) < 0);
	need(run(sqe_of(IORING_OP_READ, fd, text, 1, 0)) == 1);
}

int main(void)
{
	tap(passes(rights_of_files), "what a descriptor does not grant no request does");
	tap(passes(rights_of_rings), "rights of rings");
	tap(passes(revocation_ends_a_wait), "a revocation ends what waits");
	tap(passes(revocation_of_a_registered_file), "and takes a registered file away");
	tap(passes(capability_mode), "capability mode holds");
	return tap_end();
}
