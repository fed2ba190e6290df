/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages in vector registers: what arrives, and that nothing else does.  The task that is passed one is a
 * made-up one with a saved state; the sender is this kernel thread, whose vector registers nobody else uses
 * while it is not preempted.
 */
#include <kernel/ktest.h>

#include <arch/context.h>
#include <arch/message.h>
#include <kernel/preempt.h>
#include <kernel/sched.h>
#include <kernel/slab.h>
#include <kernel/string.h>

#define AREA      512 /* of the saved state, what every processor has */
#define XMM       160
#define XMM_BYTES 256
#define XSTATE_BV 512
#define SSE       2

static uint8_t message[ARCH_MESSAGE_SIZE];
static const size_t sizes[] = { 0, 1, 7, 8, 9, 15, 16, 17, 31, 32, 64, 100, 112, 113, 127, 128 };

static void make_message(void)
{
	for (size_t i = 0; i < sizeof(message); i++)
		message[i] = (uint8_t)(i + 1);
}

static size_t round_up(size_t size)
{
	return (size + 15) & ~(size_t)15;
}

/* Is it the first `size` bytes of the message, zero to the end of that register, and `rest` in those after
 * it? */
static bool holds(const uint8_t *registers, size_t size, uint8_t rest)
{
	for (size_t i = 0; i < ARCH_MESSAGE_SIZE; i++) {
		uint8_t due = i < size ? message[i] : i < round_up(size) ? 0 : rest;

		if (registers[i] != due)
			return false;
	}
	return true;
}

static void no_byte_beyond_the_size_is_stored(void)
{
	make_message();
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		uint8_t got[ARCH_MESSAGE_SIZE];

		memset(got, 0xee, sizeof(got));
		preempt_disable();
		arch_message_load(message, sizeof(message));
		arch_message_store(got, sizes[i]);
		preempt_enable();
		KTEST_EXPECT(holds(got, sizes[i], 0xee));
	}
}

static void what_is_loaded_is_zero_beyond_the_size(void)
{
	make_message();
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		uint8_t got[ARCH_MESSAGE_SIZE];

		preempt_disable();
		arch_message_load(message, sizes[i]);
		arch_message_store(got, sizeof(got));
		preempt_enable();
		KTEST_EXPECT(holds(got, sizes[i], 0));
	}
}

/* CPUID.1:ECX.OSXSAVE: the saved state has a header that says which parts of it count. */
static bool has_header(void)
{
	uint32_t a = 1, c = 0;

	__asm__("cpuid" : "+a"(a), "+c"(c) : : "rbx", "rdx");
	return c >> 27 & 1;
}

/* A task with a saved state of 0xee in all XMM registers, or in none that count. */
static struct task *receiver_create(bool sse_in_use)
{
	struct task *task = kzalloc(sizeof(*task));
	uint8_t *area;
	uint64_t parts = sse_in_use ? SSE : 0;

	if (!task || arch_fpu_alloc(&task->context) < 0) {
		kfree(task);
		KTEST_EXPECT(!"memory");
		return NULL;
	}
	area = task->context.fpu;
	memset(area + XMM, 0xee, XMM_BYTES);
	if (has_header())
		memcpy(area + XSTATE_BV, &parts, sizeof(parts));
	return task;
}

static void receiver_destroy(struct task *task)
{
	arch_fpu_free(&task->context);
	kfree(task);
}

static void pass(struct task *to, size_t size)
{
	preempt_disable();
	arch_message_load(message, sizeof(message));
	arch_message_pass(&to->context, size);
	preempt_enable();
}

static void a_sleeping_task_gets_the_message_and_keeps_the_rest(void)
{
	make_message();
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct task *to = receiver_create(true);
		uint8_t before[AREA], *area;

		if (!to)
			return;
		area = to->context.fpu;
		memcpy(before, area, AREA);
		pass(to, sizes[i]);
		KTEST_EXPECT(holds(area + XMM, sizes[i], 0xee));
		/* x87, MXCSR and XMM8 up. */
		KTEST_EXPECT(memcmp(area, before, XMM) == 0);
		KTEST_EXPECT(memcmp(area + XMM + ARCH_MESSAGE_SIZE, before + XMM + ARCH_MESSAGE_SIZE,
				    AREA - XMM - ARCH_MESSAGE_SIZE) == 0);
		KTEST_EXPECT(!has_header() || area[XSTATE_BV] == SSE);
		receiver_destroy(to);
	}
}

static void registers_that_were_unused_begin_as_zeros(void)
{
	struct task *to = receiver_create(false);
	uint8_t zeros[XMM_BYTES - ARCH_MESSAGE_SIZE] = { 0 };
	uint8_t *area;

	if (!to)
		return;
	make_message();
	area = to->context.fpu;
	pass(to, 5);
	if (has_header()) {
		KTEST_EXPECT(area[XSTATE_BV] == SSE);
		KTEST_EXPECT(holds(area + XMM, 5, 0));
		KTEST_EXPECT(memcmp(area + XMM + ARCH_MESSAGE_SIZE, zeros, sizeof(zeros)) == 0);
	} else {
		KTEST_EXPECT(holds(area + XMM, 5, 0xee));
	}
	receiver_destroy(to);
}

static const struct ktest_case cases[] = {
	{ "no byte beyond the size is stored", no_byte_beyond_the_size_is_stored },
	{ "what is loaded is zero beyond the size", what_is_loaded_is_zero_beyond_the_size },
	{ "a sleeping task gets the message and keeps the rest",
	  a_sleeping_task_gets_the_message_and_keeps_the_rest },
	{ "registers that were unused begin as zeros", registers_that_were_unused_begin_as_zeros },
};
KTEST_SUITE("message", cases);
