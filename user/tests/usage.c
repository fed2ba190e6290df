/* SPDX-License-Identifier: BSD-2-Clause */
/* What a process has used: getrusage, times, the clocks of CPU time, /proc, and limits and timers in CPU
 * time. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>

#include "child.h"
#include "tap.h"

#define USER_HZ 100

static double seconds(clockid_t id)
{
	struct timespec t;

	need(syscall(SYS_clock_gettime, id, &t) == 0);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double of_timeval(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static bool near(double a, double b, double slack)
{
	if (a - b <= slack && b - a <= slack)
		return true;
	printf("# %.4f and %.4f\n", a, b);
	return false;
}

static int between_looks = 20000; /* at the clock, which takes system time */

/* Compute in user mode until the thread has used so many seconds more. */
static void burn(double amount)
{
	double end = seconds(CLOCK_THREAD_CPUTIME_ID) + amount;
	volatile unsigned x = 0;

	while (seconds(CLOCK_THREAD_CPUTIME_ID) < end)
		for (int i = 0; i < between_looks; i++)
			x += (unsigned)i;
}

static double used(int who)
{
	struct rusage u;

	need(getrusage(who, &u) == 0);
	return of_timeval(u.ru_utime) + of_timeval(u.ru_stime);
}

/* utime + stime of /proc/PATH/stat, in seconds. */
static double stat_time(const char *path)
{
	char text[1024], *at;
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);
	unsigned long user, system;

	need(fd >= 0 && n > 0);
	close(fd);
	text[n] = '\0';
	at = strrchr(text, ')');
	need(at &&
	     sscanf(at + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) == 2);
	return (double)(user + system) / USER_HZ;
}

/* Each reading lies between two of the clock, whatever the machine below does to us in between. */
static void every_clock_tells_the_same(void)
{
	double readings[5], first, last;
	struct tms tms;

	burn(0.3);
	first = seconds(CLOCK_PROCESS_CPUTIME_ID);
	need(times(&tms) != (clock_t)-1);
	readings[0] = (double)(tms.tms_utime + tms.tms_stime) / USER_HZ;
	readings[1] = used(RUSAGE_SELF);
	readings[2] = stat_time("/proc/self/stat");
	readings[3] = used(RUSAGE_THREAD); /* there is one thread */
	readings[4] = seconds((clockid_t)(~(unsigned)getpid() << 3 | 2));
	last = seconds(CLOCK_PROCESS_CPUTIME_ID);
	need(first >= 0.3);
	for (int i = 0; i < 5; i++) /* two ticks: user and system time are cut apart */
		need(readings[i] >= first - 2.0 / USER_HZ && readings[i] <= last + 0.001);
}

static void *burn_thread(void *arg)
{
	(void)arg;
	burn(0.2);
	need(used(RUSAGE_THREAD) >= 0.19);
	return NULL;
}

static void threads_add_up(void)
{
	pthread_t threads[3];

	for (int i = 0; i < 3; i++)
		need(pthread_create(&threads[i], NULL, burn_thread, NULL) == 0);
	for (int i = 0; i < 3; i++)
		need(pthread_join(threads[i], NULL) == 0);
	need(used(RUSAGE_SELF) - used(RUSAGE_THREAD) >= 0.6); /* gone ones included, but only there */
}

static void children_count_when_waited_for(void)
{
	struct rusage one, all;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		burn(0.2);
		_exit(0);
	}
	need(used(RUSAGE_CHILDREN) < 0.01);
	need(wait4(pid, &status, 0, &one) == pid && status == 0);
	need(getrusage(RUSAGE_CHILDREN, &all) == 0);
	need(near(of_timeval(one.ru_utime) + of_timeval(one.ru_stime), 0.2, 0.05));
	need(near(used(RUSAGE_CHILDREN), 0.2, 0.05));
	need(all.ru_minflt == one.ru_minflt && all.ru_minflt > 0);
	need(all.ru_maxrss == one.ru_maxrss && all.ru_maxrss > 0);
}

/* User and system are told apart by samples: computing is mostly the one, calling mostly the other. */
static void modes_are_told_apart(void)
{
	struct rusage before, after;
	double user, system;

	need(getrusage(RUSAGE_SELF, &before) == 0);
	burn(0.4);
	need(getrusage(RUSAGE_SELF, &after) == 0);
	user = of_timeval(after.ru_utime) - of_timeval(before.ru_utime);
	need(user > 0.3);
	before = after;
	while (of_timeval(after.ru_utime) + of_timeval(after.ru_stime) -
		       (of_timeval(before.ru_utime) + of_timeval(before.ru_stime)) <
	       0.4) {
		char *big = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

		need(big != MAP_FAILED && munmap(big, 1 << 20) == 0);
		need(getrusage(RUSAGE_SELF, &after) == 0);
	}
	system = of_timeval(after.ru_stime) - of_timeval(before.ru_stime);
	need(system > 0.25);
}

#define PAGES 2000

static void faults_and_the_peak_are_counted(void)
{
	struct rusage before, full, after;
	size_t size = PAGES * 4096ul;
	char *mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	need(mem != MAP_FAILED && getrusage(RUSAGE_SELF, &before) == 0);
	for (size_t at = 0; at < size; at += 4096)
		mem[at] = 1;
	need(getrusage(RUSAGE_SELF, &full) == 0);
	need(full.ru_minflt > before.ru_minflt && full.ru_minflt - before.ru_minflt <= PAGES + 50);
	need(full.ru_maxrss - before.ru_maxrss >= PAGES * 4 - 64);
	need(munmap(mem, size) == 0 && getrusage(RUSAGE_SELF, &after) == 0);
	need(after.ru_maxrss >= full.ru_maxrss); /* a peak stays one */
}

static void switches_are_counted(void)
{
	struct rusage before, after;
	struct timespec t = { 0, 5000000 };

	need(getrusage(RUSAGE_THREAD, &before) == 0);
	for (int i = 0; i < 10; i++)
		nanosleep(&t, NULL);
	need(getrusage(RUSAGE_THREAD, &after) == 0);
	need(after.ru_nvcsw - before.ru_nvcsw >= 8 && after.ru_nvcsw - before.ru_nvcsw < 30);
}

/* Two that compute on one CPU take turns against their will. */
static void turns_are_forced(void)
{
	struct rusage before, after;
	cpu_set_t one;
	pid_t pid;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	need(sched_setaffinity(0, sizeof(one), &one) == 0);
	pid = fork();
	if (pid == 0)
		for (;;)
			;
	need(getrusage(RUSAGE_THREAD, &before) == 0);
	burn(0.3);
	need(getrusage(RUSAGE_THREAD, &after) == 0);
	kill(pid, SIGKILL);
	printf("# %ld forced, %ld voluntary\n", after.ru_nivcsw - before.ru_nivcsw,
	       after.ru_nvcsw - before.ru_nvcsw);
	need(after.ru_nivcsw - before.ru_nivcsw >= 5 && after.ru_nvcsw - before.ru_nvcsw <= 2);
}

static void usage_errors(void)
{
	struct rusage u;

	need(getrusage(7, &u) == -1 && errno == EINVAL);
	need(syscall(SYS_getrusage, RUSAGE_SELF, 8) == -1 && errno == EFAULT);
	need(syscall(SYS_times, 8) == -1 && errno == EFAULT);
}

/* --- clocks of others ------------------------------------------------------------------------------- */

static pid_t burner_tid;
static volatile bool stop_burning;

static void *burn_until_told(void *arg)
{
	(void)arg;
	__atomic_store_n(&burner_tid, (pid_t)syscall(SYS_gettid), __ATOMIC_SEQ_CST);
	while (!stop_burning)
		;
	return NULL;
}

static void clocks_of_others(void)
{
	pthread_t thread;
	clockid_t of_thread, of_parent = (clockid_t)(~(unsigned)getppid() << 3 | 2);
	struct timespec t = { 0, 200000000 }, res;
	double start;

	need(pthread_create(&thread, NULL, burn_until_told, NULL) == 0);
	while (!__atomic_load_n(&burner_tid, __ATOMIC_SEQ_CST))
		sched_yield();
	of_thread = (clockid_t)(~(unsigned)burner_tid << 3 | 6);
	start = seconds(of_thread);
	nanosleep(&t, NULL);
	need(seconds(of_thread) - start > 0.1 && seconds(of_thread) - start < 0.3);
	stop_burning = true;
	need(pthread_join(thread, NULL) == 0);
	need(seconds(of_parent) >= 0);
	need(clock_getres(of_parent, &res) == 0 && res.tv_sec == 0 && res.tv_nsec == 1);
	/* A thread that is gone, one of another process, no such process, no such kind of clock. */
	while (syscall(SYS_clock_gettime, of_thread, &res) == 0)
		sched_yield(); /* it was joined just before its end */
	need(errno == EINVAL);
	need(syscall(SYS_clock_gettime, (clockid_t)(~1u << 3 | 6), &res) == -1 && errno == EINVAL);
	need(syscall(SYS_clock_gettime, (clockid_t)(~32000u << 3 | 2), &res) == -1 && errno == EINVAL);
	need(syscall(SYS_clock_gettime, (clockid_t)(~(unsigned)getpid() << 3 | 3), &res) == -1 &&
	     errno == EINVAL);
}

/* --- timers and limits in CPU time -------------------------------------------------------------------- */

static volatile sig_atomic_t fired;

static void count(int signo)
{
	(void)signo;
	fired++;
}

static void timer_in_cpu_time(int which, int signo)
{
	struct itimerval t = { { 0, 50000 }, { 0, 100000 } }, now;
	struct timespec nap = { 0, 200000000 };
	double start;

	signal(signo, count);
	need(setitimer(which, &t, NULL) == 0);
	nanosleep(&nap, NULL); /* sleeping takes none */
	need(fired == 0);
	need(getitimer(which, &now) == 0 && now.it_interval.tv_usec == 50000);
	need(now.it_value.tv_usec > 50000 && now.it_value.tv_usec <= 100000);
	start = seconds(CLOCK_PROCESS_CPUTIME_ID);
	while (fired < 3)
		need(seconds(CLOCK_PROCESS_CPUTIME_ID) - start < 2);
	need(near(seconds(CLOCK_PROCESS_CPUTIME_ID) - start, 0.2, 0.08));
	t = (struct itimerval){ { 0, 0 }, { 0, 0 } };
	need(setitimer(which, &t, &now) == 0 && now.it_interval.tv_usec == 50000);
	fired = 0;
	burn(0.15);
	need(fired == 0);
}

static void prof_timer(void)
{
	timer_in_cpu_time(ITIMER_PROF, SIGPROF);
}

/* Reading the clock is system time, so this one only computes. */
static void virtual_timer(void)
{
	struct itimerval t = { { 0, 0 }, { 0, 100000 } };
	double start = seconds(CLOCK_PROCESS_CPUTIME_ID);
	volatile unsigned x = 0;

	signal(SIGVTALRM, count);
	need(setitimer(ITIMER_VIRTUAL, &t, NULL) == 0);
	while (!fired)
		x++;
	need(near(seconds(CLOCK_PROCESS_CPUTIME_ID) - start, 0.1, 0.08));
	need(getitimer(ITIMER_VIRTUAL, &t) == 0 && t.it_value.tv_sec == 0 && t.it_value.tv_usec == 0);
	need(setitimer(3, &t, NULL) == -1 && errno == EINVAL);
}

/* One second soft, two hard: a warning that is survived once, then the end. */
static void burn_against_a_limit(void)
{
	struct rlimit limit = { 1, 2 };

	signal(SIGXCPU, count);
	need(setrlimit(RLIMIT_CPU, &limit) == 0);
	burn(0.9);
	need(fired == 0);
	burn(0.3);
	need(fired == 1);
	burn(3);
}

static bool cpu_limit_warns_then_kills(void)
{
	double before = used(RUSAGE_CHILDREN);
	int status = status_of(burn_against_a_limit);

	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
		printf("# status %x\n", status);
		return false;
	}
	return near(used(RUSAGE_CHILDREN) - before, 2, 0.1);
}

static void burn_without_handler(void)
{
	struct rlimit limit = { 1, RLIM_INFINITY };

	need(setrlimit(RLIMIT_CPU, &limit) == 0);
	if (fork() == 0) { /* a child inherits the limit and starts from zero */
		burn(0.5);
		_exit(0);
	}
	burn(3);
}

static bool cpu_limit_ends_who_ignores_it(void)
{
	int status = status_of(burn_without_handler);

	return WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU;
}

/* --- the scheduler's own counts ---------------------------------------------------------------------------
 */

static char whole[65536];

static const char *read_text(const char *path)
{
	int fd = open(path, O_RDONLY);
	size_t len = 0;
	ssize_t n;

	need(fd >= 0);
	while ((n = read(fd, whole + len, sizeof(whole) - 1 - len)) > 0)
		len += (size_t)n;
	close(fd);
	whole[len] = '\0';
	return whole;
}

static int lines_starting(const char *what, const char *start)
{
	int count = 0;

	for (const char *at = what; at; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (strncmp(at, start, strlen(start)) == 0 && at[strlen(start)] >= '0' &&
		    at[strlen(start)] <= '9')
			count++;
	}
	return count;
}

static void counts_of_the_scheduler(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned long run, wait, slices;
	char path[64];

	burn(0.1);
	need(sscanf(read_text("/proc/self/schedstat"), "%lu %lu %lu", &run, &wait, &slices) == 3);
	need((double)run / 1e9 >= 0.1 && (double)run / 1e9 <= used(RUSAGE_SELF) && slices > 0);
	snprintf(path, sizeof(path), "/proc/self/task/%d/schedstat", getpid());
	need(sscanf(read_text(path), "%lu %lu %lu", &run, &wait, &slices) == 3 && run > 0);
	need(strstr(read_text("/proc/self/sched"), "nr_switches") && strstr(whole, "se.sum_exec_runtime"));
	need(strncmp(read_text("/proc/schedstat"), "version 15\n", 11) == 0);
	need(lines_starting(whole, "cpu") == cpus);
	need((lines_starting(whole, "domain") > 0) == (cpus > 1));
	need(lines_starting(read_text("/proc/stat"), "cpu") == cpus);
	need(strstr(whole, "\nctxt ") && strstr(whole, "\nbtime ") && strstr(whole, "\nprocesses ") &&
	     strstr(whole, "\nprocs_running ") && strstr(whole, "\nprocs_blocked ") &&
	     strstr(whole, "\nsoftirq "));
}

/* --- utilisation, right to one per cent ----------------------------------------------------------------- */

struct machine {
	double busy, idle;
};

static struct machine machine_time(void)
{
	unsigned long user, nice, system, idle;
	char text[256];
	int fd = open("/proc/stat", O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	need(n > 0);
	close(fd);
	text[n] = '\0';
	need(sscanf(text, "cpu %lu %lu %lu %lu", &user, &nice, &system, &idle) == 4);
	return (struct machine){ (double)(user + nice + system) / USER_HZ, (double)idle / USER_HZ };
}

static double share_seconds = 10;

/* Busy for 3 of every 10 ms, on an otherwise idle machine. */
static void a_known_share(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	double start = seconds(CLOCK_MONOTONIC), cpu = used(RUSAGE_SELF), stat = stat_time("/proc/self/stat");
	double wall, share, by_stat, by_machine;
	struct machine before = machine_time(), after;
	struct timespec until;

	between_looks = 1000;
	clock_gettime(CLOCK_MONOTONIC, &until);
	do {
		burn(0.003);
		until.tv_nsec += 10000000;
		if (until.tv_nsec >= 1000000000) {
			until.tv_nsec -= 1000000000;
			until.tv_sec++;
		}
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
	} while (seconds(CLOCK_MONOTONIC) - start < share_seconds);
	after = machine_time();
	wall = seconds(CLOCK_MONOTONIC) - start;
	share = (used(RUSAGE_SELF) - cpu) / wall;
	by_stat = (stat_time("/proc/self/stat") - stat) / wall;
	by_machine = (after.busy - before.busy) / wall;
	printf("# share %.4f, /proc/self/stat %.4f, /proc/stat %.4f busy %.4f idle of %ld\n", share, by_stat,
	       by_machine, (after.idle - before.idle) / wall, cpus);
	need(near(by_stat, share, 0.01));
	need(near(by_machine, share, 0.01 * (double)cpus));
	need(near((after.busy - before.busy + after.idle - before.idle) / wall, (double)cpus,
		  0.01 * (double)cpus));
}

int main(int argc, char **argv)
{
	if (argc > 1)
		share_seconds = atof(argv[1]);
	tap(passes(every_clock_tells_the_same), "getrusage, times, clocks and /proc/self/stat agree");
	tap(passes(threads_add_up), "a process has used what its threads did, gone ones included");
	tap(passes(children_count_when_waited_for), "children count once they are waited for");
	tap(passes(modes_are_told_apart), "user and system time are told apart");
	tap(passes(faults_and_the_peak_are_counted), "faults are counted, the peak of memory is kept");
	tap(passes(switches_are_counted), "a sleep is a voluntary switch");
	tap(passes(turns_are_forced), "the end of a turn is a forced switch");
	tap(passes(usage_errors), "errors of getrusage and times");
	tap(passes(clocks_of_others), "CPU-time clocks of other threads and processes");
	tap(passes(prof_timer), "ITIMER_PROF counts CPU time");
	tap(passes(virtual_timer), "ITIMER_VIRTUAL counts user time");
	tap(cpu_limit_warns_then_kills(), "RLIMIT_CPU: SIGXCPU, then SIGKILL");
	tap(cpu_limit_ends_who_ignores_it(), "RLIMIT_CPU: SIGXCPU ends who has no handler");
	tap(passes(counts_of_the_scheduler), "the counts of the scheduler are shown, and agree");
	tap(passes(a_known_share), "a known share of a CPU reads the same everywhere, to one per cent");
	return tap_end();
}
