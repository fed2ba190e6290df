/* SPDX-License-Identifier: BSD-2-Clause */
/* Mappings belong to the capability that they were made through: they outlive its descriptor, not the
 * capability. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libserix/capability.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

#include "child.h"
#include "tap.h"

#ifndef MADV_POPULATE_READ /* musl 1.2.3 */
#define MADV_POPULATE_READ 22
#endif

#define FUTEX_WAIT    0 /* <linux/futex.h> does not come with musl */
#define FUTEX_WAKE    1
#define FUTEX_PRIVATE 128

#define PAGE   4096ul
#define SIZE   (4 * PAGE)
#define RW     (PROT_READ | PROT_WRITE)
#define RIGHTS (FILE_RIGHT_READ | FILE_RIGHT_WRITE | FILE_RIGHT_MAP | FILE_RIGHT_STAT)

static int object;
static cap_handle_t lent;
static volatile unsigned char *own, *shared, *private;

static sigjmp_buf escape;
static volatile int signal_seen;

static void on_signal(int signo)
{
	signal_seen = signo;
	siglongjmp(escape, 1);
}

/* The signal that touching a byte gives; 0: none. */
static int touch(volatile unsigned char *p, bool write)
{
	signal_seen = 0;
	if (sigsetjmp(escape, 1) == 0) {
		if (write)
			*p = 0x5a;
		else
			(void)*p;
	}
	return signal_seen;
}

static bool is_gone(volatile unsigned char *p)
{
	return touch(p, false) == SIGBUS && touch(p, true) == SIGBUS;
}

static volatile unsigned char *map(int fd, int flags)
{
	void *p = mmap(NULL, SIZE, RW, flags, fd, 0);

	need(p != MAP_FAILED);
	return p;
}

/* An object that is mapped by its owner, and through a derived capability. */
static void set_up(void)
{
	need(signal(SIGBUS, on_signal) != SIG_ERR && signal(SIGSEGV, on_signal) != SIG_ERR);
	object = memfd_create("object", 0);
	need(object >= 0 && ftruncate(object, SIZE) == 0);
	own = map(object, MAP_SHARED);
	lent = cap_reduce(object, RIGHTS);
	need(lent >= 0);
	shared = map(cap_fd(lent), MAP_SHARED);
	private = map(cap_fd(lent), MAP_PRIVATE);
	memset((void *)own, 1, SIZE);
	shared[0] = 2;
	private[PAGE] = 3;
	need(own[0] == 2 && own[PAGE] == 1);
}

static void closing_leaves_them(void)
{
	set_up();
	need(close(cap_fd(lent)) == 0);
	shared[1] = 7;
	need(own[1] == 7 && private[PAGE] == 3 && private[2 * PAGE] == 1);
}

static void revoking_ends_them(void)
{
	set_up();
	need(cap_revoke(lent, 0) == 0);
	need(is_gone(shared) && is_gone(private) && is_gone(private + PAGE) && is_gone(shared + 3 * PAGE));
	own[0] = 9; /* the owner's is as it was */
	need(own[0] == 9 && own[PAGE] == 1);
}

static void revoking_an_ancestor_ends_them(void)
{
	cap_handle_t last;

	set_up();
	last = cap_reduce(lent, RIGHTS);
	need(last >= 0);
	shared = map(cap_fd(last), MAP_SHARED);
	need(touch(shared, true) == 0);
	/* Neither descriptor is there any more; what is above them is. */
	need(close(cap_fd(last)) == 0 && close(cap_fd(lent)) == 0);
	need(cap_revoke(object, CAP_REVOKE_CHILDREN) == 0);
	need(is_gone(shared) && is_gone(private));
}

/* Also those that were made through the capability itself. */
static void revoking_the_original_ends_all(void)
{
	set_up();
	need(cap_revoke(object, 0) == 0);
	need(is_gone(shared) && is_gone(own));
	need(fcntl(object, F_GETFD) < 0 && errno == EBADF && fcntl(cap_fd(lent), F_GETFD) < 0);
}

static void those_of_children_end(void)
{
	int go[2], status;
	pid_t child;
	char c;

	set_up();
	need(pipe(go) == 0);
	child = fork();
	if (child == 0) {
		need(touch(shared, true) == 0 && private[PAGE] == 3);
		private[2 * PAGE] = 8;
		need(write(go[1], "r", 1) == 1);
		while (touch(shared, true) == 0 || touch(private, true) == 0)
			;
		_exit(!is_gone(shared) || !is_gone(private + 2 * PAGE) || touch(own, true) != 0);
	}
	need(read(go[0], &c, 1) == 1);
	need(cap_revoke(lent, 0) == 0);
	need(is_gone(shared));
	need(waitpid(child, &status, 0) == child && status == 0);
	/* And of those that come later. */
	child = fork();
	if (child == 0)
		_exit(!is_gone(shared) || !is_gone(private));
	need(waitpid(child, &status, 0) == child && status == 0);
}

/* A fork's descriptors are copies of the parent's: theirs go with it. */
static void those_that_children_made_end(void)
{
	int go[2], status;
	pid_t child;
	char c;

	set_up();
	need(pipe(go) == 0);
	child = fork();
	if (child == 0) {
		volatile unsigned char *mine = map(cap_fd(lent), MAP_SHARED);

		need(touch(mine, true) == 0 && write(go[1], "r", 1) == 1);
		while (touch(mine, true) == 0)
			;
		_exit(!is_gone(mine) || mmap(NULL, PAGE, RW, MAP_SHARED, cap_fd(lent), 0) != MAP_FAILED);
	}
	need(read(go[0], &c, 1) == 1 && cap_revoke(lent, 0) == 0);
	need(waitpid(child, &status, 0) == child && status == 0);
}

static void time_ends_them(void)
{
	const struct timespec pause = { .tv_nsec = 5000000 };
	volatile unsigned char *p;
	cap_handle_t brief;
	int waits = 0;

	set_up();
	brief = cap_lend(object, RIGHTS, 100000000);
	need(brief >= 0);
	p = map(cap_fd(brief), MAP_SHARED);
	need(touch(p, true) == 0 && close(cap_fd(brief)) == 0);
	while (touch(p, true) == 0 && waits++ < 2000)
		nanosleep(&pause, NULL);
	need(is_gone(p) && touch(shared, true) == 0);
}

static void the_kernel_finds_nothing_there(void)
{
	int fds[2];

	set_up();
	need(pipe(fds) == 0 && write(fds[1], "abcd", 4) == 4);
	need(cap_revoke(lent, 0) == 0);
	need(read(fds[0], (void *)shared, 4) < 0 && errno == EFAULT);
	need(write(fds[1], (void *)shared, 4) < 0 && errno == EFAULT);
	need(read(fds[0], (void *)private, 4) < 0 && errno == EFAULT);
}

static void calls_on_them_are_sensible(void)
{
	unsigned char resident[4];
	void *p = NULL;

	set_up();
	need(cap_revoke(lent, 0) == 0);
	need(mprotect((void *)shared, PAGE, PROT_READ) == 0 && mprotect((void *)shared, PAGE, RW) == 0);
	need(is_gone(shared));
	need(mincore((void *)shared, SIZE, resident) == 0 && (resident[0] & 1) == 0);
	need(msync((void *)shared, SIZE, MS_SYNC) == 0);
	need(madvise((void *)private, SIZE, MADV_DONTNEED) == 0 && is_gone(private));
	need(madvise((void *)shared, PAGE, MADV_REMOVE) < 0 && errno == EACCES && own[1] == 1);
	need(mlock((void *)shared, PAGE) < 0 && errno == ENOMEM);
	need(madvise((void *)shared, PAGE, MADV_POPULATE_READ) < 0 && errno == EFAULT);
	p = mremap((void *)private, SIZE, 2 * SIZE, MREMAP_MAYMOVE);
	need(p != MAP_FAILED && is_gone(p) && is_gone((unsigned char *)p + SIZE));
	/* Its addresses stay taken, until the program gives them up. */
	for (int i = 0; i < 50; i++) {
		p = mmap(NULL, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		need(p != MAP_FAILED && ((unsigned char *)p < shared || (unsigned char *)p >= shared + SIZE));
	}
	p = mmap((void *)(shared + PAGE), PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	need(p == (void *)(shared + PAGE) && touch(p, true) == 0 && is_gone(shared) &&
	     is_gone(shared + 2 * PAGE));
	need(munmap((void *)shared, SIZE) == 0 && touch(shared, false) == SIGSEGV);
}

/* Who took a writable mapping back may seal the object. */
static void the_object_can_be_sealed_then(void)
{
	object = memfd_create("object", MFD_ALLOW_SEALING);
	need(object >= 0 && ftruncate(object, SIZE) == 0);
	lent = cap_reduce(object, RIGHTS);
	shared = map(cap_fd(lent), MAP_SHARED);
	need(fcntl(object, F_ADD_SEALS, F_SEAL_WRITE) < 0 && errno == EBUSY);
	need(cap_revoke(lent, 0) == 0);
	need(fcntl(object, F_ADD_SEALS, F_SEAL_WRITE) == 0);
	need(munmap((void *)shared, SIZE) == 0);
}

static bool maps_show_it(void)
{
	char line[512];
	bool found = false;
	FILE *f = fopen("/proc/self/maps", "r");

	while (f && fgets(line, sizeof(line), f))
		found |= strstr(line, "object") && strstr(line, "(revoked)");
	return f && fclose(f) == 0 && found;
}

static void proc_shows_it(void)
{
	set_up();
	need(!maps_show_it());
	need(cap_revoke(lent, 0) == 0 && maps_show_it());
}

/* Rights that the capability does not have no mapping gets. */
static void rights_bound_them(void)
{
	cap_handle_t reader;

	set_up();
	reader = cap_reduce(object, FILE_RIGHT_READ | FILE_RIGHT_MAP);
	need(mmap(NULL, PAGE, RW, MAP_SHARED, cap_fd(reader), 0) == MAP_FAILED && errno == EACCES);
	shared = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, cap_fd(reader), 0);
	need(shared != MAP_FAILED && mprotect((void *)shared, PAGE, RW) < 0 && errno == EACCES);
	reader = cap_reduce(object, FILE_RIGHT_READ);
	need(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, cap_fd(reader), 0) == MAP_FAILED);
}

/* What is mapped is not counted as derived: the deepest capability can be mapped. */
static void the_deepest_can_be_mapped(void)
{
	cap_handle_t next;

	set_up();
	for (next = cap_reduce(object, RIGHTS); next >= 0; next = cap_reduce(lent, RIGHTS)) {
		lent = next;
	}
	need(next == -EMLINK);
	shared = map(cap_fd(lent), MAP_SHARED);
	need(touch(shared, true) == 0 && cap_revoke(object, CAP_REVOKE_CHILDREN) == 0 && is_gone(shared));
}

/* A child that sleeps on a word; its status is what futex says. */
static pid_t sleep_on(volatile unsigned char *word, int flags)
{
	const struct timespec patience = { .tv_sec = 60 };
	pid_t pid = fork();

	if (pid == 0) {
		long err = syscall(SYS_futex, word, FUTEX_WAIT | flags, *(volatile uint32_t *)word, &patience,
				   NULL, 0);

		_exit(err < 0 ? errno : 0);
	}
	return pid;
}

static bool ended_with(pid_t pid, int code)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == code;
}

static void who_sleeps_on_them_wakes(void)
{
	pid_t sleepers[3], other;

	set_up();
	sleepers[0] = sleep_on(shared + 16, 0);
	sleepers[1] = sleep_on(shared + 32, FUTEX_PRIVATE);
	sleepers[2] = sleep_on(private + 2 * PAGE, FUTEX_PRIVATE);
	other = sleep_on(own + 16, 0);
	usleep(100000);
	need(cap_revoke(lent, 0) == 0);
	for (int i = 0; i < 3; i++)
		need(ended_with(sleepers[i], EFAULT));
	usleep(50000);
	need(waitpid(other, NULL, WNOHANG) == 0);
	need(syscall(SYS_futex, own + 16, FUTEX_WAKE, 1, NULL, NULL, 0) == 1);
	need(ended_with(other, 0));
}

int main(void)
{
	tap(passes(closing_leaves_them), "closing the descriptor leaves its mappings");
	tap(passes(revoking_ends_them), "revoking ends them, private copies too");
	tap(passes(revoking_an_ancestor_ends_them), "so does revoking an ancestor, descriptors or not");
	tap(passes(revoking_the_original_ends_all), "revoking the original ends all");
	tap(passes(those_of_children_end), "those that fork has copied end");
	tap(passes(those_that_children_made_end), "those that children made end");
	tap(passes(time_ends_them), "expiry ends them");
	tap(passes(the_kernel_finds_nothing_there), "the kernel finds nothing there: EFAULT");
	tap(passes(calls_on_them_are_sensible), "calls on revoked mappings are sensible");
	tap(passes(the_object_can_be_sealed_then), "the object can be sealed then");
	tap(passes(proc_shows_it), "/proc/self/maps shows it");
	tap(passes(rights_bound_them), "rights bound mappings");
	tap(passes(who_sleeps_on_them_wakes), "who sleeps on a word of one wakes: EFAULT; others sleep on");
	tap(passes(the_deepest_can_be_mapped), "the deepest capability can be mapped");
	return tap_end();
}
