/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: kernel/cap/audit.c kernel/cap/audit_ring.c */
/* The audit trail: what is kept, in which order it is read, and what happens when there is too much. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include <kernel/time.h>

#include "kernel/cap/audit_ring.h"

#define SECOND (1ull << 30) /* of the limit */

static uint64_t now;
static int32_t pid;

uint64_t time_now_ns(void)
{
	return now;
}

uint64_t cap_tag(struct capability *cap)
{
	(void)cap;
	return 0xabcd123456789012;
}

static void who(struct audit_record *r)
{
	r->pid = pid;
	r->uid = (uint32_t)pid + 1000;
	strcpy(r->comm, "program");
}

/* What earlier tests left is read away, and its second is over. */
static struct cap_audit_reader begin(void)
{
	struct cap_audit_reader reader = { 0 };
	struct audit_record r;

	cap_audit_who = who;
	now += 10 * SECOND;
	pid++;
	while (cap_audit_next(&reader, &r))
		continue;
	return reader;
}

static void a_record_says_who_when_and_what(void **state)
{
	struct cap_audit_reader reader = begin();
	struct kobject object = { .id = 77 };
	struct capability cap = { .object = &object, .type = OBJECT_PORT };
	struct audit_record r;

	(void)state;
	cap_audit(CAP_EVENT_REVOCATION, &cap, "a text that is longer than there is room for");
	assert_true(cap_audit_next(&reader, &r));
	assert_int_equal(r.time_ns, now);
	assert_int_equal(r.pid, pid);
	assert_int_equal(r.uid, pid + 1000);
	assert_int_equal(r.event, CAP_EVENT_REVOCATION);
	assert_int_equal(r.type, OBJECT_PORT);
	assert_int_equal(r.object, 77);
	assert_int_equal(r.tag, 0xabcd); /* and nothing more of it */
	assert_string_equal(r.comm, "program");
	assert_string_equal(r.what, "a text that is longer t");
	assert_false(cap_audit_next(&reader, &r));
}

static void records_of_all_kinds_come_by_time(void **state)
{
	struct cap_audit_reader reader = begin();
	struct audit_record r;

	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		now++;
		cap_audit(i * 7 % CAP_EVENTS, NULL, "x");
	}
	for (unsigned i = 0; i < 20; i++) {
		assert_true(cap_audit_next(&reader, &r));
		assert_int_equal(r.event, i * 7 % CAP_EVENTS);
	}
	assert_false(cap_audit_next(&reader, &r));
}

static void a_process_has_its_share_of_a_second(void **state)
{
	struct cap_audit_reader reader = begin();
	uint64_t before = cap_audit_dropped(CAP_EVENT_DENIAL);
	struct audit_record r;
	unsigned kept = 0;

	(void)state;
	for (unsigned i = 0; i < AUDIT_PROCESS_BURST + 500; i++)
		cap_audit(CAP_EVENT_DENIAL, NULL, "again");
	while (cap_audit_next(&reader, &r)) {
		assert_int_equal(r.dropped, 0);
		kept++;
	}
	assert_int_equal(kept, AUDIT_PROCESS_BURST);
	assert_int_equal(cap_audit_dropped(CAP_EVENT_DENIAL) - before, 500);

	now += SECOND;
	cap_audit(CAP_EVENT_DENIAL, NULL, "later");
	assert_true(cap_audit_next(&reader, &r));
	assert_int_equal(r.dropped, 500);
	cap_audit(CAP_EVENT_DENIAL, NULL, "later still");
	assert_true(cap_audit_next(&reader, &r));
	assert_int_equal(r.dropped, 0);
}

static void who_is_loud_neither_silences_others_nor_other_kinds(void **state)
{
	struct cap_audit_reader reader = begin();
	int32_t loud = pid, quiet = pid + (int32_t)AUDIT_BUCKETS; /* the same bucket */
	struct audit_record r;
	bool seen_quiet = false, seen_kind = false;

	(void)state;
	for (unsigned i = 0; i < 5000; i++)
		cap_audit(CAP_EVENT_DENIAL, NULL, "loud");
	pid = quiet;
	cap_audit(CAP_EVENT_DENIAL, NULL, "quiet");
	pid = loud;
	cap_audit(CAP_EVENT_REVOCATION, NULL, "kind");
	while (cap_audit_next(&reader, &r)) {
		seen_quiet |= r.pid == quiet && strcmp(r.what, "quiet") == 0;
		seen_kind |= r.event == CAP_EVENT_REVOCATION && r.pid == loud;
	}
	assert_true(seen_quiet);
	assert_true(seen_kind);
	pid = quiet;
}

static void all_together_have_a_limit_and_a_new_second_a_new_one(void **state)
{
	struct cap_audit_reader reader = begin();
	struct audit_record r;

	(void)state;
	for (unsigned round = 0; round < 2; round++) {
		unsigned kept = 0;

		for (unsigned i = 0; i < 2 * AUDIT_ALL_BURST; i++) {
			pid++;
			cap_audit(CAP_EVENT_GRANT, NULL, "crowd");
		}
		while (cap_audit_next(&reader, &r))
			kept++;
		assert_int_equal(kept, AUDIT_ALL_BURST);
		now += SECOND;
	}
}

static void a_reader_who_is_slow_gets_the_newest(void **state)
{
	struct cap_audit_reader reader = begin();
	struct audit_record r;
	uint64_t start = now;
	unsigned kept = 0;

	(void)state;
	for (unsigned i = 0; i < 3 * AUDIT_SLOTS; i++) {
		now += SECOND;
		cap_audit(CAP_EVENT_GRANT, NULL, "one");
	}
	while (cap_audit_next(&reader, &r))
		assert_int_equal(r.time_ns, start + (2 * AUDIT_SLOTS + ++kept) * SECOND);
	assert_int_equal(kept, AUDIT_SLOTS);
}

/* A writer was stopped in the middle, and a whole round passed. */
static void a_place_that_is_being_written_to_is_left_alone(void **state)
{
	static struct audit_ring ring;
	struct audit_record r = { .pid = 5 };

	(void)state;
	atomic_store(&ring.slots[3].stamp, 2 * 3 + 1);
	atomic_store(&ring.end, AUDIT_SLOTS + 3);
	assert_false(audit_ring_put(&ring, &r));
	assert_false(audit_ring_get(&ring, 3, &r));
	assert_false(audit_ring_get(&ring, AUDIT_SLOTS + 3, &r));
	assert_true(audit_ring_put(&ring, &r));
	assert_true(audit_ring_get(&ring, AUDIT_SLOTS + 4, &r));
	/* And one that comes a round late does not overwrite the newer. */
	atomic_store(&ring.end, 4);
	assert_false(audit_ring_put(&ring, &r));
	assert_true(audit_ring_get(&ring, AUDIT_SLOTS + 4, &r));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_says_who_when_and_what),
		cmocka_unit_test(records_of_all_kinds_come_by_time),
		cmocka_unit_test(a_process_has_its_share_of_a_second),
		cmocka_unit_test(who_is_loud_neither_silences_others_nor_other_kinds),
		cmocka_unit_test(all_together_have_a_limit_and_a_new_second_a_new_one),
		cmocka_unit_test(a_reader_who_is_slow_gets_the_newest),
		cmocka_unit_test(a_place_that_is_being_written_to_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
