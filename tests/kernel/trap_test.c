/* SPDX-License-Identifier: BSD-2-Clause */
/* Exceptions in the kernel that are recovered from, interrupts, clocks and what a panic prints. */
#include <kernel/ktest.h>

#include <stdatomic.h>

#include <arch/context.h>
#include <arch/cpu.h>
#include <arch/probe.h>
#include <kernel/irq.h>
#include <kernel/percpu.h>
#include <kernel/string.h>
#include <kernel/time.h>
#include <serix/errno.h>

#define NON_CANONICAL 0x0000900000000000ull

static void probes_survive_bad_addresses(void)
{
	uint64_t word = 7;

	KTEST_EXPECT(arch_probe_read(&word, &word) && word == 7);
	KTEST_EXPECT(!arch_probe_read(NULL, &word));
	KTEST_EXPECT(!arch_probe_read((const void *)NON_CANONICAL, &word));
	KTEST_EXPECT(!arch_probe_read((const void *)0xfffffffffffff000ull, &word));
	KTEST_EXPECT(!arch_probe_write(NULL, 0));
	KTEST_EXPECT(!arch_probe_write((void *)NON_CANONICAL, 0));
	KTEST_EXPECT(!arch_probe_exec(NULL));
	KTEST_EXPECT(word == 7);
}

static void faults_leave_interrupts_as_they_were(void)
{
	uint64_t word, flags = arch_irq_save();

	(void)arch_probe_read(NULL, &word);
	KTEST_EXPECT(!arch_irqs_enabled());
	arch_irq_restore(flags);
	(void)arch_probe_read(NULL, &word);
	KTEST_EXPECT(arch_irqs_enabled());
	KTEST_EXPECT(arch_preempt_count() == 0);
	KTEST_EXPECT(arch_this_cpu()->irq_depth == 0);
}

static _Atomic unsigned fired;
static _Atomic bool in_interrupt;

static void on_timer(struct timer *timer)
{
	(void)timer;
	atomic_store(&in_interrupt, arch_this_cpu()->irq_depth == 1 && !arch_irqs_enabled());
	atomic_fetch_add(&fired, 1);
}

static void timer_interrupts_arrive_in_time(void)
{
	struct timer timer;

	timer_init(&timer, on_timer);
	for (unsigned i = 0; i < 20; i++) {
		uint64_t start = time_now_ns(), deadline = start + 200 * NSEC_PER_USEC;

		atomic_store(&fired, 0);
		timer_arm(&timer, deadline);
		while (!atomic_load(&fired) && time_now_ns() < start + NSEC_PER_SEC)
			arch_cpu_relax();
		KTEST_EXPECT(atomic_load(&fired) == 1);
		KTEST_EXPECT(time_now_ns() >= deadline);
		KTEST_EXPECT(atomic_load(&in_interrupt));
	}
}

static void cycle_counter_never_runs_back(void)
{
	uint64_t last = time_now_ns();

	for (unsigned i = 0; i < 10000; i++) {
		uint64_t now = time_now_ns();

		KTEST_EXPECT(now >= last);
		last = now;
	}
}

static void never(void *arg)
{
	(void)arg;
}

static void bad_interrupt_lines_are_refused(void)
{
	KTEST_EXPECT(irq_request_isa(16, "none", never, NULL) == -EINVAL);
	KTEST_EXPECT(irq_request_gsi(100000, false, false, "none", never, NULL) == -ENODEV);
}

static __noinline size_t trace_from_here(uintptr_t *out, size_t max)
{
	return arch_backtrace((uint64_t)__builtin_frame_address(0), out, max);
}

static void backtraces_are_bounded(void)
{
	uintptr_t trace[8] = { 0 };
	uint64_t loop[2];
	size_t n = trace_from_here(trace, ARRAY_SIZE(trace));

	KTEST_EXPECT(n >= 2 && n <= ARRAY_SIZE(trace));
	KTEST_EXPECT(trace[0] >= (uintptr_t)backtraces_are_bounded &&
		     trace[0] < (uintptr_t)backtraces_are_bounded + 512);
	KTEST_EXPECT(arch_backtrace(0, trace, 8) == 0);
	KTEST_EXPECT(arch_backtrace(0x1234, trace, 8) == 0);
	KTEST_EXPECT(arch_backtrace(NON_CANONICAL, trace, 8) == 0);
	KTEST_EXPECT(arch_backtrace(UINT64_MAX - 7, trace, 8) == 0);
	loop[0] = (uint64_t)loop;
	loop[1] = (uint64_t)never;
	KTEST_EXPECT(arch_backtrace((uint64_t)loop, trace, 8) == 1);
}

static void descriptions_fit_their_buffers(void)
{
	static char text[4096];
	struct arch_regs regs;

	arch_regs_start(&regs, 0x401000, 0x7fff0000);
	for (size_t size = 1; size < 900; size += 13) {
		memset(text, 'x', sizeof(text));
		arch_regs_describe(&regs, text, size);
		KTEST_EXPECT(text[size] == 'x' && strnlen(text, size) < size);
		memset(text, 'x', sizeof(text));
		arch_cpu_describe(0, text, size);
		KTEST_EXPECT(text[size] == 'x' && strnlen(text, size) < size);
	}
	arch_cpu_describe(0, text, sizeof(text));
	KTEST_EXPECT(strncmp(text, "processor\t: 0\n", 14) == 0);
	KTEST_EXPECT(strstr(text, "\nflags\t\t: fpu ") != NULL);
}

static void random_source_counts_what_it_gives(void)
{
	uint8_t buf[40];
	size_t n;

	memset(buf, 0, sizeof(buf));
	n = arch_random(buf, 33);
	KTEST_EXPECT(n == 33 || n == 0);
	KTEST_EXPECT(buf[33] == 0);
}

static const struct ktest_case cases[] = {
	{ "probes survive bad addresses", probes_survive_bad_addresses },
	{ "faults leave interrupts as they were", faults_leave_interrupts_as_they_were },
	{ "timer interrupts arrive in time", timer_interrupts_arrive_in_time },
	{ "cycle counter never runs back", cycle_counter_never_runs_back },
	{ "bad interrupt lines are refused", bad_interrupt_lines_are_refused },
	{ "backtraces are bounded", backtraces_are_bounded },
	{ "descriptions fit their buffers", descriptions_fit_their_buffers },
	{ "random source counts what it gives", random_source_counts_what_it_gives },
};

KTEST_SUITE("trap", cases);
