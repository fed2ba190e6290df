/* SPDX-License-Identifier: BSD-2-Clause */
/* Page faults that a program resolves, as userfaultfd(2) has them; all of this holds on Linux, too. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "monitor.h"
#include "tap.h"

#define PAGE  4096ul
#define PAGES 16ul

static char *fresh(int flags)
{
	char *p = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | flags, -1, 0);

	need(p != MAP_FAILED);
	return p;
}

/* --- touching from another thread ---------------------------------------------------------------------- */

struct touch {
	pthread_t thread;
	char *at;
	bool write;
	int value; /* what was read, or is to be written */
	pid_t tid;
	atomic_bool done;
};

static void *run_touch(void *arg)
{
	struct touch *t = arg;

	t->tid = (pid_t)syscall(SYS_gettid);
	if (t->write)
		*(volatile char *)t->at = (char)t->value;
	else
		t->value = *(volatile unsigned char *)t->at;
	atomic_store(&t->done, true);
	return NULL;
}

static void touch(struct touch *t, char *at, bool write, int value)
{
	*t = (struct touch){ .at = at, .write = write, .value = value };
	need(pthread_create(&t->thread, NULL, run_touch, t) == 0);
}

static int touched(struct touch *t)
{
	need(pthread_join(t->thread, NULL) == 0);
	return t->value;
}

/* --- cases --------------------------------------------------------------------------------------------- */

static void begins_with_api(void)
{
	int fd = monitor_open(O_CLOEXEC | O_NONBLOCK);
	struct abi_uffdio_api api = { .api = UFFD_API + 1 };
	struct abi_uffd_msg msg;

	need(fcntl(fd, F_GETFD) == FD_CLOEXEC);
	need(monitor_events(fd) == POLLERR && read(fd, &msg, sizeof(msg)) == -1 && errno == EINVAL);
	need(ioctl(fd, UFFDIO_WAKE, &(struct abi_uffdio_range){ PAGE * 100, PAGE }) == -1 && errno == EINVAL);
	need(ioctl(fd, UFFDIO_API, &api) == -1 && errno == EINVAL && api.api == 0);
	api = (struct abi_uffdio_api){ .api = UFFD_API, .features = 1ull << 60 };
	need(ioctl(fd, UFFDIO_API, &api) == -1 && errno == EINVAL && api.features == 0);
	api = (struct abi_uffdio_api){ .api = UFFD_API };
	need(ioctl(fd, UFFDIO_API, &api) == 0 && api.ioctls == (3 | 1ull << 63));
	need(api.features & UFFD_FEATURE_THREAD_ID);
	need(monitor_events(fd) == 0 && read(fd, &msg, sizeof(msg)) == -1 && errno == EAGAIN);
	need(read(fd, &msg, sizeof(msg) - 1) == -1 && errno == EINVAL);
	need(ioctl(fd, UFFDIO_API, &(struct abi_uffdio_api){ .api = UFFD_API }) == -1 && errno == EINVAL);
	need(write(fd, "x", 1) == -1);
}

static void copies_to_a_waiting_reader(void)
{
	int fd = monitor_new(UFFD_FEATURE_THREAD_ID);
	char *p = fresh(MAP_PRIVATE), source[2 * PAGE];
	struct abi_uffd_msg msg;
	struct touch t;

	memset(source, 'a', PAGE);
	memset(source + PAGE, 'b', PAGE);
	monitor_register(fd, p, PAGES * PAGE, UFFDIO_REGISTER_MODE_MISSING);
	touch(&t, p + 3 * PAGE + 7, false, 0);
	msg = monitor_next(fd);
	need(msg.event == UFFD_EVENT_PAGEFAULT && msg.flags == 0);
	need(msg.address == (uintptr_t)p + 3 * PAGE);
	need(!atomic_load(&t.done));
	need(monitor_copy(fd, p + 3 * PAGE, source, 2 * PAGE, 0) == (int64_t)(2 * PAGE));
	need(touched(&t) == 'a' && msg.thread == (uint32_t)t.tid);
	need(p[4 * PAGE] == 'b');
	need(monitor_copy(fd, p + 3 * PAGE, source, PAGE, 0) == -EEXIST);
	/* As far as it goes. */
	need(monitor_copy(fd, p + 2 * PAGE, source, 2 * PAGE, 0) == (int64_t)PAGE);
	touch(&t, p, true, 'w');
	msg = monitor_next(fd);
	need(msg.flags == UFFD_PAGEFAULT_FLAG_WRITE);
	need(monitor_zero(fd, p, PAGE, 0) == (int64_t)PAGE);
	need(touched(&t) == 'w' && p[0] == 'w' && p[1] == 0);
}

static void wakes_only_when_told(void)
{
	int fd = monitor_new(0);
	char *p = fresh(MAP_PRIVATE), source[PAGE];
	struct touch t;

	memset(source, 's', PAGE);
	monitor_register(fd, p, PAGES * PAGE, UFFDIO_REGISTER_MODE_MISSING);
	touch(&t, p, false, 0);
	(void)monitor_next(fd);
	need(monitor_copy(fd, p, source, PAGE, UFFDIO_COPY_MODE_DONTWAKE) == (int64_t)PAGE);
	usleep(20000);
	need(!atomic_load(&t.done));
	need(ioctl(fd, UFFDIO_WAKE, &(struct abi_uffdio_range){ (uintptr_t)p, PAGE }) == 0);
	need(touched(&t) == 's');
	/* Woken for nothing it faults again. */
	touch(&t, p + PAGE, false, 0);
	(void)monitor_next(fd);
	need(ioctl(fd, UFFDIO_WAKE, &(struct abi_uffdio_range){ (uintptr_t)p + PAGE, PAGE }) == 0);
	(void)monitor_next(fd);
	need(monitor_zero(fd, p + PAGE, PAGE, 0) == (int64_t)PAGE && touched(&t) == 0);
}

static void refuses_what_is_wrong(void)
{
	int fd = monitor_new(0), other = monitor_new(0);
	char *p = fresh(MAP_PRIVATE), source[PAGE];
	uint64_t a = (uintptr_t)p;

	memset(source, 0, sizeof(source));
	need(monitor_try_register(fd, a + 1, PAGE, UFFDIO_REGISTER_MODE_MISSING) == -EINVAL);
	need(monitor_try_register(fd, a, PAGE - 1, UFFDIO_REGISTER_MODE_MISSING) == -EINVAL);
	need(monitor_try_register(fd, a, 0, UFFDIO_REGISTER_MODE_MISSING) == -EINVAL);
	need(monitor_try_register(fd, a, PAGE, 0) == -EINVAL);
	need(monitor_try_register(fd, a, PAGE, 1 << 3) == -EINVAL);
	need(monitor_try_register(fd, 1ull << 63, PAGE, UFFDIO_REGISTER_MODE_MISSING) == -EINVAL);
	need(monitor_try_register(fd, a, PAGE, UFFDIO_REGISTER_MODE_MINOR) == -EINVAL);
	need(monitor_copy(fd, p, source, PAGE, 0) == -ENOENT);
	monitor_register(fd, p, PAGE, UFFDIO_REGISTER_MODE_MISSING);
	need(monitor_try_register(other, a, PAGES * PAGE, UFFDIO_REGISTER_MODE_MISSING) == -EBUSY);
	need(monitor_copy(fd, p, source, 2 * PAGE, 0) == -ENOENT);
	need(monitor_copy(fd, p, source, PAGE, 1 << 7) == -EINVAL);
	need(monitor_copy(fd, p, source, PAGE, UFFDIO_COPY_MODE_WP) == -EINVAL);
	need(monitor_copy(fd, p, (void *)16, PAGE, 0) == -EFAULT);
	need(monitor_copy(fd, p + 1, source, PAGE, 0) == -EINVAL);
	need(monitor_protect(fd, p, PAGE, UFFDIO_WRITEPROTECT_MODE_WP) == -ENOENT);
	need(munmap(p, PAGES * PAGE) == 0);
	need(monitor_copy(fd, p, source, PAGE, 0) == -ENOENT);
	/* All freed again: anybody may have it. */
	p = fresh(MAP_PRIVATE);
	monitor_register(fd, p, PAGE, UFFDIO_REGISTER_MODE_MISSING);
	monitor_unregister(fd, p, PAGE);
	monitor_register(other, p, PAGE, UFFDIO_REGISTER_MODE_MISSING);
}

static void goes_on_without_the_monitor(void)
{
	int fd = monitor_new(0);
	char *p = fresh(MAP_PRIVATE);
	struct touch t[3];

	monitor_register(fd, p, PAGES * PAGE, UFFDIO_REGISTER_MODE_MISSING);
	touch(&t[0], p, true, 'x');
	(void)monitor_next(fd);
	monitor_unregister(fd, p, PAGE);
	need(touched(&t[0]) == 'x' && p[0] == 'x');
	touch(&t[1], p + PAGE, false, 0);
	(void)monitor_next(fd);
	touch(&t[2], p + 2 * PAGE, false, 0);
	while (monitor_events(fd) != POLLIN)
		usleep(1000);
	close(fd);
	need(touched(&t[1]) == 0 && touched(&t[2]) == 0 && p[3 * PAGE] == 0);
}

static void watches_writes(void)
{
	int fd = monitor_new(0);
	char *p = fresh(MAP_PRIVATE), source[PAGE];
	struct abi_uffd_msg msg;
	struct touch t;

	memset(source, 'w', PAGE);
	memset(p, 'o', PAGES * PAGE);
	monitor_register(fd, p, PAGES * PAGE, UFFDIO_REGISTER_MODE_WP);
	need(monitor_protect(fd, p, 2 * PAGE, UFFDIO_WRITEPROTECT_MODE_WP) == 0);
	p[2 * PAGE] = 'n';
	need(p[0] == 'o' && monitor_events(fd) == 0);
	touch(&t, p + 5, true, 'n');
	msg = monitor_next(fd);
	need(msg.flags == (UFFD_PAGEFAULT_FLAG_WRITE | UFFD_PAGEFAULT_FLAG_WP));
	need(msg.address == (uintptr_t)p && p[5] == 'o');
	need(monitor_protect(fd, p, PAGE, 0) == 0);
	need(touched(&t) == 'n' && p[5] == 'n');
	p[6] = 'n';
	/* mprotect and back does not take the watch away; nor does fork, and the child is not watched. */
	need(mprotect(p, 2 * PAGE, PROT_READ) == 0 && mprotect(p, 2 * PAGE, PROT_READ | PROT_WRITE) == 0);
	pid_t child = fork();
	if (child == 0) {
		p[PAGE] = 'c';
		_exit(p[PAGE] != 'c');
	}
	int status = -1;
	need(waitpid(child, &status, 0) == child && status == 0);
	touch(&t, p + PAGE, true, 'n');
	msg = monitor_next(fd);
	need(msg.flags & UFFD_PAGEFAULT_FLAG_WP);
	monitor_unregister(fd, p, PAGES * PAGE);
	/* Linux wakes only who misses pages. */
	need(ioctl(fd, UFFDIO_WAKE, &(struct abi_uffdio_range){ (uintptr_t)p, PAGES * PAGE }) == 0);
	need(touched(&t) == 'n' && p[PAGE] == 'n');
	/* Nothing is left of it. */
	monitor_register(fd, p, PAGES * PAGE, UFFDIO_REGISTER_MODE_WP | UFFDIO_REGISTER_MODE_MISSING);
	memset(p, 'z', PAGES * PAGE);
	need(monitor_events(fd) == 0);
	/* Brought and watched at once. */
	need(madvise(p, PAGE, MADV_DONTNEED) == 0);
	need(monitor_copy(fd, p, source, PAGE, UFFDIO_COPY_MODE_WP) == (int64_t)PAGE);
	need(p[0] == 'w' && monitor_events(fd) == 0);
	touch(&t, p, true, 'n');
	msg = monitor_next(fd);
	need(msg.flags & UFFD_PAGEFAULT_FLAG_WP);
	need(monitor_protect(fd, p, PAGE, 0) == 0 && touched(&t) == 'n');
}

static void serves_shared_memory(void)
{
	int fd = monitor_new(0);
	char *p = fresh(MAP_SHARED), source[PAGE];
	struct touch t;

	memset(source, 'm', PAGE);
	p[0] = 'h';
	monitor_register(fd, p, PAGES * PAGE, UFFDIO_REGISTER_MODE_MISSING);
	need(p[0] == 'h' && monitor_events(fd) == 0);
	touch(&t, p + PAGE, false, 0);
	(void)monitor_next(fd);
	need(monitor_copy(fd, p + PAGE, source, PAGE, 0) == (int64_t)PAGE && touched(&t) == 'm');
	need(monitor_copy(fd, p + PAGE, source, PAGE, 0) == -EEXIST);
	need(monitor_zero(fd, p + 2 * PAGE, PAGE, 0) == (int64_t)PAGE && p[2 * PAGE] == 0);
	/* The child sees the same memory, unmonitored. */
	pid_t child = fork();
	if (child == 0)
		_exit(p[PAGE] != 'm' || p[3 * PAGE] != 0);
	int status = -1;
	need(waitpid(child, &status, 0) == child && status == 0);
	need(p[3 * PAGE] == 0 && monitor_events(fd) == 0);
}

static void tells_of_minor_faults(void)
{
	int fd = monitor_new(0), memory = memfd_create("minor", 0);
	char *p, *alias;
	struct abi_uffd_msg msg;
	struct touch t;

	need(memory >= 0 && ftruncate(memory, PAGES * PAGE) == 0);
	p = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	alias = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	need(p != MAP_FAILED && alias != MAP_FAILED);
	monitor_register(fd, p, PAGES * PAGE, UFFDIO_REGISTER_MODE_MINOR);
	alias[0] = 'i';
	touch(&t, p, false, 0);
	msg = monitor_next(fd);
	need(msg.flags & UFFD_PAGEFAULT_FLAG_MINOR);
	alias[0] = 'j';
	need(monitor_continue(fd, p, PAGE, 0) == (int64_t)PAGE && touched(&t) == 'j');
	need(monitor_continue(fd, p, PAGE, 0) == -EEXIST);
	need(monitor_continue(fd, p + PAGE, PAGE, 0) == -EFAULT);
	need(p[2 * PAGE] == 0 && monitor_events(fd) == 0); /* it was missing */
}

/* --- signals and system calls --------------------------------------------------------------------------- */

static sigjmp_buf back;
static volatile sig_atomic_t handled;

static void jump(int signo)
{
	siglongjmp(back, signo);
}

static void count(int signo)
{
	(void)signo;
	handled++;
}

static void sends_sigbus_instead(void)
{
	int fd = monitor_new(UFFD_FEATURE_SIGBUS), fds[2];
	char *p = fresh(MAP_PRIVATE);

	monitor_register(fd, p, PAGES * PAGE, UFFDIO_REGISTER_MODE_MISSING);
	signal(SIGBUS, jump);
	if (sigsetjmp(back, 1) == 0) {
		*(volatile char *)p = 1;
		need(false);
	}
	need(monitor_events(fd) == 0);
	need(pipe(fds) == 0 && write(fds[1], "x", 1) == 1);
	need(read(fds[0], p, 1) == -1 && errno == EFAULT);
	need(monitor_zero(fd, p, PAGE, 0) == (int64_t)PAGE && p[0] == 0);
}

static void *touch_and_count(void *arg)
{
	*(volatile char *)arg = 'q';
	return (void *)(intptr_t)handled;
}

static void takes_signals_while_it_waits(void)
{
	int fd = monitor_new(0);
	char *p = fresh(MAP_PRIVATE);
	pthread_t thread;
	void *count_then;

	signal(SIGUSR1, count);
	monitor_register(fd, p, PAGES * PAGE, UFFDIO_REGISTER_MODE_MISSING);
	need(pthread_create(&thread, NULL, touch_and_count, p) == 0);
	(void)monitor_next(fd);
	need(pthread_kill(thread, SIGUSR1) == 0);
	/* It comes back after the handler. */
	(void)monitor_next(fd);
	need(handled == 1 && monitor_zero(fd, p, PAGE, 0) == (int64_t)PAGE);
	need(pthread_join(thread, &count_then) == 0 && count_then == (void *)1 && p[0] == 'q');
}

struct call {
	int fd;
	char *at;
	ssize_t result;
	int error;
};

static void *read_into(void *arg)
{
	struct call *c = arg;

	c->result = read(c->fd, c->at, 2 * PAGE);
	c->error = errno;
	return NULL;
}

static void kernel_copies_wait_too(void)
{
	int fd = monitor_new(0), fds[2];
	char *p = fresh(MAP_PRIVATE), source[2 * PAGE];
	struct abi_uffd_msg msg;
	struct call c;
	pthread_t thread;

	memset(source, 'k', sizeof(source));
	monitor_register(fd, p, PAGES * PAGE, UFFDIO_REGISTER_MODE_MISSING);
	need(pipe(fds) == 0 && write(fds[1], source, sizeof(source)) == sizeof(source));
	c = (struct call){ .fd = fds[0], .at = p };
	need(pthread_create(&thread, NULL, read_into, &c) == 0);
	for (uint64_t i = 0; i < 2; i++) {
		msg = monitor_next(fd);
		need(msg.address == (uintptr_t)p + i * PAGE);
		need(msg.flags == UFFD_PAGEFAULT_FLAG_WRITE);
		/* A signal does not end such a wait. */
		if (i == 0) {
			signal(SIGUSR1, count);
			need(pthread_kill(thread, SIGUSR1) == 0);
			usleep(30000);
		}
		need(monitor_zero(fd, p + i * PAGE, PAGE, 0) == (int64_t)PAGE);
	}
	need(pthread_join(thread, NULL) == 0 && c.result == 2 * PAGE && p[2 * PAGE - 1] == 'k');
	need(handled == 1);
}

static void user_mode_only_leaves_copies_out(void)
{
	int fd = monitor_open(O_NONBLOCK | UFFD_USER_MODE_ONLY), fds[2];
	char *p = fresh(MAP_PRIVATE);
	struct touch t;

	need(ioctl(fd, UFFDIO_API, &(struct abi_uffdio_api){ .api = UFFD_API }) == 0);
	monitor_register(fd, p, PAGES * PAGE, UFFDIO_REGISTER_MODE_MISSING);
	need(pipe(fds) == 0 && write(fds[1], "x", 1) == 1);
	need(read(fds[0], p, 1) == -1 && errno == EFAULT && monitor_events(fd) == 0);
	touch(&t, p, false, 0);
	(void)monitor_next(fd);
	need(monitor_zero(fd, p, PAGE, 0) == (int64_t)PAGE && touched(&t) == 0);
}

static void a_waiting_process_can_be_killed(void)
{
	for (int copies = 0; copies < 2; copies++) {
		int told[2], status = -1;
		char byte;
		pid_t child;

		need(pipe(told) == 0);
		child = fork();
		if (child == 0) {
			int fd = monitor_new(0), fds[2];
			char *p = fresh(MAP_PRIVATE);
			struct touch t;
			struct call c;
			pthread_t thread;

			monitor_register(fd, p, PAGES * PAGE, UFFDIO_REGISTER_MODE_MISSING);
			need(pipe(fds) == 0 && write(fds[1], "x", 1) == 1);
			c = (struct call){ .fd = fds[0], .at = p };
			if (copies)
				need(pthread_create(&thread, NULL, read_into, &c) == 0);
			else
				touch(&t, p, false, 0);
			(void)monitor_next(fd);
			need(write(told[1], "w", 1) == 1);
			for (;;)
				pause();
		}
		need(read(told[0], &byte, 1) == 1);
		need(kill(child, SIGKILL) == 0 && waitpid(child, &status, 0) == child);
		need(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	}
}

/* --- what else happens to memory ------------------------------------------------------------------------ */

static void is_not_inherited_nor_moved(void)
{
	int fd = monitor_new(0);
	char *p = fresh(MAP_PRIVATE), *to;
	int status = -1;
	pid_t child;
	struct touch t;

	monitor_register(fd, p, PAGES * PAGE, UFFDIO_REGISTER_MODE_MISSING);
	child = fork();
	if (child == 0)
		_exit(p[0]);
	need(waitpid(child, &status, 0) == child && status == 0);
	to = fresh(MAP_PRIVATE);
	need(mremap(p, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
	need(to[0] == 0 && monitor_events(fd) == 0);
	/* What stays in its place stays registered. */
	touch(&t, p + 5 * PAGE, false, 0);
	(void)monitor_next(fd);
	need(monitor_zero(fd, p + 5 * PAGE, PAGE, 0) == (int64_t)PAGE && touched(&t) == 0);
	/* What is dropped is missing again. */
	need(madvise(p + 5 * PAGE, PAGE, MADV_DONTNEED) == 0);
	touch(&t, p + 5 * PAGE, false, 0);
	(void)monitor_next(fd);
	need(monitor_zero(fd, p + 5 * PAGE, PAGE, 0) == (int64_t)PAGE && touched(&t) == 0);
}

static void outlives_its_process_memory(void)
{
	int sockets[2], status = -1, fd;
	struct abi_uffdio_copy copy;
	char source[PAGE];
	pid_t child;

	(void)sockets;
	/* A child's monitor that this process has, too: the child hands its address over by a page that both
	 * share. */
	uint64_t *shared = (uint64_t *)fresh(MAP_SHARED);
	fd = -1;
	child = fork();
	if (child == 0) {
		char *p = fresh(MAP_PRIVATE);
		struct touch t;

		fd = monitor_new(0);
		monitor_register(fd, p, PAGES * PAGE, UFFDIO_REGISTER_MODE_MISSING);
		shared[1] = (uint64_t)fd;
		shared[0] = (uintptr_t)p;
		while (!*(volatile uint64_t *)&shared[2])
			usleep(1000);
		touch(&t, p, false, 0);
		_exit(touched(&t) != 'f');
	}
	while (!*(volatile uint64_t *)&shared[0])
		usleep(1000);
	fd = (int)syscall(SYS_pidfd_getfd, (int)syscall(SYS_pidfd_open, child, 0), (int)shared[1], 0);
	if (fd < 0 && errno == ENOSYS) {
		printf("# no pidfd_getfd here\n");
		need(kill(child, SIGKILL) == 0 && waitpid(child, &status, 0) == child);
		return;
	}
	need(fd >= 0);
	shared[2] = 1;
	(void)monitor_next(fd);
	memset(source, 'f', PAGE);
	need(monitor_copy(fd, (char *)(uintptr_t)shared[0], source, PAGE, 0) == (int64_t)PAGE);
	need(waitpid(child, &status, 0) == child && status == 0);
	copy = (struct abi_uffdio_copy){ .dst = shared[0] + PAGE, .src = (uintptr_t)source, .len = PAGE };
	need(ioctl(fd, UFFDIO_COPY, &copy) == -1 && errno == ESRCH);
	need(monitor_try_register(fd, shared[0], PAGE, UFFDIO_REGISTER_MODE_MISSING) == -ENOMEM);
}

static void exact_addresses(void)
{
	int fd = monitor_new(UFFD_FEATURE_EXACT_ADDRESS);
	char *p = fresh(MAP_PRIVATE);
	struct abi_uffd_msg msg;
	struct touch t;

	monitor_register(fd, p, PAGES * PAGE, UFFDIO_REGISTER_MODE_MISSING);
	touch(&t, p + 123, false, 0);
	msg = monitor_next(fd);
	need(msg.address == (uintptr_t)p + 123 && msg.thread == 0);
	need(monitor_zero(fd, p, PAGE, 0) == (int64_t)PAGE && touched(&t) == 0);
}

static void is_the_superusers(void)
{
	need(setuid(1000) == 0);
	need(syscall(SYS_userfaultfd, 0) == -1 && errno == EPERM);
	need(syscall(SYS_userfaultfd, 0x4000) == -1 && errno == EPERM);
	need(syscall(SYS_userfaultfd, UFFD_USER_MODE_ONLY | 0x4000) == -1 && errno == EINVAL);
	need(syscall(SYS_userfaultfd, UFFD_USER_MODE_ONLY) >= 0);
	need(open("/dev/userfaultfd", O_RDWR) == -1 && errno == EACCES);
}

static void comes_from_the_device(void)
{
	int device = open("/dev/userfaultfd", O_RDWR), fd;

	need(device >= 0 && ioctl(device, UFFDIO_API, NULL) == -1 && errno == EINVAL);
	fd = ioctl(device, USERFAULTFD_IOC_NEW, O_NONBLOCK);
	need(fd >= 0 && ioctl(fd, UFFDIO_API, &(struct abi_uffdio_api){ .api = UFFD_API }) == 0);
}

int main(void)
{
	tap(passes(begins_with_api), "nothing goes before UFFDIO_API, and that only once");
	tap(passes(copies_to_a_waiting_reader), "a touch waits for its page; pages there are not replaced");
	tap(passes(wakes_only_when_told), "DONTWAKE wakes nobody, UFFDIO_WAKE wakes without a page");
	tap(passes(refuses_what_is_wrong), "wrong ranges, modes and owners are refused");
	tap(passes(goes_on_without_the_monitor), "unregistering and closing let waiting touches go on");
	tap(passes(watches_writes),
	    "writes to watched pages wait, through mprotect and fork, until unregistered");
	tap(passes(serves_shared_memory), "shared memory misses what its object has not");
	tap(passes(tells_of_minor_faults), "minor faults show what the object has, CONTINUE maps it");
	tap(passes(sends_sigbus_instead), "FEATURE_SIGBUS: a signal, or EFAULT");
	tap(passes(takes_signals_while_it_waits), "a signal interrupts a waiting touch, which comes back");
	tap(passes(kernel_copies_wait_too), "read() into missing pages waits, through signals");
	tap(passes(user_mode_only_leaves_copies_out), "USER_MODE_ONLY: read() into missing pages is EFAULT");
	tap(passes(a_waiting_process_can_be_killed), "SIGKILL ends both ways of waiting");
	tap(passes(is_not_inherited_nor_moved), "fork and mremap leave it behind, MADV_DONTNEED does not");
	tap(passes(outlives_its_process_memory), "it serves from another process, until the memory has gone");
	tap(passes(exact_addresses), "EXACT_ADDRESS");
	tap(passes(is_the_superusers), "without privilege only USER_MODE_ONLY");
	tap(passes(comes_from_the_device), "/dev/userfaultfd");
	return tap_end();
}
