/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command line's panic_test=NAME: one broken invariant each, for tests that look at what the panic
 * prints.  None of them comes back.
 */
#include <kernel/panic_test.h>

#include <arch/cpu.h>
#include <arch/paging.h>
#include <arch/usercopy.h>
#include <kernel/assert.h>
#include <kernel/cmdline.h>
#include <kernel/panic.h>
#include <kernel/preempt.h>
#include <kernel/printk.h>
#include <kernel/sched.h>
#include <kernel/slab.h>
#include <kernel/smp.h>
#include <kernel/string.h>
#include <kernel/time.h>

extern char __text_start[], __rodata_start[];

/* What the compiler must not see through. */
static volatile uintptr_t opaque;
static volatile int zero;

static void store_to(uintptr_t address)
{
	opaque = address;
	*(volatile char *)opaque = 1;
}

static void jump_to(const void *address)
{
	opaque = (uintptr_t)address;
	((void (*)(void))opaque)();
}

static void do_panic(void)
{
	panic("asked for by panic_test=panic");
}

/* With watchdog_panic and a short watchdog_thresh= on the command line these end, too. */
static void spin_for_ever(void *unused)
{
	(void)unused;
	for (;;)
		arch_cpu_relax();
}

/* On another CPU and with interrupts off, as smp_call does it. */
static void do_hard_lockup(void)
{
	struct cpumask next = cpumask_of(cpu_count - 1);

	while (arch_this_cpu()->id == cpu_count - 1)
		sleep_until(time_now_ns() + NSEC_PER_MSEC, false);
	smp_call(&next, spin_for_ever, NULL);
}

static void do_soft_lockup(void)
{
	preempt_disable();
	spin_for_ever(NULL);
}

static void do_assert(void)
{
	ASSERT(zero == 1);
}

static void do_null(void)
{
	store_to((uintptr_t)zero);
}

static void do_user_memory(void)
{
	store_to(0x400000);
}

static void do_unmapped(void)
{
	store_to((uintptr_t)__text_start - (1ul << 30));
}

static void do_write_text(void)
{
	store_to((uintptr_t)__text_start);
}

static void do_write_rodata(void)
{
	store_to((uintptr_t)__rodata_start);
}

static void do_execute_data(void)
{
	jump_to(kzalloc(64));
}

static void do_execute_user(void)
{
	jump_to((const void *)0x400000);
}

static void do_divide(void)
{
	/* An unknown dividend: 1 / x would be compiled into comparisons. */
	opaque = opaque / (uintptr_t)zero;
}

static void do_invalid_opcode(void)
{
	__builtin_trap();
}

static void __noinline do_stack_overflow(void)
{
	volatile char frame[512];

	frame[0] = (char)opaque;
	if (opaque != 1)
		do_stack_overflow();
	opaque = (uintptr_t)frame[0];
}

static void __noinline do_canary(void)
{
	char frame[16];

	opaque = (uintptr_t)frame;
	memset((void *)opaque, 0x41, 64);
	opaque = 0;
}

static void do_copy_too_long(void)
{
	char small[16] = { 0 };

	opaque = sizeof(small) + 1;
	(void)!copy_to_user(USER_MIN, small, opaque);
}

static void in_interrupt(struct timer *timer)
{
	(void)timer;
	store_to((uintptr_t)zero);
}

static void do_interrupt(void)
{
	static struct timer timer;

	timer_init(&timer, in_interrupt);
	timer_arm(&timer, time_now_ns() + NSEC_PER_MSEC);
	sleep_until(time_now_ns() + NSEC_PER_SEC, false);
}

static const struct {
	char name[16];
	void (*run)(void);
} tests[] = {
	{ "panic", do_panic },
	{ "assert", do_assert },
	{ "null", do_null },
	{ "user-memory", do_user_memory },
	{ "unmapped", do_unmapped },
	{ "write-text", do_write_text },
	{ "write-rodata", do_write_rodata },
	{ "execute-data", do_execute_data },
	{ "execute-user", do_execute_user },
	{ "divide", do_divide },
	{ "invalid-opcode", do_invalid_opcode },
	{ "stack-overflow", do_stack_overflow },
	{ "canary", do_canary },
	{ "hard-lockup", do_hard_lockup },
	{ "soft-lockup", do_soft_lockup },
	{ "copy-too-long", do_copy_too_long },
	{ "interrupt", do_interrupt },
};

void panic_test(void)
{
	char name[32];

	if (cmdline_get("panic_test", name, sizeof(name)) < 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(tests); i++) {
		if (strcmp(tests[i].name, name) == 0) {
			pr_notice("panic_test: %s", name);
			tests[i].run();
		}
	}
	pr_err("panic_test: nothing happened for \"%s\"", name);
}
