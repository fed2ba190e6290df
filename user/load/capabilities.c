/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Capabilities: rights only shrink, closing drops one, revoking and time end all that came from one, in every
 * process, wherever they wait and what they mapped.  What a call has ended nobody uses once it has returned.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <libserix/capability.h>
#include <libserix/ipc.h>
#include <libserix/process.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "load.h"

#define US     1000ul
#define RIGHTS (NOTIFICATION_RIGHT_SIGNAL | NOTIFICATION_RIGHT_WAIT | CAP_RIGHT_GRANT | CAP_RIGHT_EXPORT)

static cap_handle_t make(void)
{
	cap_handle_t n = notification_create(0);

	expect(n >= 0);
	return n;
}

static cap_handle_t reduce(cap_handle_t from, uint32_t rights)
{
	cap_handle_t child = cap_reduce(from, rights);

	expect(child >= 0);
	return child;
}

/* --- a tree against a model of it ------------------------------------------------------------------ */

#define NODES 48u

static struct node {
	cap_handle_t handle;
	uint32_t rights;
	unsigned parent;
	bool open; /* not closed by this process */
	bool live; /* neither it nor what it came from was revoked; the closed still have children */
} tree[NODES];
static unsigned nodes;

static void check(const struct node *n)
{
	bool there = n->open && n->live;
	int want = !there ? -EBADF : n->rights & NOTIFICATION_RIGHT_SIGNAL ? 0 : -EPERM;

	expect(notification_signal(n->handle, 1) == want);
	expect(cap_rights(n->handle) == (there ? (int64_t)n->rights : -EBADF));
}

static void derive_from(unsigned parent)
{
	struct node *from = &tree[parent], *to = &tree[nodes];
	uint32_t mask = draw_below(3) ? UINT32_MAX : (uint32_t)draw();

	*to = (struct node){ cap_reduce(from->handle, mask), from->rights & mask, parent, true, true };
	if (from->open && from->live) {
		expect(to->handle >= 0);
		nodes++;
	} else {
		expect(to->handle == -EBADF);
	}
}

/* Parents come before their children. */
static void mark_revoked(unsigned from, bool itself)
{
	bool under[NODES] = { false };

	under[from] = true;
	for (unsigned i = from + 1; i < nodes; i++) {
		under[i] = under[tree[i].parent];
		tree[i].live &= !under[i];
	}
	tree[from].live &= !itself;
}

static void revoke(unsigned at)
{
	unsigned flags = draw_below(2) ? CAP_REVOKE_CHILDREN : 0;

	if (tree[at].open && tree[at].live) {
		expect(cap_revoke(tree[at].handle, flags) == 0);
		mark_revoked(at, flags == 0);
	} else {
		expect(cap_revoke(tree[at].handle, flags) == -EBADF);
	}
}

static void drop(struct node *n)
{
	if (n->open && n->live)
		expect(close(cap_fd(n->handle)) == 0);
	n->open = false;
}

static void limit(struct node *n)
{
	uint32_t mask = (uint32_t)draw();

	if (!n->open || !n->live)
		return;
	expect(cap_limit(n->handle, mask) == 0);
	n->rights &= mask;
}

static void tree_grows_and_falls(void)
{
	cap_handle_t root = make();

	tree[0] = (struct node){ root, (uint32_t)cap_rights(root), 0, true, true };
	for (nodes = 1; nodes < NODES && tree[0].live && tree[0].open;) {
		unsigned at = draw_below(nodes), what = draw_below(20);

		if (what < 13)
			derive_from(at);
		else if (what < 15)
			revoke(at);
		else if (what < 17)
			drop(&tree[at]);
		else if (what < 18)
			limit(&tree[at]);
		else
			check(&tree[at]);
	}
	for (unsigned i = 0; i < nodes; i++)
		check(&tree[i]);
	for (unsigned i = 0; i < nodes; i++)
		drop(&tree[i]);
}

/* A handle whose slot is in use again (the lowest free one, so mostly the same) is no handle. */
static void handles_get_stale(void)
{
	cap_handle_t n = make(), old = reduce(n, RIGHTS), new;

	for (unsigned i = 1 + draw_below(50); i > 0; i--, old = new) {
		expect(draw_below(2) ? close(cap_fd(old)) == 0 : cap_revoke(old, 0) == 0);
		new = reduce(n, RIGHTS);
		expect(new != old);
		expect(notification_signal(old, 1) == -EBADF && notification_signal(new, 1) == 0);
	}
	close(cap_fd(old));
	close(cap_fd(n));
}

/* --- other processes ------------------------------------------------------------------------------- */

static _Atomic bool *map_flag(void)
{
	void *at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	expect(at != MAP_FAILED);
	return at;
}

/* Until it is gone, which it is no later than the flag says so. */
static _Noreturn void use_until_gone(cap_handle_t handle, const _Atomic bool *gone)
{
	for (;;) {
		bool ended = *gone;
		int err = notification_signal(handle, 1);

		expect(err == -EBADF || (err == 0 && !ended));
		if (err < 0)
			_exit(11);
	}
}

static void forks_copies_end(void)
{
	cap_handle_t n = make(), lent = reduce(n, RIGHTS);
	_Atomic bool *gone = map_flag();
	uint64_t bits;
	pid_t users[3];

	for (unsigned i = 0; i < 3; i++) {
		users[i] = start_child();
		if (users[i] == 0)
			use_until_gone(lent, gone);
	}
	expect(notification_wait(n, 1, &bits, PULSE_FOREVER) == 0);
	sleep_us(draw_below(500));
	expect(cap_revoke(lent, 0) == 0);
	*gone = true;
	for (unsigned i = 0; i < 3; i++)
		expect_exit(users[i], 11);
	expect(notification_signal(n, 1) == 0);
	munmap((void *)gone, PAGE);
	close(cap_fd(n));
}

static void grants_end(void)
{
	struct cap_derive how = { .rights = NOTIFICATION_RIGHT_SIGNAL, .expires_ns = CAP_FOREVER };
	cap_handle_t n = make(), lent = reduce(n, RIGHTS), theirs;
	_Atomic bool *gone = map_flag();
	uint64_t bits;
	int ends[2], pidfd;
	pid_t user;

	expect(pipe(ends) == 0);
	user = start_child();
	if (user == 0) {
		expect(read(ends[0], &theirs, sizeof(theirs)) == sizeof(theirs));
		use_until_gone(theirs, gone);
	}
	pidfd = pidfd_open(user, 0);
	expect(pidfd >= 0);
	theirs = cap_grant(pidfd, lent, &how);
	expect(theirs >= 0 && write(ends[1], &theirs, sizeof(theirs)) == sizeof(theirs));
	expect(notification_wait(n, 1, &bits, PULSE_FOREVER) == 0);
	expect(cap_revoke(lent, 0) == 0);
	*gone = true;
	expect_exit(user, 11);
	expect(cap_grant(pidfd, n, &how) < 0); /* nobody is there */
	munmap((void *)gone, PAGE);
	close(pidfd);
	close(ends[0]);
	close(ends[1]);
	close(cap_fd(n));
}

static void tokens_bring_it(void)
{
	struct cap_derive how = { .rights = NOTIFICATION_RIGHT_SIGNAL, .expires_ns = CAP_FOREVER };
	cap_handle_t n = make(), lent = reduce(n, RIGHTS), got;
	struct cap_token token;

	expect(cap_export(lent, &token) == 0);
	got = cap_import(&token, &how);
	expect(got >= 0 && notification_signal(got, 1) == 0 && cap_export(got, &token) == -EPERM);
	expect(cap_revoke(n, 0) == 0);
	expect(notification_signal(got, 1) == -EBADF && notification_signal(lent, 1) == -EBADF);
}

/* --- time ------------------------------------------------------------------------------------------ */

#define CLOCKS_DIFFER_NS (200 * US)

static void time_ends_it(void)
{
	uint64_t lasts_ns = (50 + draw_below(3000)) * US, began = now_ns(), lent_at, before;
	cap_handle_t n = make(), brief = cap_lend(n, RIGHTS, lasts_ns), child = cap_reduce(brief, RIGHTS);
	int err;

	expect(brief >= 0 && (child >= 0 || child == -EBADF)); /* it may be over already */
	lent_at = now_ns();
	do {
		before = now_ns();
		err = notification_signal(child, 1);
		expect(err == -EBADF || (err == 0 && before < lent_at + lasts_ns + CLOCKS_DIFFER_NS));
	} while (err == 0);
	expect(now_ns() + CLOCKS_DIFFER_NS >= began + lasts_ns);
	expect(notification_signal(brief, 1) == -EBADF && notification_signal(n, 1) == 0);
	close(cap_fd(n));
}

/* --- who waits ------------------------------------------------------------------------------------- */

static void *wait_through(void *arg)
{
	const cap_handle_t *waits = arg;
	struct message m = { 0 };
	uint64_t bits;

	if (waits[1] >= 0)
		expect(port_receive(waits[1], &m, PULSE_FOREVER) == -EBADF);
	else
		expect(notification_wait(waits[0], 1, &bits, PULSE_FOREVER) == -EBADF);
	return NULL;
}

/* In a port or for a notification, until it is revoked or its time is over. */
static void who_waits_is_woken(void)
{
	cap_handle_t n = make(), port = port_create(NULL);
	cap_handle_t waits[2][2] = { { reduce(n, RIGHTS), -1 }, { -1, reduce(port, PORT_RIGHT_RECEIVE) } };
	pthread_t threads[4];

	for (unsigned i = 0; i < 4; i++)
		expect(pthread_create(&threads[i], NULL, wait_through, waits[i % 2]) == 0);
	sleep_us(draw_below(500));
	for (unsigned i = 0; i < 2; i++) {
		cap_handle_t ends = waits[i][i];

		expect(draw_below(2) ? cap_revoke(ends, 0) == 0
				     : cap_expire(ends, draw_below(300) * US) == 0);
	}
	for (unsigned i = 0; i < 4; i++)
		expect(pthread_join(threads[i], NULL) == 0);
	close(cap_fd(port));
	close(cap_fd(n));
}

/* --- mappings -------------------------------------------------------------------------------------- */

#define PAGES 8u

static struct {
	volatile uint64_t *at;
	_Atomic bool gone;
} mapping;
static _Thread_local sigjmp_buf escape;

static void on_bus_error(int signo)
{
	(void)signo;
	siglongjmp(escape, 1);
}

static void *write_until_gone(void *arg)
{
	volatile unsigned page = (unsigned)(uintptr_t)arg;

	if (sigsetjmp(escape, 1) != 0)
		return NULL;
	for (;;) {
		bool ended = mapping.gone;

		mapping.at[page * (PAGE / 8)] = page;
		atomic_thread_fence(memory_order_seq_cst);
		expect(!ended);
		page = (page + 1) % PAGES;
	}
}

static void mappings_are_taken_back(void)
{
	int flags = draw_below(2) ? MAP_SHARED : MAP_PRIVATE;
	int memory = memfd_create("load", 0);
	cap_handle_t lent;
	pthread_t threads[3];

	expect(memory >= 0 && ftruncate(memory, PAGES * PAGE) == 0);
	lent = reduce(memory, FILE_RIGHT_READ | FILE_RIGHT_WRITE | FILE_RIGHT_MAP);
	mapping.at = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, flags, cap_fd(lent), 0);
	expect(mapping.at != MAP_FAILED);
	mapping.gone = false;
	signal(SIGBUS, on_bus_error);
	for (uintptr_t i = 0; i < 3; i++)
		expect(pthread_create(&threads[i], NULL, write_until_gone, (void *)i) == 0);
	sleep_us(draw_below(500));
	expect(cap_revoke(lent, 0) == 0);
	mapping.gone = true;
	for (unsigned i = 0; i < 3; i++)
		expect(pthread_join(threads[i], NULL) == 0);
	signal(SIGBUS, SIG_DFL);
	expect(munmap((void *)mapping.at, PAGES * PAGE) == 0);
	expect(ftruncate(memory, 0) == 0 && close(memory) == 0);
}

static void caps_round(void)
{
	static void (*const ways[])(void) = { tree_grows_and_falls, handles_get_stale,      forks_copies_end,
					      grants_end,           tokens_bring_it,        time_ends_it,
					      who_waits_is_woken,   mappings_are_taken_back };

	one_of(ways, sizeof(ways) / sizeof(ways[0]));
}

const struct kind caps_kind = { .name = "caps", .round = caps_round, .serix = true };
