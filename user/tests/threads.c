/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads and futexes. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "tap.h"

/* <linux/futex.h> is not there for musl. */
#define FUTEX_WAIT               0
#define FUTEX_WAKE               1
#define FUTEX_CMP_REQUEUE        4
#define FUTEX_WAKE_OP            5
#define FUTEX_WAIT_BITSET        9
#define FUTEX_PRIVATE_FLAG       128
#define FUTEX_WAKE_OP_ADD_3_IF_7 (1u << 28 | 3u << 12 | 7u)

#define THREADS 8
#define ROUNDS  2000

static long futex(void *word, int op, uint32_t val, const struct timespec *timeout, void *word2,
		  uint32_t val3)
{
	return syscall(SYS_futex, word, op, val, timeout, word2, val3);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static long counter;

static void *add(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		pthread_mutex_lock(&mutex);
		counter++;
		pthread_mutex_unlock(&mutex);
		if (i % 64 == 0)
			sched_yield();
	}
	return (void *)42;
}

static void mutexes(void)
{
	pthread_t t[THREADS];
	void *result;

	for (int i = 0; i < THREADS; i++)
		need(pthread_create(&t[i], NULL, add, NULL) == 0);
	for (int i = 0; i < THREADS; i++)
		need(pthread_join(t[i], &result) == 0 && result == (void *)42);
	need(counter == THREADS * ROUNDS);
}

static int turn;

static void *player(void *arg)
{
	int me = (int)(intptr_t)arg;

	for (int i = 0; i < 500; i++) {
		pthread_mutex_lock(&mutex);
		while (turn != me)
			pthread_cond_wait(&cond, &mutex);
		turn = !me;
		pthread_cond_broadcast(&cond);
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

static void conditions(void)
{
	pthread_t a, b;

	need(pthread_create(&a, NULL, player, (void *)0) == 0 &&
	     pthread_create(&b, NULL, player, (void *)1) == 0);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
}

static _Thread_local int own;

static void *check_own(void *arg)
{
	own = (int)(intptr_t)arg;
	for (int i = 0; i < 100; i++) {
		sched_yield();
		if (own != (int)(intptr_t)arg)
			return NULL;
	}
	return arg;
}

static void thread_locals(void)
{
	pthread_t t[THREADS];
	void *result;

	for (intptr_t i = 1; i < THREADS; i++)
		need(pthread_create(&t[i], NULL, check_own, (void *)i) == 0);
	for (intptr_t i = 1; i < THREADS; i++)
		need(pthread_join(t[i], &result) == 0 && result == (void *)i);
}

static void *tell_ids(void *arg)
{
	pid_t *ids = arg;

	ids[0] = getpid();
	ids[1] = (pid_t)syscall(SYS_gettid);
	return NULL;
}

static void ids(void)
{
	pthread_t t;
	pid_t told[2];

	need((pid_t)syscall(SYS_gettid) == getpid());
	need(pthread_create(&t, NULL, tell_ids, told) == 0 && pthread_join(t, NULL) == 0);
	need(told[0] == getpid() && told[1] != getpid());
	/* A thread says that it is over just before it ends. */
	while (syscall(SYS_tgkill, getpid(), told[1], 0) == 0)
		sched_yield();
	need(errno == ESRCH);
}

static void *exit_all(void *arg)
{
	(void)arg;
	usleep(10000);
	exit(5);
}

static void *sleep_long(void *arg)
{
	for (int forever = 1; forever;)
		pause();
	return arg;
}

static void group_exit(void)
{
	pthread_t t;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		for (int i = 0; i < 4; i++)
			pthread_create(&t, NULL, sleep_long, NULL);
		pthread_create(&t, NULL, exit_all, NULL);
		for (;;)
			pause();
	}
	need(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 5);
	pid = fork();
	if (pid == 0) {
		for (int i = 0; i < 4; i++)
			pthread_create(&t, NULL, sleep_long, NULL);
		kill(getpid(), SIGTERM);
		for (;;)
			pause();
	}
	need(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

static void *late(void *arg)
{
	(void)arg;
	usleep(30000);
	syscall(SYS_exit, 7);
	return NULL;
}

/* The process lives until its last thread ends, with that one's status. */
static void leader_leaves(void)
{
	pthread_t t;
	int status;
	double start = now();
	pid_t pid = fork();

	if (pid == 0) {
		pthread_create(&t, NULL, late, NULL);
		syscall(SYS_exit, 6);
	}
	need(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 7 &&
	     now() - start > 0.025);
}

static void *do_exec(void *arg)
{
	(void)arg;
	execl("/proc/self/exe", "threads", "exec-child", (char *)NULL);
	return NULL;
}

/* exec by another thread than the first: the program goes on under the process's id, alone. */
static void exec_from_thread(void)
{
	char text[64], want[64];
	pthread_t t, other;
	int ends[2], status;
	pid_t pid;
	ssize_t n;

	need(pipe(ends) == 0);
	pid = fork();
	if (pid == 0) {
		dup2(ends[1], 1);
		pthread_create(&other, NULL, sleep_long, NULL);
		pthread_create(&t, NULL, do_exec, NULL);
		for (;;)
			pause();
	}
	need(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 33);
	n = read(ends[0], text, sizeof(text) - 1);
	need(n > 0);
	text[n] = '\0';
	snprintf(want, sizeof(want), "%d %d\n", pid, pid);
	need(strcmp(text, want) == 0);
}

static volatile sig_atomic_t handled_by;

static void note_thread(int signo)
{
	(void)signo;
	handled_by = (sig_atomic_t)syscall(SYS_gettid);
}

static void *wait_for_signal(void *arg)
{
	atomic_int *tid = arg;

	*tid = (int)syscall(SYS_gettid);
	while (!handled_by)
		usleep(1000);
	return NULL;
}

static void directed_signals(void)
{
	pthread_t t;
	atomic_int tid = 0;
	sigset_t set;

	signal(SIGUSR1, note_thread);
	pthread_create(&t, NULL, wait_for_signal, &tid);
	while (!tid)
		usleep(1000);
	need(syscall(SYS_tgkill, getpid(), tid, SIGUSR1) == 0);
	pthread_join(t, NULL);
	need(handled_by == tid);
	/* One for the process goes to a thread that does not block it. */
	handled_by = 0;
	tid = 0;
	pthread_create(&t, NULL, wait_for_signal, &tid);
	while (!tid)
		usleep(1000);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	kill(getpid(), SIGUSR1);
	pthread_join(t, NULL);
	need(handled_by == tid);
}

static void stop_all(void)
{
	pthread_t t;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		for (int i = 0; i < 3; i++)
			pthread_create(&t, NULL, sleep_long, NULL);
		raise(SIGSTOP);
		usleep(200000); /* a child that has ended tells no more that it went on */
		_exit(3);
	}
	need(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
	kill(pid, SIGCONT);
	need(waitpid(pid, &status, WCONTINUED) == pid && WIFCONTINUED(status));
	need(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 3);
}

static void futex_errors(void)
{
	uint32_t word = 5;
	struct timespec t = { 0, 20000000 }, bad = { 0, 1000000000 };
	double start = now();

	need(futex(&word, FUTEX_WAIT, 4, NULL, NULL, 0) == -1 && errno == EAGAIN);
	need(futex(&word, FUTEX_WAIT, 5, &t, NULL, 0) == -1 && errno == ETIMEDOUT && now() - start >= 0.019);
	need(futex(&word, FUTEX_WAIT, 5, &bad, NULL, 0) == -1 && errno == EINVAL);
	need(futex((char *)&word + 1, FUTEX_WAIT, 5, NULL, NULL, 0) == -1 && errno == EINVAL);
	need(futex((void *)8, FUTEX_WAIT, 5, NULL, NULL, 0) == -1 && errno == EFAULT);
	need(futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0) == 0);
	need(futex(&word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0) == 0);
	need(futex(&word, FUTEX_WAIT_BITSET, 5, NULL, NULL, 0) == -1 && errno == EINVAL);
	need(futex(&word, 99, 5, NULL, NULL, 0) == -1 && errno == ENOSYS);
}

static uint32_t words[2];
static atomic_int woken;

static void *wait_word(void *arg)
{
	(void)arg;
	futex(&words[0], FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, NULL, NULL, 0);
	woken++;
	return NULL;
}

static void requeue(void)
{
	pthread_t t[4];
	uint32_t expected = 1;

	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, wait_word, NULL);
	usleep(50000);
	need(futex(words, FUTEX_CMP_REQUEUE | FUTEX_PRIVATE_FLAG, 1, (void *)10, &words[1], expected) == -1 &&
	     errno == EAGAIN);
	need(futex(words, FUTEX_CMP_REQUEUE | FUTEX_PRIVATE_FLAG, 1, (void *)2, &words[1], 0) ==
	     3); /* 1 woken, 2 moved */
	usleep(20000);
	need(woken == 1);
	need(futex(&words[1], FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 10, NULL, NULL, 0) == 2);
	need(futex(words, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 10, NULL, NULL, 0) == 1);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
}

static void wake_op(void)
{
	pthread_t t;

	words[0] = 0;
	words[1] = 7;
	pthread_create(&t, NULL, wait_word, NULL);
	usleep(20000);
	/* words[1] += 3 if it was 7, and then wake its waiters too: there are none */
	need(futex(words, FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG, 1, (void *)1, &words[1],
		   FUTEX_WAKE_OP_ADD_3_IF_7) == 1);
	need(words[1] == 10);
	pthread_join(t, NULL);
}

/* Waiter and waker are processes with the word in shared memory. */
static void shared_futex(void)
{
	uint32_t *word = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		while (__atomic_load_n(word, __ATOMIC_SEQ_CST) == 0)
			futex(word, FUTEX_WAIT, 0, NULL, NULL, 0);
		_exit(0);
	}
	/* As soon as it sleeps one wake-up arrives; with nothing changed it goes back to sleep. */
	while (futex(word, FUTEX_WAKE, 1, NULL, NULL, 0) == 0)
		sched_yield();
	__atomic_store_n(word, 1, __ATOMIC_SEQ_CST);
	need(futex(word, FUTEX_WAKE, 1, NULL, NULL, 0) >= 0);
	need(waitpid(pid, &status, 0) == pid && status == 0);
}

static void *die_holding(void *arg)
{
	pthread_mutex_lock(arg);
	return NULL;
}

static void robust_mutex(void)
{
	pthread_mutexattr_t attr;
	pthread_mutex_t m;
	pthread_t t;

	pthread_mutexattr_init(&attr);
	need(pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST) == 0);
	pthread_mutex_init(&m, &attr);
	pthread_create(&t, NULL, die_holding, &m);
	pthread_join(t, NULL);
	need(pthread_mutex_lock(&m) == EOWNERDEAD);
	need(pthread_mutex_consistent(&m) == 0 && pthread_mutex_unlock(&m) == 0);
}

static sem_t semaphore;

static void *post(void *arg)
{
	(void)arg;
	usleep(10000);
	sem_post(&semaphore);
	return NULL;
}

static void semaphores(void)
{
	struct timespec t;
	pthread_t thread;

	sem_init(&semaphore, 0, 0);
	pthread_create(&thread, NULL, post, NULL);
	need(sem_wait(&semaphore) == 0);
	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_nsec += 10000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_nsec -= 1000000000;
		t.tv_sec++;
	}
	need(sem_timedwait(&semaphore, &t) == -1 && errno == ETIMEDOUT);
	pthread_join(thread, NULL);
}

static void affinity(void)
{
	cpu_set_t set;

	need(sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) >= 1);
	need(sched_setaffinity(0, sizeof(set), &set) == 0);
	CPU_ZERO(&set);
	need(sched_setaffinity(0, sizeof(set), &set) == -1 && errno == EINVAL);
}

int main(int argc, char *argv[])
{
	if (argc > 1 && strcmp(argv[1], "exec-child") == 0) {
		printf("%d %d\n", getpid(), (int)syscall(SYS_gettid));
		fflush(stdout);
		return 33;
	}
	tap(passes(mutexes), "mutexes keep threads apart");
	tap(passes(conditions), "condition variables");
	tap(passes(thread_locals), "each thread has its own variables");
	tap(passes(ids), "threads share the process id");
	tap(passes(group_exit), "exit and fatal signals end all threads");
	tap(passes(leader_leaves), "the process outlives its first thread");
	tap(passes(exec_from_thread), "exec leaves one thread, with the process's id");
	tap(passes(directed_signals), "signals to one thread, and to any that may take it");
	tap(passes(stop_all), "stopping stops every thread");
	tap(passes(futex_errors), "futex errors and timeouts");
	tap(passes(requeue), "FUTEX_CMP_REQUEUE");
	tap(passes(wake_op), "FUTEX_WAKE_OP");
	tap(passes(shared_futex), "a futex in shared memory");
	tap(passes(robust_mutex), "a robust mutex tells that its owner died");
	tap(passes(semaphores), "semaphores with a deadline");
	tap(passes(affinity), "CPU masks");
	return tap_end();
}
