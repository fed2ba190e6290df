/* SPDX-License-Identifier: BSD-2-Clause */
/* Files by handle, and watching files. */
#define _GNU_SOURCE
#include "calls.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
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

/* --- fanotify ------------------------------------------------------------------------------------------- */

/* What C libraries may not have yet. */
#undef FAN_REPORT_PIDFD
#define FAN_REPORT_PIDFD 0x80
#undef FAN_REPORT_FID
#define FAN_REPORT_FID 0x200
#undef FAN_REPORT_DIR_FID
#define FAN_REPORT_DIR_FID 0x400
#undef FAN_REPORT_NAME
#define FAN_REPORT_NAME 0x800
#undef FAN_REPORT_TARGET_FID
#define FAN_REPORT_TARGET_FID 0x1000
#undef FAN_REPORT_TID
#define FAN_REPORT_TID 0x100
#undef FAN_MARK_FILESYSTEM
#define FAN_MARK_FILESYSTEM 0x100
#undef FAN_MARK_EVICTABLE
#define FAN_MARK_EVICTABLE 0x200
#undef FAN_MARK_IGNORE
#define FAN_MARK_IGNORE 0x400
#undef FAN_ATTRIB
#define FAN_ATTRIB 4
#undef FAN_MOVED_FROM
#define FAN_MOVED_FROM 0x40
#undef FAN_MOVED_TO
#define FAN_MOVED_TO 0x80
#undef FAN_CREATE
#define FAN_CREATE 0x100
#undef FAN_DELETE
#define FAN_DELETE 0x200
#undef FAN_DELETE_SELF
#define FAN_DELETE_SELF 0x400
#undef FAN_MOVE_SELF
#define FAN_MOVE_SELF 0x800
#undef FAN_OPEN_EXEC
#define FAN_OPEN_EXEC 0x1000
#undef FAN_OPEN_EXEC_PERM
#define FAN_OPEN_EXEC_PERM 0x40000
#undef FAN_RENAME
#define FAN_RENAME 0x10000000
#define OF_NAMES   (FAN_CREATE | FAN_DELETE | FAN_MOVED_FROM | FAN_MOVED_TO)
#define DIR_NAMES  (FAN_REPORT_DIR_FID | FAN_REPORT_NAME)
#define ALL_IDS    (DIR_NAMES | FAN_REPORT_FID | FAN_REPORT_TARGET_FID)

struct event {
	unsigned event_len;
	unsigned char vers, reserved;
	unsigned short metadata_len;
	unsigned long long mask;
	int fd, pid;
};

struct info {
	unsigned char type, pad;
	unsigned short len;
	int fsid[2];
	unsigned bytes;
	int handle_type;
	unsigned char body[];
};

static long init(unsigned flags, unsigned event_flags)
{
	return syscall(SYS_fanotify_init, flags, event_flags);
}

static long mark(int fd, unsigned flags, unsigned long mask, const char *path)
{
	return syscall(SYS_fanotify_mark, fd, flags, mask, AT_FDCWD, path);
}

/* Handles of names that events may be about: which is it? */
static struct {
	const char *name;
	struct handle h;
} known[8];
static int known_count;

static void know(const char *name)
{
	name_to(AT_FDCWD, name, 0);
	known[known_count].name = name;
	known[known_count++].h = h;
}

static const char *name_of(const struct info *info)
{
	for (int i = known_count; i-- > 0;)
		if (known[i].h.bytes == info->bytes && !memcmp(known[i].h.body, info->body, info->bytes))
			return known[i].name;
	return "another";
}

static void show_info(const struct info *info)
{
	struct statfs fs;

	printf(" [%d", info->type);
	if (info->type != 4) {
		statfs(".", &fs);
		printf(" %s", memcmp(&fs.f_fsid, info->fsid, 8) ? "elsewhere" : name_of(info));
		if (info->len > 20 + info->bytes)
			printf(" \"%s\"", (const char *)info->body + info->bytes);
	}
	printf(" %d]", info->len);
}

static void show_event(const struct event *e)
{
	char link[32], text[128];
	ssize_t n;

	printf(" %llx%s", e->mask, e->pid == getpid() ? "" : e->pid ? " of another" : " of nobody");
	if (e->fd >= 0) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", e->fd);
		n = readlink(link, text, sizeof(text) - 1);
		text[n > 0 ? n : 0] = 0;
		printf(" %s", strrchr(text, '/') ? strrchr(text, '/') + 1 : text);
		close(e->fd);
	}
	for (const char *p = (const char *)(e + 1); p < (const char *)e + e->event_len;
	     p += ((const struct info *)p)->len)
		show_info((const void *)p);
	printf("\n");
}

/* All that there is to read; the descriptor does not block. */
static void show_events(const char *what, int fd)
{
	_Alignas(8) char buf[8192];
	ssize_t n;

	printf("%s:\n", what);
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		for (char *p = buf; p < buf + n; p += ((struct event *)p)->event_len)
			show_event((struct event *)p);
	fflush(stdout);
}

static void test_fanotify_init(void)
{
	SUCCEEDS(init(0, O_RDONLY));
	SUCCEEDS(init(FAN_CLASS_CONTENT | FAN_NONBLOCK | FAN_CLOEXEC, O_RDWR | O_CLOEXEC | O_LARGEFILE));
	SUCCEEDS(init(FAN_CLASS_PRE_CONTENT | FAN_UNLIMITED_QUEUE | FAN_UNLIMITED_MARKS, O_WRONLY));
	RESULT(init(FAN_CLASS_CONTENT | FAN_CLASS_PRE_CONTENT, O_RDONLY));
	RESULT(init(0x40000000, O_RDONLY));
	RESULT(init(0, O_ACCMODE));
	RESULT(init(0, O_RDONLY | O_CREAT));
	RESULT(init(FAN_REPORT_NAME, O_RDONLY));
	RESULT(init(FAN_REPORT_FID | FAN_REPORT_TARGET_FID, O_RDONLY));
	RESULT(init(FAN_REPORT_FID | FAN_CLASS_CONTENT, O_RDONLY));
	RESULT(init(FAN_REPORT_PIDFD | FAN_REPORT_TID, O_RDONLY));
	SUCCEEDS(init(ALL_IDS, O_RDONLY));
	SUCCEEDS(init(DIR_NAMES, O_RDONLY));
}

static void test_fanotify_mark(void)
{
	int fd = (int)init(FAN_NONBLOCK, O_RDONLY), ids = (int)init(FAN_REPORT_FID, O_RDONLY);
	int perm = (int)init(FAN_CLASS_CONTENT, O_RDONLY);

	close(file_with("f", "text"));
	mkdir("d", 0755);
	symlink("f", "link");
	RESULT(mark(fd, FAN_MARK_ADD, FAN_OPEN, "f"));
	RESULT(mark(fd, FAN_MARK_ADD, 0, "f"));
	RESULT(mark(fd, 0, FAN_OPEN, "f"));
	RESULT(mark(fd, FAN_MARK_ADD | FAN_MARK_REMOVE, FAN_OPEN, "f"));
	RESULT(mark(fd, FAN_MARK_ADD | 0x1000, FAN_OPEN, "f"));
	RESULT(mark(fd, FAN_MARK_ADD, 0x800000, "f"));
	RESULT(mark(fd, FAN_MARK_ADD, 1ul << 32, "f"));
	RESULT(mark(fd, FAN_MARK_ADD, FAN_CREATE, "d"));
	RESULT(mark(fd, FAN_MARK_ADD, FAN_OPEN_PERM, "f"));
	RESULT(mark(fd, FAN_MARK_ADD | FAN_MARK_ONLYDIR, FAN_OPEN, "f"));
	RESULT(mark(fd, FAN_MARK_ADD, FAN_OPEN, "missing"));
	RESULT(mark(fd, FAN_MARK_ADD | FAN_MARK_DONT_FOLLOW, FAN_OPEN, "link"));
	RESULT(mark(fd, FAN_MARK_ADD | FAN_MARK_MOUNT | FAN_MARK_FILESYSTEM, FAN_OPEN, "f"));
	RESULT(mark(fd, FAN_MARK_ADD | FAN_MARK_MOUNT | FAN_MARK_EVICTABLE, FAN_OPEN, "f"));
	RESULT(mark(fd, FAN_MARK_REMOVE, FAN_OPEN, "d"));
	RESULT(mark(fd, FAN_MARK_REMOVE, FAN_OPEN, "f"));
	RESULT(mark(fd, FAN_MARK_REMOVE, FAN_OPEN, "f"));
	RESULT(mark(99, FAN_MARK_ADD, FAN_OPEN, "f"));
	RESULT(mark(open("f", O_RDONLY), FAN_MARK_ADD, FAN_OPEN, "f"));
	RESULT(mark(fd, FAN_MARK_ADD, FAN_OPEN, nowhere()));
	RESULT(syscall(SYS_fanotify_mark, fd, FAN_MARK_ADD, FAN_OPEN, open("d", O_RDONLY), NULL));
	RESULT(mark(fd, FAN_MARK_FLUSH, 0, NULL));
	RESULT(mark(fd, FAN_MARK_FLUSH | FAN_MARK_ONLYDIR, 0, NULL));
	RESULT(mark(ids, FAN_MARK_ADD, FAN_CREATE | FAN_ONDIR, "d"));
	RESULT(mark(ids, FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_CREATE, "d"));
	RESULT(mark(ids, FAN_MARK_ADD, FAN_RENAME, "d"));
	RESULT(mark(ids, FAN_MARK_ADD, FAN_OPEN, "/proc/self/stat"));
	RESULT(mark(perm, FAN_MARK_ADD, FAN_OPEN_PERM, "f"));
	RESULT(mark(perm, FAN_MARK_ADD, FAN_OPEN_PERM, "/proc/self/stat"));
	RESULT(mark(fd, FAN_MARK_ADD | FAN_MARK_IGNORED_MASK | FAN_MARK_IGNORE, FAN_OPEN, "f"));
	RESULT(mark(fd, FAN_MARK_ADD | FAN_MARK_IGNORE, FAN_OPEN, "d"));
	RESULT(mark(fd, FAN_MARK_ADD | FAN_MARK_MOUNT | FAN_MARK_IGNORE, FAN_OPEN, "d"));
	RESULT(mark(fd, FAN_MARK_ADD | FAN_MARK_IGNORE, FAN_OPEN | FAN_ONDIR, "f"));
	RESULT(mark(fd, FAN_MARK_ADD | FAN_MARK_IGNORE | FAN_MARK_IGNORED_SURV_MODIFY, FAN_OPEN, "d"));
	RESULT(mark(fd, FAN_MARK_ADD | FAN_MARK_IGNORE, FAN_OPEN, "f"));
	RESULT(mark(fd, FAN_MARK_ADD | FAN_MARK_IGNORED_MASK, FAN_OPEN, "d"));
	RESULT(mark(fd, FAN_MARK_ADD | FAN_MARK_EVICTABLE, FAN_OPEN, "d"));
}

static void use_files(void)
{
	char text[16];
	int fd = open("d/f", O_RDWR | O_CREAT, 0644);

	write(fd, "text", 4);
	lseek(fd, 0, SEEK_SET);
	read(fd, text, sizeof(text));
	close(fd);
	close(open("d/f", O_RDONLY));
	close(open("d", O_RDONLY | O_DIRECTORY));
	truncate("d/f", 2);
	chmod("d/f", 0600);
}

static void test_descriptors(void)
{
	static const unsigned long all = FAN_OPEN | FAN_ACCESS | FAN_MODIFY | FAN_CLOSE;
	int fd = (int)init(FAN_NONBLOCK, O_RDONLY), bytes = -1;
	struct pollfd p = { fd, POLLIN | POLLOUT, 0 };
	char buf[8];

	mkdir("d", 0755);
	RESULT(read(fd, buf, sizeof(buf)));
	RESULT(poll(&p, 1, 0));
	mark(fd, FAN_MARK_ADD, all, "d");
	use_files();
	show_events("a directory alone", fd);
	mark(fd, FAN_MARK_ADD, all | FAN_ONDIR, "d");
	use_files();
	show_events("the directory", fd);
	mark(fd, FAN_MARK_ADD, FAN_EVENT_ON_CHILD, "d");
	close(open("d/f", O_RDONLY));
	RESULT(poll(&p, 1, 0));
	VALUE(p.revents);
	RESULT(ioctl(fd, FIONREAD, &bytes));
	VALUE(bytes);
	RESULT(read(fd, buf, sizeof(buf)));
	show_events("a child", fd);
	use_files();
	show_events("what is in it", fd);
	mark(fd, FAN_MARK_REMOVE, all | FAN_ONDIR | FAN_EVENT_ON_CHILD, "d");
	use_files();
	show_events("nothing", fd);
	RESULT(lseek(fd, 0, SEEK_SET));
	RESULT(ioctl(fd, FIOCLEX, NULL));
	RESULT(ioctl(fd, 0x12345, NULL));
}

static void test_ignoring(void)
{
	int fd = (int)init(FAN_NONBLOCK, O_RDONLY), f;

	mkdir("d", 0755);
	close(file_with("d/f", "text"));
	mark(fd, FAN_MARK_ADD, FAN_OPEN | FAN_MODIFY | FAN_EVENT_ON_CHILD, "d");
	RESULT(mark(fd, FAN_MARK_ADD | FAN_MARK_IGNORED_MASK, FAN_OPEN, "d/f"));
	close(open("d/f", O_RDONLY));
	show_events("ignored", fd);
	f = open("d/f", O_RDWR);
	write(f, "x", 1);
	show_events("changed", fd);
	RESULT(mark(fd, FAN_MARK_ADD | FAN_MARK_IGNORED_MASK, FAN_OPEN, "d/f"));
	close(open("d/f", O_RDONLY));
	show_events("open for writing", fd);
	close(f);
	RESULT(mark(fd, FAN_MARK_ADD | FAN_MARK_IGNORED_MASK | FAN_MARK_IGNORED_SURV_MODIFY,
		    FAN_OPEN | FAN_MODIFY, "d/f"));
	truncate("d/f", 1);
	close(open("d/f", O_RDONLY));
	show_events("ignored for good", fd);
	RESULT(mark(fd, FAN_MARK_REMOVE | FAN_MARK_IGNORED_MASK, FAN_OPEN | FAN_MODIFY, "d/f"));
	close(open("d/f", O_RDONLY));
	show_events("no longer", fd);
	RESULT(mark(fd, FAN_MARK_ADD | FAN_MARK_IGNORE | FAN_MARK_IGNORED_SURV_MODIFY,
		    FAN_OPEN | FAN_EVENT_ON_CHILD, "d"));
	close(open("d/f", O_RDONLY));
	show_events("by the directory", fd);
}

static void change_names(void)
{
	int fd = open("d/a", O_RDWR | O_CREAT, 0644);

	write(fd, "x", 1);
	close(fd);
	know("d/a");
	mkdir("d/sub", 0755);
	know("d/sub");
	rename("d/a", "d/b");
	rename("d/b", "e/c");
	chmod("e/c", 0600);
	chmod("d/sub", 0700);
	unlink("e/c");
	rmdir("d/sub");
}

static void names_with(const char *what, unsigned flags, unsigned type, unsigned long mask)
{
	int fd = (int)init(flags | FAN_NONBLOCK, O_RDONLY);

	mkdir("d", 0755);
	mkdir("e", 0755);
	known_count = 0;
	know(".");
	know("d");
	know("e");
	RESULT(mark(fd, FAN_MARK_ADD | type, mask, type ? "." : "d"));
	change_names();
	show_events(what, fd);
	close(fd);
}

static void test_identities(void)
{
	static const unsigned long names = OF_NAMES, more = OF_NAMES | FAN_ATTRIB | FAN_MOVE_SELF |
							    FAN_DELETE_SELF | FAN_ONDIR | FAN_MODIFY;

	names_with("files", FAN_REPORT_FID, 0, names);
	names_with("files and directories", FAN_REPORT_FID, 0, names | FAN_ONDIR);
	names_with("directories", FAN_REPORT_DIR_FID, 0, more | FAN_EVENT_ON_CHILD);
	names_with("names", DIR_NAMES, 0, more | FAN_EVENT_ON_CHILD);
	names_with("names and files", DIR_NAMES | FAN_REPORT_FID, 0, more | FAN_EVENT_ON_CHILD);
	names_with("all", ALL_IDS, 0, more | FAN_EVENT_ON_CHILD);
	names_with("renames from", ALL_IDS, 0, FAN_RENAME | FAN_ONDIR);
}

/* Of a file system of its own, or others would be heard, too. */
static void test_file_system(void)
{
	mkdir("m", 0755);
	RESULT(mount("none", "m", "tmpfs", 0, ""));
	chdir("m");
	names_with("files", FAN_REPORT_FID, FAN_MARK_FILESYSTEM, OF_NAMES | FAN_DELETE_SELF);
	names_with("names", DIR_NAMES, FAN_MARK_FILESYSTEM, OF_NAMES | FAN_ATTRIB | FAN_ONDIR);
	names_with("all", ALL_IDS, FAN_MARK_FILESYSTEM, FAN_RENAME | FAN_MODIFY | FAN_OPEN | FAN_ONDIR);
	chdir("..");
	RESULT(umount("m"));
}

static void test_mount(void)
{
	int fd = (int)init(FAN_NONBLOCK, O_RDONLY);

	mkdir("m", 0755);
	mkdir("n", 0755);
	mount("none", "m", "tmpfs", 0, "");
	mount("m", "n", NULL, MS_BIND, NULL);
	RESULT(mark(fd, FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_OPEN | FAN_CLOSE | FAN_ONDIR, "m"));
	close(open("m/f", O_RDWR | O_CREAT, 0644));
	close(open("n/f", O_RDONLY));
	close(open("m", O_RDONLY));
	show_events("through one of two", fd);
	RESULT(mark(fd, FAN_MARK_ADD | FAN_MARK_MOUNT | FAN_MARK_IGNORED_MASK, FAN_OPEN, "m"));
	close(open("m/f", O_RDONLY));
	show_events("ignored", fd);
	RESULT(umount("n"));
	RESULT(umount("m"));
	RESULT(mark(fd, FAN_MARK_REMOVE | FAN_MARK_MOUNT, FAN_OPEN, "m"));
}

static void unprivileged_group(void)
{
	int fd;

	RESULT(init(0, O_RDONLY));
	RESULT(init(FAN_REPORT_FID | FAN_UNLIMITED_QUEUE, O_RDONLY));
	RESULT(init(FAN_REPORT_FID | FAN_REPORT_PIDFD, O_RDONLY));
	fd = (int)init(DIR_NAMES | FAN_NONBLOCK, O_RDONLY);
	VALUE(fd >= 0);
	RESULT(mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN, "d"));
	RESULT(mark(fd, FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_OPEN, "d"));
	RESULT(mark(fd, FAN_MARK_ADD, FAN_OPEN, "secret"));
	RESULT(mark(fd, FAN_MARK_ADD, FAN_OPEN | FAN_EVENT_ON_CHILD, "d"));
	close(open("d/f", O_RDONLY));
	if (fork() == 0) {
		close(open("d/f", O_RDONLY));
		_exit(0);
	}
	wait(NULL);
	show_events("his own, another's", fd);
}

static void test_fanotify_user(void)
{
	mkdir("d", 0755);
	close(file_with("d/f", "text"));
	chmod("d/f", 0644);
	close(file_with("secret", "text"));
	chmod("secret", 0600);
	chmod(".", 0777);
	as_user(1000, "as a user", unprivileged_group);
}

/* A child that answers so many questions, as `answers` has it: a letter each. */
static pid_t answerer(int fd, const char *answers)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	for (; *answers; answers++) {
		struct event e;
		struct {
			int fd;
			unsigned response;
		} r;

		if (read(fd, &e, sizeof(e)) != sizeof(e))
			_exit(1);
		r.fd = e.fd;
		r.response = *answers == 'y' ? FAN_ALLOW : FAN_DENY;
		if (write(fd, &r, sizeof(r)) != sizeof(r))
			_exit(2);
		close(e.fd);
	}
	_exit(0);
}

static void end_of(const char *what, pid_t pid)
{
	int status = -1;

	waitpid(pid, &status, 0);
	printf("%s: %d\n", what, status);
	fflush(stdout);
}

static void test_permissions(void)
{
	int fd = (int)init(FAN_CLASS_CONTENT, O_RDONLY), f;
	struct {
		int fd;
		unsigned response;
	} r = { 99, FAN_ALLOW };
	char text[8];
	pid_t pid;

	f = file_with("f", "text");
	RESULT(write(fd, &r, sizeof(r)));
	RESULT(write(fd, &r, 4));
	r.response = 7;
	RESULT(write(fd, &r, sizeof(r)));
	mark(fd, FAN_MARK_ADD, FAN_OPEN_PERM | FAN_ACCESS_PERM, "f");
	pid = answerer(fd, "ynyn");
	VALUE(open("f", O_RDONLY) >= 0);
	RESULT(open("f", O_RDONLY));
	RESULT(read(f, text, sizeof(text)));
	RESULT(read(f, text, sizeof(text)));
	end_of("answers", pid);
	RESULT(mark(fd, FAN_MARK_FLUSH, 0, NULL));
	RESULT(read(f, text, sizeof(text)));
}

/* Two groups: who is of the higher class is asked first, and a refusal ends it. */
static void test_classes(void)
{
	int low = (int)init(FAN_CLASS_CONTENT, O_RDONLY), high = (int)init(FAN_CLASS_PRE_CONTENT, O_RDONLY);
	pid_t first, second;

	close(file_with("f", "text"));
	mark(low, FAN_MARK_ADD, FAN_OPEN_PERM, "f");
	mark(high, FAN_MARK_ADD, FAN_OPEN_PERM, "f");
	first = answerer(high, "nyy");
	second = answerer(low, "yn");
	RESULT(open("f", O_RDONLY));
	VALUE(open("f", O_RDONLY) >= 0);
	RESULT(open("f", O_RDONLY));
	end_of("first", first);
	end_of("second", second);
}

static void test_overflow(void)
{
	int fd = (int)init(FAN_NONBLOCK | FAN_REPORT_FID, O_RDONLY), events = 0;
	char name[32], buf[4096];
	FILE *f = fopen("/proc/sys/fs/fanotify/max_queued_events", "r");
	unsigned long long last = 0;
	int most = 0;
	ssize_t n;

	fscanf(f, "%d", &most);
	fclose(f);
	VALUE(most);
	mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_ATTRIB, ".");
	mkdir("d", 0755);
	for (int i = 0; i < most + 10; i++) {
		snprintf(name, sizeof(name), "d/%d", i);
		close(open(name, O_RDWR | O_CREAT, 0644));
		chmod(name, 0600);
	}
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		for (char *p = buf; p < buf + n; p += ((struct event *)p)->event_len, events++)
			last = ((struct event *)p)->mask;
	VALUE(events);
	VALUE(last == FAN_Q_OVERFLOW);
}

static const struct calls table[] = {
	{ "name_to_handle_at", test_name_to_handle },
	{ "open_by_handle_at", test_open_by_handle },
	{ "open_by_handle_at", test_handle_privilege },
	{ "fanotify_init", test_fanotify_init },
	{ "fanotify_mark", test_fanotify_mark },
	{ "fanotify_init fanotify_mark", test_descriptors },
	{ "fanotify_mark", test_ignoring },
	{ "fanotify_mark", test_identities },
	{ "fanotify_mark", test_file_system },
	{ "fanotify_mark", test_mount },
	{ "fanotify_init fanotify_mark", test_fanotify_user },
	{ "fanotify_mark", test_permissions },
	{ "fanotify_init fanotify_mark", test_classes },
	{ "fanotify_init", test_overflow },
};

CALLS_MAIN(table)
