/* SPDX-License-Identifier: BSD-2-Clause */
/* poll, select and their forms with a signal mask: from user structures to poll_files() and back. */
#include <kernel/syscall.h>

#include <arch/usercopy.h>
#include <kernel/cap.h>
#include <kernel/process.h>
#include <kernel/signal.h>
#include <kernel/slab.h>
#include <kernel/time.h>
#include <kernel/vfs.h>
#include <serix/errno.h>

#define SMALL_FDS 16

/* --- time-outs --- */

static uint64_t deadline_after(uint64_t sec, uint64_t nsec)
{
	uint64_t ns;

	if (sec == 0 && nsec == 0)
		return 0;
	if (mul_overflows(sec, NSEC_PER_SEC, &ns) || add_overflows(ns, nsec, &ns) ||
	    add_overflows(ns, time_now_ns(), &ns))
		return WAIT_FOREVER;
	return ns;
}

static int deadline_from_timespec(uaddr_t user, uint64_t *deadline)
{
	struct abi_timespec ts;

	*deadline = WAIT_FOREVER;
	if (!user)
		return 0;
	if (copy_from_user(&ts, user, sizeof(ts)) < 0)
		return -EFAULT;
	if (ts.sec < 0 || (uint64_t)ts.nsec >= NSEC_PER_SEC)
		return -EINVAL;
	*deadline = deadline_after((uint64_t)ts.sec, (uint64_t)ts.nsec);
	return 0;
}

static uint64_t time_left(uint64_t deadline)
{
	uint64_t now = time_now_ns();

	return deadline > now ? deadline - now : 0;
}

/* Linux tells the caller how much time was left; that it cannot be written is not worth an error. */
static void give_timespec(uaddr_t user, uint64_t deadline)
{
	struct abi_timespec ts;
	uint64_t left = time_left(deadline);

	if (!user)
		return;
	ts = (struct abi_timespec){ (int64_t)(left / NSEC_PER_SEC), (int64_t)(left % NSEC_PER_SEC) };
	if (copy_to_user(user, &ts, sizeof(ts)) < 0)
		return;
}

/* --- poll --- */

static int64_t poll_user(uaddr_t user, uint32_t count, uint64_t deadline)
{
	struct abi_pollfd small[SMALL_FDS] __attribute__((uninitialized)), *fds = small;
	size_t size = count * sizeof(*fds);
	int64_t result;

	if (count > current_rlimit(RLIMIT_NOFILE))
		return -EINVAL;
	if (count > SMALL_FDS) {
		fds = kmalloc(size);
		if (!fds)
			return -ENOMEM;
	}
	result = -EFAULT;
	if (count == 0 || copy_from_user(fds, user, size) == 0)
		result = poll_files(fds, count, deadline);
	if (result >= 0 && count > 0 && copy_to_user(user, fds, size) < 0)
		result = -EFAULT;
	if (fds != small)
		kfree(fds);
	return result == -EINTR ? -ERESTARTNOHAND : result;
}

/* How an interrupted poll goes on: the same descriptors, the deadline as it was. */
static int64_t poll_again(struct syscall_restart *restart)
{
	int64_t result = poll_user(restart->user, (uint32_t)restart->extra[0], restart->deadline_ns);

	if (result != -ERESTARTNOHAND)
		return result;
	restart->fn = poll_again; /* and once more */
	return -ERESTART_RESTARTBLOCK;
}

SYSCALL(poll)
{
	int32_t timeout = ARG(2, int32_t);
	uint64_t deadline = timeout < 0 ? WAIT_FOREVER : 0;
	int64_t result;

	if (timeout > 0)
		deadline = deadline_after((uint32_t)timeout / 1000, (uint32_t)timeout % 1000 * NSEC_PER_MSEC);
	result = poll_user(ARG(0, uaddr_t), ARG(1, uint32_t), deadline);
	if (result == -ERESTARTNOHAND && deadline != WAIT_FOREVER) {
		current_thread()->restart = (struct syscall_restart){
			.fn = poll_again,
			.deadline_ns = deadline,
			.user = ARG(0, uaddr_t),
			.extra = { ARG(1, uint32_t) },
		};
		return -ERESTART_RESTARTBLOCK;
	}
	return result;
}

/* Runs between the two: did a signal end the call? */
static int64_t leave_mask(bool masked, int64_t result)
{
	if (masked)
		signal_mask_leave(result == -ERESTARTNOHAND);
	return result;
}

SYSCALL(ppoll)
{
	uint64_t deadline, mask;
	int64_t result;
	bool masked;
	int err = deadline_from_timespec(ARG(2, uaddr_t), &deadline);

	if (err < 0)
		return err;
	err = signal_mask_from_user(ARG(3, uaddr_t), ARG(4, uint64_t), &mask, &masked);
	if (err < 0)
		return err;
	if (masked)
		signal_mask_enter(mask);
	result = poll_user(ARG(0, uaddr_t), ARG(1, uint32_t), deadline);
	if (deadline != WAIT_FOREVER)
		give_timespec(ARG(2, uaddr_t), deadline);
	return leave_mask(masked, result);
}

/* --- select --- */

#define SELECT_IN  (POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR)
#define SELECT_OUT (POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR)
#define SELECT_EX  POLLPRI
#define SETS       3

struct select {
	uint32_t bits;        /* descriptors 0 ... bits - 1 are looked at */
	uaddr_t user[SETS];   /* in, out, exceptional; 0: none */
	uint64_t *sets[SETS]; /* words each: what is asked, and from select_collect() on what is true */
	size_t words;
	struct abi_pollfd *fds;
	size_t count;
};

static int select_copy_in(struct select *s)
{
	for (int i = 0; i < SETS; i++)
		if (s->user[i] && copy_from_user(s->sets[i], s->user[i], s->words * 8) < 0)
			return -EFAULT;
	return 0;
}

/* What is asked of those among 64 descriptors that `mask` picks. */
static inline int16_t select_events(const uint64_t asked[SETS], uint64_t mask)
{
	return (int16_t)((asked[0] & mask ? SELECT_IN : 0) | (asked[1] & mask ? SELECT_OUT : 0) |
			 (asked[2] & mask ? SELECT_EX : 0));
}

/* A word of the sets, as entries from `at` on; returns their end. */
static struct abi_pollfd *select_collect_word(const uint64_t asked[SETS], uint64_t any, uint32_t first,
					      struct abi_pollfd *at)
{
	int16_t events = select_events(asked, any);
	bool alike = true;

	/* Mostly the same is asked of all of them. */
	for (int i = 0; i < SETS; i++)
		alike &= asked[i] == 0 || (asked[i] & any) == any;
	for (uint64_t bits = any; bits; bits &= bits - 1, at++) {
		if (unlikely(!alike))
			events = select_events(asked, bits & -bits);
		*at = (struct abi_pollfd){ .fd = (int32_t)(first + (uint32_t)__builtin_ctzll(bits)),
					   .events = events };
	}
	return at;
}

/* The bits as a poll list; they are cleared. */
static void select_collect(struct select *s)
{
	struct abi_pollfd *end = s->fds;

	for (uint32_t word = 0; word < s->words; word++) {
		uint64_t asked[SETS], any = 0;
		uint32_t first = word * 64;

		for (int i = 0; i < SETS; i++) {
			asked[i] = s->user[i] ? s->sets[i][word] : 0;
			any |= asked[i];
			s->sets[i][word] = 0;
		}
		if (!any)
			continue;
		if (s->bits - first < 64)
			any &= (1ull << (s->bits - first)) - 1;
		end = select_collect_word(asked, any, first, end);
	}
	s->count = (size_t)(end - s->fds);
}

/* Bits for what is ready, `left` descriptors; their number.  -EBADF for one that is not open. */
static int64_t select_result(struct select *s, int64_t left)
{
	static const struct {
		int16_t asked, meant;
	} sets[SETS] = { { POLLIN, SELECT_IN }, { POLLOUT, SELECT_OUT }, { POLLPRI, SELECT_EX } };
	int64_t total = 0;

	for (size_t n = 0; left > 0 && n < s->count; n++) {
		const struct abi_pollfd *p = &s->fds[n];
		uint64_t bit = 1ull << (p->fd % 64);
		size_t word = (uint32_t)p->fd / 64;

		if (!p->revents)
			continue;
		left--;
		if (p->revents & POLLNVAL)
			return -EBADF;
		for (int i = 0; i < SETS; i++) {
			if ((p->events & sets[i].asked) && (p->revents & sets[i].meant)) {
				s->sets[i][word] |= bit;
				total++;
			}
		}
	}
	for (int i = 0; i < SETS; i++)
		if (s->user[i] && copy_to_user(s->user[i], s->sets[i], s->words * 8) < 0)
			return -EFAULT;
	return total;
}

static int64_t select_run(struct select *s, uint64_t deadline)
{
	int64_t result = select_copy_in(s);

	if (result < 0)
		return result;
	select_collect(s);
	result = poll_files(s->fds, s->count, deadline);
	return result < 0 ? result : select_result(s, result);
}

/* What this many descriptors need fits the stack. */
#define SMALL_SELECT   128
#define SELECT_SIZE(n) (((n) + 63) / 64 * 8 * SETS + (n) * sizeof(struct abi_pollfd))

static int64_t do_select(int32_t n, uaddr_t in, uaddr_t out, uaddr_t ex, uint64_t deadline)
{
	uint64_t small[SELECT_SIZE(SMALL_SELECT) / 8] __attribute__((uninitialized)), *memory = small;
	struct select s;
	int64_t result;

	if (n < 0)
		return -EINVAL;
	s.bits = (uint32_t)MIN((uint64_t)n, current_rlimit(RLIMIT_NOFILE));
	s.words = (s.bits + 63) / 64;
	if (s.bits > SMALL_SELECT) {
		memory = kmalloc(SELECT_SIZE(s.bits));
		if (!memory)
			return -ENOMEM;
	}
	s.user[0] = in;
	s.user[1] = out;
	s.user[2] = ex;
	for (size_t i = 0; i < SETS; i++)
		s.sets[i] = memory + s.words * i;
	s.fds = (struct abi_pollfd *)(memory + s.words * SETS);
	result = select_run(&s, deadline);
	if (memory != small)
		kfree(memory);
	return result == -EINTR ? -ERESTARTNOHAND : result;
}

SYSCALL(select)
{
	uaddr_t user = ARG(4, uaddr_t);
	uint64_t deadline = WAIT_FOREVER, left;
	struct abi_timeval tv;
	int64_t result;

	if (user) {
		if (copy_from_user(&tv, user, sizeof(tv)) < 0)
			return -EFAULT;
		if (tv.sec < 0 || tv.usec < 0)
			return -EINVAL;
		deadline = deadline_after((uint64_t)tv.sec + (uint64_t)tv.usec / 1000000,
					  (uint64_t)tv.usec % 1000000 * 1000);
	}
	result = do_select(ARG(0, int32_t), ARG(1, uaddr_t), ARG(2, uaddr_t), ARG(3, uaddr_t), deadline);
	if (user && deadline != WAIT_FOREVER) {
		left = time_left(deadline);
		tv = (struct abi_timeval){ (int64_t)(left / NSEC_PER_SEC),
					   (int64_t)(left % NSEC_PER_SEC / 1000) };
		if (copy_to_user(user, &tv, sizeof(tv)) < 0)
			return result;
	}
	return result;
}

SYSCALL(pselect6)
{
	uint64_t deadline, mask = 0, pair[2] = { 0, 0 };
	bool masked = false;
	int64_t result;
	int err = deadline_from_timespec(ARG(4, uaddr_t), &deadline);

	if (err < 0)
		return err;
	/* The sixth argument points at the mask's address and size. */
	if (ARG(5, uaddr_t) && copy_from_user(pair, ARG(5, uaddr_t), sizeof(pair)) < 0)
		return -EFAULT;
	err = signal_mask_from_user(pair[0], pair[1], &mask, &masked);
	if (err < 0)
		return err;
	if (masked)
		signal_mask_enter(mask);
	result = do_select(ARG(0, int32_t), ARG(1, uaddr_t), ARG(2, uaddr_t), ARG(3, uaddr_t), deadline);
	if (deadline != WAIT_FOREVER)
		give_timespec(ARG(4, uaddr_t), deadline);
	return leave_mask(masked, result);
}
