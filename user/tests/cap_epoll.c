/* SPDX-License-Identifier: BSD-2-Clause */
/* Rights and revocation of what epoll watches, and of epolls: Serix's own. */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>

#include <libserix/capability.h>

#include "child.h"
#include "tap.h"

static int add(int ep, int fd, uint32_t events)
{
	struct epoll_event e = { .events = events };

	return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e) < 0 ? -errno : 0;
}

static int ready(int ep)
{
	struct epoll_event e;

	return epoll_wait(ep, &e, 1, 0);
}

static int derive(int fd, uint32_t rights)
{
	struct cap_derive how = { .rights = rights, .expires_ns = CAP_FOREVER };
	cap_handle_t handle = cap_derive(fd, &how);

	need(handle >= 0);
	return (int)(uint32_t)handle;
}

/* The file is open and ready still, but who watched it through what was revoked does not hear of it. */
static void a_revoked_one_is_silent(void)
{
	int ep = epoll_create1(0), e = eventfd(1, 0), child = derive(e, ~0u);

	need(add(ep, child, EPOLLIN) == 0 && ready(ep) == 1);
	need(cap_revoke(e, CAP_REVOKE_CHILDREN) == 0 && ready(ep) == 0);
	need(eventfd_write(e, 1) == 0 && ready(ep) == 0);
	need(add(ep, e, EPOLLIN) == 0 && ready(ep) == 1);
}

static void rights_are_needed(void)
{
	int ep = epoll_create1(0), e = eventfd(1, 0);
	int deaf = derive(e, FILE_RIGHT_WRITE), waiter = derive(ep, FILE_RIGHT_READ);

	need(add(ep, deaf, EPOLLIN) == -EPERM && add(ep, deaf, EPOLLOUT) == 0);
	need(add(waiter, e, EPOLLIN) == -EBADF && ready(waiter) == 1);
	need(epoll_wait(derive(ep, FILE_RIGHT_WRITE), &(struct epoll_event){ 0 }, 1, 0) == -1 &&
	     errno == EBADF);
}

static int victim;

static void *revoke_later(void *arg)
{
	usleep(30000);
	need(cap_revoke(victim, 0) == 0);
	return arg;
}

/* Who sleeps is woken, and told that there is no such descriptor. */
static void sleepers_are_woken(void)
{
	sigset_t set;
	struct epoll_event ev;
	char buf[512];
	pthread_t t;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	victim = epoll_create1(0);
	need(pthread_create(&t, NULL, revoke_later, NULL) == 0);
	need(epoll_wait(victim, &ev, 1, -1) == -1 && errno == EBADF);
	pthread_join(t, NULL);
	for (int i = 0; i < 3; i++) {
		victim = i == 0 ? eventfd(0, 0) : i == 1 ? signalfd(-1, &set, 0) : inotify_init();
		need(pthread_create(&t, NULL, revoke_later, NULL) == 0);
		need(read(victim, buf, sizeof(buf)) == -1 && errno == EBADF);
		pthread_join(t, NULL);
	}
}

/* Another's revocation is none of a sleeper's business. */
static void others_sleep_on(void)
{
	int ep = epoll_create1(0);
	struct epoll_event ev;
	pthread_t t;

	victim = eventfd(0, 0);
	need(add(ep, victim, EPOLLIN) == 0 && pthread_create(&t, NULL, revoke_later, NULL) == 0);
	need(epoll_wait(ep, &ev, 1, 150) == 0);
	pthread_join(t, NULL);
}

static _Atomic bool over;
static int shared_ep;

static void *wait_always(void *arg)
{
	struct epoll_event ev[4];

	while (!over)
		(void)epoll_wait(shared_ep, ev, 4, 1);
	return arg;
}

static void revoked_in_a_race(void)
{
	pthread_t t[2];

	shared_ep = epoll_create1(0);
	for (int i = 0; i < 2; i++)
		need(pthread_create(&t[i], NULL, wait_always, NULL) == 0);
	for (int i = 0; i < 500; i++) {
		int e = eventfd(1, 0), child = derive(e, ~0u);

		need(add(shared_ep, child, EPOLLIN) == 0);
		need(cap_revoke(e, i % 2 ? CAP_REVOKE_CHILDREN : 0) == 0);
		close(e);
	}
	over = true;
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	need(ready(shared_ep) == 0);
}

int main(void)
{
	tap(passes(a_revoked_one_is_silent), "what was revoked is not told of any more");
	tap(passes(rights_are_needed), "rights are needed to hear, to wait and to add");
	tap(passes(sleepers_are_woken), "a revocation wakes who sleeps in it");
	tap(passes(others_sleep_on), "and nobody else");
	tap(passes(revoked_in_a_race), "revoked while others wait");
	return tap_end();
}
