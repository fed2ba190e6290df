/* SPDX-License-Identifier: BSD-2-Clause */
/* What a program cannot do to the kernel by rings: forge them, fill them, fill the memory with them. */
#define _GNU_SOURCE
#include <stdlib.h>

#include "tap.h"
#include "uring_steps.h"

/* --- rings that are full, or forged --------------------------------------------------------------------- */

static void overflow(void)
{
	make_with(4, IORING_SETUP_CQSIZE, 4);
	for (uint64_t i = 0; i < 12; i++) {
		put_as(nop(), i, 0);
		need(ring_submit(&ring, 0) == 1);
	}
	need(*ring_word(&ring, ring.p.sq_off.flags) & IORING_SQ_CQ_OVERFLOW);
	for (uint64_t i = 0; i < 12; i++)
		need(is(i, 0));
	need(nothing() && !(*ring_word(&ring, ring.p.sq_off.flags) & IORING_SQ_CQ_OVERFLOW));
	need(*ring_word(&ring, ring.p.cq_off.overflow) == 0);
}

static void a_forged_ring(void)
{
	struct abi_cqe c;

	make();
	for (uint32_t i = 0; i < 3000; i++) {
		uint32_t wild = i * 2654435761u;

		put(nop());
		ring_word(&ring, ring.p.sq_off.array)[i % 8] = wild;
		*ring_word(&ring, ring.p.sq_off.tail) = wild;
		*ring_word(&ring, ring.p.cq_off.head) = ~wild;
		*ring_word(&ring, ring.p.sq_off.ring_mask) = wild;
		*ring_word(&ring, ring.p.cq_off.ring_entries) = wild;
		memset(ring.sqes, (int)(wild % 16), 512);
		ring_enter(&ring, i % 16, 0, IORING_ENTER_GETEVENTS);
	}
	(void)ring_get(&ring, &c);
	ring_end(&ring);
	make();
	need(run(nop()) == 0);
}

/* However far ahead the tail is: a call takes what a queue can hold. */
static void a_queue_without_end(void)
{
	make();
	put_as(nop(), 0, IOSQE_CQE_SKIP_SUCCESS);
	for (unsigned i = 0; i < 8; i++) {
		ring.sqes[i] = ring.sqes[0];
		ring_word(&ring, ring.p.sq_off.array)[i] = i;
	}
	*ring_word(&ring, ring.p.sq_off.tail) = 100000;
	need(ring_enter(&ring, 100000, 0, 0) == 8);
}

/* Nobody takes completions, so all are kept.  False: no more of them, or no more rings. */
static bool fill_another_ring(void)
{
	long n, all = 0;

	if (ring_setup(&ring, 1024, 0, 0) < 0)
		return false;
	do {
		for (int i = 0; i < 1024; i++)
			put(nop());
		n = ring_submit(&ring, 0);
		all += n > 0 ? n : 0;
	} while (n == 1024);
	return all > 100000;
}

/* For a machine with little memory (tests/system/test_programs.py): elsewhere it takes long. */
static void much_memory(void)
{
	int status;
	pid_t pid;

	need(setresgid(1000, 1000, 1000) == 0 && setresuid(1000, 1000, 1000) == 0);
	while (fill_another_ring())
		;
	pid = fork();
	if (pid == 0) {
		execl("/proc/self/exe", "uring_hostile", "lives", NULL);
		_exit(1);
	}
	need(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "lives") == 0)
		return 0;
	if (argc > 1) {
		tap(passes(much_memory), "rings leave memory for others");
		return tap_end();
	}
	tap(passes(overflow), "completions that do not fit are kept");
	tap(passes(a_forged_ring), "a ring that the program overwrites");
	tap(passes(a_queue_without_end), "a submission queue that never ends");
	return tap_end();
}
