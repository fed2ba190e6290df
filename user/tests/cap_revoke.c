/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Revocation: when cap_revoke() returns, the capability and all that came from it are gone, in every process,
 * and what blocked through them has come back.
 */
#include "cap_files.h"

#include <libserix/process.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <time.h>

static cap_handle_t child_of(cap_handle_t handle)
{
	cap_handle_t child = cap_reduce(handle, ALL_RIGHTS);

	need(child >= 0);
	return child;
}

static void itself(void)
{
	int fd = file();

	need(cap_revoke(fd, 0) == 0 && is_gone(fd));
	need(cap_revoke(fd, 0) == -EBADF && close(fd) == -1 && errno == EBADF);
}

static void all_below(void)
{
	cap_handle_t a = file(), b = child_of(a), c = child_of(b), d = child_of(a), e = child_of(c);

	need(cap_revoke(b, 0) == 0);
	need(is_gone(b) && is_gone(c) && is_gone(e) && works(a) && works(d));
	need(cap_revoke(a, 0) == 0);
	need(is_gone(a) && is_gone(d));
}

static void only_below(void)
{
	cap_handle_t a = file(), b = child_of(a), c = child_of(b);
	struct cap_info info;

	need(cap_revoke(a, CAP_REVOKE_CHILDREN) == 0);
	need(works(a) && is_gone(b) && is_gone(c));
	need(cap_query(a, &info) == 0 && info.children == 0);
	need(works(child_of(a)));
	need(cap_revoke(a, CAP_REVOKE_CHILDREN) == 0 && works(a));
}

static void bad_arguments(void)
{
	int fd = file();

	need(cap_revoke(fd, 2) == -EINVAL && cap_revoke(fd, ~0u) == -EINVAL && works(fd));
	need(cap_revoke(999, 0) == -EBADF && cap_revoke(-1, 0) == -EBADF);
}

static void other_openings_stay(void)
{
	int fd = file(), other = open("file", O_RDONLY);

	need(cap_revoke(fd, 0) == 0 && works(other));
}

static void copies_go(void)
{
	int fd = file(), copy = dup(fd), second = dup(copy);

	need(dup2(fd, 77) == 77);
	need(cap_revoke(fd, 0) == 0);
	need(is_gone(copy) && is_gone(second) && is_gone(77));
}

static void a_copy_alone(void)
{
	int fd = file(), copy = dup(fd), second = dup(copy);

	need(cap_revoke(copy, 0) == 0);
	need(works(fd) && is_gone(copy) && is_gone(second));
}

static void through_closed_ones(void)
{
	cap_handle_t a = file(), b = child_of(a), c = child_of(b), d = child_of(c);

	need(close(cap_fd(b)) == 0 && close(cap_fd(c)) == 0 && works(d));
	need(cap_revoke(a, 0) == 0 && is_gone(d));
}

static void below_a_closed_original(void)
{
	cap_handle_t a = file(), b = child_of(a), c = child_of(b), d = child_of(a);

	need(close(cap_fd(a)) == 0);
	need(cap_revoke(b, 0) == 0);
	need(is_gone(b) && is_gone(c) && works(d));
}

static void slot_is_free(void)
{
	int fd = file(), copy = dup(fd);

	need(cap_revoke(copy, 0) == 0);
	need(open("file", O_RDONLY) == copy && works(copy));
}

static void object_is_closed(void)
{
	int ends[2];
	char byte;

	need(pipe(ends) == 0);
	need(dup(ends[1]) >= 0 && child_of(ends[1]) >= 0);
	need(cap_revoke(ends[1], 0) == 0);
	need(read(ends[0], &byte, 1) == 0);
}

static void nothing_derives_from_it(void)
{
	struct cap_derive how = { .rights = ALL_RIGHTS, .expires_ns = CAP_FOREVER };
	int fd = file();
	cap_handle_t child = child_of(fd);

	need(cap_revoke(fd, 0) == 0);
	need(cap_derive(child, &how) == -EBADF && dup(cap_fd(child)) == -1 && dup2(cap_fd(child), 80) == -1);
}

/* --- other processes --- */

/* A child that says what it finds after `go` is written to; 0: what is asked. */
static int child_finds(int go_from, bool (*finds)(cap_handle_t), cap_handle_t handle)
{
	char byte;

	need(read(go_from, &byte, 1) == 1);
	return finds(handle) ? 0 : 1;
}

static void in_a_child(void)
{
	int fd = file(), go[2], status;
	pid_t pid;

	need(pipe(go) == 0);
	pid = fork();
	if (pid == 0)
		_exit(child_finds(go[0], is_gone, fd));
	need(cap_revoke(fd, 0) == 0 && write(go[1], "x", 1) == 1);
	need(waitpid(pid, &status, 0) == pid && status == 0);
}

static void in_grandchildren(void)
{
	int fd = file(), go[2], status;
	pid_t pid;

	need(pipe(go) == 0);
	pid = fork();
	if (pid == 0) {
		for (int i = 0; i < 4; i++) {
			pid = fork();
			if (pid == 0)
				_exit(child_finds(go[0], is_gone, fd));
		}
		for (int i = 0; i < 4; i++)
			need(wait(&status) > 0 && status == 0);
		_exit(0);
	}
	usleep(50000);
	need(cap_revoke(fd, 0) == 0 && write(go[1], "xxxx", 4) == 4);
	need(waitpid(pid, &status, 0) == pid && status == 0);
}

static void a_child_cannot_take_from_its_parent(void)
{
	int fd = file(), status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(cap_revoke(fd, 0) == 0 && is_gone(fd) ? 0 : 1);
	need(waitpid(pid, &status, 0) == pid && status == 0);
	need(works(fd));
}

static void survives_no_exec(void)
{
	int fd = file(), go[2], status;
	pid_t pid;

	need(pipe(go) == 0);
	pid = fork();
	if (pid == 0) {
		need(dup2(fd, 8) == 8 && dup2(go[0], 9) == 9);
		execl("/bin/sh", "sh", "-c", "read x <&9; ! cat <&8", NULL);
		_exit(1);
	}
	usleep(100000);
	need(cap_revoke(fd, 0) == 0 && write(go[1], "x\n", 2) == 2);
	need(waitpid(pid, &status, 0) == pid && status == 0);
}

/* --- blocked calls --- */

/* A thread or child makes a call that blocks; after the revocation it has to come back with EBADF. */
struct blocked {
	int fd, other;
	int (*call)(const struct blocked *b);
};

static int block_read(const struct blocked *b)
{
	char byte;

	return outcome(read(b->fd, &byte, 1));
}

static int block_write(const struct blocked *b)
{
	static char much[1 << 20];

	ssize_t n = write(b->fd, much, sizeof(much));

	return n < 0 ? -errno : n < (ssize_t)sizeof(much) ? 1 : 0;
}

static int block_poll(const struct blocked *b)
{
	struct pollfd p = { .fd = b->fd, .events = POLLIN };

	if (poll(&p, 1, -1) < 0)
		return -errno;
	return p.revents & POLLNVAL ? -EBADF : 0;
}

static int block_select(const struct blocked *b)
{
	fd_set set;

	FD_ZERO(&set);
	FD_SET(b->fd, &set);
	return outcome(select(b->fd + 1, &set, NULL, NULL, NULL));
}

static int block_flock(const struct blocked *b)
{
	return outcome(flock(b->fd, LOCK_EX));
}

static int block_setlkw(const struct blocked *b)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return outcome(fcntl(b->fd, F_SETLKW, &lock));
}

static int block_waitid(const struct blocked *b)
{
	siginfo_t info;
	cap_handle_t pidfd = pidfd_open(sleeper(), 0);

	need(write(b->other, &pidfd, sizeof(pidfd)) == sizeof(pidfd));
	return outcome(waitid((idtype_t)3, (id_t)pidfd, &info, WEXITED));
}

static void *blocked_thread(void *arg)
{
	struct blocked *b = arg;

	return (void *)(intptr_t)b->call(b);
}

static void revoked_while(int (*call)(const struct blocked *b), int fd)
{
	struct blocked b = { .fd = fd, .call = call };
	pthread_t thread;
	void *result;

	need(pthread_create(&thread, NULL, blocked_thread, &b) == 0);
	usleep(100000);
	need(cap_revoke(fd, 0) == 0);
	need(pthread_join(thread, &result) == 0);
	if ((intptr_t)result != -EBADF)
		printf("# came back with %d\n", (int)(intptr_t)result);
	need((intptr_t)result == -EBADF);
}

static int pipe_end(int which)
{
	int ends[2];

	need(pipe(ends) == 0);
	return ends[which];
}

static void blocked_read(void)
{
	revoked_while(block_read, pipe_end(0));
}

static void blocked_poll(void)
{
	revoked_while(block_poll, pipe_end(0));
}

static void blocked_select(void)
{
	revoked_while(block_select, pipe_end(0));
}

static void blocked_flock(void)
{
	int fd = file();

	need(flock(open("file", O_RDWR), LOCK_EX) == 0);
	revoked_while(block_flock, fd);
}

static void blocked_setlkw(void)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = file();
	pid_t pid = fork();

	if (pid == 0) {
		need(fcntl(fd, F_SETLK, &lock) == 0);
		for (;;)
			pause();
	}
	usleep(100000);
	revoked_while(block_setlkw, open("file", O_RDWR));
	kill(pid, SIGKILL);
}

/* What a part of the data went through comes back as that part, else EBADF. */
static void blocked_write(void)
{
	int fd = pipe_end(1);
	struct blocked b = { .fd = fd, .call = block_write };
	pthread_t thread;
	void *result;

	need(fcntl(fd, F_SETPIPE_SZ, 4096) == 4096);
	need(pthread_create(&thread, NULL, blocked_thread, &b) == 0);
	usleep(100000);
	need(cap_revoke(fd, 0) == 0 && pthread_join(thread, &result) == 0);
	need((intptr_t)result == 1 || (intptr_t)result == -EBADF);
}

static void blocked_waitid(void)
{
	struct blocked b = { .call = block_waitid };
	pthread_t thread;
	int to[2];
	cap_handle_t pidfd;
	void *result;

	need(pipe(to) == 0);
	b.other = to[1];
	need(pthread_create(&thread, NULL, blocked_thread, &b) == 0);
	need(read(to[0], &pidfd, sizeof(pidfd)) == sizeof(pidfd));
	usleep(100000);
	need(cap_revoke(pidfd, 0) == 0 && pthread_join(thread, &result) == 0 && (intptr_t)result == -EBADF);
}

/* In another process, blocked through a copy that fork made. */
static void blocked_in_a_child(void)
{
	int ends[2], status;
	char byte;
	pid_t pid;

	need(pipe(ends) == 0);
	pid = fork();
	if (pid == 0)
		_exit(read(ends[0], &byte, 1) == -1 && errno == EBADF ? 0 : 1);
	usleep(100000);
	need(cap_revoke(ends[0], 0) == 0);
	need(waitpid(pid, &status, 0) == pid && status == 0);
}

/* A signal handler must not run, and a call on something else goes on undisturbed. */
static void others_go_on(void)
{
	int ends[2], fd = file();
	pthread_t thread;
	struct blocked b = { .call = block_read };
	void *result;

	need(pipe(ends) == 0);
	b.fd = ends[0];
	need(pthread_create(&thread, NULL, blocked_thread, &b) == 0);
	usleep(50000);
	for (int i = 0; i < 20; i++)
		need(cap_revoke(child_of(fd), 0) == 0);
	need(write(ends[1], "x", 1) == 1);
	need(pthread_join(thread, &result) == 0 && result == NULL);
}

/* --- mappings --- */

static sigjmp_buf bus;

static void on_bus(int signo)
{
	siglongjmp(bus, signo);
}

/* The signal that touching it gives; 0: none. */
static int touch(volatile char *at)
{
	int signo = sigsetjmp(bus, 1);

	if (signo == 0)
		*at = *at;
	return signo;
}

static void mappings_go(void)
{
	int fd = file();
	cap_handle_t child = child_of(fd);
	char *mine, *its;

	signal(SIGBUS, on_bus);
	signal(SIGSEGV, on_bus);
	its = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, cap_fd(child), 0);
	mine = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	need(its != MAP_FAILED && mine != MAP_FAILED && touch(its) == 0 && touch(mine) == 0);
	need(cap_revoke(child, 0) == 0);
	need(touch(its) == SIGBUS && touch(mine) == 0 && mine[0] == 'h');
	need(munmap(its, 4096) == 0);
}

static void mappings_stay_after_close(void)
{
	int fd = file(), child = cap_fd(child_of(fd));
	char *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, child, 0);

	signal(SIGBUS, on_bus);
	need(at != MAP_FAILED && close(child) == 0 && touch(at) == 0);
	need(cap_revoke(fd, 0) == 0 && touch(at) == SIGBUS);
}

static void mappings_of_children_go(void)
{
	int fd = file(), go[2], back[2], status;
	char byte;
	pid_t pid;

	need(pipe(go) == 0 && pipe(back) == 0);
	pid = fork();
	if (pid == 0) {
		char *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

		signal(SIGBUS, on_bus);
		need(at != MAP_FAILED && touch(at) == 0 && write(back[1], "x", 1) == 1);
		need(read(go[0], &byte, 1) == 1);
		_exit(touch(at) == SIGBUS ? 0 : 1);
	}
	need(read(back[0], &byte, 1) == 1);
	need(cap_revoke(fd, 0) == 0 && write(go[1], "x", 1) == 1);
	need(waitpid(pid, &status, 0) == pid && status == 0);
}

/* --- many, and at once --- */

static void ten_thousand(void)
{
	enum { MANY = 10000 };
	struct rlimit limit = { MANY + 100, MANY + 100 };
	int fd = file();
	cap_handle_t last = fd;

	need(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	for (int i = 0; i < MANY; i++) {
		if (i % 50 == 0)
			last = fd;
		last = child_of(last);
	}
	need(cap_revoke(fd, CAP_REVOKE_CHILDREN) == 0 && works(fd));
	for (int i = 1; i <= MANY; i++)
		need(fcntl(fd + i, F_GETFD) == -1);
}

static _Atomic bool racing_ends;
static _Atomic cap_handle_t racing_root;

static void *derive_without_end(void *unused)
{
	(void)unused;
	while (!racing_ends) {
		cap_handle_t a = cap_reduce(racing_root, ALL_RIGHTS),
			     b = a < 0 ? a : cap_reduce(a, ALL_RIGHTS);

		if (b >= 0)
			cap_revoke(b, 0);
		/* By its handle: the descriptor may be somebody else's by now. */
		if (a >= 0)
			cap_revoke(a, 0);
	}
	return NULL;
}

/* Children are made while their ancestor goes: after each revocation it has none. */
static void none_escapes(void)
{
	pthread_t threads[3];
	struct cap_info info;
	int fd = file();

	racing_root = child_of(fd); /* never `fd` itself: its children are counted */
	need(cap_revoke(racing_root, 0) == 0);
	for (int i = 0; i < 3; i++)
		need(pthread_create(&threads[i], NULL, derive_without_end, NULL) == 0);
	for (int i = 0; i < 200; i++) {
		cap_handle_t root = child_of(fd);

		racing_root = root;
		usleep(500);
		need(cap_revoke(root, 0) == 0);
		need(cap_rights(root) == -EBADF);
		need(cap_query(fd, &info) == 0 && info.children == 0);
	}
	racing_ends = true;
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
}

static void two_at_once(void)
{
	int fd = file(), status;

	for (int i = 0; i < 50; i++) {
		cap_handle_t root = child_of(fd);
		pid_t pid;

		for (int k = 0; k < 20; k++)
			child_of(root);
		pid = fork();
		if (pid == 0)
			_exit(cap_revoke(cap_fd(root), 0) == 0 || cap_rights(cap_fd(root)) == -EBADF ? 0 : 1);
		need(cap_revoke(root, 0) == 0);
		need(waitpid(pid, &status, 0) == pid && status == 0);
	}
	need(works(fd));
}

/* Files opened through a directory's capability go with it. */
static void what_was_opened_through_it(void)
{
	int dir, opened;
	cap_handle_t lent;

	close(file());
	dir = open(".", O_RDONLY | O_DIRECTORY);
	lent = child_of(dir);
	opened = openat(cap_fd(lent), "file", O_RDONLY);
	need(works(opened));
	need(cap_revoke(lent, 0) == 0);
	need(is_gone(opened));
	need(works(openat(dir, "file", O_RDONLY)));
}

/* But a plain descriptor's directory may be closed, as on Linux. */
static void closing_the_directory_changes_nothing(void)
{
	int dir, opened;

	close(file());
	dir = open(".", O_RDONLY | O_DIRECTORY);
	opened = openat(dir, "file", O_RDONLY);
	need(close(dir) == 0 && works(opened));
}

int main(void)
{
	tap(passes(itself), "a capability revokes itself");
	tap(passes(all_below), "all below go, nothing beside and above");
	tap(passes(only_below), "CAP_REVOKE_CHILDREN leaves the capability itself");
	tap(passes(bad_arguments), "bad flags and handles");
	tap(passes(other_openings_stay), "another opening of the file stays");
	tap(passes(copies_go), "copies by dup go");
	tap(passes(a_copy_alone), "revoking a copy leaves what it was copied from");
	tap(passes(through_closed_ones), "through ancestors that are closed");
	tap(passes(below_a_closed_original), "below an original that is closed");
	tap(passes(slot_is_free), "the slot is free again");
	tap(passes(object_is_closed), "the object is closed with its last capability");
	tap(passes(nothing_derives_from_it), "nothing derives from what is revoked");
	tap(passes(in_a_child), "in a child process");
	tap(passes(in_grandchildren), "in grandchildren");
	tap(passes(a_child_cannot_take_from_its_parent), "a child's copy says nothing about its parent's");
	tap(passes(survives_no_exec), "in a program that was executed since");
	tap(passes(blocked_read), "a blocked read comes back with EBADF");
	tap(passes(blocked_write), "a blocked write comes back");
	tap(passes(blocked_poll), "a blocked poll says POLLNVAL");
	tap(passes(blocked_select), "a blocked select says EBADF");
	tap(passes(blocked_flock), "a blocked flock");
	tap(passes(blocked_setlkw), "a blocked F_SETLKW");
	tap(passes(blocked_waitid), "a blocked waitid by pidfd");
	tap(passes(blocked_in_a_child), "a blocked read in another process");
	tap(passes(others_go_on), "calls on other capabilities go on");
	tap(passes(mappings_go), "mappings made through it are gone: SIGBUS");
	tap(passes(mappings_stay_after_close), "close leaves mappings, revocation then ends them");
	tap(passes(mappings_of_children_go), "mappings in other processes");
	tap(passes(ten_thousand), "10,000 descendants in chains of 50");
	tap(passes(none_escapes), "three threads derive while it goes: none escapes");
	tap(passes(two_at_once), "two revocations meet");
	tap(passes(what_was_opened_through_it), "files opened through a directory go with its capability");
	tap(passes(closing_the_directory_changes_nothing), "closing the directory does not close them");
	return tap_end();
}
