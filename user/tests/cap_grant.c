/* SPDX-License-Identifier: BSD-2-Clause */
/* Granting by pid: into the table of another process, with the right to do so on both sides. */
#include "cap_files.h"

#include <libserix/process.h>
#include <sys/resource.h>

/* A process that answers questions about its own capabilities. */
struct peer {
	pid_t pid;
	int pidfd, to, from;
};

enum question { ASK_RIGHTS, ASK_READ, ASK_FLAGS, ASK_GRANT_ON, ASK_LIMIT_SLOTS };

static long answer(enum question question, int64_t handle)
{
	struct cap_derive how = { .rights = ALL_RIGHTS, .expires_ns = CAP_FOREVER };
	struct rlimit limit = { 3, 3 };
	char byte;

	switch (question) {
	case ASK_RIGHTS:
		return cap_rights(handle);
	case ASK_READ:
		return pread(cap_fd(handle), &byte, 1, 0) < 0 ? -errno : byte;
	case ASK_FLAGS:
		return fcntl(cap_fd(handle), F_GETFD);
	case ASK_GRANT_ON:
		return cap_grant(pidfd_open(getpid(), 0), handle, &how);
	case ASK_LIMIT_SLOTS:
		return setrlimit(RLIMIT_NOFILE, &limit);
	}
	return -1;
}

static struct peer peer_start(void)
{
	int to[2], from[2];
	struct peer peer;
	char ready;

	need(pipe(to) == 0 && pipe(from) == 0);
	peer.pid = fork();
	if (peer.pid == 0) {
		int64_t ask[2], result;

		/* 100 and 101 stay, all between is free. */
		need(dup2(to[0], 100) == 100 && dup2(from[1], 101) == 101);
		need(syscall(SYS_close_range, 3, 99, 0) == 0 && write(101, "x", 1) == 1);
		while (read(100, ask, sizeof(ask)) == sizeof(ask)) {
			result = answer((enum question)ask[0], ask[1]);
			need(write(101, &result, sizeof(result)) == sizeof(result));
		}
		_exit(0);
	}
	peer.to = to[1];
	peer.from = from[0];
	close(to[0]);
	close(from[1]);
	need(read(peer.from, &ready, 1) == 1);
	peer.pidfd = pidfd_open(peer.pid, 0);
	need(peer.pidfd >= 0);
	return peer;
}

static long ask(const struct peer *peer, enum question question, int64_t handle)
{
	int64_t words[2] = { question, handle }, result;

	need(write(peer->to, words, sizeof(words)) == sizeof(words));
	need(read(peer->from, &result, sizeof(result)) == sizeof(result));
	return result;
}

static cap_handle_t grant(const struct peer *peer, cap_handle_t handle, uint32_t rights)
{
	struct cap_derive how = { .rights = rights, .expires_ns = CAP_FOREVER };

	return cap_grant(peer->pidfd, handle, &how);
}

static void arrives(void)
{
	int fd = file();
	struct peer peer = peer_start();
	cap_handle_t there = grant(&peer, fd, ALL_RIGHTS);

	need(there > 0 && cap_fd(there) == 3);
	need(ask(&peer, ASK_READ, there) == 'h');
	need(ask(&peer, ASK_RIGHTS, there) == cap_rights(fd));
	need(cap_fd(grant(&peer, fd, ALL_RIGHTS)) == 4);
}

static void rights_shrink(void)
{
	int fd = file();
	struct peer peer = peer_start();
	cap_handle_t there = grant(&peer, fd, FILE_RIGHT_STAT);

	need(ask(&peer, ASK_RIGHTS, there) == FILE_RIGHT_STAT && ask(&peer, ASK_READ, there) == -EBADF);
	there = grant(&peer, with_rights(fd, FILE_RIGHT_STAT | CAP_RIGHT_GRANT), ALL_RIGHTS);
	need(ask(&peer, ASK_RIGHTS, there) == (FILE_RIGHT_STAT | CAP_RIGHT_GRANT));
}

static void handle_needs_grant(void)
{
	int fd = file();
	struct peer peer = peer_start();

	need(grant(&peer, with_rights(fd, ALL_RIGHTS & ~CAP_RIGHT_GRANT), ALL_RIGHTS) == -EPERM);
	need(grant(&peer, with_rights(fd, CAP_RIGHT_GRANT), ALL_RIGHTS) > 0);
}

static void process_needs_grant(void)
{
	int fd = file();
	struct peer peer = peer_start();
	int whole = peer.pidfd;

	peer.pidfd = with_rights(whole, ALL_RIGHTS & ~PROCESS_RIGHT_GRANT);
	need(grant(&peer, fd, ALL_RIGHTS) == -EPERM);
	peer.pidfd = with_rights(whole, PROCESS_RIGHT_GRANT);
	need(grant(&peer, fd, ALL_RIGHTS) > 0);
}

static void what_may_not_go_on_stays(void)
{
	int fd = file();
	struct peer peer = peer_start();
	cap_handle_t there = grant(&peer, fd, ALL_RIGHTS & ~CAP_RIGHT_GRANT);

	need(ask(&peer, ASK_READ, there) == 'h' && ask(&peer, ASK_GRANT_ON, there) == -EPERM);
	there = grant(&peer, fd, ALL_RIGHTS);
	need(ask(&peer, ASK_GRANT_ON, there) > 0);
}

static void is_revoked_from_here(void)
{
	int fd = file();
	struct peer peer = peer_start();
	cap_handle_t lent = cap_reduce(fd, ALL_RIGHTS), there = grant(&peer, lent, ALL_RIGHTS);

	need(ask(&peer, ASK_READ, there) == 'h');
	need(cap_revoke(lent, 0) == 0);
	need(ask(&peer, ASK_READ, there) == -EBADF && ask(&peer, ASK_RIGHTS, there) == -EBADF);
}

/* From one to the next and on: the first one's word ends them all. */
static void is_revoked_down_the_line(void)
{
	int fd = file();
	struct peer a = peer_start(), b = peer_start();
	cap_handle_t lent = cap_reduce(fd, ALL_RIGHTS), in_a, in_b, own;

	in_a = grant(&a, lent, ALL_RIGHTS);
	own = ask(&a, ASK_GRANT_ON, in_a); /* a copy of its own, below */
	in_b = grant(&b, lent, ALL_RIGHTS);
	need(in_a > 0 && own > 0 && in_b > 0 && ask(&a, ASK_READ, own) == 'h');
	need(cap_revoke(lent, CAP_REVOKE_CHILDREN) == 0);
	need(ask(&a, ASK_READ, in_a) == -EBADF && ask(&a, ASK_READ, own) == -EBADF);
	need(ask(&b, ASK_READ, in_b) == -EBADF && cap_rights(lent) > 0);
}

static void close_on_exec(void)
{
	struct cap_derive how = { .rights = ALL_RIGHTS,
				  .flags = CAP_DERIVE_CLOEXEC,
				  .expires_ns = CAP_FOREVER };
	int fd = file();
	struct peer peer = peer_start();
	cap_handle_t there = cap_grant(peer.pidfd, fd, &how);

	need(ask(&peer, ASK_FLAGS, there) == FD_CLOEXEC);
	need(ask(&peer, ASK_FLAGS, grant(&peer, fd, ALL_RIGHTS)) == 0);
}

static void expires_there(void)
{
	struct cap_derive how = { .rights = ALL_RIGHTS, .expires_ns = 300000000 };
	int fd = file();
	struct peer peer = peer_start();
	cap_handle_t there = cap_grant(peer.pidfd, fd, &how);

	need(ask(&peer, ASK_READ, there) == 'h');
	usleep(400000);
	need(ask(&peer, ASK_READ, there) == -EBADF);
}

static void no_slot_there(void)
{
	int fd = file();
	struct peer peer = peer_start();

	need(ask(&peer, ASK_LIMIT_SLOTS, 0) == 0);
	need(grant(&peer, fd, ALL_RIGHTS) == -EMFILE);
}

static void to_one_that_has_ended(void)
{
	int fd = file();
	struct peer peer = peer_start();

	kill(peer.pid, SIGKILL);
	need(waitpid(peer.pid, NULL, 0) == peer.pid);
	need(grant(&peer, fd, ALL_RIGHTS) == -ESRCH);
}

static void to_oneself(void)
{
	struct cap_derive how = { .rights = FILE_RIGHT_READ, .expires_ns = CAP_FOREVER };
	int fd = file();
	cap_handle_t mine = cap_grant(pidfd_open(getpid(), 0), fd, &how);

	need(mine > 0 && cap_rights(mine) == FILE_RIGHT_READ);
}

static void bad_arguments(void)
{
	struct cap_derive how = { .rights = ALL_RIGHTS, .expires_ns = CAP_FOREVER };
	int fd = file();
	struct peer peer = peer_start();

	need(cap_grant(999, fd, &how) == -EBADF && cap_grant(fd, fd, &how) == -EBADF);
	need(cap_grant(peer.pidfd, 999, &how) == -EBADF);
	need(syscall(1033, peer.pidfd, (long)fd, &how, sizeof(how) - 1) == -1 && errno == EINVAL);
	need(syscall(1033, peer.pidfd, (long)fd, (void *)8, sizeof(how)) == -1 && errno == EFAULT);
	how.flags = 8;
	need(cap_grant(peer.pidfd, fd, &how) == -EINVAL);
}

static void to_a_strangers_process(void)
{
	int fd = file();
	struct peer peer = peer_start();

	need(setgid(1234) == 0 && setuid(1234) == 0);
	peer.pidfd = pidfd_open(peer.pid, 0);
	need(peer.pidfd >= 0 && grant(&peer, fd, ALL_RIGHTS) == -EPERM);
}

/* A capability to a process is one like any other: it may itself be given. */
static void capabilities_to_processes_go_too(void)
{
	struct peer peer = peer_start();
	cap_handle_t there = grant(&peer, pidfd_open(getpid(), 0), PROCESS_RIGHT_SIGNAL);

	need(ask(&peer, ASK_RIGHTS, there) == PROCESS_RIGHT_SIGNAL);
}

int main(void)
{
	tap(passes(arrives), "it arrives in the lowest slot there, and works");
	tap(passes(rights_shrink), "rights shrink");
	tap(passes(handle_needs_grant), "the capability needs GRANT and nothing else");
	tap(passes(process_needs_grant), "the process needs GRANT and nothing else");
	tap(passes(what_may_not_go_on_stays), "given without GRANT it goes no further");
	tap(passes(is_revoked_from_here), "the giver takes it back");
	tap(passes(is_revoked_down_the_line), "from everybody that it reached");
	tap(passes(close_on_exec), "close-on-exec there");
	tap(passes(expires_there), "it expires there");
	tap(passes(no_slot_there), "RLIMIT_NOFILE there");
	tap(passes(to_one_that_has_ended), "to a process that has ended");
	tap(passes(to_oneself), "to oneself");
	tap(passes(bad_arguments), "bad arguments");
	tap(passes(to_a_strangers_process), "to another user's process: refused");
	tap(passes(capabilities_to_processes_go_too), "capabilities to processes are given like others");
	return tap_end();
}
