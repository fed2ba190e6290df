/* SPDX-License-Identifier: BSD-2-Clause */
/* Landlock: rulesets and their rules, and what is left to who is restricted by them. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <mqueue.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../include/serix/abi_landlock.h"
#include "calls.h"

#define FS(right) LANDLOCK_ACCESS_FS_##right
#define ALL       LANDLOCK_ACCESS_FS_ALL
#define READING   (FS(READ_FILE) | FS(READ_DIR))
#define REMOVING  (FS(REMOVE_FILE) | FS(REMOVE_DIR))
#define MAKING                                                                                        \
	(FS(MAKE_REG) | FS(MAKE_DIR) | FS(MAKE_SYM) | FS(MAKE_FIFO) | FS(MAKE_SOCK) | FS(MAKE_CHAR) | \
	 FS(MAKE_BLOCK))

static long create(const void *ruleset, size_t size, unsigned flags)
{
	return syscall(444, ruleset, size, flags);
}

static long add(int ruleset, unsigned type, const void *rule, unsigned flags)
{
	return syscall(445, ruleset, type, rule, flags);
}

static long enforce(int ruleset, unsigned flags)
{
	return syscall(446, ruleset, flags);
}

static int ruleset_of(uint64_t handled)
{
	return (int)create(&handled, sizeof(handled), 0);
}

static long allow_fd(int ruleset, uint64_t rights, int fd)
{
	const struct abi_landlock_path_beneath rule = { rights, fd };

	return add(ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

static long allow(int ruleset, uint64_t rights, const char *path)
{
	int fd = open(path, O_PATH | O_CLOEXEC);
	long result = allow_fd(ruleset, rights, fd);

	close(fd);
	return result;
}

static long restrict_by(int ruleset)
{
	long result;

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	result = enforce(ruleset, 0);
	close(ruleset);
	return result;
}

struct grant {
	const char *path;
	uint64_t rights;
};

/* The handled rights are denied but in these places. */
static void restrict_to(uint64_t handled, const struct grant *grants, size_t count)
{
	int ruleset = ruleset_of(handled);

	for (size_t i = 0; i < count; i++)
		if (allow(ruleset, grants[i].rights, grants[i].path) < 0)
			VALUE(errno);
	if (restrict_by(ruleset) < 0)
		VALUE(errno);
}

#define RESTRICT(handled, ...)                                                       \
	do {                                                                         \
		const struct grant grants_[] = { __VA_ARGS__ };                      \
		restrict_to(handled, grants_, sizeof(grants_) / sizeof(grants_[0])); \
	} while (0)

/* --- rulesets and rules ------------------------------------------------------------------------------- */

static void test_create(void)
{
	const uint64_t one = 1, none = 0, unknown = 1u << 14, more[2] = { 1, 1 }, zeroes[3] = { 1 };
	int fd;
	char byte;

	RESULT(create(NULL, 0, LANDLOCK_CREATE_RULESET_VERSION));
	RESULT(create(&one, 0, LANDLOCK_CREATE_RULESET_VERSION));
	RESULT(create(NULL, 8, LANDLOCK_CREATE_RULESET_VERSION));
	RESULT(create(NULL, 0, 4));
	RESULT(create(NULL, 0, 3));
	RESULT(create(NULL, 0, 0));
	RESULT(create(NULL, 8, 0));
	RESULT(create(NULL, 4097, 0));
	RESULT(create(&one, 0, 0));
	RESULT(create(&one, 7, 0));
	RESULT(create(&one, 4097, 0));
	RESULT(create(nowhere(), 8, 0));
	RESULT(create(more, sizeof(more), 0));
	RESULT(create(&none, 8, 0));
	RESULT(create(&unknown, 8, 0));
	fd = (int)RESULT(create(zeroes, sizeof(zeroes), 0));
	RESULT(fcntl(fd, F_GETFD));
	RESULT(fcntl(fd, F_GETFL));
	RESULT(read(fd, &byte, 1));
	RESULT(write(fd, "x", 1));
	RESULT(lseek(fd, 0, SEEK_CUR));
	RESULT(ftruncate(fd, 0));
}

static void test_add(void)
{
	int fd = ruleset_of(READING), file = file_with("file", ""), ends[2];
	struct abi_landlock_path_beneath rule = { FS(READ_FILE), file };
	struct mq_attr small = { .mq_maxmsg = 1, .mq_msgsize = 1 };

	RESULT(add(-1, 1, &rule, 0));
	RESULT(add(file, 1, &rule, 0));
	RESULT(add(fd, 0, &rule, 0));
	RESULT(add(fd, 2, &rule, 0));
	RESULT(add(fd, 1, &rule, 1));
	RESULT(add(-1, 2, NULL, 1));
	RESULT(add(fd, 1, NULL, 0));
	RESULT(add(fd, 1, nowhere(), 0));
	RESULT(allow_fd(fd, 0, -1));
	RESULT(allow_fd(fd, FS(EXECUTE), -1));
	RESULT(allow_fd(fd, 1u << 14, file));
	RESULT(allow_fd(fd, FS(READ_FILE), -1));
	RESULT(allow_fd(fd, FS(READ_DIR), file));
	RESULT(allow_fd(fd, READING, file));
	RESULT(allow_fd(fd, FS(READ_FILE), file));
	RESULT(allow_fd(fd, FS(READ_FILE), file));
	RESULT(allow(fd, READING, "."));
	RESULT(allow(fd, READING, "/proc/self"));
	RESULT(allow(fd, FS(READ_FILE), "/dev/null"));
	RESULT(allow_fd(fd, FS(READ_FILE), fd));
	RESULT(allow_fd(fd, FS(READ_FILE), memfd_create("memfd", 0)));
	RESULT(allow_fd(fd, FS(READ_FILE), socket(AF_UNIX, SOCK_STREAM, 0)));
	RESULT(pipe(ends));
	RESULT(allow_fd(fd, FS(READ_FILE), ends[0]));
	mq_unlink("/calls-landlock");
	RESULT(allow_fd(fd, FS(READ_FILE), mq_open("/calls-landlock", O_RDWR | O_CREAT, 0600, &small)));
	mq_unlink("/calls-landlock");
}

static void by_a_user(void)
{
	int fd = ruleset_of(READING), other = open("/", O_RDONLY);

	RESULT(enforce(-1, 1));
	RESULT(enforce(fd, 0));
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	RESULT(enforce(-1, 1));
	RESULT(enforce(fd, 1));
	RESULT(enforce(-1, 0));
	RESULT(enforce(other, 0));
	RESULT(enforce(fd, 0));
	RESULT(open("/", O_RDONLY));
}

static void by_root(void)
{
	RESULT(enforce(ruleset_of(READING), 0));
	RESULT(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	RESULT(open("/", O_RDONLY));
}

static void sixteen_times(void)
{
	int fd = ruleset_of(FS(MAKE_SOCK)), layers = 0;

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	while (enforce(fd, 0) == 0)
		layers++;
	VALUE(layers);
	RESULT(enforce(fd, 0));
	RESULT(mknod("file", S_IFREG | 0600, 0));
}

static void test_restrict(void)
{
	as_user(1000, "a user", by_a_user);
	in_child("root", by_root);
	in_child("sixteen times", sixteen_times);
}

/* --- opening ------------------------------------------------------------------------------------------ */

static void make_tree(void)
{
	mkdir("a", 0755);
	mkdir("a/in", 0755);
	mkdir("b", 0755);
	mkdir("b/in", 0755);
	close(file_with("a/file", "of a"));
	close(file_with("a/in/file", "of a/in"));
	close(file_with("b/file", "of b"));
	close(file_with("b/in/file", "of b/in"));
	close(file_with("top", "on top"));
}

static void reads_one(void)
{
	RESTRICT(FS(READ_FILE), { "a", FS(READ_FILE) });
	SUCCEEDS(open("a/file", O_RDONLY));
	SUCCEEDS(open("a/in/file", O_RDONLY));
	SUCCEEDS(open("b/../a/file", O_RDONLY));
	RESULT(open("b/file", O_RDONLY));
	RESULT(open("a/../top", O_RDONLY));
	RESULT(open("b/file", O_RDWR));
	SUCCEEDS(open("b/file", O_WRONLY));
	SUCCEEDS(open("b/file", O_ACCMODE));
	SUCCEEDS(open("b/file", O_PATH));
	SUCCEEDS(open("b", O_RDONLY));
	RESULT(open("a/missing", O_RDONLY));
	RESULT(open("b/missing", O_RDONLY));
	SUCCEEDS(open("b/new", O_WRONLY | O_CREAT, 0600));
	RESULT(open("b/newer", O_RDWR | O_CREAT, 0600));
	RESULT(access("b/newer", F_OK));
	RESULT(access("b/file", R_OK));
	RESULT(truncate("b/file", 2));
	RESULT(open("/proc/self/status", O_RDONLY));
	RESULT(open("/dev/null", O_RDONLY));
}

static void reads_a_file(void)
{
	RESTRICT(READING | FS(WRITE_FILE), { "a/file", FS(READ_FILE) | FS(WRITE_FILE) },
		 { "b", FS(READ_DIR) });
	SUCCEEDS(open("a/file", O_RDWR));
	SUCCEEDS(open("a/file", O_RDWR | O_TRUNC));
	RESULT(open("a/in/file", O_RDONLY));
	RESULT(open("a", O_RDONLY));
	SUCCEEDS(open("b", O_RDONLY));
	SUCCEEDS(open("b/in", O_RDONLY | O_DIRECTORY));
	RESULT(open("b/file", O_RDONLY));
	RESULT(open("b", O_RDWR));
	RESULT(rename("a/file", "a/else"));
	RESULT(link("a/else", "a/more"));
	SUCCEEDS(open("a/else", O_RDONLY));
	SUCCEEDS(open("a/more", O_RDONLY));
	RESULT(unlink("a/else"));
	RESULT(mknod("a/else", S_IFREG | 0644, 0));
	RESULT(open("a/else", O_RDONLY));
}

static void only_truncates(void)
{
	struct stat st = { 0 };

	RESTRICT(FS(WRITE_FILE) | FS(READ_FILE), { "a", FS(READ_FILE) });
	SUCCEEDS(open("a/in/file", O_RDONLY | O_TRUNC));
	stat("a/in/file", &st);
	VALUE(st.st_size);
	RESULT(open("b/file", O_RDONLY | O_TRUNC));
	stat("b/file", &st);
	VALUE(st.st_size);
	RESULT(open("b/file", O_WRONLY | O_TRUNC));
	stat("b/file", &st);
	VALUE(st.st_size);
}

static void unnamed(void)
{
	RESTRICT(FS(WRITE_FILE) | FS(MAKE_REG) | FS(REFER), { "a", FS(WRITE_FILE) },
		 { "b", FS(MAKE_REG) | FS(REFER) });
	SUCCEEDS(open("a", O_TMPFILE | O_WRONLY, 0600));
	RESULT(open("b", O_TMPFILE | O_WRONLY, 0600));
	SUCCEEDS(open("a", O_TMPFILE | O_RDWR, 0600));
}

/* What has no place in anybody's tree nobody is kept from. */
static void without_place(void)
{
	struct mq_attr small = { .mq_maxmsg = 1, .mq_msgsize = 1 };
	int ends[2], file = open("b/file", O_PATH), other = open("a/in/file", O_PATH),
		     fd = memfd_create("memfd", 0);
	char name[64];

	mq_unlink("/calls-landlock");
	mq_open("/calls-landlock", O_RDWR | O_CREAT, 0600, &small);
	RESULT(pipe(ends));
	RESTRICT(ALL, { "a", READING });
	snprintf(name, sizeof(name), "/proc/self/fd/%d", ends[0]);
	SUCCEEDS(open(name, O_RDONLY));
	SUCCEEDS(open(name, O_RDWR));
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	SUCCEEDS(open(name, O_RDWR));
	snprintf(name, sizeof(name), "/proc/self/fd/%d", file);
	RESULT(open(name, O_RDONLY));
	snprintf(name, sizeof(name), "/proc/self/fd/%d", other);
	SUCCEEDS(open(name, O_RDONLY));
	RESULT(open(name, O_WRONLY));
	RESULT(mq_open("/calls-landlock", O_RDWR));
	RESULT(mq_unlink("/calls-landlock"));
}

static void sockets_and_fifos(void)
{
	struct sockaddr_un where = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	RESTRICT(READING | FS(WRITE_FILE) | FS(MAKE_SOCK), { "a", READING | FS(MAKE_SOCK) });
	strcpy(where.sun_path, "b/socket");
	RESULT(bind(s, (struct sockaddr *)&where, sizeof(where)));
	strcpy(where.sun_path, "a/socket");
	RESULT(bind(s, (struct sockaddr *)&where, sizeof(where)));
	RESULT(listen(s, 1));
	RESULT(open("a/socket", O_RDONLY));
	RESULT(open("a/socket", O_WRONLY));
	RESULT(connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&where, sizeof(where)));
	RESULT(mkfifo("b/fifo", 0600));
	RESULT(open("b/fifo", O_RDONLY | O_NONBLOCK));
	RESULT(open("b/fifo", O_WRONLY | O_NONBLOCK));
}

static void of_proc(void)
{
	char path[64];
	pid_t other = getppid();

	RESTRICT(READING, { "/proc/self", READING }, { "/proc/meminfo", FS(READ_FILE) });
	SUCCEEDS(open("/proc/self/status", O_RDONLY));
	SUCCEEDS(open("/proc/self/task", O_RDONLY));
	SUCCEEDS(open("/proc/meminfo", O_RDONLY));
	RESULT(open("/proc/stat", O_RDONLY));
	RESULT(open("/proc", O_RDONLY));
	snprintf(path, sizeof(path), "/proc/%d/status", other);
	RESULT(open(path, O_RDONLY) >= 0);
	RESULT(open("/sys/devices", O_RDONLY));
}

static void test_open(void)
{
	make_tree();
	in_child("reads one", reads_one);
	in_child("reads a file", reads_a_file);
	in_child("only truncates", only_truncates);
	in_child("unnamed", unnamed);
	in_child("without place", without_place);
	in_child("sockets and fifos", sockets_and_fifos);
	in_child("of /proc", of_proc);
}

/* --- making and removing -------------------------------------------------------------------------------- */

static void make_each(const char *dir)
{
	struct sockaddr_un where = { .sun_family = AF_UNIX };

	RESULT(chdir(dir));
	RESULT(mkdir("dir", 0700));
	RESULT(mknod("reg", S_IFREG | 0600, 0));
	RESULT(mknod("zero", 0600, 0));
	RESULT(mknod("char", S_IFCHR | 0600, 0x103));
	RESULT(mknod("fifo", S_IFIFO | 0600, 0));
	RESULT(mknod("sock", S_IFSOCK | 0600, 0));
	RESULT(symlink("x", "sym"));
	RESULT(close(open("new", O_WRONLY | O_CREAT, 0600)));
	RESULT(link("file", "linked"));
	strcpy(where.sun_path, "bound");
	RESULT(bind(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&where, sizeof(where)));
	RESULT(mkdir("in", 0700));
	RESULT(mknod("file", S_IFREG | 0600, 0));
	RESULT(symlink("x", "file"));
	RESULT(mkdir("missing/dir", 0700));
	RESULT(open("file", O_WRONLY | O_CREAT | O_EXCL, 0600));
}

#define MAKES(name, right)                        \
	static void makes_##name(void)            \
	{                                         \
		RESTRICT(MAKING, { "a", right }); \
		make_each("a");                   \
	}
MAKES(nothing, FS(MAKE_BLOCK))
MAKES(directories, FS(MAKE_DIR))
MAKES(files, FS(MAKE_REG))
MAKES(devices, FS(MAKE_CHAR))
MAKES(fifos, FS(MAKE_FIFO))
MAKES(sockets, FS(MAKE_SOCK))
MAKES(links, FS(MAKE_SYM))

static void makes_as_user(void)
{
	RESTRICT(MAKING, { "a", FS(MAKE_REG) });
	RESULT(mknod("a/device", S_IFCHR | 0600, 0x103));
	RESULT(mkdir("a/dir", 0700));
	RESULT(mknod("a/reg", S_IFREG | 0600, 0));
}

static void remove_each(const char *dir)
{
	RESULT(chdir(dir));
	RESULT(unlink("missing"));
	RESULT(unlink("in"));
	RESULT(rmdir("file"));
	RESULT(rmdir("in"));
	RESULT(unlink("in/file"));
	RESULT(rmdir("in"));
	RESULT(unlink("file/"));
	RESULT(unlink("file"));
	RESULT(rmdir("."));
}

static void removes_files(void)
{
	RESTRICT(REMOVING, { "a", FS(REMOVE_FILE) });
	remove_each("a");
}

static void removes_directories(void)
{
	RESTRICT(REMOVING, { "b", FS(REMOVE_DIR) });
	remove_each("b");
}

static void test_make(void)
{
	make_tree();
	in_child("nothing", makes_nothing);
	in_child("directories", makes_directories);
	in_child("files", makes_files);
	in_child("devices", makes_devices);
	in_child("fifos", makes_fifos);
	in_child("sockets", makes_sockets);
	in_child("links", makes_links);
	as_user(1000, "as user", makes_as_user);
}

static void test_remove(void)
{
	make_tree();
	in_child("files", removes_files);
	in_child("directories", removes_directories);
}

/* --- moving and linking --------------------------------------------------------------------------------- */

static long exchange(const char *a, const char *b)
{
	return syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, 2);
}

/* What is moved comes back, so that all start alike. */
static void move_each(void)
{
	RESULT(rename("a/file", "a/renamed"));
	rename("a/renamed", "a/file");
	if (RESULT(rename("a/file", "b/moved")) == 0)
		RESULT(rename("b/moved", "a/file"));
	if (RESULT(rename("a/in", "b/moved")) == 0)
		RESULT(rename("b/moved", "a/in"));
	if (RESULT(rename("a/file", "a/in/moved")) == 0)
		RESULT(rename("a/in/moved", "a/file"));
	if (RESULT(link("a/file", "b/linked")) == 0)
		RESULT(unlink("b/linked"));
	if (RESULT(link("a/file", "a/linked")) == 0)
		RESULT(unlink("a/linked"));
	RESULT(exchange("a/file", "b/file"));
	RESULT(exchange("a/file", "b/file"));
	RESULT(exchange("a/file", "b/in"));
	RESULT(exchange("b/in", "a/file"));
	RESULT(exchange("a/in", "b/in"));
	RESULT(rename("a/missing", "b/moved"));
	RESULT(exchange("a/file", "b/missing"));
	RESULT(rename("a", "a/in/a"));
	RESULT(link("a/in", "b/linked"));
	RESULT(link("a/file", "b/file"));
}

static void moves_nothing(void)
{
	RESTRICT(FS(EXECUTE), { "a", FS(EXECUTE) });
	move_each();
}

static void refers_nowhere(void)
{
	RESTRICT(FS(REFER), { "a", FS(REFER) });
	move_each();
}

static void refers_only(void)
{
	RESTRICT(FS(REFER), { "a", FS(REFER) }, { "b", FS(REFER) });
	move_each();
}

static void refers_all(void)
{
	RESTRICT(FS(REFER) | MAKING | REMOVING, { ".", FS(REFER) | MAKING | REMOVING });
	move_each();
}

static void refers_but_makes_nothing(void)
{
	RESTRICT(FS(REFER) | MAKING | REMOVING, { ".", FS(REFER) | REMOVING });
	move_each();
}

static void refers_but_removes_nothing(void)
{
	RESTRICT(FS(REFER) | MAKING | REMOVING, { ".", FS(REFER) | MAKING });
	move_each();
}

/* From a to b one would gain reading; the other way something is lost, which is allowed. */
static void gains_reading(void)
{
	RESTRICT(FS(REFER) | FS(READ_FILE), { ".", FS(REFER) }, { "b", FS(READ_FILE) });
	move_each();
	if (RESULT(rename("b/file", "a/moved")) == 0)
		RESULT(rename("a/moved", "b/file"));
}

/* Rights to directories matter to directories alone. */
static void gains_listing(void)
{
	RESTRICT(FS(REFER) | FS(READ_DIR), { ".", FS(REFER) }, { "b", FS(READ_DIR) });
	move_each();
}

/* What the file itself may be used for comes with it. */
static void brings_its_own(void)
{
	RESTRICT(FS(REFER) | FS(READ_FILE), { ".", FS(REFER) }, { "b", FS(READ_FILE) },
		 { "a/file", FS(READ_FILE) });
	move_each();
}

/* A rule on the mount's root counts, but is too late to tell that both are alike. */
static void alike_from_above(void)
{
	RESTRICT(FS(REFER) | READING, { "/tmp", FS(REFER) | FS(READ_FILE) }, { "b", FS(READ_FILE) });
	move_each();
}

static void alike_from_the_root(void)
{
	RESTRICT(FS(REFER) | READING, { "/", FS(REFER) | FS(READ_FILE) }, { "b", FS(READ_FILE) });
	move_each();
}

static void two_layers(void)
{
	RESTRICT(FS(REFER) | MAKING, { ".", FS(REFER) | MAKING });
	RESTRICT(FS(READ_FILE) | FS(REFER), { "a", FS(READ_FILE) | FS(REFER) },
		 { "b", FS(READ_FILE) | FS(REFER) });
	move_each();
}

static void one_layer_knows_nothing_of_it(void)
{
	RESTRICT(FS(REFER) | MAKING, { ".", FS(REFER) | MAKING });
	RESTRICT(FS(READ_FILE), { ".", FS(READ_FILE) });
	move_each();
}

/* Each with a tree of its own. */
static void in_tree(const char *what, void (*body)(void))
{
	mkdir(what, 0755);
	if (chdir(what) == 0) {
		make_tree();
		in_child(what, body);
	}
	RESULT(chdir(".."));
}

static void test_move(void)
{
	in_tree("nothing", moves_nothing);
	in_tree("refers nowhere", refers_nowhere);
	in_tree("refers only", refers_only);
	in_tree("refers all", refers_all);
	in_tree("refers, makes nothing", refers_but_makes_nothing);
	in_tree("refers, removes nothing", refers_but_removes_nothing);
	in_tree("gains reading", gains_reading);
	in_tree("gains listing", gains_listing);
	in_tree("brings its own", brings_its_own);
	in_tree("alike from above", alike_from_above);
	in_tree("alike from the root", alike_from_the_root);
	in_tree("two layers", two_layers);
	in_tree("one layer knows nothing of it", one_layer_knows_nothing_of_it);
}

/* --- mounts ------------------------------------------------------------------------------------------- */

static void through_mounts(void)
{
	RESTRICT(READING, { "a", READING }, { "covered", READING }, { "bound/in", READING });
	SUCCEEDS(open("a/mounted/file", O_RDONLY));
	SUCCEEDS(open("a/mounted", O_RDONLY));
	RESULT(open("covered/file", O_RDONLY));
	RESULT(open("covered", O_RDONLY));
	SUCCEEDS(open("bound/in/file", O_RDONLY));
	SUCCEEDS(open("b/in/file", O_RDONLY));
	RESULT(open("bound/file", O_RDONLY));
	RESULT(open("b/file", O_RDONLY));
}

static void changes_mounts(void)
{
	RESTRICT(FS(MAKE_SOCK), { "a", FS(MAKE_SOCK) });
	RESULT(mount("none", "a", "tmpfs", 0, NULL));
	RESULT(mount("none", "missing", "tmpfs", 0, NULL));
	RESULT(mount("none", "a", "nosuchfs", 0, NULL));
	RESULT(mount("a", "b", NULL, MS_BIND, NULL));
	RESULT(mount(NULL, "a/mounted", NULL, MS_REMOUNT | MS_RDONLY, NULL));
	RESULT(mount("a/mounted", "b", NULL, MS_MOVE, NULL));
	RESULT(umount2("a/mounted", 0));
	RESULT(umount2("a/mounted", MNT_DETACH));
	RESULT(umount2("a", 0));
	RESULT(umount2("missing", 0));
	RESULT(syscall(SYS_pivot_root, "a/mounted", "a/mounted"));
	RESULT(syscall(SYS_pivot_root, "missing", "a"));
	RESULT(chroot("a"));
	RESULT(access("/mounted/file", F_OK));
}

/* The directory is moved out of what the mount shows of its file system. */
static void disconnected(void)
{
	int fd = open("bound/in", O_PATH), top = open("bound", O_PATH), ruleset = ruleset_of(READING);

	RESULT(rename("b/in", "out"));
	RESULT(allow_fd(ruleset, READING, top));
	RESULT(restrict_by(ruleset));
	RESULT(openat(fd, "file", O_RDONLY));
	RESULT(openat(fd, ".", O_RDONLY));
	RESULT(openat(fd, "..", O_RDONLY));
	RESULT(openat(fd, "../b/file", O_RDONLY));
	RESULT(open("out/file", O_RDONLY));
	SUCCEEDS(open("bound/file", O_RDONLY));
	SUCCEEDS(open("b/file", O_RDONLY));
}

static void disconnected_but_allowed(void)
{
	int fd = open("bound/in", O_PATH);

	RESULT(rename("b/in", "out"));
	RESTRICT(READING, { "out", READING });
	SUCCEEDS(openat(fd, "file", O_RDONLY));
	SUCCEEDS(open("out/file", O_RDONLY));
	RESULT(open("b/file", O_RDONLY));
}

static void test_mounts(void)
{
	make_tree();
	mkdir("a/mounted", 0755);
	mkdir("covered", 0755);
	mkdir("bound", 0755);
	RESULT(mount("none", "a/mounted", "tmpfs", 0, NULL));
	RESULT(mount("none", "covered", "tmpfs", 0, NULL));
	RESULT(mount("b", "bound", NULL, MS_BIND, NULL));
	close(file_with("a/mounted/file", ""));
	close(file_with("covered/file", ""));
	RESULT(umount2("covered", MNT_DETACH));
	in_child("through mounts, nothing covered", through_mounts);
	in_child("changes mounts", changes_mounts);
	in_child("disconnected", disconnected);
	RESULT(rename("out", "b/in"));
	in_child("disconnected but allowed", disconnected_but_allowed);
	umount2("bound", MNT_DETACH);
	umount2("a/mounted", MNT_DETACH);
}

static void covered_rules(void)
{
	int ruleset = ruleset_of(READING), below = open("a", O_PATH);

	RESULT(mount("none", "a", "tmpfs", 0, NULL));
	close(file_with("a/file", ""));
	RESULT(allow_fd(ruleset, READING, below));
	RESULT(restrict_by(ruleset));
	RESULT(open("a/file", O_RDONLY));
	RESULT(open("a", O_RDONLY));
	SUCCEEDS(openat(below, "file", O_RDONLY));
}

/* A file system that a rule is about can be unmounted. */
static void outlived_rules(void)
{
	int ruleset = ruleset_of(READING);

	RESULT(mount("none", "b", "tmpfs", 0, NULL));
	close(file_with("b/file", ""));
	RESULT(allow(ruleset, READING, "b"));
	RESULT(umount2("b", 0));
	RESULT(mount("none", "b", "tmpfs", 0, NULL));
	close(file_with("b/file", ""));
	RESULT(restrict_by(ruleset));
	RESULT(open("b/file", O_RDONLY));
}

static void test_hidden(void)
{
	make_tree();
	in_child("covered rules", covered_rules);
	umount2("a", MNT_DETACH);
	in_child("outlived rules", outlived_rules);
	umount2("b", MNT_DETACH);
}

/* --- programs, processes, threads ---------------------------------------------------------------------- */

static void copy_self(const char *to)
{
	int in = open("/proc/self/exe", O_RDONLY), out = open(to, O_WRONLY | O_CREAT, 0755);
	char buf[65536];
	ssize_t n;

	while ((n = read(in, buf, sizeof(buf))) > 0)
		if (write(out, buf, (size_t)n) != n)
			_exit(1);
	close(in);
	close(out);
}

/* Without cases of that name the program runs none. */
static void execute(const char *path)
{
	execl(path, path, "none of them", NULL);
	calls_result(path, -1);
}

static void executes(void)
{
	RESTRICT(FS(EXECUTE), { "a", FS(EXECUTE) });
	execute("b/program");
	execute("a/missing");
	execute("a/program");
}

static void executes_unread(void)
{
	RESTRICT(FS(EXECUTE) | FS(READ_FILE), { "a", FS(EXECUTE) }, { "b", FS(READ_FILE) });
	execute("a/program");
	execute("b/program");
}

static void executes_scripts(void)
{
	RESTRICT(FS(EXECUTE), { "a", FS(EXECUTE) });
	execute("a/script");
	execute("b/script");
}

static void *in_thread(void *unused)
{
	(void)unused;
	RESTRICT(FS(READ_FILE), { "a", FS(READ_FILE) });
	RESULT(open("b/file", O_RDONLY));
	in_child("a thread's child", reads_one);
	return NULL;
}

static void threads(void)
{
	pthread_t t;

	if (pthread_create(&t, NULL, in_thread, NULL) == 0)
		pthread_join(t, NULL);
	SUCCEEDS(open("b/file", O_RDONLY));
}

static void test_programs(void)
{
	int fd;

	make_tree();
	copy_self("a/program");
	copy_self("b/program");
	fd = file_with("a/script", "#!b/program\n");
	fchmod(fd, 0755);
	close(fd);
	fd = file_with("b/script", "#!a/program\n");
	fchmod(fd, 0755);
	close(fd);
	in_child("executes", executes);
	in_child("executes unread", executes_unread);
	in_child("executes scripts", executes_scripts);
	in_child("threads", threads);
}

/* Attach, read memory and look by /proc. */
static void look_at(pid_t pid)
{
	static char here = 'x';
	char there, path[64], link[64];
	struct iovec local = { &there, 1 }, remote = { &here, 1 };
	long attached = RESULT(ptrace(PTRACE_ATTACH, pid, NULL, NULL));

	if (attached == 0) {
		waitpid(pid, NULL, __WALL);
		RESULT(ptrace(PTRACE_DETACH, pid, NULL, NULL));
	}
	RESULT(process_vm_readv(pid, &local, 1, &remote, 1, 0));
	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	RESULT(readlink(path, link, 1));
	snprintf(path, sizeof(path), "/proc/%d/environ", pid);
	RESULT(close(open(path, O_RDONLY)));
	RESULT(kill(pid, 0));
}

static pid_t waiting_child(void (*first)(void))
{
	pid_t pid;
	int ends[2];
	char byte;

	if (pipe(ends) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		if (first)
			first();
		if (write(ends[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	if (read(ends[0], &byte, 1) != 1)
		return -1;
	return pid;
}

static void look_and_end(pid_t pid)
{
	look_at(pid);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void a_layer(void)
{
	RESTRICT(FS(MAKE_SOCK), { "a", FS(MAKE_SOCK) });
}

static void looks_outside(void)
{
	pid_t free = waiting_child(NULL);

	a_layer();
	look_and_end(free);
}

static void looks_inside(void)
{
	a_layer();
	look_and_end(waiting_child(NULL));
	look_and_end(waiting_child(a_layer));
}

static void looks_beside(void)
{
	pid_t other = waiting_child(a_layer);

	look_at(other);
	a_layer();
	look_and_end(other);
}

static void asks_to_be_traced(void)
{
	RESULT(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static void asks_after_a_layer(void)
{
	a_layer();
	asks_to_be_traced();
}

static void asks_a_restricted_one(void)
{
	a_layer();
	in_child("of the same domain", asks_to_be_traced);
	in_child("of one inside", asks_after_a_layer);
}

static void test_trace(void)
{
	make_tree();
	in_child("looks outside", looks_outside);
	in_child("looks inside", looks_inside);
	in_child("looks beside", looks_beside);
	in_child("asks after a layer", asks_after_a_layer);
	in_child("asks a restricted one", asks_a_restricted_one);
}

static const struct calls table[] = {
	{ "landlock_create_ruleset", test_create },
	{ "landlock_add_rule", test_add },
	{ "landlock_restrict_self", test_restrict },
	{ "landlock_restrict_self open", test_open },
	{ "landlock_restrict_self mknod", test_make },
	{ "landlock_restrict_self unlink rmdir", test_remove },
	{ "landlock_restrict_self rename link", test_move },
	{ "landlock_restrict_self mount umount2", test_mounts },
	{ "landlock_restrict_self open mount", test_hidden },
	{ "landlock_restrict_self execve", test_programs },
	{ "landlock_restrict_self ptrace", test_trace },
};

CALLS_MAIN(table)
