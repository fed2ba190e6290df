/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Extended attributes on files in memory, as xattr(7) has them.  All of this holds on Linux, too, but that
 * tmpfs there has user.* from 6.6 on only, and charges trusted.* and security.* to nobody.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <time.h>

#include "child.h"
#include "tap.h"

#define VALUE_MAX 65536
#define LIST_MAX  65536

static char buf[VALUE_MAX + 1], other[VALUE_MAX + 1];
static char dir[64];

static bool fails(long result, int error)
{
	if (result == -1 && errno == error)
		return true;
	printf("# result %ld, errno %d, not %d\n", result, errno, error);
	return false;
}

/* In a directory of its own, whose end nobody waits for, with an empty file. */
static void enter(void)
{
	snprintf(dir, sizeof(dir), "/tmp/xattr.XXXXXX");
	need(mkdtemp(dir) && chmod(dir, 0755) == 0 && chdir(dir) == 0);
	need(close(open("file", O_CREAT | O_RDWR, 0644)) == 0);
}

static bool has_user_names(void)
{
	enter();
	return setxattr("file", "user.a", "b", 1, 0) == 0;
}

static void become(uid_t uid)
{
	need(setresgid(uid, uid, uid) == 0 && setresuid(uid, uid, uid) == 0);
}

/* --- values --- */

static void values_come_back(void)
{
	enter();
	for (size_t i = 0; i < VALUE_MAX; i++)
		buf[i] = (char)(i * 7);
	need(setxattr("file", "trusted.long", buf, VALUE_MAX, 0) == 0);
	need(setxattr("file", "trusted.short", "ab", 2, 0) == 0);
	need(setxattr("file", "trusted.empty", NULL, 0, 0) == 0);
	need(getxattr("file", "trusted.long", other, sizeof(other)) == VALUE_MAX);
	need(memcmp(buf, other, VALUE_MAX) == 0);
	need(getxattr("file", "trusted.short", other, 2) == 2 && memcmp(other, "ab", 2) == 0);
	need(getxattr("file", "trusted.empty", other, 2) == 0);
	need(getxattr("file", "trusted.short", NULL, 0) == 2);
	need(fails(getxattr("file", "trusted.short", other, 1), ERANGE));
	need(fails(getxattr("file", "trusted.shor", other, 1), ENODATA));
	need(setxattr("file", "trusted.short", "longer", 6, 0) == 0);
	need(getxattr("file", "trusted.short", other, 16) == 6 && memcmp(other, "longer", 6) == 0);
	need(removexattr("file", "trusted.short") == 0);
	need(fails(getxattr("file", "trusted.short", other, 16), ENODATA));
	need(fails(removexattr("file", "trusted.short"), ENODATA));
}

static void flags_are_obeyed(void)
{
	enter();
	need(fails(setxattr("file", "trusted.a", "1", 1, XATTR_REPLACE), ENODATA));
	need(setxattr("file", "trusted.a", "1", 1, XATTR_CREATE) == 0);
	need(fails(setxattr("file", "trusted.a", "2", 1, XATTR_CREATE), EEXIST));
	need(getxattr("file", "trusted.a", other, 1) == 1 && other[0] == '1');
	need(setxattr("file", "trusted.a", "2", 1, XATTR_REPLACE) == 0);
	need(getxattr("file", "trusted.a", other, 1) == 1 && other[0] == '2');
	need(fails(setxattr("file", "trusted.a", "2", 1, 4), EINVAL));
}

static void limits_hold(void)
{
	char name[300];

	enter();
	memset(name, 'n', sizeof(name));
	memcpy(name, "trusted.", 8);
	name[256] = 0;
	need(fails(setxattr("file", name, "", 1, 0), ERANGE));
	name[255] = 0;
	need(setxattr("file", name, "", 1, 0) == 0 && getxattr("file", name, other, 1) == 1);
	need(listxattr("file", other, sizeof(other)) == 256 && strcmp(other, name) == 0);
	need(fails(setxattr("file", "", "", 1, 0), ERANGE));
	need(fails(setxattr("file", "trusted.a", buf, VALUE_MAX + 1, 0), E2BIG));
	need(fails(setxattr("file", "trusted.a", (void *)8, 1, 0), EFAULT));
	need(fails(setxattr("file", (void *)8, "", 1, 0), EFAULT));
	need(fails(getxattr("file", name, (void *)8, 1), EFAULT));
	need(fails(listxattr("file", (void *)8, 256), EFAULT));
	need(fails(setxattr("file", "trusted.", "", 1, 0), EINVAL));
	need(fails(getxattr("file", "security.", other, 1), EINVAL));
	need(fails(setxattr("file", "else.a", "", 1, 0), EOPNOTSUPP));
	need(fails(getxattr("file", "else.a", other, 1), EOPNOTSUPP));
	need(fails(setxattr("file", "system.a", "", 1, 0), EOPNOTSUPP));
	need(fails(setxattr("/proc/self/comm", "trusted.a", "", 1, 0), EOPNOTSUPP));
	need(fails(getxattr("/proc/self/comm", "trusted.a", other, 1), EOPNOTSUPP));
	need(fails(setxattr("missing", "trusted.a", "", 1, 0), ENOENT));
}

/* --- lists --- */

static bool is_listed(const char *name, const char *list, ssize_t size)
{
	for (const char *p = list; p < list + size; p += strlen(p) + 1)
		if (strcmp(p, name) == 0)
			return true;
	return false;
}

static void lists_have_all_names(void)
{
	char name[32];
	ssize_t size;

	enter();
	need(listxattr("file", other, sizeof(other)) == 0);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "trusted.%02d", i * 37 % 100);
		need(setxattr("file", name, name, strlen(name), 0) == 0);
	}
	size = listxattr("file", NULL, 0);
	need(size == 1100 && listxattr("file", other, 1100) == size);
	need(fails(listxattr("file", other, 1099), ERANGE));
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "trusted.%02d", i);
		need(is_listed(name, other, size) && getxattr("file", name, buf, 32) == 10);
		need(memcmp(buf, name, 10) == 0);
		need(i % 2 || removexattr("file", name) == 0);
	}
	size = listxattr("file", other, sizeof(other));
	need(size == 550 && !is_listed("trusted.50", other, size) && is_listed("trusted.51", other, size));
}

/* Serix takes no more names than anybody can read; Linux's tmpfs does, and the list is too big then. */
static void a_list_can_be_read_or_is_too_big(void)
{
	char name[64];
	ssize_t size;
	int i, err = 0;

	enter();
	for (i = 0; i < 5000 && !err; i++) {
		snprintf(name, sizeof(name), "trusted.%015d", i);
		err = setxattr("file", name, "v", 1, 0) < 0 ? errno : 0;
	}
	size = listxattr("file", other, LIST_MAX);
	if (err)
		need(err == ENOSPC && i == LIST_MAX / 24 + 1 && size == LIST_MAX / 24 * 24);
	else
		need(fails(size, E2BIG));
}

/* --- who may --- */

static void others_do_not_see_trusted(void)
{
	enter();
	need(setxattr("file", "trusted.a", "1", 1, 0) == 0);
	need(setxattr("file", "security.b", "2", 1, 0) == 0);
	need(chown("file", 1000, 1000) == 0);
	become(1000);
	need(fails(getxattr("file", "trusted.a", other, 1), ENODATA));
	need(fails(setxattr("file", "trusted.a", "", 1, 0), EPERM));
	need(fails(setxattr("file", "trusted.new", "", 1, 0), EPERM));
	need(fails(removexattr("file", "trusted.a"), EPERM));
	need(listxattr("file", NULL, 0) == 11 && listxattr("file", other, 11) == 11);
	need(strcmp(other, "security.b") == 0);
	need(getxattr("file", "security.b", other, 1) == 1 && other[0] == '2');
}

/* Not on Debian's Linux: a security module that has no rule of its own takes the place of those that have. */
static void others_do_not_change_security(void)
{
	enter();
	need(setxattr("file", "security.b", "2", 1, 0) == 0 && chown("file", 1000, 1000) == 0);
	become(1000);
	need(fails(setxattr("file", "security.b", "", 1, 0), EPERM));
	need(fails(setxattr("file", "security.c", "", 1, 0), EPERM));
	need(fails(removexattr("file", "security.b"), EPERM));
}

static void users_need_access_to_the_contents(void)
{
	enter();
	need(setxattr("file", "user.a", "1", 1, 0) == 0);
	need(chmod("file", 0640) == 0 && chown("file", 1000, 1001) == 0);
	if (fork() == 0) {
		become(1001); /* the group: may read */
		need(getxattr("file", "user.a", other, 1) == 1);
		need(fails(setxattr("file", "user.a", "2", 1, 0), EACCES));
		need(fails(removexattr("file", "user.a"), EACCES));
		_exit(0);
	}
	int status;
	need(wait(&status) > 0 && status == 0);
	if (fork() == 0) {
		become(1002); /* neither, but names are no secret */
		need(fails(getxattr("file", "user.a", other, 1), EACCES));
		need(listxattr("file", other, 16) == 7);
		_exit(0);
	}
	need(wait(&status) > 0 && status == 0);
	become(1000);
	need(setxattr("file", "user.a", "2", 1, 0) == 0 && removexattr("file", "user.a") == 0);
	need(fails(getxattr("file", "else.a", other, 1), EOPNOTSUPP));
}

static void user_names_are_for_files_and_directories(void)
{
	enter();
	need(symlink("file", "link") == 0 && mkfifo("fifo", 0666) == 0 && mkdir("dir", 01777) == 0);
	need(fails(lsetxattr("link", "user.a", "", 1, 0), EPERM));
	need(fails(lgetxattr("link", "user.a", other, 1), ENODATA));
	need(fails(setxattr("fifo", "user.a", "", 1, 0), EPERM));
	need(fails(getxattr("fifo", "user.a", other, 1), ENODATA));
	need(fails(setxattr("/dev/null", "user.a", "", 1, 0), EPERM));
	need(lsetxattr("link", "trusted.a", "", 1, 0) == 0 && lgetxattr("link", "trusted.a", other, 1) == 1);
	need(fails(getxattr("link", "trusted.a", other, 1), ENODATA));
}

static void only_its_owner_marks_a_sticky_directory(void)
{
	enter();
	need(mkdir("sticky", 01777) == 0 && mkdir("open", 0777) == 0);
	need(chmod("sticky", 01777) == 0 && chmod("open", 0777) == 0);
	need(setxattr("sticky", "user.a", "", 1, 0) == 0);
	become(1000);
	need(fails(setxattr("sticky", "user.a", "", 1, 0), EPERM));
	need(getxattr("sticky", "user.a", other, 1) == 1);
	need(setxattr("open", "user.a", "", 1, 0) == 0);
}

/* --- ways to a file --- */

static void links_and_descriptors_lead_there(void)
{
	int fd, place;

	enter();
	need(symlink("file", "link") == 0 && link("file", "second") == 0);
	need(setxattr("link", "trusted.a", "1", 1, 0) == 0);
	need(getxattr("second", "trusted.a", other, 1) == 1 && other[0] == '1');
	need(llistxattr("link", other, 16) == 0 && listxattr("link", other, 16) == 10);
	fd = open("file", O_RDONLY);
	place = open("file", O_PATH);
	need(fd >= 0 && place >= 0);
	need(fsetxattr(fd, "trusted.a", "2", 1, XATTR_REPLACE) == 0); /* however it was opened */
	need(rename("file", "elsewhere") == 0 && unlink("second") == 0);
	need(getxattr("elsewhere", "trusted.a", other, 1) == 1 && other[0] == '2');
	need(unlink("elsewhere") == 0);
	need(fgetxattr(fd, "trusted.a", other, 1) == 1 && flistxattr(fd, other, 16) == 10);
	need(fremovexattr(fd, "trusted.a") == 0 && flistxattr(fd, other, 16) == 0);
	need(fails(fgetxattr(place, "trusted.a", other, 1), EBADF));
	need(fails(fsetxattr(place, "trusted.a", "", 1, 0), EBADF));
	need(fails(flistxattr(place, other, 1), EBADF));
	need(fails(fremovexattr(-1, "trusted.a"), EBADF));
}

static void pipes_have_none(void)
{
	int ends[2];

	need(pipe(ends) == 0);
	need(fails(fsetxattr(ends[0], "user.a", "", 1, 0), EPERM));
	need(fails(fgetxattr(ends[0], "user.a", other, 1), ENODATA));
	need(fails(fgetxattr(ends[0], "trusted.a", other, 1), EOPNOTSUPP));
	need(flistxattr(ends[0], other, 16) == 0);
}

static void read_only_mounts_stay_as_they_are(void)
{
	enter();
	need(mkdir("mount", 0755) == 0 && mount("none", "mount", "tmpfs", 0, "size=1m") == 0);
	need(close(open("mount/file", O_CREAT | O_RDWR, 0644)) == 0);
	need(setxattr("mount/file", "trusted.a", "1", 1, 0) == 0);
	need(mount("none", "mount", NULL, MS_REMOUNT | MS_RDONLY, NULL) == 0);
	need(fails(setxattr("mount/file", "trusted.a", "2", 1, 0), EROFS));
	need(fails(removexattr("mount/file", "trusted.a"), EROFS));
	need(getxattr("mount/file", "trusted.a", other, 1) == 1 && other[0] == '1');
	need(umount("mount") == 0);
}

/* --- what follows from it --- */

static void watchers_hear_of_it(void)
{
	_Alignas(struct inotify_event) char events[256];
	const struct inotify_event *e = (const void *)events;
	int in = inotify_init1(IN_NONBLOCK);

	enter();
	need(in >= 0 && inotify_add_watch(in, ".", IN_ATTRIB) > 0);
	need(setxattr("file", "trusted.a", "1", 1, 0) == 0);
	need(read(in, events, sizeof(events)) > 0 && e->mask == IN_ATTRIB && strcmp(e->name, "file") == 0);
	need(removexattr("file", "trusted.a") == 0);
	need(read(in, events, sizeof(events)) > 0 && e->mask == IN_ATTRIB);
	need(fails(removexattr("file", "trusted.a"), ENODATA));
	need(fails(read(in, events, sizeof(events)), EAGAIN));
}

/* Linux's tmpfs does so from 6.6 on, as other file systems always did. */
static void the_change_has_a_time(void)
{
	struct stat before, after;

	enter();
	need(stat("file", &before) == 0);
	nanosleep(&(struct timespec){ 0, 20000000 }, NULL);
	need(setxattr("file", "user.a", "1", 1, 0) == 0 && stat("file", &after) == 0);
	need(after.st_ctim.tv_sec > before.st_ctim.tv_sec || after.st_ctim.tv_nsec > before.st_ctim.tv_nsec);
	need(after.st_mtim.tv_nsec == before.st_mtim.tv_nsec);
}

/* What a program gives to who runs it: the same with other contents or another owner is another program. */
static void capabilities_go_with_a_change(void)
{
	static const char *const name = "security.capability";
	uint32_t caps[5] = { 0x02000001, 1u << 10, 0, 0, 0 }, wrong[5] = { 0x04000001, 0, 0, 0, 0 };
	int fd;

	enter();
	need(fails(setxattr("file", name, caps, 12, 0), EINVAL));
	need(fails(setxattr("file", name, wrong, 20, 0), EINVAL));
	need(setxattr("file", name, caps, 20, 0) == 0);
	need(getxattr("file", name, other, 32) == 20 && memcmp(other, caps, 20) == 0);
	need(chmod("file", 0755) == 0 && getxattr("file", name, other, 32) == 20);
	fd = open("file", O_RDWR);
	need(fd >= 0 && write(fd, "new", 3) == 3 && fails(getxattr("file", name, other, 32), ENODATA));
	need(setxattr("file", name, caps, 20, 0) == 0);
	need(ftruncate(fd, 1) == 0 && fails(getxattr("file", name, other, 32), ENODATA));
	need(setxattr("file", name, caps, 20, 0) == 0);
	need(chown("file", 1000, 1000) == 0 && fails(getxattr("file", name, other, 32), ENODATA));
	become(1000);
	need(fails(setxattr("file", name, caps, 20, 0), EPERM));
}

/* --- memory --- */

static uint64_t blocks_free(const char *path)
{
	struct statfs fs;

	need(statfs(path, &fs) == 0);
	return fs.f_bfree;
}

/* As many attributes of `size` bytes as fit. */
static int fill(const char *path, size_t size)
{
	char name[32];
	int i;

	for (i = 0; i < 4000; i++) {
		snprintf(name, sizeof(name), "user.%d", i);
		if (setxattr(path, name, buf, size, 0) < 0)
			break;
	}
	need(errno == ENOSPC);
	return i;
}

/* A file system of a megabyte holds no more in attributes than in contents, and has it back. */
static void memory_is_the_file_systems(void)
{
	uint64_t empty;
	int fd, n;

	enter();
	need(mkdir("mount", 0755) == 0 && mount("none", "mount", "tmpfs", 0, "size=1m") == 0);
	fd = open("mount/file", O_CREAT | O_RDWR, 0644);
	need(fd >= 0);
	empty = blocks_free("mount");
	n = fill("mount/file", 60000);
	need(n >= 15 && n <= 17 && blocks_free("mount") < 16);
	need(fill("mount", 100) <= 600); /* what was left */
	need(blocks_free("mount") == 0 && fails(write(fd, "contents", 8), ENOSPC));
	need(setxattr("mount/file", "user.0", "", 1, XATTR_REPLACE) == 0);
	need(blocks_free("mount") >= 14 && write(fd, "contents", 8) == 8);
	need(rename("mount/file", "mount/other") == 0 && unlink("mount/other") == 0);
	need(blocks_free("mount") < empty);
	need(close(fd) == 0);
	while (listxattr("mount", other, sizeof(other)) > 0)
		need(removexattr("mount", other) == 0);
	need(blocks_free("mount") == empty);
	need(setxattr("mount", "user.last", buf, 60000, 0) == 0 && umount("mount") == 0);
}

int main(void)
{
	bool user = passes(enter) && has_user_names();

	tap(passes(values_come_back), "values come back as they were set, and have a length");
	tap(passes(flags_are_obeyed), "XATTR_CREATE and XATTR_REPLACE");
	tap(passes(limits_hold), "names and values have limits, and names a first part that is known");
	tap(passes(lists_have_all_names), "a list has the names that there are");
	tap(passes(a_list_can_be_read_or_is_too_big), "a list is no longer than can be read");
	tap(passes(others_do_not_see_trusted),
	    "trusted names are the superuser's, security ones can be read");
	tap(passes(links_and_descriptors_lead_there),
	    "by names, links and descriptors; renamed and unlinked");
	tap(passes(pipes_have_none), "pipes have no attributes");
	tap(passes(read_only_mounts_stay_as_they_are), "a read-only mount is not changed");
	tap(passes(watchers_hear_of_it), "inotify tells of it");
	tap(passes(capabilities_go_with_a_change), "security.capability has a form, and goes with a change");
	if (user) {
		tap(passes(others_do_not_change_security), "security names are the superuser's to change");
		tap(passes(users_need_access_to_the_contents), "user names are for who has the contents");
		tap(passes(user_names_are_for_files_and_directories),
		    "user names are for files and directories");
		tap(passes(only_its_owner_marks_a_sticky_directory), "sticky directories are their owner's");
		tap(passes(the_change_has_a_time), "a change has a time");
		tap(passes(memory_is_the_file_systems), "attributes take of the file system's memory");
	}
	return tap_end();
}
