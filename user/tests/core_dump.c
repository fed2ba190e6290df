/* SPDX-License-Identifier: BSD-2-Clause */
/* Cores: who leaves one, under which name, and what debuggers find in it.  The same program passes on Linux,
 * run as root in a directory that it may write to. */
#define _GNU_SOURCE
#include <elf.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/procfs.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

#define PATTERN "/proc/sys/kernel/core_pattern"
#define PAGE    4096ul
#define THREADS 3

static char marker[] = "what a debugger looks for";
static char *image;
static size_t image_size;

/* --- crashing ------------------------------------------------------------------------------------- */

static void allow_core(rlim_t bytes)
{
	struct rlimit limit = { bytes, bytes };

	setrlimit(RLIMIT_CORE, &limit);
}

static volatile uintptr_t nowhere = 16;

static void crash_at_16(void)
{
	*(volatile int *)nowhere = 1;
}

/* Run it in a child that may leave a core; how the child ended. */
static int run(void (*child)(void), rlim_t limit)
{
	int status = -1;
	pid_t pid;

	unlink("core");
	pid = fork();
	if (pid == 0) {
		allow_core(limit);
		child();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return status;
}

static bool exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

/* --- reading a core ------------------------------------------------------------------------------- */

static bool load(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY);

	free(image);
	image = NULL;
	if (fd < 0 || fstat(fd, &st) < 0)
		return false;
	image_size = (size_t)st.st_size;
	image = malloc(image_size);
	for (size_t done = 0; image && done < image_size;) {
		ssize_t n = read(fd, image + done, image_size - done);

		if (n <= 0)
			break;
		done += (size_t)n;
	}
	close(fd);
	return image && image_size > sizeof(Elf64_Ehdr) && memcmp(image, ELFMAG, SELFMAG) == 0;
}

static const Elf64_Phdr *headers(unsigned *count)
{
	const Elf64_Ehdr *h = (const Elf64_Ehdr *)image;

	*count = h->e_phnum;
	return (const Elf64_Phdr *)(image + h->e_phoff);
}

/* The memory at an address, as the core has it; NULL: not in it. */
static const char *memory_at(uintptr_t at, size_t len)
{
	unsigned count;
	const Elf64_Phdr *h = headers(&count);

	for (unsigned i = 0; i < count; i++) {
		if (h[i].p_type == PT_LOAD && at >= h[i].p_vaddr &&
		    at + len <= h[i].p_vaddr + h[i].p_filesz &&
		    h[i].p_offset + (at - h[i].p_vaddr) + len <= image_size)
			return image + h[i].p_offset + (at - h[i].p_vaddr);
	}
	return NULL;
}

/* The n-th note of a type; its data. */
static const void *note(uint32_t type, unsigned n, size_t *size)
{
	unsigned count;
	const Elf64_Phdr *h = headers(&count);
	size_t at = h[0].p_offset, end = at + h[0].p_filesz;

	while (h[0].p_type == PT_NOTE && at + sizeof(Elf64_Nhdr) <= end && end <= image_size) {
		const Elf64_Nhdr *note = (const Elf64_Nhdr *)(image + at);
		size_t data = at + sizeof(*note) + (note->n_namesz + 3) / 4 * 4;

		*size = note->n_descsz;
		if (note->n_type == type && n-- == 0)
			return image + data;
		at = data + (note->n_descsz + 3) / 4 * 4;
	}
	return NULL;
}

static unsigned count_notes(uint32_t type)
{
	size_t size;
	unsigned n = 0;

	while (note(type, n, &size))
		n++;
	return n;
}

/* --- one thread ----------------------------------------------------------------------------------- */

static void *secret, *shared;

static void crash_with_memory(void)
{
	strcpy(secret, marker);
	strcpy(shared, marker);
	strcpy(marker, "as it was when it crashed");
	crash_at_16();
}

static void contents(void)
{
	siginfo_t info = { 0 };
	const siginfo_t *told;
	const struct elf_prstatus *status;
	const struct elf_prpsinfo *ps;
	char exe[4096] = "";
	const char *files;
	size_t size;
	pid_t pid;

	secret = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	madvise(secret, PAGE, MADV_DONTDUMP);
	unlink("core");
	pid = fork();
	if (pid == 0) {
		allow_core(RLIM_INFINITY);
		crash_with_memory();
	}
	waitid(P_PID, (id_t)pid, &info, WEXITED);
	tap(info.si_code == CLD_DUMPED && info.si_status == SIGSEGV, "waitid tells of a core");
	tap(load("core") && ((Elf64_Ehdr *)image)->e_type == ET_CORE, "the core is an ELF file of its type");
	if (!image)
		return;
	status = note(NT_PRSTATUS, 0, &size);
	tap(status && size == sizeof(*status) && status->pr_pid == pid && status->pr_ppid == getpid() &&
		    status->pr_cursig == SIGSEGV && count_notes(NT_PRSTATUS) == 1,
	    "one thread's status: its pid, parent and signal");
	told = note(NT_SIGINFO, 0, &size);
	tap(told && size == sizeof(*told) && told->si_signo == SIGSEGV && told->si_code == SEGV_MAPERR &&
		    told->si_addr == (void *)16,
	    "the signal, and where the fault was");
	ps = note(NT_PRPSINFO, 0, &size);
	tap(ps && size == sizeof(*ps) && ps->pr_pid == pid && strcmp(ps->pr_fname, "core_dump") == 0,
	    "the program's name");
	files = note(NT_FILE, 0, &size);
	tap(files && readlink("/proc/self/exe", exe, sizeof(exe) - 1) > 0 &&
		    memmem(files, size, exe, strlen(exe) + 1),
	    "the program's file is among those mapped");
	tap(note(NT_AUXV, 0, &size) && size > 64 && note(NT_FPREGSET, 0, &size) && size == 512,
	    "the auxiliary vector and the vector registers");
	tap(memory_at((uintptr_t)marker, 26) &&
		    strcmp(memory_at((uintptr_t)marker, 26), "as it was when it crashed") == 0,
	    "memory as it was");
	tap(memory_at((uintptr_t)shared, PAGE) && strcmp(memory_at((uintptr_t)shared, PAGE), marker) == 0,
	    "shared memory, too");
	tap(!memory_at((uintptr_t)secret, 1), "but not what MADV_DONTDUMP keeps out");
}

/* --- several threads ------------------------------------------------------------------------------ */

static void *spin_with_value(void *arg)
{
	__asm__ volatile("1: pause; jmp 1b" : : "r"(arg), "b"(arg));
	return NULL;
}

static void crash_among_threads(void)
{
	pthread_t t;

	for (uintptr_t i = 1; i <= THREADS; i++)
		pthread_create(&t, NULL, spin_with_value, (void *)(0x5e71c0de0000 + i));
	usleep(100000);
	crash_at_16();
}

static void threads(void)
{
	unsigned found = 0;

	run(crash_among_threads, RLIM_INFINITY);
	if (load("core")) {
		for (unsigned n = 1; n <= THREADS; n++) {
			size_t size;
			const struct elf_prstatus *s = note(NT_PRSTATUS, n, &size);
			const struct user_regs_struct *regs = s ? (const void *)&s->pr_reg : NULL;

			if (regs && regs->rbx > 0x5e71c0de0000 && regs->rbx <= 0x5e71c0de0000 + THREADS)
				found |= 1u << (regs->rbx & 0xff);
		}
	}
	tap(image && count_notes(NT_PRSTATUS) == THREADS + 1 && count_notes(NT_FPREGSET) == THREADS + 1,
	    "every thread is in the core");
	tap(found == 0xe, "each with its own registers");
}

/* --- who leaves none ------------------------------------------------------------------------------ */

static void crash_undumpable(void)
{
	prctl(PR_SET_DUMPABLE, 0);
	crash_at_16();
}

static void end_by_term(void)
{
	raise(SIGTERM);
}

static void end_by_quit(void)
{
	signal(SIGQUIT, SIG_DFL); /* whoever started us may ignore it */
	raise(SIGQUIT);
}

static void none(void)
{
	int status = run(crash_at_16, 0);

	tap(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV && !WCOREDUMP(status) && !exists("core"),
	    "no core beyond RLIMIT_CORE");
	status = run(crash_undumpable, RLIM_INFINITY);
	tap(WIFSIGNALED(status) && !WCOREDUMP(status) && !exists("core"), "none of who is not dumpable");
	status = run(end_by_term, RLIM_INFINITY);
	tap(WTERMSIG(status) == SIGTERM && !WCOREDUMP(status) && !exists("core"),
	    "none by a signal that only ends");
	status = run(end_by_quit, RLIM_INFINITY);
	tap(WTERMSIG(status) == SIGQUIT && WCOREDUMP(status) && exists("core"), "SIGQUIT leaves one");
}

static void limits(void)
{
	struct stat st = { 0 };
	int status = run(crash_at_16, 3 * PAGE);

	tap(WCOREDUMP(status) && stat("core", &st) == 0 && st.st_size > 0 && st.st_size <= (off_t)(3 * PAGE),
	    "a core ends at RLIMIT_CORE");
	run(crash_at_16, RLIM_INFINITY);
	tap(stat("core", &st) == 0 && (st.st_mode & 0777) == 0600 && st.st_uid == getuid(),
	    "it is its owner's alone");
}

/* --- names ---------------------------------------------------------------------------------------- */

static void crash_with_much_space(void)
{
	mmap(NULL, 1ul << 45, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	crash_at_16();
}

/* What was never touched takes neither room in the file nor time that SIGKILL does not end. */
static void much_space(void)
{
	struct timespec soon = { 0, 200 * 1000 * 1000 };
	int status = run(crash_with_much_space, 1 << 20);
	pid_t pid;

	tap(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV, "nobody walks beyond the limit");
	unlink("core");
	pid = fork();
	if (pid == 0) {
		allow_core(RLIM_INFINITY);
		crash_with_much_space();
	}
	nanosleep(&soon, NULL);
	kill(pid, SIGKILL);
	tap(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status),
	    "SIGKILL ends a core in the midst of holes");
	unlink("core");
}

static bool set_pattern(const char *text)
{
	int fd = open(PATTERN, O_WRONLY);
	bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	close(fd);
	return done;
}

static void links_are_left_alone(void)
{
	int fd = open("precious", O_WRONLY | O_CREAT | O_TRUNC, 0600);
	struct stat st;
	pid_t pid;

	if (write(fd, "data", 4) != 4)
		return;
	close(fd);
	unlink("core");
	if (symlink("precious", "core") < 0)
		return;
	pid = fork();
	if (pid == 0) {
		allow_core(RLIM_INFINITY);
		crash_at_16();
	}
	waitpid(pid, NULL, 0);
	tap(stat("precious", &st) == 0 && st.st_size == 4, "a core is not written through a link");
	unlink("precious");
}

static void names(void)
{
	char name[128];
	int status;
	pid_t pid;

	links_are_left_alone();
	tap(set_pattern("left.%e.%p.%s.100%%%q"), "the pattern can be set");
	pid = fork();
	if (pid == 0) {
		allow_core(RLIM_INFINITY);
		prctl(PR_SET_NAME, "../a/b");
		crash_at_16();
	}
	waitpid(pid, &status, 0);
	snprintf(name, sizeof(name), "left...!a!b.%d.11.100%%", pid);
	tap(WCOREDUMP(status) && exists(name), "a name from the pattern, which leads nowhere else");
	unlink(name);
	set_pattern("no/such/directory/core");
	status = run(crash_at_16, RLIM_INFINITY);
	tap(WIFSIGNALED(status) && !WCOREDUMP(status), "none where it can not be made");
	set_pattern("core");
}

/* --- at the same time ----------------------------------------------------------------------------- */

static void *allocate(void *arg)
{
	for (;;)
		free(malloc(100 + (size_t)(uintptr_t)arg));
	return NULL;
}

static void *exec_soon(void *arg)
{
	usleep((useconds_t)(uintptr_t)arg);
	execl("/bin/true", "true", NULL);
	return NULL;
}

static void *exit_soon(void *arg)
{
	usleep((useconds_t)(uintptr_t)arg);
	_exit(7);
}

static void *crash_soon(void *arg)
{
	usleep((useconds_t)(uintptr_t)arg);
	crash_at_16();
	return NULL;
}

static int round_number;

static void crash_in_a_crowd(void)
{
	static void *(*const others[])(void *) = { exec_soon, exit_soon, crash_soon, allocate };
	pthread_t t;

	for (uintptr_t i = 0; i < 8; i++)
		pthread_create(&t, NULL, allocate, (void *)i);
	pthread_create(&t, NULL, others[round_number % 4], (void *)(uintptr_t)(round_number * 37 % 500));
	usleep((useconds_t)(round_number * 53 % 500));
	crash_at_16();
}

/* However the threads of a process end it together, and if it is killed while it dumps: it ends, as one of
 * them said, and a core that it tells of is there. */
static void races(void)
{
	bool right = true;

	for (round_number = 0; round_number < 40; round_number++) {
		int status;
		pid_t pid;

		unlink("core");
		pid = fork();
		if (pid == 0) {
			allow_core(RLIM_INFINITY);
			crash_in_a_crowd();
			_exit(0);
		}
		if (round_number % 5 == 4) {
			usleep((useconds_t)(round_number * 211 % 3000));
			kill(pid, SIGKILL);
		}
		if (waitpid(pid, &status, 0) != pid || (WCOREDUMP(status) && !exists("core")))
			right = false;
		if (WIFEXITED(status) && WEXITSTATUS(status) != 7 && WEXITSTATUS(status) != 0)
			right = false;
		if (WIFSIGNALED(status) && WTERMSIG(status) != SIGSEGV && WTERMSIG(status) != SIGKILL)
			right = false;
	}
	tap(right, "a crash beside exec, exit, another crash and SIGKILL");
	unlink("core");
}

int main(void)
{
	char directory[] = "/tmp/coreXXXXXX";

	if (!mkdtemp(directory) || chdir(directory) < 0)
		return 1;
	contents();
	threads();
	none();
	limits();
	much_space();
	names();
	races();
	if (chdir("/") < 0 || rmdir(directory) < 0)
		tap(false, "no file is left");
	return tap_end();
}
