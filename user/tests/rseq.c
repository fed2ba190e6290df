/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rseq(2).  Counters of CPUs are counted up without a lock, by more threads than there are CPUs: a lost abort
 * loses a count.  Stretches that wait for ever end at their abort handler by a signal, by another thread on
 * their CPU, by moving away, by membarrier.  --smp 4 makes it meaningful.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#include "child.h"
#include "tap.h"

#define SYS_RSEQ   334
#define SIGNATURE  0x53053053u
#define UNREGISTER 1
#define THREADS    12
#define CPUS       64

#define MEMBARRIER_RSEQ          128
#define MEMBARRIER_REGISTER_RSEQ 256

struct rseq {
	uint32_t cpu_id_start, cpu_id;
	uint64_t sequence;
	uint32_t flags, padding[3];
} __attribute__((aligned(32)));

struct sequence {
	uint32_t version, flags;
	uint64_t start, length, abort;
} __attribute__((aligned(32)));

static _Thread_local volatile struct rseq area;

static int rseq(volatile struct rseq *at, uint32_t size, int flags, uint32_t signature)
{
	return syscall(SYS_RSEQ, at, size, flags, signature) < 0 ? errno : 0;
}

static void enter(void)
{
	need(rseq(&area, sizeof(area), 0, SIGNATURE) == 0);
}

/* --- stretches --------------------------------------------------------------------------------------- */

#define DESCRIBE_STRETCH                                        \
	".pushsection .data.rel, \"aw\"\n"                      \
	".balign 32\n"                                          \
	"3: .long 0, 0\n"                                       \
	".quad 1f, 2f - 1f, 4f\n"                               \
	".popsection\n"                                         \
	".pushsection .text.unlikely, \"ax\"\n"                 \
	".byte 0x0f, 0xb9, 0x3d\n" /* UD1 with the signature */ \
	".long 0x53053053\n"                                    \
	"4: jmp %l[aborted]\n"                                  \
	".popsection\n"                                         \
	"leaq 3b(%%rip), %%rax\n"                               \
	"movq %%rax, %[sequence]\n"

/* Count up the counter of `cpu`; false: the thread is no more on it, or was interrupted. */
static bool count_on(uint32_t cpu, volatile long *counter)
{
	__asm__ goto(DESCRIBE_STRETCH "1: cmpl %[cpu], %[now]\n"
				      "jne %l[aborted]\n"
				      "movq %[counter], %%rax\n"
				      "incq %%rax\n"
				      "movq %%rax, %[counter]\n"
				      "2:\n"
		     :
		     : [sequence] "m"(area.sequence), [now] "m"(area.cpu_id), [cpu] "r"(cpu),
		       [counter] "m"(*counter)
		     : "rax", "memory", "cc"
		     : aborted);
	return true;
aborted:
	return false;
}

/* Wait inside a stretch until it is aborted: true; or until *stop. */
static bool wait_for_abort(volatile int *inside, volatile int *stop)
{
	__asm__ goto(DESCRIBE_STRETCH "1: movl $1, %[inside]\n"
				      "5: pause\n"
				      "cmpl $0, %[stop]\n"
				      "je 5b\n"
				      "2:\n"
		     :
		     : [sequence] "m"(area.sequence), [inside] "m"(*inside), [stop] "m"(*stop)
		     : "rax", "memory", "cc"
		     : aborted);
	return false;
aborted:
	return true;
}

/* --- registering -------------------------------------------------------------------------------------- */

static void registering(void)
{
	static volatile struct rseq other;

	need(rseq(&area, 31, 0, SIGNATURE) == EINVAL && rseq(&area, 32, 2, SIGNATURE) == EINVAL);
	need(rseq((volatile struct rseq *)((char *)&area + 8), 32, 0, SIGNATURE) == EINVAL);
	need(rseq((volatile struct rseq *)(1ull << 63), 32, 0, SIGNATURE) == EFAULT);
	need(rseq(&area, 32, UNREGISTER, SIGNATURE) == EINVAL);
	enter();
	need(rseq(&area, 32, 0, SIGNATURE) == EBUSY && rseq(&area, 32, 0, 1) == EPERM);
	need(rseq(&other, 32, 0, SIGNATURE) == EINVAL);
	need(area.cpu_id == area.cpu_id_start && area.cpu_id < CPUS);
	need(rseq(&area, 32, UNREGISTER, 1) == EPERM && rseq(&other, 32, UNREGISTER, SIGNATURE) == EINVAL);
	need(rseq(&area, 32, UNREGISTER, SIGNATURE) == 0);
	need(area.cpu_id == UINT32_MAX && area.cpu_id_start == 0);
	need(rseq(&other, 32, 0, 7) == 0);
}

static void *not_registered(void *arg)
{
	(void)arg;
	return (void *)(intptr_t)(rseq(&area, 32, UNREGISTER, SIGNATURE) == EINVAL);
}

static void inheriting(void)
{
	pthread_t t;
	void *fresh;
	int status;
	pid_t pid;

	enter();
	need(pthread_create(&t, NULL, not_registered, NULL) == 0 && pthread_join(t, &fresh) == 0 && fresh);
	pid = fork();
	if (pid == 0)
		_exit(rseq(&area, 32, 0, SIGNATURE) == EBUSY ? 0 : 1);
	need(waitpid(pid, &status, 0) == pid && status == 0);
}

static void exec_forgets(void)
{
	enter();
	execl("/proc/self/exe", "rseq", "fresh", NULL);
	_exit(1);
}

/* --- where it runs -------------------------------------------------------------------------------------- */

static int cpus(uint32_t *list)
{
	cpu_set_t set;
	int n = 0;

	sched_getaffinity(0, sizeof(set), &set);
	for (uint32_t cpu = 0; cpu < CPUS; cpu++) {
		if (CPU_ISSET(cpu, &set))
			list[n++] = cpu;
	}
	return n;
}

static void move_to(uint32_t cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	need(sched_setaffinity(0, sizeof(set), &set) == 0);
}

static void knows_its_cpu(void)
{
	uint32_t list[CPUS];
	int n = cpus(list);

	enter();
	for (int round = 0; round < 200; round++) {
		move_to(list[round % n]);
		need(area.cpu_id == list[round % n] && area.cpu_id_start == area.cpu_id);
	}
}

static struct {
	_Alignas(64) volatile long count;
} counters[CPUS];
static long rounds = 20000;

static void *count(void *arg)
{
	enter();
	for (long i = 0; i < rounds; i++) {
		uint32_t cpu;

		do
			cpu = area.cpu_id_start;
		while (!count_on(cpu, &counters[cpu].count));
		if (i % 1024 == 0)
			sched_yield();
	}
	return arg;
}

static void counting(void)
{
	pthread_t t[THREADS];
	struct timespec moment = { 0, 100000 };
	long sum = 0;

	for (int i = 0; i < THREADS; i++)
		need(pthread_create(&t[i], NULL, count, NULL) == 0);
	for (int i = 0; i < 200; i++) /* whoever wakes up preempts somebody */
		nanosleep(&moment, NULL);
	for (int i = 0; i < THREADS; i++)
		need(pthread_join(t[i], NULL) == 0);
	for (int i = 0; i < CPUS; i++)
		sum += counters[i].count;
	if (sum != THREADS * rounds)
		printf("# %ld of %ld\n", sum, THREADS * rounds);
	need(sum == THREADS * rounds);
}

/* --- aborts --------------------------------------------------------------------------------------------- */

static volatile int inside, stop, handled;

static void handler(int signo)
{
	(void)signo;
	handled++;
}

static void by_signal(void)
{
	struct itimerval soon = { .it_value.tv_usec = 20000 };

	enter();
	signal(SIGALRM, handler);
	setitimer(ITIMER_REAL, &soon, NULL);
	do /* another program may have wanted the CPU */
		need(wait_for_abort(&inside, &stop));
	while (!handled);
	need(handled == 1 && area.sequence == 0);
}

static void *waits(void *arg)
{
	uint32_t list[CPUS];

	cpus(list);
	move_to(list[arg ? 1 : 0]);
	enter();
	return (void *)(intptr_t)wait_for_abort(&inside, &stop);
}

static void *busy(void *arg)
{
	uint32_t list[CPUS];

	cpus(list);
	move_to(list[0]);
	while (!stop)
		;
	return arg;
}

static void stop_late(int signo)
{
	(void)signo;
	stop = 1;
}

static void by_preemption(void)
{
	pthread_t t, u;
	void *aborted;

	signal(SIGALRM, stop_late);
	alarm(10);
	need(pthread_create(&t, NULL, waits, NULL) == 0);
	while (!inside)
		sched_yield();
	need(pthread_create(&u, NULL, busy, NULL) == 0);
	need(pthread_join(t, &aborted) == 0 && aborted);
	stop = 1;
	pthread_join(u, NULL);
}

static void by_membarrier(void)
{
	uint32_t list[CPUS];
	pthread_t t;
	void *aborted;

	if (cpus(list) < 2)
		return;
	signal(SIGALRM, stop_late);
	alarm(10);
	move_to(list[0]);
	need(syscall(SYS_membarrier, MEMBARRIER_RSEQ, 0, 0) < 0 && errno == EPERM);
	need(syscall(SYS_membarrier, MEMBARRIER_REGISTER_RSEQ, 0, 0) == 0);
	for (int i = 0; i < 2; i++) {
		cpu_set_t all;

		inside = 0;
		need(pthread_create(&t, NULL, waits, (void *)1) == 0);
		CPU_ZERO(&all);
		while (!inside)
			sched_yield();
		need(syscall(SYS_membarrier, MEMBARRIER_RSEQ, i, i ? list[1] : 0) == 0);
		need(pthread_join(t, &aborted) == 0 && aborted);
		CPU_SET(list[0], &all);
		CPU_SET(list[1], &all);
		need(sched_setaffinity(0, sizeof(all), &all) == 0);
	}
}

/* --- what is wrong is a SIGSEGV ------------------------------------------------------------------------- */

static void run_with(uint64_t sequence)
{
	enter();
	area.sequence = sequence;
	for (int i = 0; i < 1000; i++) {
		struct timespec moment = { 0, 1000 };

		nanosleep(&moment, NULL);
	}
}

static unsigned char code[16] = { 0x53, 0x30, 0x05, 0x53 };

static void bad_address(void)
{
	run_with(16);
}

static void bad_kernel_address(void)
{
	run_with(1ull << 63);
}

static void bad_signature(void)
{
	static struct sequence s = { 0, 0, 4096, 16, (uint64_t)(code + 5) };

	run_with((uint64_t)&s);
}

static void bad_version(void)
{
	static struct sequence s = { 1, 0, 4096, 16, (uint64_t)(code + 4) };

	run_with((uint64_t)&s);
}

static void abort_inside(void)
{
	static struct sequence s = { 0, 0, (uint64_t)code, 16, (uint64_t)(code + 4) };

	run_with((uint64_t)&s);
}

static void elsewhere(void)
{
	static struct sequence s = { 0, 0, 4096, 16, (uint64_t)(code + 4) };

	run_with((uint64_t)&s);
	need(area.sequence == 0);
}

static void area_gone(void)
{
	void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct timespec moment = { 0, 1000 };

	need(rseq(at, 32, 0, SIGNATURE) == 0);
	munmap(at, 4096);
	for (int i = 0; i < 1000; i++)
		nanosleep(&moment, NULL);
}

static bool segfaults(void (*body)(void))
{
	int status = status_of(body);

	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "fresh") == 0)
		return rseq(&area, 32, UNREGISTER, SIGNATURE) != EINVAL;
	if (argc > 1)
		rounds = atol(argv[1]);
	tap(passes(registering), "registering once, unregistering, and the errors of both");
	tap(passes(inheriting), "a child of fork is registered, a new thread is not");
	tap(passes(exec_forgets), "nor is a program after exec");
	tap(passes(knows_its_cpu), "cpu_id is the CPU that it runs on");
	tap(passes(counting), "no count of a CPU's counter is lost");
	tap(passes(by_signal), "a signal aborts the stretch that it interrupts");
	tap(passes(by_preemption), "another thread on its CPU does");
	tap(passes(by_membarrier), "membarrier does, on all CPUs or on one");
	tap(passes(elsewhere), "outside of its stretch a thread only forgets it");
	tap(segfaults(bad_address) && segfaults(bad_kernel_address), "no descriptor there: SIGSEGV");
	tap(segfaults(bad_signature), "no signature before the abort handler: SIGSEGV");
	tap(segfaults(bad_version) && segfaults(abort_inside), "other senseless descriptors: SIGSEGV");
	tap(segfaults(area_gone), "no area there: SIGSEGV");
	return tap_end();
}
