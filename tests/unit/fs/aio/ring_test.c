/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: */
/* A context's ring: how large it is, and that a promised place is always there, whatever the reader says. */
#include <fs/aio/ring.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void sizes(void **state)
{
	(void)state;
	assert_int_equal(aio_ring_bytes(1, 1), 32 + 10 * 32);
	assert_int_equal(aio_ring_bytes(100, 4), 32 + 202 * 32);
	assert_int_equal(aio_ring_bytes(0x400000, 1), 32 + 0x800002ull * 32);
	assert_int_equal(aio_ring_bytes(0x400001, 1), 0);
	assert_int_equal(aio_ring_bytes(UINT32_MAX, 1), 0);
	assert_int_equal(aio_ring_slots(4096), 127);
	assert_int_equal(aio_ring_offset(126) + sizeof(struct abi_io_event), 4096);
}

static void a_slot_lies_in_one_page(void **state)
{
	(void)state;
	for (uint32_t n = 0; n < 100000; n++)
		assert_int_equal(aio_ring_offset(n) / 4096, (aio_ring_offset(n) + 31) / 4096);
}

static void full_is_not_empty(void **state)
{
	struct aio_ring r = { .slots = 8 };

	(void)state;
	for (int i = 0; i < 7; i++)
		assert_true(aio_ring_reserve(&r, 0));
	assert_false(aio_ring_reserve(&r, 0));
	for (uint32_t i = 0; i < 7; i++)
		assert_int_equal(aio_ring_take(&r), i);
	assert_int_equal(aio_ring_unread(&r, 0), 7);
	assert_false(aio_ring_reserve(&r, 0));
	assert_true(aio_ring_reserve(&r, 1));
	assert_int_equal(aio_ring_unread(&r, 7), 0);
}

/* An honest reader never loses an event; one that lies never moves the kernel out of the ring. */
static void random_readers(void **state)
{
	struct aio_ring r = { .slots = 127 };
	uint32_t head = 0, unread = 0;

	(void)state;
	srand(7);
	for (int i = 0; i < 1000000; i++) {
		switch (rand() % 4) {
		case 0: {
			bool room = r.busy + unread < 126;

			assert_int_equal(aio_ring_reserve(&r, head), room);
		} break;
		case 1:
			if (r.busy > 0) {
				assert_int_equal(aio_ring_take(&r), (head + unread) % r.slots);
				unread++;
			}
			break;
		case 2:
			if (unread > 0) {
				head = (head + 1) % r.slots;
				unread--;
			}
			break;
		default:
			assert_in_range(aio_ring_unread(&r, (uint32_t)rand()), 0, r.slots - 1);
		}
		assert_int_equal(aio_ring_unread(&r, head), unread);
		assert_in_range(r.tail, 0, r.slots - 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),
		cmocka_unit_test(a_slot_lies_in_one_page),
		cmocka_unit_test(full_is_not_empty),
		cmocka_unit_test(random_readers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
