/* SPDX-License-Identifier: BSD-2-Clause */
/* Files by handle, and watching files. */
#define _GNU_SOURCE
#include "calls.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* --- handles -------------------------------------------------------------------------------------------- */

struct handle {
	unsigned bytes;
	int type;
	unsigned char body[128];
};

static struct handle h;
static int mount_id;

static long name_to(int dir, const char *name, int flags)
{
	h.bytes = sizeof(h.body);
	return syscall(SYS_name_to_handle_at, dir, name, &h, &mount_id, flags);
}

static long open_by(int mount, int flags)
{
	return syscall(SYS_open_by_handle_at, mount, &h, flags);
}

/* The number that /proc/self/mountinfo has for the longest mount point above the current directory. */
static int listed_mount(void)
{
	char line[512], point[256], here[256];
	FILE *f = fopen("/proc/self/mountinfo", "r");
	int id, found = -1;
	size_t best = 0;

	getcwd(here, sizeof(here));
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%d %*d %*s %*s %255s", &id, point) == 2 && strlen(point) >= best &&
		    strncmp(here, point, strlen(point)) == 0) {
			best = strlen(point);
			found = id;
		}
	fclose(f);
	return found;
}

static void test_name_to_handle(void)
{
	close(file_with("f", "text"));
	symlink("f", "link");
	RESULT(name_to(AT_FDCWD, "f", 0));
	VALUE(h.bytes);
	VALUE(h.type);
	VALUE(mount_id == listed_mount());
	h.bytes = 0;
	RESULT(syscall(SYS_name_to_handle_at, AT_FDCWD, "f", &h, &mount_id, 0));
	VALUE(h.bytes);
	h.bytes = 11;
	RESULT(syscall(SYS_name_to_handle_at, AT_FDCWD, "f", &h, &mount_id, 0));
	VALUE(h.bytes);
	h.bytes = 129;
	RESULT(syscall(SYS_name_to_handle_at, AT_FDCWD, "f", &h, &mount_id, 0));
	RESULT(name_to(AT_FDCWD, "missing", 0));
	RESULT(name_to(AT_FDCWD, "", 0));
	RESULT(name_to(AT_FDCWD, "", AT_EMPTY_PATH));
	RESULT(name_to(open("f", O_PATH), "", AT_EMPTY_PATH));
	RESULT(name_to(99, "f", 0));
	RESULT(name_to(AT_FDCWD, "f", AT_SYMLINK_NOFOLLOW));
	RESULT(name_to(AT_FDCWD, "f/g", 0));
	RESULT(name_to(AT_FDCWD, "/proc/self/stat", 0));
	RESULT(syscall(SYS_name_to_handle_at, AT_FDCWD, "f", nowhere(), &mount_id, 0));
	RESULT(syscall(SYS_name_to_handle_at, AT_FDCWD, nowhere(), &h, &mount_id, 0));
	h.bytes = sizeof(h.body);
	RESULT(syscall(SYS_name_to_handle_at, AT_FDCWD, "f", &h, nowhere(), 0));
}

static void show_contents(int fd)
{
	char text[16];
	ssize_t n = read(fd, text, sizeof(text));

	TEXT("contents", text, n > 0 ? (size_t)n : 0);
	close(fd);
}

static void test_open_by_handle(void)
{
	int fd;

	close(file_with("f", "text"));
	symlink("f", "link");
	mkdir("d", 0755);
	name_to(AT_FDCWD, "f", 0);
	fd = (int)RESULT(open_by(AT_FDCWD, O_RDONLY));
	show_contents(fd);
	fd = (int)RESULT(open_by(open("d", O_RDONLY), O_RDWR));
	show_contents(fd);
	RESULT(open_by(99, O_RDONLY));
	RESULT(open_by(open("/proc", O_RDONLY), O_RDONLY));
	RESULT(open_by(AT_FDCWD, O_RDONLY | O_DIRECTORY));
	RESULT(open_by(AT_FDCWD, O_CREAT | O_EXCL | O_RDWR));
	name_to(AT_FDCWD, "link", 0);
	RESULT(open_by(AT_FDCWD, O_RDONLY));
	fd = (int)RESULT(open_by(AT_FDCWD, O_PATH));
	name_to(AT_FDCWD, "link", AT_SYMLINK_FOLLOW);
	fd = (int)RESULT(open_by(AT_FDCWD, O_RDONLY));
	show_contents(fd);
	name_to(AT_FDCWD, "d", 0);
	RESULT(open_by(AT_FDCWD, O_RDONLY | O_DIRECTORY));
	RESULT(open_by(AT_FDCWD, O_RDWR));
	name_to(AT_FDCWD, "f", 0);
	unlink("f");
	RESULT(open_by(AT_FDCWD, O_RDONLY));
	close(file_with("f", "another"));
	RESULT(open_by(AT_FDCWD, O_RDONLY));
	h.bytes = 0;
	RESULT(open_by(AT_FDCWD, O_RDONLY));
	h.bytes = 129;
	RESULT(open_by(AT_FDCWD, O_RDONLY));
	h.bytes = 4;
	RESULT(open_by(AT_FDCWD, O_RDONLY));
	RESULT(syscall(SYS_open_by_handle_at, AT_FDCWD, nowhere(), O_RDONLY));
}

static void open_unprivileged(void)
{
	RESULT(name_to(AT_FDCWD, "f", 0));
	RESULT(open_by(AT_FDCWD, O_RDONLY));
	RESULT(syscall(SYS_open_by_handle_at, 99, nowhere(), O_RDONLY));
}

static void test_handle_privilege(void)
{
	close(file_with("f", "text"));
	chmod(".", 0777);
	as_user(1000, "as a user", open_unprivileged);
}

static const struct calls table[] = {
	{ "name_to_handle_at", test_name_to_handle },
	{ "open_by_handle_at", test_open_by_handle },
	{ "open_by_handle_at", test_handle_privilege },
};

CALLS_MAIN(table)
