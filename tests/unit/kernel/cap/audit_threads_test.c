/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: kernel/cap/audit_ring.c */
/* The audit ring under several writers and readers: no record is ever seen half written, none twice, and
 * every one that was put is there until a round later.  Runs under the thread sanitizer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <string.h>

#include "kernel/cap/audit_ring.h"

#define WRITERS 4
#define EACH    100000u

static struct audit_ring ring;
static struct audit_limit limit;
static _Atomic uint64_t put, passed;
static _Atomic bool over;

/* All of a record follows from one number. */
static struct audit_record make(uint64_t number)
{
	struct audit_record r = { .time_ns = number, .object = number * 3, .pid = (int32_t)number };

	memset(r.comm, (int)(number % 251), sizeof(r.comm));
	memset(r.what, (int)(number % 241), sizeof(r.what));
	return r;
}

static void *write_many(void *arg)
{
	uint64_t base = (uintptr_t)arg * EACH;

	for (uint64_t i = 0; i < EACH; i++) {
		struct audit_record r = make(base + i);
		uint32_t dropped;

		put += audit_ring_put(&ring, &r);
		passed += audit_limit_pass(&limit, (int32_t)(uintptr_t)arg, i << 25, &dropped);
	}
	return NULL;
}

static void *read_all(void *arg)
{
	uint64_t *torn = arg;

	while (!over) {
		uint64_t end = ring.end;

		for (uint64_t n = end > AUDIT_SLOTS ? end - AUDIT_SLOTS : 0; n < end; n++) {
			struct audit_record r, whole;

			if (!audit_ring_get(&ring, n, &r))
				continue;
			whole = make(r.time_ns);
			*torn += memcmp(&r, &whole, sizeof(r)) != 0;
		}
	}
	return NULL;
}

static void records_are_whole(void **state)
{
	pthread_t writers[WRITERS], readers[2];
	uint64_t torn[2] = { 0 }, there = 0;

	(void)state;
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&readers[i], NULL, read_all, &torn[i]), 0);
	for (uintptr_t i = 0; i < WRITERS; i++)
		assert_int_equal(pthread_create(&writers[i], NULL, write_many, (void *)i), 0);
	for (int i = 0; i < WRITERS; i++)
		pthread_join(writers[i], NULL);
	over = true;
	for (int i = 0; i < 2; i++)
		pthread_join(readers[i], NULL);
	assert_int_equal(torn[0] + torn[1], 0);
	assert_int_equal(ring.end, WRITERS * EACH);
	for (uint64_t n = ring.end - AUDIT_SLOTS; n < ring.end; n++) {
		struct audit_record r;

		there += audit_ring_get(&ring, n, &r);
	}
	/* The last round is there, but for places that a slow writer still had then. */
	assert_true(there + (WRITERS * EACH - put) >= AUDIT_SLOTS);
	assert_int_equal(passed + audit_limit_dropped(&limit), WRITERS * EACH);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(records_are_whole) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
