/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timers with a descriptor, as timerfd_create(2) has them; all of this holds on Linux, too.  The superuser's
 * part sets the clock.  What is Serix's own, rights and revocation, is in cap_timer.c.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>

#include "child.h"
#include "tap.h"

#define MS  1000000ll
#define SEC 1000000000ll

static struct timespec spec(int64_t ns)
{
	return (struct timespec){ ns / SEC, ns % SEC };
}

static int64_t ns_of(struct timespec ts)
{
	return ts.tv_sec * SEC + ts.tv_nsec;
}

static int64_t now(clockid_t clock)
{
	struct timespec ts;

	need(clock_gettime(clock, &ts) == 0);
	return ns_of(ts);
}

static int set(int fd, int flags, int64_t value, int64_t interval)
{
	const struct itimerspec its = { spec(interval), spec(value) };

	return timerfd_settime(fd, flags, &its, NULL);
}

static int make(clockid_t clock, int flags)
{
	int fd = timerfd_create(clock, flags);

	need(fd >= 0);
	return fd;
}

/* What a read says: ticks, or a negative errno. */
static int64_t ticks(int fd)
{
	uint64_t n = 0;
	ssize_t got = read(fd, &n, sizeof(n));

	need(got == -1 || got == sizeof(n));
	return got < 0 ? -errno : (int64_t)n;
}

static bool readable(int fd, int timeout)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int ready = poll(&p, 1, timeout);

	need(ready == 0 || (ready == 1 && p.revents == POLLIN));
	return ready;
}

static void once(void)
{
	static const clockid_t clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME };

	for (unsigned i = 0; i < sizeof(clocks) / sizeof(*clocks); i++) {
		int fd = make(clocks[i], 0);
		int64_t start = now(CLOCK_MONOTONIC);

		need(set(fd, 0, 30 * MS, 0) == 0 && ticks(fd) == 1);
		need(now(CLOCK_MONOTONIC) - start >= 30 * MS);
		need(!readable(fd, 50)); /* and never again */
	}
}

static void at_a_time(void)
{
	static const clockid_t clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME };

	for (unsigned i = 0; i < sizeof(clocks) / sizeof(*clocks); i++) {
		int fd = make(clocks[i], 0);
		int64_t due = now(clocks[i]) + 30 * MS;

		need(set(fd, TFD_TIMER_ABSTIME, due, 0) == 0 && ticks(fd) == 1 && now(clocks[i]) >= due);
		/* In the past: at once. */
		need(set(fd, TFD_TIMER_ABSTIME, 1, 0) == 0 && ticks(fd) == 1);
	}
}

static void repeated(void)
{
	int fd = make(CLOCK_MONOTONIC, 0);
	int64_t start = now(CLOCK_MONOTONIC), sum = 0;

	need(set(fd, 0, 10 * MS, 10 * MS) == 0);
	while (sum < 10)
		sum += ticks(fd);
	need(now(CLOCK_MONOTONIC) - start >= sum * 10 * MS);
}

/* Nobody reads: all of it is in the next read, to the tick. */
static void overruns(void)
{
	int fd = make(CLOCK_MONOTONIC, 0);
	int64_t start = now(CLOCK_MONOTONIC) + 5 * MS, before, after, got;

	need(set(fd, TFD_TIMER_ABSTIME, start, 1 * MS) == 0);
	usleep(60000);
	before = (now(CLOCK_MONOTONIC) - start) / MS + 1;
	got = ticks(fd);
	after = (now(CLOCK_MONOTONIC) - start) / MS + 1;
	need(got >= before && got <= after && got >= 50);
	/* An interval that no machine can keep up with. */
	need(set(fd, 0, 1, 1) == 0);
	usleep(10000);
	got = ticks(fd);
	need(got >= 10 * MS && readable(fd, -1) && ticks(fd) > 0);
}

static void nonblocking(void)
{
	int fd = make(CLOCK_MONOTONIC, TFD_NONBLOCK);

	need(fcntl(fd, F_GETFL) & O_NONBLOCK);
	need(ticks(fd) == -EAGAIN && set(fd, 0, 20 * MS, 0) == 0 && ticks(fd) == -EAGAIN);
	need(readable(fd, -1) && ticks(fd) == 1 && ticks(fd) == -EAGAIN);
	need(fcntl(fd, F_SETFL, 0) == 0 && set(fd, 0, 20 * MS, 0) == 0 && ticks(fd) == 1);
}

static void short_reads(void)
{
	int fd = make(CLOCK_MONOTONIC, TFD_NONBLOCK);
	uint64_t room[2];

	need(read(fd, room, 7) == -1 && errno == EINVAL);
	need(set(fd, 0, 1, 0) == 0 && readable(fd, -1));
	need(read(fd, room, 4) == -1 && errno == EINVAL); /* and takes nothing */
	need(read(fd, room, sizeof(room)) == 8 && room[0] == 1);
}

static void what_is_left(void)
{
	int fd = make(CLOCK_MONOTONIC, 0);
	struct itimerspec its, old;

	need(timerfd_gettime(fd, &its) == 0 && ns_of(its.it_value) == 0 && ns_of(its.it_interval) == 0);
	need(set(fd, 0, 50 * SEC, 7 * SEC) == 0 && timerfd_gettime(fd, &its) == 0);
	need(ns_of(its.it_value) > 30 * SEC && ns_of(its.it_value) <= 50 * SEC &&
	     ns_of(its.it_interval) == 7 * SEC);
	/* Relative, though it was set absolutely. */
	need(set(fd, TFD_TIMER_ABSTIME, now(CLOCK_MONOTONIC) + 40 * SEC, 0) == 0 &&
	     timerfd_gettime(fd, &its) == 0);
	need(ns_of(its.it_value) > 20 * SEC && ns_of(its.it_value) <= 40 * SEC &&
	     ns_of(its.it_interval) == 0);
	/* Disarmed, and told what was. */
	memset(&its, 0, sizeof(its));
	need(timerfd_settime(fd, 0, &its, &old) == 0 && ns_of(old.it_value) > 20 * SEC);
	need(timerfd_gettime(fd, &its) == 0 && ns_of(its.it_value) == 0 && !readable(fd, 20));
}

/* gettime counts what came due; the ticks stay for the reader. */
static void looking_keeps_ticks(void)
{
	int fd = make(CLOCK_MONOTONIC, TFD_NONBLOCK);
	struct itimerspec its;

	need(set(fd, 0, 1 * MS, 10 * MS) == 0);
	usleep(35000);
	need(timerfd_gettime(fd, &its) == 0 && ns_of(its.it_value) > 0 && ns_of(its.it_value) <= 10 * MS);
	need(ticks(fd) >= 4);
}

/* Setting it anew forgets ticks that nobody has read. */
static void set_anew(void)
{
	int fd = make(CLOCK_MONOTONIC, TFD_NONBLOCK);

	need(set(fd, 0, 1, 0) == 0 && readable(fd, -1));
	need(set(fd, 0, 100 * SEC, 0) == 0 && !readable(fd, 0) && ticks(fd) == -EAGAIN);
	need(set(fd, 0, 10 * MS, 0) == 0 && readable(fd, -1)); /* earlier than before */
}

static void errors(void)
{
	int fd = make(CLOCK_MONOTONIC, 0), other = open("/dev/null", O_RDWR);
	struct itimerspec its = { .it_value.tv_nsec = 1 };

	need(timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0) == -1 && errno == EINVAL);
	need(timerfd_create(CLOCK_MONOTONIC_RAW, 0) == -1 && errno == EINVAL);
	need(timerfd_create(-1, 0) == -1 && errno == EINVAL);
	need(timerfd_create(CLOCK_MONOTONIC, 1) == -1 && errno == EINVAL);
	need(timerfd_settime(fd, 4, &its, NULL) == -1 && errno == EINVAL);
	need(timerfd_settime(999, 0, &its, NULL) == -1 && errno == EBADF);
	need(timerfd_settime(other, 0, &its, NULL) == -1 && errno == EINVAL);
	need(timerfd_gettime(other, &its) == -1 && errno == EINVAL);
	need(timerfd_gettime(999, &its) == -1 && errno == EBADF);
	need(timerfd_settime(fd, 0, (void *)8, NULL) == -1 && errno == EFAULT);
	need(timerfd_gettime(fd, (void *)8) == -1 && errno == EFAULT);
	its.it_value.tv_nsec = SEC;
	need(timerfd_settime(fd, 0, &its, NULL) == -1 && errno == EINVAL);
	its = (struct itimerspec){ .it_interval.tv_nsec = -1 };
	need(timerfd_settime(fd, 0, &its, NULL) == -1 && errno == EINVAL);
	its = (struct itimerspec){ .it_value.tv_sec = -1 };
	need(timerfd_settime(fd, 0, &its, NULL) == -1 && errno == EINVAL);
	/* A file all the same. */
	need(write(fd, "12345678", 8) == -1 && errno == EINVAL);
	need(pread(fd, &its, 8, 0) == -1 && errno == ESPIPE);
}

/* Alarm clocks are the superuser's. */
static void alarm_clocks(void)
{
	int fd = make(CLOCK_BOOTTIME_ALARM, 0);

	need(set(fd, 0, 5 * MS, 0) == 0 && ticks(fd) == 1);
	fd = make(CLOCK_REALTIME_ALARM, 0);
	need(set(fd, TFD_TIMER_ABSTIME, now(CLOCK_REALTIME) + 5 * MS, 0) == 0 && ticks(fd) == 1);
	need(setresuid(1000, 1000, 1000) == 0);
	need(timerfd_create(CLOCK_REALTIME_ALARM, 0) == -1 && errno == EPERM);
	need(timerfd_create(CLOCK_BOOTTIME_ALARM, 0) == -1 && errno == EPERM);
}

static void closed_by_exec(void)
{
	need(fcntl(make(CLOCK_MONOTONIC, TFD_CLOEXEC), F_GETFD) == FD_CLOEXEC);
	need(fcntl(make(CLOCK_MONOTONIC, 0), F_GETFD) == 0);
}

static void selected(void)
{
	int fd = make(CLOCK_MONOTONIC, 0);
	fd_set in, out;

	need(set(fd, 0, 20 * MS, 0) == 0);
	FD_ZERO(&in);
	FD_SET(fd, &in);
	out = in;
	need(select(fd + 1, NULL, &out, NULL, &(struct timeval){ 0 }) == 0); /* never to be written */
	need(select(fd + 1, &in, NULL, NULL, NULL) == 1 && FD_ISSET(fd, &in));
}

/* One timer, whoever has it: the child reads the tick, so there is none for the parent. */
static void shared_by_fork(void)
{
	int fd = make(CLOCK_MONOTONIC, 0), status;
	pid_t pid;

	need(set(fd, 0, 100 * SEC, 0) == 0);
	pid = fork();
	if (pid == 0) {
		need(set(fd, 0, 10 * MS, 0) == 0 && ticks(fd) == 1);
		_exit(0);
	}
	need(waitpid(pid, &status, 0) == pid && status == 0);
	need(fcntl(fd, F_SETFL, O_NONBLOCK) == 0 && ticks(fd) == -EAGAIN);
}

static void *read_once(void *fd)
{
	return (void *)(intptr_t)ticks((int)(intptr_t)fd);
}

/* Each tick has one reader. */
static void two_readers(void)
{
	int fd = make(CLOCK_MONOTONIC, 0);
	pthread_t readers[2];
	void *got[2];

	for (int i = 0; i < 2; i++)
		need(pthread_create(&readers[i], NULL, read_once, (void *)(intptr_t)fd) == 0);
	usleep(20000);
	need(set(fd, 0, 10 * MS, 0) == 0);
	usleep(50000);
	need(set(fd, 0, 10 * MS, 0) == 0);
	for (int i = 0; i < 2; i++)
		need(pthread_join(readers[i], &got[i]) == 0);
	need((intptr_t)got[0] == 1 && (intptr_t)got[1] == 1);
}

static void on_signal(int signo)
{
	(void)signo;
}

static void interrupted(void)
{
	struct sigaction act = { .sa_handler = on_signal };
	int fd = make(CLOCK_MONOTONIC, 0);

	need(sigaction(SIGALRM, &act, NULL) == 0 && set(fd, 0, 100 * SEC, 0) == 0);
	alarm(1);
	need(ticks(fd) == -EINTR);
}

static void told_by_proc(void)
{
	int fd = make(CLOCK_BOOTTIME, TFD_NONBLOCK);
	char name[64], text[512] = "";
	unsigned long long sec, nsec;
	struct stat st;
	ssize_t len;

	need(set(fd, TFD_TIMER_ABSTIME, now(CLOCK_BOOTTIME) + 50 * SEC, 3 * SEC + 5) == 0);
	snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", fd);
	need((len = read(open(name, O_RDONLY), text, sizeof(text) - 1)) > 0);
	need(strstr(text, "clockid: 7\n") && strstr(text, "ticks: 0\n") &&
	     strstr(text, "settime flags: 01\n"));
	need(strstr(text, "it_interval: (3, 5)\n") && strstr(text, "it_value: (4"));
	need(sscanf(strstr(text, "it_value"), "it_value: (%llu, %llu)", &sec, &nsec) == 2 && sec < 50);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	memset(text, 0, sizeof(text));
	need(readlink(name, text, sizeof(text) - 1) > 0 && !strcmp(text, "anon_inode:[timerfd]"));
	need(open(name, O_RDONLY) == -1);
	need(fstat(fd, &st) == 0 && st.st_mode == 0600);
}

/* --- setting the clock: for the superuser, in a machine of its own ------------------------------------ */

static void shift(int64_t by)
{
	struct timespec ts = spec(now(CLOCK_REALTIME) + by);

	need(clock_settime(CLOCK_REALTIME, &ts) == 0);
}

/* An absolute time of the real-time clock comes when that clock says so; what is relative does not move. */
static void clock_moves_timers(void)
{
	int at = make(CLOCK_REALTIME, TFD_NONBLOCK), in = make(CLOCK_REALTIME, TFD_NONBLOCK),
	    mono = make(CLOCK_MONOTONIC, TFD_NONBLOCK);
	struct itimerspec its;

	need(set(at, TFD_TIMER_ABSTIME, now(CLOCK_REALTIME) + 1000 * SEC, 0) == 0);
	need(set(in, 0, 1000 * SEC, 0) == 0 && set(mono, 0, 1000 * SEC, 0) == 0);
	shift(500 * SEC);
	need(timerfd_gettime(at, &its) == 0 && ns_of(its.it_value) <= 500 * SEC);
	need(timerfd_gettime(in, &its) == 0 && ns_of(its.it_value) > 900 * SEC);
	shift(600 * SEC);
	need(readable(at, 5000) && ticks(at) == 1 && !readable(in, 0) && !readable(mono, 0));
	shift(-1100 * SEC);
}

static void clock_set_back(void)
{
	int at = make(CLOCK_REALTIME, TFD_NONBLOCK);

	need(set(at, TFD_TIMER_ABSTIME, now(CLOCK_REALTIME) + 50 * MS, 0) == 0);
	shift(-100 * SEC);
	need(!readable(at, 150));
	shift(100 * SEC);
	need(readable(at, 5000) && ticks(at) == 1);
}

static void canceled(void)
{
	int fd = make(CLOCK_REALTIME, 0), plain = make(CLOCK_REALTIME, TFD_NONBLOCK);
	int flags = TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET;

	need(set(fd, flags, now(CLOCK_REALTIME) + 1000 * SEC, 0) == 0);
	need(set(plain, TFD_TIMER_ABSTIME, now(CLOCK_REALTIME) + 1000 * SEC, 0) == 0);
	shift(1 * SEC);
	need(readable(fd, 0) && ticks(fd) == -ECANCELED && !readable(fd, 0) && !readable(plain, 0));
	/* Told by setting it, too; it is set all the same. */
	shift(1 * SEC);
	need(set(fd, flags, now(CLOCK_REALTIME) + 10 * MS, 0) == -1 && errno == ECANCELED);
	need(ticks(fd) == 1);
	shift(-2 * SEC);
}

static void *set_clock_later(void *unused)
{
	usleep(50000);
	shift(SEC);
	return unused;
}

static void canceled_while_asleep(void)
{
	int fd = make(CLOCK_REALTIME, 0);
	pthread_t setter;

	need(set(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, now(CLOCK_REALTIME) + 1000 * SEC, 0) == 0);
	need(pthread_create(&setter, NULL, set_clock_later, NULL) == 0);
	need(ticks(fd) == -ECANCELED);
	pthread_join(setter, NULL);
	shift(-SEC);
}

/* Closing what is armed, thousands of times: nothing may fire into freed memory. */
static void closed_while_armed(void)
{
	for (int i = 0; i < 5000; i++) {
		int fd = make(i & 1 ? CLOCK_MONOTONIC : CLOCK_REALTIME, 0);

		need(set(fd, 0, 1 + i % 50 * 1000, 1 + i % 7) == 0);
		close(fd);
	}
	usleep(10000);
}

int main(void)
{
	tap(passes(once), "a timer expires once, and not too early, on every clock");
	tap(passes(at_a_time), "at an absolute time, or at once if that is over");
	tap(passes(repeated), "at intervals");
	tap(passes(overruns), "a read counts all expiries that nobody has read");
	tap(passes(nonblocking), "nothing yet is EAGAIN without blocking");
	tap(passes(short_reads), "less than eight bytes are EINVAL and take nothing");
	tap(passes(what_is_left), "gettime and the old value say what is left");
	tap(passes(looking_keeps_ticks), "looking takes no ticks");
	tap(passes(set_anew), "setting it anew forgets unread ticks");
	tap(passes(errors), "wrong clocks, flags, times and descriptors are refused");
	tap(geteuid() != 0 || passes(alarm_clocks), "alarm clocks are the superuser's");
	tap(passes(closed_by_exec), "TFD_CLOEXEC");
	tap(passes(selected), "select");
	tap(passes(shared_by_fork), "parent and child share one timer");
	tap(passes(two_readers), "each expiry has one reader");
	tap(passes(interrupted), "a signal interrupts a read");
	tap(passes(told_by_proc), "/proc shows it, and does not open it");
	tap(passes(closed_while_armed), "closing armed timers");
	tap(geteuid() != 0 || passes(clock_moves_timers), "setting the clock moves absolute times alone");
	tap(geteuid() != 0 || passes(clock_set_back), "what the clock has not reached yet waits");
	tap(geteuid() != 0 || passes(canceled), "TFD_TIMER_CANCEL_ON_SET: read and settime say ECANCELED");
	tap(geteuid() != 0 || passes(canceled_while_asleep), "setting the clock ends a read that sleeps");
	return tap_end();
}
