/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A process is confined while its threads make memory that is written and executed at once, write it, and
 * fork: from then on there is none, neither in the process nor in a child that is confined, too.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <serix/confine.h>
#include <serix/xattr.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <libserix/confine.h>

#include "child.h"
#include "tap.h"

#define PAGE    4096
#define RW      (PROT_READ | PROT_WRITE)
#define RWX     (RW | PROT_EXEC)
#define ANON    (MAP_PRIVATE | MAP_ANONYMOUS)
#define ROUNDS  4
#define MAPPERS 1

static atomic_bool confined, failed;
static atomic_uint running;
static _Atomic uint32_t *written;
static sigjmp_buf no_longer;

/* Does a line of /proc/self/FILE have this in it? */
static bool file_has(const char *file, const char *text)
{
	char line[512];
	FILE *f = fopen(file, "re");
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f))
		found = strstr(line, text) != NULL;
	if (f)
		fclose(f);
	return found;
}

static bool has_any(void)
{
	return mmap(NULL, PAGE, RWX, ANON, -1, 0) != MAP_FAILED || file_has("/proc/self/maps", "rwx");
}

/* What is made before the process is confined loses a right, and nothing is made after. */
static void *make_areas(void *arg)
{
	(void)arg;
	atomic_fetch_add(&running, 1);
	for (bool last = false; !last;) {
		last = atomic_load(&confined); /* one more round from here on */
		char *at = mmap(NULL, 2 * PAGE, RWX, ANON, -1, 0);
		bool made = at != MAP_FAILED;

		if (!made)
			at = mmap(NULL, 2 * PAGE, RW, ANON, -1, 0);
		made |= mprotect(at + PAGE, PAGE, RW) == 0 && mprotect(at + PAGE, PAGE, RWX) == 0;
		if (last && made)
			atomic_store(&failed, true);
		if (!last)
			munmap(at, 2 * PAGE);
	}
	return NULL;
}

static void on_fault(int signo)
{
	(void)signo;
	siglongjmp(no_longer, 1);
}

static void *write_code(void *arg)
{
	(void)arg;
	if (sigsetjmp(no_longer, 1) == 0) {
		atomic_fetch_add(&running, 1);
		for (;;)
			atomic_fetch_add(written, 1);
	}
	return NULL;
}

static void *make_children(void *arg)
{
	(void)arg;
	atomic_fetch_add(&running, 1);
	for (bool last = false; !last;) {
		last = atomic_load(&confined);
		pid_t pid = fork();
		int status;

		if (pid == 0)
			_exit(file_has("/proc/self/confinement", "confined") && has_any());
		/* EAGAIN: confined meanwhile, and before there was a child. */
		if (pid > 0 && (waitpid(pid, &status, 0) != pid || status != 0))
			atomic_store(&failed, true);
	}
	return NULL;
}

static void one_round(void)
{
	struct confinement what = { .deny = CONFINE_NO_RT };
	pthread_t threads[MAPPERS + 2];
	uint32_t last;

	signal(SIGSEGV, on_fault);
	written = mmap(NULL, PAGE, RWX, ANON, -1, 0);
	need(written != MAP_FAILED);
	for (unsigned i = 0; i < MAPPERS; i++)
		need(pthread_create(&threads[i], NULL, make_areas, NULL) == 0);
	need(pthread_create(&threads[MAPPERS], NULL, write_code, NULL) == 0);
	need(pthread_create(&threads[MAPPERS + 1], NULL, make_children, NULL) == 0);
	while (atomic_load(&running) < MAPPERS + 2)
		sched_yield();
	need(cap_confine(&what, sizeof(what)) == 0);
	last = atomic_load(written);
	atomic_store(&confined, true);
	for (unsigned i = 0; i < MAPPERS + 2; i++)
		need(pthread_join(threads[i], NULL) == 0);
	need(!atomic_load(&failed) && atomic_load(written) == last && !has_any());
}

/* In a marked copy, which nothing has by name any more. */
static int start_marked(void)
{
	char name[] = "/write_exec_races.XXXXXX";
	char *const argv[] = { name, "marked", NULL };
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), to = mkstemp(name);
	struct stat st;
	bool good = to >= 0 && fstat(from, &st) == 0 &&
		    sendfile(to, from, NULL, (size_t)st.st_size) == st.st_size && fchmod(to, 0700) == 0 &&
		    fsetxattr(to, XATTR_WRITE_EXEC, "", 0, 0) == 0;
	int program = open(name, O_RDONLY | O_CLOEXEC);

	close(to);
	unlink(name);
	if (good)
		fexecve(program, argv, environ);
	perror("a marked copy");
	return 1;
}

int main(int argc, char **argv)
{
	bool good = true;

	(void)argv;
	if (argc == 1)
		return start_marked();
	for (unsigned i = 0; i < ROUNDS && good; i++)
		good = passes(one_round);
	tap(good,
	    "who is confined has nothing that is written and executed, whatever its threads did meanwhile");
	return tap_end();
}
