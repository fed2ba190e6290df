/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: */
/* A queue of packets: several who append under a lock, one who looks without it and takes out with it. */
#include <fs/socket/packet.h>

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define SENDERS 3
#define EACH    20000

static struct packet_queue queue;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *sender(void *arg)
{
	for (uint32_t i = 0; i < EACH; i++) {
		struct packet *p = calloc(1, sizeof(*p));

		p->size = i + 1;
		p->from = arg;
		pthread_mutex_lock(&lock);
		packet_append(&queue, p);
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

/* Nothing is lost or doubled, each sender's come in order, and are whole when they are seen. */
static void many_senders_one_receiver(void **state)
{
	static char who[SENDERS];
	uint32_t last[SENDERS] = { 0 };
	pthread_t threads[SENDERS];

	(void)state;
	packet_queue_init(&queue);
	for (int i = 0; i < SENDERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, sender, &who[i]), 0);
	for (uint32_t n = 0; n < SENDERS * EACH;) {
		struct packet *p = packet_first(&queue), *taken;
		long from;

		if (!p)
			continue;
		from = (char *)p->from - who;
		assert_int_equal(p->size, last[from] + 1);
		last[from] = p->size;
		pthread_mutex_lock(&lock);
		taken = packet_take(&queue);
		pthread_mutex_unlock(&lock);
		assert_ptr_equal(taken, p);
		free(p);
		n++;
	}
	for (int i = 0; i < SENDERS; i++)
		pthread_join(threads[i], NULL);
	assert_null(packet_first(&queue));
	assert_int_equal(packet_count(&queue), 0);
}

static void counts_and_takes_all(void **state)
{
	struct packet p[3] = { { .size = 5, .done = 2 }, { .size = 0 }, { .size = 7 } }, late = { .size = 1 };
	struct packet_queue other;

	(void)state;
	packet_queue_init(&queue);
	assert_null(packet_take(&queue));
	for (int i = 0; i < 3; i++)
		packet_append(&queue, &p[i]);
	assert_int_equal(packet_bytes(&queue), 10);
	packet_take_all(&queue, &other);
	assert_null(packet_first(&queue));
	assert_int_equal(packet_count(&other), 3);
	packet_append(&queue, &late); /* the old end means nothing any more */
	assert_ptr_equal(packet_take(&queue), &late);
	for (int i = 0; i < 3; i++)
		assert_ptr_equal(packet_take(&other), &p[i]);
	assert_int_equal(packet_count(&other), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_senders_one_receiver),
		cmocka_unit_test(counts_and_takes_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
