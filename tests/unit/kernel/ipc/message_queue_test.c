/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: kernel/ipc/message_queue.c */
/* The bounded queue against a plain list: order, nothing lost, nothing twice, whatever is taken out of
 * the middle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <kernel/message_queue.h>

#define SIZE_MAX_TRIED 9u
#define STEPS          20000

struct model {
	void *messages[SIZE_MAX_TRIED];
	uint32_t count;
};

static void model_remove(struct model *m, uint32_t n)
{
	memmove(m->messages + n, m->messages + n + 1, (m->count - n - 1) * sizeof(void *));
	m->count--;
}

static void compare(const struct message_queue *q, const struct model *m)
{
	assert_int_equal(q->count, m->count);
	assert_ptr_equal(message_queue_first(q), m->count ? m->messages[0] : NULL);
	assert_int_equal(message_queue_full(q), m->count == q->size);
}

static void step(struct message_queue *q, struct model *m, uintptr_t *next)
{
	int what = rand() % 8;

	if (what < 4 && m->count < q->size) {
		void *message = (void *)(*next)++;

		message_queue_push(q, message);
		m->messages[m->count++] = message;
	} else if (what < 6) {
		void *oldest = m->count ? m->messages[0] : NULL;

		assert_ptr_equal(message_queue_pop(q), oldest);
		if (oldest)
			model_remove(m, 0);
	} else if (what == 6 && m->count) {
		uint32_t n = (uint32_t)rand() % m->count;

		assert_true(message_queue_remove(q, m->messages[n]));
		model_remove(m, n);
	} else {
		assert_false(message_queue_remove(q, (void *)*next)); /* not made yet */
	}
}

static void behaves_as_a_list(void **state)
{
	void *slots[SIZE_MAX_TRIED];

	(void)state;
	for (uint32_t size = 1; size <= SIZE_MAX_TRIED; size++) {
		struct message_queue q;
		struct model m = { .count = 0 };
		uintptr_t next = 1;

		srand(size);
		message_queue_init(&q, slots, size);
		for (int i = 0; i < STEPS; i++) {
			step(&q, &m, &next);
			compare(&q, &m);
		}
		while (m.count) {
			assert_ptr_equal(message_queue_pop(&q), m.messages[0]);
			model_remove(&m, 0);
		}
		assert_null(message_queue_pop(&q));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(behaves_as_a_list) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
