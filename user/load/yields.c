/* SPDX-License-Identifier: BSD-2-Clause */
/* Scheduling: tasks that yield to each other, and move between processors. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include "load.h"

/* Processes take strict turns by yielding alone: each is scheduled again and again. */
static void take_turns(void)
{
	unsigned players = 2 + draw_below(3), turns = 5 + draw_below(20);
	_Atomic unsigned *turn = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pids[4];

	expect(turn != MAP_FAILED);
	for (unsigned i = 0; i < players; i++) {
		pids[i] = start_child();
		if (pids[i] != 0)
			continue;
		for (unsigned t = 0; t < turns; t++) {
			while (*turn % players != i)
				sched_yield();
			++*turn;
		}
		_exit(0);
	}
	for (unsigned i = 0; i < players; i++)
		expect_exit(pids[i], 0);
	expect(*turn == players * turns);
	expect(munmap(turn, PAGE) == 0);
}

static unsigned pick_cpu(const cpu_set_t *from)
{
	unsigned skip = draw_below((unsigned)CPU_COUNT(from)), cpu = 0;

	while (!CPU_ISSET(cpu, from) || skip-- > 0)
		cpu++;
	return cpu;
}

/* A task that may run on one processor only is there as soon as the call returns, and keeps what it knows. */
static void wander(void)
{
	uint64_t sum = draw(), check = sum;
	cpu_set_t all, one;

	expect(sched_getaffinity(0, sizeof(all), &all) == 0 && CPU_COUNT(&all) > 0);
	for (unsigned i = 0; i < 20; i++) {
		unsigned cpu = pick_cpu(&all);

		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		expect(sched_setaffinity(0, sizeof(one), &one) == 0);
		expect(sched_getcpu() == (int)cpu);
		for (unsigned j = draw_below(2000); j > 0; j--) {
			sum = scramble(sum, j);
			check = scramble(check, j);
		}
		if (draw_below(2))
			sched_yield();
		expect(sched_getcpu() == (int)cpu);
	}
	expect(sum == check);
	expect(sched_setaffinity(0, sizeof(all), &all) == 0);
}

/* A parent moves its child about while it computes with floating point registers, which must travel too. */
static void push_about(void)
{
	cpu_set_t all, one;
	pid_t pid;

	expect(sched_getaffinity(0, sizeof(all), &all) == 0);
	pid = start_child();
	if (pid == 0) {
		volatile double a = 1.5, sum = 0;

		for (unsigned i = 0; i < 50000; i++)
			sum = sum + a * (double)(i % 7);
		/* 7142 whole cycles of 0..6 and the six numbers 0..5 behind them */
		_exit(sum == 1.5 * (7142 * 21 + 15) ? 8 : 9);
	}
	for (unsigned i = 0; i < 20; i++) {
		CPU_ZERO(&one);
		CPU_SET(pick_cpu(&all), &one);
		expect(sched_setaffinity(pid, sizeof(one), &one) == 0 || errno == ESRCH); /* may have ended */
		sched_yield();
	}
	expect_exit(pid, 8);
}

static void yield_round(void)
{
	static void (*const ways[])(void) = { take_turns, wander, push_about };

	one_of(ways, 3);
}

const struct kind yield_kind = { .name = "yield", .round = yield_round };
