/* SPDX-License-Identifier: BSD-2-Clause */
/* Timers as capabilities: a right to set, a right to wait, and what revocation does to who sleeps. */
#include "cap_files.h"

#include <poll.h>
#include <pthread.h>
#include <sys/timerfd.h>

#define MS 1000000ull

static const struct itimerspec soon = { .it_value.tv_nsec = 1 }, late = { .it_value.tv_sec = 1000 };

static int timer(void)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);

	need(fd >= 0);
	return fd;
}

static int set(int fd, const struct itimerspec *its)
{
	return outcome(timerfd_settime(fd, 0, its, NULL));
}

static int wait_for(int fd)
{
	uint64_t ticks;

	return outcome(read(fd, &ticks, sizeof(ticks)));
}

static void is_a_timer(void)
{
	struct cap_info info;
	int fd = timer();

	need(cap_query(cap_handle(fd), &info) == 0 && info.type == CAP_TYPE_TIMER);
	need((info.rights & (TIMER_RIGHT_SET | TIMER_RIGHT_WAIT)) == (TIMER_RIGHT_SET | TIMER_RIGHT_WAIT));
	need(!(info.rights & (FILE_RIGHT_APPEND | FILE_RIGHT_TRUNCATE | FILE_RIGHT_EXECUTE)));
}

static void who_may_set_alone(void)
{
	int fd = timer(), setter = with_rights(fd, TIMER_RIGHT_SET);
	struct pollfd p = { .fd = setter, .events = POLLIN };
	struct itimerspec its;

	need(set(setter, &soon) == 0);
	need(wait_for(setter) == -EPERM && outcome(timerfd_gettime(setter, &its)) == -EPERM);
	need(poll(&p, 1, 0) == 1 && p.revents == POLLNVAL);
	need(wait_for(fd) == 0);
}

static void who_may_wait_alone(void)
{
	int fd = timer(), waiter = with_rights(fd, TIMER_RIGHT_WAIT);
	struct pollfd p = { .fd = waiter, .events = POLLIN };
	struct itimerspec its;

	need(set(waiter, &soon) == -EPERM && poll(&p, 1, 20) == 0);
	need(set(fd, &soon) == 0 && poll(&p, 1, -1) == 1 && p.revents == POLLIN);
	need(wait_for(waiter) == 0 && outcome(timerfd_gettime(waiter, &its)) == 0);
}

static void who_may_nothing(void)
{
	int none = with_rights(timer(), 0);
	struct itimerspec its;
	struct stat st;

	need(set(none, &soon) == -EPERM && wait_for(none) == -EPERM);
	need(outcome(timerfd_gettime(none, &its)) == -EPERM && outcome(fstat(none, &st)) == -EPERM);
}

static cap_handle_t victim;

static void *revoke_later(void *unused)
{
	usleep(50000);
	need(cap_revoke(victim, 0) == 0);
	return unused;
}

static void revoked_while_asleep(void)
{
	int fd = timer();
	pthread_t thread;

	need(set(fd, &late) == 0);
	victim = cap_reduce(fd, ALL_RIGHTS);
	need(pthread_create(&thread, NULL, revoke_later, NULL) == 0);
	need(wait_for(cap_fd(victim)) == -EBADF);
	need(pthread_join(thread, NULL) == 0 && set(fd, &soon) == 0 && wait_for(fd) == 0);
}

static void expired_while_asleep(void)
{
	int fd = timer();
	struct pollfd p = { .events = POLLIN };

	need(set(fd, &late) == 0);
	need(wait_for(cap_fd(cap_lend(fd, ALL_RIGHTS, 50 * MS))) == -EBADF);
	p.fd = cap_fd(cap_lend(fd, ALL_RIGHTS, 50 * MS));
	need(poll(&p, 1, -1) == 1 && p.revents == POLLNVAL);
	need(set(fd, &soon) == 0 && wait_for(fd) == 0);
}

int main(void)
{
	tap(passes(is_a_timer), "a timer's capability has the type and rights of one");
	tap(passes(who_may_set_alone), "SET alone: settime, no read, poll or gettime");
	tap(passes(who_may_wait_alone), "WAIT alone: read, poll, gettime, no settime");
	tap(passes(who_may_nothing), "no right: nothing");
	tap(passes(revoked_while_asleep), "revocation ends a read that sleeps, and not the timer");
	tap(passes(expired_while_asleep), "expiry ends a read and a poll that sleep");
	return tap_end();
}
