/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that is written and executed at once: who may have it, and that it works.  Copies of this program,
 * marked and not, are started with the name of what they try; 0 says that they could.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <serix/confine.h>
#include <serix/xattr.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <libserix/confine.h>

#include "child.h"
#include "tap.h"

#define PAGE    4096
#define RW      (PROT_READ | PROT_WRITE)
#define RX      (PROT_READ | PROT_EXEC)
#define RWX     (RW | PROT_EXEC)
#define ANON    (MAP_PRIVATE | MAP_ANONYMOUS)
#define NOBODY  4244u
#define SWITCH  "/proc/sys/vm/write_exec"
#define REFUSED 13 /* exit status: EACCES */

static char dir[] = "/write_exec.XXXXXX";

static char *name_of(const char *name)
{
	static char text[2][128];
	static unsigned which;
	char *t = text[which++ % 2];

	snprintf(t, sizeof(text[0]), "%s/%s", dir, name);
	return t;
}

/* --- what a program tries ------------------------------------------------------------------------------- */

/* A function that returns `value`. */
static void put_code(volatile unsigned char *at, uint32_t value)
{
	at[0] = 0xb8; /* mov eax, value */
	for (unsigned i = 0; i < 4; i++)
		at[1 + i] = (unsigned char)(value >> 8 * i);
	at[5] = 0xc3; /* ret */
}

static uint32_t run_code(const void *at)
{
	__asm__ volatile("" : : : "memory");
	return ((uint32_t(*)(void))(uintptr_t)at)();
}

static bool writes_and_runs(void *at)
{
	for (uint32_t value = 1; value < 50; value++) {
		put_code(at, value);
		if (run_code(at) != value)
			return false;
	}
	return true;
}

static void *map(int prot, int flags, int fd)
{
	void *at = mmap(NULL, PAGE, prot, flags, fd, 0);

	if (at == MAP_FAILED && errno == EACCES)
		_exit(REFUSED);
	need(at != MAP_FAILED);
	return at;
}

static void protect(void *at, int prot)
{
	int err = mprotect(at, PAGE, prot);

	if (err < 0 && errno == EACCES)
		_exit(REFUSED);
	need(err == 0);
}

static void try_anonymous(void)
{
	need(writes_and_runs(map(RWX, ANON, -1)));
	need(writes_and_runs(map(PROT_WRITE | PROT_EXEC, ANON, -1)));
}

static void try_gaining_execution(void)
{
	unsigned char *at = map(RW, ANON, -1);

	put_code(at, 7);
	protect(at, RWX);
	need(run_code(at) == 7 && writes_and_runs(at));
}

static void try_gaining_writing(void)
{
	unsigned char *at = map(RW, ANON, -1);

	put_code(at, 7);
	need(mprotect(at, PAGE, RX) == 0 && run_code(at) == 7);
	protect(at, RWX);
	need(run_code(at) == 7 && writes_and_runs(at));
	need(mprotect(at, PAGE, RX) == 0 && run_code(at) == 49);
}

/* A private mapping of a file gets copies; what the file holds stays. */
static void try_file(void)
{
	int fd = open("/proc/self/exe", O_RDONLY);
	unsigned char *at = map(RWX, MAP_PRIVATE, fd), before[PAGE];

	need(pread(fd, before, PAGE, 0) == PAGE && memcmp(at, before, PAGE) == 0);
	need(writes_and_runs(at + 64) && memcmp(at, before, 64) == 0);
	need(pread(fd, before, PAGE, 0) == PAGE && before[64] != 0xb8);
}

static void try_shared(void)
{
	int fd = memfd_create("code", 0);
	unsigned char *at, *other;

	need(ftruncate(fd, PAGE) == 0);
	at = map(RWX, MAP_SHARED, fd);
	other = map(RX, MAP_SHARED, fd);
	need(writes_and_runs(at) && run_code(other) == 49);
	need(writes_and_runs(map(RWX, MAP_SHARED | MAP_ANONYMOUS, -1)));
}

static void try_segment(void)
{
	int id = shmget(IPC_PRIVATE, PAGE, IPC_CREAT | 0700);
	void *at = shmat(id, NULL, SHM_EXEC);
	int err = errno;

	shmctl(id, IPC_RMID, NULL);
	if (at == (void *)-1 && err == EACCES)
		_exit(REFUSED);
	need(at != (void *)-1 && writes_and_runs(at));
}

static void try_after_fork(void)
{
	unsigned char *at = map(RWX, ANON, -1);
	pid_t pid;
	int status;

	put_code(at, 5);
	pid = fork();
	if (pid == 0) {
		need(run_code(at) == 5 && writes_and_runs(at));
		try_anonymous();
		_exit(0);
	}
	need(waitpid(pid, &status, 0) == pid && status == 0);
	need(run_code(at) == 5);
}

#define THREADS 4
#define ROUNDS  2000
static unsigned char *stage;

/* Each compiles its own function, all in one page that other threads run at that moment. */
static void *compile(void *arg)
{
	unsigned char *at = stage + (uintptr_t)arg * 64;

	for (uint32_t i = 0; i < ROUNDS; i++) {
		put_code(at, i);
		if (run_code(at) != i)
			return (void *)1;
	}
	return NULL;
}

static void try_threads(void)
{
	pthread_t threads[THREADS];
	void *failed;

	stage = map(RWX, ANON, -1);
	for (uintptr_t i = 0; i < THREADS; i++)
		need(pthread_create(&threads[i], NULL, compile, (void *)i) == 0);
	for (unsigned i = 0; i < THREADS; i++)
		need(pthread_join(threads[i], &failed) == 0 && !failed);
}

static void confine(void)
{
	struct confinement what = { .deny = CONFINE_NO_RT };

	need(cap_confine(&what, sizeof(what)) == 0);
}

static void write_to(unsigned char *at)
{
	put_code(at, 9);
}

static bool dies_writing(unsigned char *at)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		write_to(at);
		_exit(0);
	}
	return waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
}

/* What was compiled goes on running, and that is all. */
static void check_given_up(unsigned char *at)
{
	need(run_code(at) == 8 && dies_writing(at));
	need(mprotect(at, PAGE, RWX) < 0 && errno == EACCES);
	need(mprotect(at, PAGE, RW) == 0);
	put_code(at, 6);
	need(mprotect(at, PAGE, RX) == 0 && run_code(at) == 6);
	need(mmap(NULL, PAGE, RWX, ANON, -1, 0) == MAP_FAILED && errno == EACCES);
}

static void try_confined(void)
{
	unsigned char *at = map(RWX, ANON, -1);

	put_code(at, 8);
	confine();
	check_given_up(at);
}

static void try_capability_mode(void)
{
	unsigned char *at = map(RWX, ANON, -1);

	put_code(at, 8);
	need(cap_enter(CAP_ENTER) == 0);
	check_given_up(at);
}

static const struct {
	const char *name;
	void (*body)(void);
} attempts[] = {
	{ "anonymous", try_anonymous },     { "execution", try_gaining_execution },
	{ "writing", try_gaining_writing }, { "file", try_file },
	{ "shared", try_shared },           { "segment", try_segment },
	{ "fork", try_after_fork },         { "threads", try_threads },
	{ "confined", try_confined },       { "capability-mode", try_capability_mode },
};
#define ATTEMPTS (sizeof(attempts) / sizeof(attempts[0]))

static int try_named(const char *name)
{
	for (unsigned i = 0; i < ATTEMPTS; i++)
		if (strcmp(attempts[i].name, name) == 0) {
			attempts[i].body();
			return 0;
		}
	return 1;
}

/* --- programs ------------------------------------------------------------------------------------------- */

static bool save(const char *path, const void *data, size_t size, mode_t mode)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, mode);
	bool done = fd >= 0 && write(fd, data, size) == (ssize_t)size;

	return close(fd) == 0 && done;
}

static bool copy_self(const char *path)
{
	int from = open("/proc/self/exe", O_RDONLY), to = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0755);
	struct stat st;
	bool done = fstat(from, &st) == 0;

	while (done && st.st_size > 0) {
		ssize_t n = sendfile(to, from, NULL, (size_t)st.st_size);

		done = n > 0;
		st.st_size -= n;
	}
	close(from);
	return close(to) == 0 && done;
}

static bool mark(const char *path)
{
	return setxattr(path, XATTR_WRITE_EXEC, "", 0, 0) == 0;
}

static bool is_marked(const char *path)
{
	return getxattr(path, XATTR_WRITE_EXEC, NULL, 0) == 0;
}

/* The exit status of a program; 200 and more: what execve says, or how it was killed. */
static int run(const char *path, const char *attempt, void (*before)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (before)
			before();
		execl(path, path, attempt, (char *)NULL);
		_exit(200 + errno);
	}
	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 400 + WTERMSIG(status);
}

/* --- cases ---------------------------------------------------------------------------------------------- */

static bool noted(const char *what)
{
	FILE *f = fopen("/proc/serix/unsupported", "re");
	char line[256], tail[64];
	bool found = false;

	snprintf(tail, sizeof(tail), "\tplain\t%s\n", what);
	while (f && fgets(line, sizeof(line), f)) {
		size_t len = strlen(line);

		found |= len > strlen(tail) && strcmp(line + len - strlen(tail), tail) == 0;
	}
	if (f)
		fclose(f);
	return found;
}

static void test_refused(void)
{
	char name[96];

	for (unsigned i = 0; i < ATTEMPTS; i++) {
		snprintf(name, sizeof(name), "without the mark: %s is refused", attempts[i].name);
		tap(run(name_of("plain"), attempts[i].name, NULL) == REFUSED, name);
	}
	tap(noted("mmap") && noted("mprotect") && noted("shmat"), "what was refused is kept by program");
}

static void test_allowed(void)
{
	char name[96];

	for (unsigned i = 0; i < ATTEMPTS; i++) {
		snprintf(name, sizeof(name), "with the mark: %s", attempts[i].name);
		tap(run(name_of("marked"), attempts[i].name, NULL) == 0, name);
	}
}

/* `#!marked`: the argument on the line is the attempt. */
static void test_scripts(void)
{
	char text[160];

	snprintf(text, sizeof(text), "#!%s anonymous\n", name_of("marked"));
	need(save(name_of("script"), text, strlen(text), 0755));
	tap(run(name_of("script"), NULL, NULL) == 0, "a script has what its interpreter's file says");
	snprintf(text, sizeof(text), "#!%s anonymous\n", name_of("plain"));
	need(save(name_of("script"), text, strlen(text), 0755) && mark(name_of("script")));
	tap(run(name_of("script"), NULL, NULL) == REFUSED, "and not what its own says");
}

/* A program of one segment, which is entered with its first instruction: exit(42). */
static const struct {
	Elf64_Ehdr header;
	Elf64_Phdr segment;
	unsigned char code[16];
} tiny = {
	.header = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
		    .e_type = ET_EXEC,
		    .e_machine = EM_X86_64,
		    .e_version = EV_CURRENT,
		    .e_entry = 0x400000 + sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr),
		    .e_phoff = sizeof(Elf64_Ehdr),
		    .e_ehsize = sizeof(Elf64_Ehdr),
		    .e_phentsize = sizeof(Elf64_Phdr),
		    .e_phnum = 1 },
	.segment = { .p_type = PT_LOAD,
		     .p_flags = PF_R | PF_W | PF_X,
		     .p_vaddr = 0x400000,
		     .p_filesz = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr) + 16,
		     .p_memsz = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr) + 16,
		     .p_align = PAGE },
	.code = { 0xbf, 42, 0, 0, 0, 0xb8, 60, 0, 0, 0, 0x0f, 0x05 },
};

static void test_segments(void)
{
	const char *path = name_of("tiny");

	need(save(path, &tiny, sizeof(tiny), 0755));
	tap(run(path, NULL, NULL) == 200 + EACCES, "a program with such a segment does not start");
	tap(mark(path) && run(path, NULL, NULL) == 42, "unless it is marked");
}

static void as_nobody(void)
{
	need(setgid(NOBODY) == 0 && setuid(NOBODY) == 0);
}

static void mark_as_nobody(void)
{
	const char *path = name_of("mine");

	need(chown(path, NOBODY, NOBODY) == 0);
	as_nobody();
	need(!mark(path) && errno == EPERM);
}

static void test_marking(void)
{
	const char *path = name_of("mine");

	need(copy_self(path));
	tap(passes(mark_as_nobody), "the owner of a program cannot mark it");
	tap(setxattr(path, XATTR_WRITE_EXEC, "0", 1, 0) < 0 && errno == EINVAL, "the mark has no value");
	tap(run(name_of("marked"), "anonymous", as_nobody) == 0, "anybody may run what is marked");
}

static bool lost(const char *path, void (*change)(const char *path))
{
	if (!mark(path) || !is_marked(path))
		return false;
	change(path);
	return !is_marked(path) && run(path, "anonymous", NULL) == REFUSED;
}

static void write_byte(const char *path)
{
	int fd = open(path, O_WRONLY | O_APPEND);

	need(write(fd, "", 1) == 1 && close(fd) == 0);
}

static void cut(const char *path)
{
	struct stat st;

	need(stat(path, &st) == 0 && truncate(path, st.st_size - 1) == 0);
}

static void give_away(const char *path)
{
	need(chown(path, NOBODY, NOBODY) == 0);
}

static void remove_mark(const char *path)
{
	need(removexattr(path, XATTR_WRITE_EXEC) == 0);
}

static void test_losing(void)
{
	const char *path = name_of("mine");

	tap(lost(path, write_byte), "the mark goes when the file is written");
	tap(lost(path, cut), "when it is cut");
	tap(lost(path, give_away), "when it gets another owner");
	tap(lost(path, remove_mark), "when it is taken away");
	tap(mark(path) && chmod(path, 0700) == 0 && is_marked(path), "and not by chmod");
}

static void enter_capability_mode(void)
{
	need(cap_enter(CAP_ENTER) == 0);
}

/* The marked program by a descriptor: in capability mode there are no paths. */
static int run_by_descriptor(void (*before)(void))
{
	char *const argv[] = { "marked", "anonymous", NULL };
	int fd = open(name_of("marked"), O_RDONLY), status;
	pid_t pid = fork();

	if (pid == 0) {
		before();
		fexecve(fd, argv, environ);
		_exit(200);
	}
	close(fd);
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_confined(void)
{
	tap(run(name_of("marked"), "anonymous", confine) == REFUSED, "who is confined gets nothing by exec");
	tap(run_by_descriptor(enter_capability_mode) == REFUSED, "nor does who is in capability mode");
}

static void test_mounts(void)
{
	const char *path = name_of("mine");

	need(mount(dir, dir, NULL, MS_BIND, NULL) == 0);
	need(mount(NULL, dir, NULL, MS_REMOUNT | MS_BIND | MS_NOSUID, NULL) == 0);
	tap(is_marked(path) && run(path, "anonymous", NULL) == REFUSED,
	    "the mark means nothing on a nosuid mount");
	need(umount(dir) == 0);
	tap(run(path, "anonymous", NULL) == 0, "and again without");
}

static bool set_switch(const char *to)
{
	return save(SWITCH, to, strlen(to), 0);
}

static void test_switch(void)
{
	tap(!set_switch("2\n") && set_switch("1\n"), "vm.write_exec is 0 or 1");
	tap(run(name_of("plain"), "anonymous", NULL) == 0, "with 1 every program may");
	tap(run(name_of("plain"), "anonymous", confine) == REFUSED, "but who is confined");
	tap(mmap(NULL, PAGE, RWX, ANON, -1, 0) == MAP_FAILED, "and what runs already");
	tap(set_switch("0\n") && run(name_of("plain"), "anonymous", NULL) == REFUSED, "with 0 none");
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return try_named(argv[1]);
	need(mkdtemp(dir) && chmod(dir, 0755) == 0);
	need(copy_self(name_of("plain")) && copy_self(name_of("marked")) && mark(name_of("marked")));
	test_refused();
	test_allowed();
	test_scripts();
	test_segments();
	test_marking();
	test_losing();
	test_confined();
	test_mounts();
	test_switch();
	for (const char *const *p =
		     (const char *const[]){ "plain", "marked", "script", "tiny", "mine", NULL };
	     *p; p++)
		unlink(name_of(*p));
	rmdir(dir);
	return tap_end();
}
