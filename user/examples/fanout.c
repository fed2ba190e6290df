/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fanout: one publisher, many subscribers.
 *
 * A subscriber calls the publisher and sends along the right to send to a port of its own, its mailbox.
 * The answer holds a ring's memory and bell, for the data, and a notification, for the news that there is
 * some.  So data goes through shared memory, and a signal wakes a subscriber once for many records.
 *
 * Ports and notifications are descriptors: the publisher waits for subscribers by select(), a subscriber for
 * news and mail by poll(), and by poll() the publisher sees that a mailbox has ended, its reader gone.
 */
#include <errno.h>
#include <libserix/capability.h>
#include <libserix/ipc.h>
#include <libserix/ring.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/select.h>

#include "example.h"

#define SUBSCRIBERS 4
#define RECORDS     2000u
#define RING_SIZE   4096u /* 512 records: the publisher waits for who is slow */
#define BATCH       100u  /* records to a signal; fewer than a ring holds, so that a full one was signalled */
#define PATIENCE_NS 50000000ull

#define NEWS 1ull

struct record {
	uint32_t number;
	uint32_t square;
};

enum { MEMORY, BELL, NOTIFICATION, SUBSCRIPTION }; /* the capabilities of an answer, and how many they are */

/* --- subscribers ----------------------------------------------------------------------------------- */

struct subscriber {
	cap_handle_t news, mailbox;
	struct ring ring;
	uint32_t next; /* the record that it expects */
};

static void subscribe(cap_handle_t publisher, struct subscriber *self)
{
	struct cap_derive only_send = { .rights = PORT_RIGHT_SEND | CAP_RIGHT_GRANT,
					.expires_ns = CAP_FOREVER };
	cap_handle_t caps[SUBSCRIPTION];
	struct message m = {
		.caps = caps, .cap_count = 1, .cap_capacity = SUBSCRIPTION, .terms = &only_send
	};

	self->mailbox = caps[0] = must(port_create(NULL), "a mailbox");
	must(port_call(publisher, &m, PULSE_FOREVER), "subscribing");
	check(m.cap_count == SUBSCRIPTION, "a subscription is complete");
	must(ring_attach(cap_fd(caps[MEMORY]), caps[BELL], &self->ring), "the ring");
	close(cap_fd(caps[MEMORY])); /* it is mapped */
	self->news = caps[NOTIFICATION];
	self->next = 0;
}

/* All that is in the ring now. */
static void take_records(struct subscriber *self)
{
	struct record r;

	while (ring_consume(&self->ring, &r, sizeof(r), 0) == 0) {
		check(r.number == self->next && r.square == r.number * r.number,
		      "records come whole, in order");
		self->next++;
	}
}

/* It leaves at the end, of which mail tells, or when it has seen enough. */
static int run_subscriber(cap_handle_t publisher, int number, uint32_t enough)
{
	struct subscriber self;
	struct message mail = { .capacity = 0 };
	uint64_t bits;

	subscribe(publisher, &self);
	while (self.next < enough) {
		struct pollfd ready[] = { { .fd = cap_fd(self.news), .events = POLLIN },
					  { .fd = cap_fd(self.mailbox), .events = POLLIN } };

		check(poll(ready, 2, -1) > 0, "there are news or mail");
		if (ready[0].revents & POLLIN)
			must(notification_wait(self.news, NEWS, &bits, 0), "news");
		take_records(&self);
		if (ready[1].revents & POLLIN) {
			must(port_receive(self.mailbox, &mail, 0), "mail");
			check(mail.tag == self.next, "everything has come");
			break;
		}
	}
	printf("subscriber %d: leaves after %s\n", number,
	       self.next < RECORDS ? "some records" : "all records");
	fflush(stdout);
	return 0;
}

/* --- the publisher --------------------------------------------------------------------------------- */

struct outlet {
	cap_handle_t news, mailbox;
	struct ring ring;
	bool gone;
};

static void accept_subscriber(cap_handle_t port, struct outlet *o)
{
	struct ring_handles ring;
	cap_handle_t caps[SUBSCRIPTION];
	struct message m = { .caps = &o->mailbox, .cap_capacity = 1 };

	must(port_receive(port, &m, PULSE_FOREVER), "a subscriber");
	check(m.reply && m.cap_count == 1, "it says where to reach it");
	must(ring_create(RING_SIZE, &ring), "a ring");
	must(ring_attach(ring.memory, ring.bell, &o->ring), "the ring");
	o->news = must(notification_create(CAP_DERIVE_CLOEXEC), "a notification");
	caps[MEMORY] = ring.memory;
	caps[BELL] = ring.bell;
	caps[NOTIFICATION] = o->news;
	m.caps = caps;
	m.cap_count = SUBSCRIPTION;
	must(port_reply(port, &m), "the subscription");
	close(ring.memory);
	o->gone = false;
}

static bool has_left(const struct outlet *o)
{
	struct pollfd mailbox = { .fd = cap_fd(o->mailbox) };

	return poll(&mailbox, 1, 0) == 1 && (mailbox.revents & POLLHUP);
}

/* Waits for room as long as there is somebody to make it. */
static void publish_one(struct outlet *o, const struct record *r)
{
	int err;

	do
		err = ring_produce(&o->ring, r, sizeof(*r), PATIENCE_NS);
	while (err == -ETIMEDOUT && !has_left(o));
	check(err == 0 || err == -ETIMEDOUT, "a record is published");
	o->gone = err < 0;
}

static void publish_batch(struct outlet *o, uint32_t first)
{
	for (uint32_t n = first; n < first + BATCH && !o->gone; n++)
		publish_one(o, &(struct record){ n, n * n });
	if (!o->gone)
		must(notification_signal(o->news, NEWS), "a signal");
}

static void close_outlet(struct outlet *o)
{
	struct message end = { .tag = RECORDS };
	int err = port_send(o->mailbox, &end, PULSE_FOREVER);

	check(err == (o->gone ? -EPIPE : 0), "who is there gets the last mail");
	ring_detach(&o->ring);
	close(cap_fd(o->ring.bell));
	close(cap_fd(o->news));
	close(cap_fd(o->mailbox));
}

static void publish(cap_handle_t port)
{
	struct outlet outlets[SUBSCRIBERS];
	unsigned left = 0;
	fd_set ready;

	FD_ZERO(&ready);
	for (int i = 0; i < SUBSCRIBERS; i++) {
		FD_SET(cap_fd(port), &ready);
		check(select(cap_fd(port) + 1, &ready, NULL, NULL, NULL) == 1, "somebody subscribes");
		accept_subscriber(port, &outlets[i]);
	}
	printf("publisher: %d subscribers\n", SUBSCRIBERS);
	for (uint32_t n = 0; n < RECORDS; n += BATCH)
		for (int i = 0; i < SUBSCRIBERS; i++)
			publish_batch(&outlets[i], n);
	for (int i = 0; i < SUBSCRIBERS; i++) {
		left += outlets[i].gone;
		close_outlet(&outlets[i]);
	}
	printf("publisher: %u records published, %u subscriber left early\n", RECORDS, left);
	check(left == 1, "one has seen enough");
}

int main(void)
{
	cap_handle_t port = must(port_create(NULL), "a port");
	cap_handle_t client = must(cap_reduce(port, PORT_RIGHT_CALL), "the subscribers' capability");
	pid_t children[SUBSCRIBERS];

	for (int i = 0; i < SUBSCRIBERS; i++) {
		children[i] = start();
		if (children[i] == 0)
			return run_subscriber(client, i, i == 0 ? RECORDS / 4 : UINT32_MAX);
	}
	publish(port);
	for (int i = 0; i < SUBSCRIBERS; i++)
		finish(children[i]);
	return 0;
}
