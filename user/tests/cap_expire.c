/* SPDX-License-Identifier: BSD-2-Clause */
/* Expiry: after its time a capability and all below are as if revoked, to the cycle for calls that look it
 * up. */
#include "cap_files.h"
#include "now.h"

#include <poll.h>
#include <pthread.h>
#include <sys/mman.h>
#include <time.h>

#define MS 1000000ull

static uint64_t left(cap_handle_t handle)
{
	struct cap_info info;

	need(cap_query(handle, &info) == 0);
	return info.expires_ns;
}

static void derived_with_an_end(void)
{
	int fd = file();
	uint64_t start = now_ns();
	cap_handle_t lent = cap_lend(fd, ALL_RIGHTS, 500 * MS);

	need(lent >= 0 && (works(lent) || now_ns() - start > 400 * MS));
	while (now_ns() - start < 500 * MS)
		need(works(lent) || now_ns() - start >= 499 * MS);
	usleep(20000);
	need(is_gone(lent) && works(fd));
}

static void never_too_early(void)
{
	int fd = file();

	for (int i = 0; i < 20; i++) {
		uint64_t start = now_ns();
		cap_handle_t lent = cap_lend(fd, ALL_RIGHTS, 5 * MS);

		while (works(lent))
			;
		need(now_ns() - start >= 5 * MS);
	}
}

static void told_by_query(void)
{
	struct cap_info info;
	int fd = file();
	cap_handle_t lent = cap_lend(fd, ALL_RIGHTS, 10000 * MS);
	uint64_t first = left(lent);

	need(first <= 10000 * MS && first > 5000 * MS);
	usleep(20000);
	need(left(lent) <= first - 20 * MS);
	need(cap_query(lent, &info) == 0 && info.expires_cycles != 0);
	need(left(fd) == CAP_FOREVER);
}

static void children_end_no_later(void)
{
	int fd = file();
	cap_handle_t lent = cap_lend(fd, ALL_RIGHTS, 10000 * MS);

	need(left(cap_reduce(lent, ALL_RIGHTS)) <= 10000 * MS);
	need(left(cap_lend(lent, ALL_RIGHTS, 100000 * MS)) <= 10000 * MS);
	need(left(cap_lend(lent, ALL_RIGHTS, 1000 * MS)) <= 1000 * MS);
	need(left(dup(cap_fd(lent))) <= 10000 * MS);
}

static void limited_later(void)
{
	cap_handle_t a = file(), b = cap_reduce(a, ALL_RIGHTS), c = cap_reduce(b, ALL_RIGHTS),
		     copy = dup(cap_fd(b));

	need(cap_expire(b, 100 * MS) == 0 && left(b) <= 100 * MS && left(c) == CAP_FOREVER);
	usleep(200000);
	need(is_gone(b) && is_gone(c) && is_gone(copy) && works(a));
}

static void only_shortens(void)
{
	int fd = file();
	cap_handle_t lent = cap_lend(fd, ALL_RIGHTS, 1000 * MS);

	need(cap_expire(lent, 100000 * MS) == 0 && left(lent) <= 1000 * MS);
	need(cap_expire(lent, CAP_FOREVER) == 0 && left(lent) <= 1000 * MS);
	need(cap_expire(lent, 100 * MS) == 0 && left(lent) <= 100 * MS);
}

static void forever(void)
{
	int fd = file();

	need(cap_expire(fd, CAP_FOREVER) == 0 && left(fd) == CAP_FOREVER && works(fd));
	need(cap_expire(fd, CAP_FOREVER - 1) == 0 && works(fd));
	need(left(cap_lend(fd, ALL_RIGHTS, CAP_FOREVER - 1)) > 1ull << 62);
	need(cap_expire(999, CAP_FOREVER) == -EBADF && cap_expire(999, 1) == -EBADF);
}

static void at_once(void)
{
	int fd = file();
	cap_handle_t kept = cap_reduce(fd, ALL_RIGHTS), lent = cap_lend(fd, ALL_RIGHTS, 0);

	need(lent < 0 || is_gone(lent));
	need(cap_expire(kept, 0) == 0 && is_gone(kept) && works(fd));
}

static void in_other_processes(void)
{
	int fd = file(), status;
	cap_handle_t lent = cap_lend(fd, ALL_RIGHTS, 300 * MS);
	pid_t pid = fork();

	if (pid == 0) {
		bool before = works(lent);

		usleep(400000);
		_exit(before && is_gone(lent) ? 0 : 1);
	}
	need(waitpid(pid, &status, 0) == pid && status == 0);
}

static void slot_is_free(void)
{
	int fd = file();
	cap_handle_t lent = cap_lend(fd, ALL_RIGHTS, 50 * MS);

	for (int i = 0; i < 100 && fcntl(cap_fd(lent), F_GETFD) == 0; i++)
		usleep(10000);
	usleep(50000);
	need(cap_fd(cap_reduce(fd, ALL_RIGHTS)) == cap_fd(lent));
}

static void object_is_closed(void)
{
	int ends[2];
	char byte;

	need(pipe(ends) == 0);
	need(cap_expire(ends[1], 50 * MS) == 0);
	need(read(ends[0], &byte, 1) == 0);
}

static void blocked_read(void)
{
	int ends[2];
	char byte;

	need(pipe(ends) == 0 && cap_expire(ends[0], 100 * MS) == 0);
	need(read(ends[0], &byte, 1) == -1 && errno == EBADF);
}

static void blocked_poll(void)
{
	int ends[2];
	struct pollfd p = { .events = POLLIN };

	need(pipe(ends) == 0);
	p.fd = cap_fd(cap_lend(ends[0], ALL_RIGHTS, 100 * MS));
	need(poll(&p, 1, -1) == 1 && p.revents == POLLNVAL);
}

static void many_at_once(void)
{
	cap_handle_t lent[200];
	int fd = file();

	for (int i = 0; i < 200; i++)
		lent[i] = cap_lend(fd, ALL_RIGHTS, (uint64_t)(100 + i % 7 * 20) * MS);
	usleep(500000);
	for (int i = 0; i < 200; i++)
		need(is_gone(lent[i]));
	need(works(fd));
}

static void closed_before_its_end(void)
{
	int fd = file();

	for (int i = 0; i < 200; i++)
		need(close(cap_fd(cap_lend(fd, ALL_RIGHTS, 30 * MS))) == 0);
	usleep(100000);
	need(works(fd));
}

/* What is opened through a directory's capability ends with it. */
static void files_of_a_directory(void)
{
	int dir, opened;
	cap_handle_t lent;

	close(file());
	dir = open(".", O_RDONLY | O_DIRECTORY);
	lent = cap_lend(dir, ALL_RIGHTS, 300 * MS);
	opened = openat(cap_fd(lent), "file", O_RDONLY);
	need(works(opened) && left(opened) <= 300 * MS);
	usleep(400000);
	need(is_gone(opened) && openat(cap_fd(lent), "file", O_RDONLY) == -1 && errno == EBADF);
}

int main(void)
{
	tap(passes(derived_with_an_end), "lent for half a second: until then, and no longer");
	tap(passes(never_too_early), "never too early");
	tap(passes(told_by_query), "cap_query tells what is left");
	tap(passes(children_end_no_later), "children and copies end no later");
	tap(passes(limited_later), "cap_expire ends all below as well");
	tap(passes(only_shortens), "an end only comes nearer");
	tap(passes(forever), "CAP_FOREVER, and almost");
	tap(passes(at_once), "no time at all");
	tap(passes(in_other_processes), "in other processes");
	tap(passes(slot_is_free), "the slot is free again");
	tap(passes(object_is_closed), "the object is closed with its last capability");
	tap(passes(blocked_read), "a blocked read");
	tap(passes(blocked_poll), "a blocked poll");
	tap(passes(many_at_once), "200 with seven ends");
	tap(passes(closed_before_its_end), "closed before its end");
	tap(passes(files_of_a_directory), "files opened through a directory end with it");
	return tap_end();
}
