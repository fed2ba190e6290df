/* SPDX-License-Identifier: BSD-2-Clause */
/* fanotify(7) and capabilities: what tests/calls/watches cannot compare with Linux. */
#include "cap_files.h"

#include <libserix/confine.h>
#include <poll.h>
#include <pthread.h>
#include <sys/fanotify.h>
#include <sys/stat.h>

static char dir[64];

static void enter(void)
{
	snprintf(dir, sizeof(dir), "/tmp/fanotify.XXXXXX");
	need(mkdtemp(dir) && chdir(dir) == 0);
	need(close(open("f", O_RDWR | O_CREAT, 0644)) == 0);
}

static int group(unsigned flags, unsigned event_flags)
{
	int fd = fanotify_init(flags, event_flags);

	need(fd >= 0);
	return fd;
}

static struct fanotify_event_metadata next(int fd)
{
	struct fanotify_event_metadata e;

	need(read(fd, &e, sizeof(e)) == sizeof(e) && e.vers == FANOTIFY_METADATA_VERSION);
	return e;
}

static bool nothing(int fd)
{
	struct pollfd p = { fd, POLLIN, 0 };

	return poll(&p, 1, 0) == 0;
}

/* Proves that an event's descriptor has the rights that the group asked for, and no others. */
static void rights_of_events(void)
{
	int fd = group(0, O_RDONLY);
	struct fanotify_event_metadata e;
	char c;

	enter();
	need(fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, "f") == 0);
	need(close(open("f", O_WRONLY)) == 0);
	e = next(fd);
	need(write(e.fd, "x", 1) < 0 && errno == EBADF && read(e.fd, &c, 1) == 0);
	need(close(e.fd) == 0);
}

/* Proves that what is done through such a descriptor is no news, but opening it anew is. */
static void silent_descriptors(void)
{
	int fd = group(0, O_RDWR), again;
	struct fanotify_event_metadata e;
	char link[32];

	enter();
	need(fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN | FAN_MODIFY | FAN_CLOSE, AT_FDCWD, "f") == 0);
	again = open("f", O_RDONLY);
	e = next(fd);
	need(e.mask == FAN_OPEN && write(e.fd, "x", 1) == 1);
	need(nothing(fd));
	snprintf(link, sizeof(link), "/proc/self/fd/%d", e.fd);
	need(close(open(link, O_RDONLY)) == 0);
	need(close(e.fd) == 0 && close(again) == 0);
	e = next(fd);
	need(e.mask == (FAN_OPEN | FAN_CLOSE_NOWRITE));
}

static void *wait_for_event(void *arg)
{
	struct fanotify_event_metadata e;

	need(read((int)(long)arg, &e, sizeof(e)) < 0);
	return (void *)(long)errno;
}

/* Proves that revoking a group's capability wakes who reads it. */
static void revoked_reader(void)
{
	int fd = group(0, O_RDONLY);
	pthread_t thread;
	void *result;

	need(pthread_create(&thread, NULL, wait_for_event, (void *)(long)fd) == 0);
	usleep(20000);
	need(cap_revoke(cap_handle(fd), 0) == 0);
	need(pthread_join(thread, &result) == 0 && (long)result == EBADF);
}

static void *open_asked(void *arg)
{
	int fd = open("f", O_RDONLY);

	(void)arg;
	return (void *)(long)(fd < 0 ? errno : 0);
}

/* Proves that the group's end lets go who waits for it, though the question was read. */
static void end_of_group(void)
{
	int fd = group(FAN_CLASS_CONTENT, O_RDONLY);
	pthread_t thread;
	void *result;

	enter();
	need(fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN_PERM, AT_FDCWD, "f") == 0);
	need(pthread_create(&thread, NULL, open_asked, NULL) == 0);
	next(fd);
	need(cap_revoke(cap_handle(fd), 0) == 0);
	need(pthread_join(thread, &result) == 0 && result == NULL);
}

/* Proves that running a program is asked about as that. */
static void programs(void)
{
	int fd = group(FAN_CLASS_CONTENT, O_RDONLY);
	struct fanotify_event_metadata e;
	struct fanotify_response r;
	pid_t pid;
	int status;

	need(fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN_EXEC_PERM, AT_FDCWD, "/bin/busybox") == 0);
	pid = fork();
	if (pid == 0) {
		execl("/bin/busybox", "true", NULL);
		_exit(errno == EPERM ? 7 : 1);
	}
	e = next(fd);
	need(e.mask == FAN_OPEN_EXEC_PERM && e.pid == pid);
	r = (struct fanotify_response){ e.fd, FAN_DENY };
	need(write(fd, &r, sizeof(r)) == sizeof(r) && close(e.fd) == 0);
	need(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

/* Proves that in capability mode nobody hears of a whole mount, nor opens files by handle. */
static void capability_mode(void)
{
	struct {
		struct file_handle h;
		unsigned char room[128];
	} h = { .h.handle_bytes = 128 };
	int fd = group(0, O_RDONLY), here, mount;

	enter();
	here = open(".", O_RDONLY | O_DIRECTORY);
	need(name_to_handle_at(AT_FDCWD, "f", &h.h, &mount, 0) == 0);
	need(cap_enter(CAP_ENTER) >= 0);
	need(fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_OPEN, here, "f") < 0 && errno == EPERM);
	need(fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN, here, "f") == 0);
	need(open_by_handle_at(here, &h.h, O_RDONLY) < 0 && errno == EPERM);
	need(fanotify_init(0, O_RDONLY) < 0 && errno == EPERM);
}

/* Proves that a directory's capability that lost rights does not lead to the rest of its mount. */
static void limited_directory(void)
{
	struct {
		struct file_handle h;
		unsigned char room[128];
	} h = { .h.handle_bytes = 128 };
	int here, mount;

	enter();
	here = open(".", O_RDONLY | O_DIRECTORY);
	need(name_to_handle_at(AT_FDCWD, "f", &h.h, &mount, 0) == 0);
	need(open_by_handle_at(here, &h.h, O_RDONLY) >= 0);
	need(cap_limit(here, ~(uint32_t)FILE_RIGHT_WRITE) == 0);
	need(open_by_handle_at(here, &h.h, O_RDONLY) < 0 && errno == EPERM);
}

int main(void)
{
	tap(passes(rights_of_events), "an event's descriptor has the group's rights");
	tap(passes(silent_descriptors), "what is done through it is no news");
	tap(passes(revoked_reader), "a revoked group wakes its reader");
	tap(passes(end_of_group), "a group that ends lets go who waits");
	tap(passes(programs), "running a program");
	tap(passes(capability_mode), "capability mode");
	tap(passes(limited_directory), "a directory with fewer rights");
	return tap_end();
}
