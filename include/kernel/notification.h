/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pulse: notifications.  A doorbell is 64 bits that are set from anywhere and taken by who waits for them; a
 * bit that is set already stays set, so nothing queues and nothing is lost but how often.  A notification is
 * a doorbell that a capability names; rings have one inside.
 */
#pragma once

#include <kernel/object.h>
#include <kernel/types.h>
#include <kernel/wait.h>

struct doorbell {
	_Atomic uint64_t bits;
	struct waitqueue waiters; /* those that poll among them */
};

void doorbell_init(struct doorbell *d);
/* Set bits and wake who waits for one of them.  Any context, interrupt handlers too. */
void doorbell_signal(struct doorbell *d, uint64_t bits);
/* Take those of the bits in `mask` that are set, or wait for the first: *bits.  The deadline is
 * monotonic; 0: -EAGAIN instead of waiting.  -ETIMEDOUT, -EINTR. */
int doorbell_wait(struct doorbell *d, uint64_t mask, uint64_t deadline_ns, uint64_t *bits) __must_check;
/* For kobject_ops.poll: readable while a bit is set. */
uint32_t doorbell_poll(struct doorbell *d, struct poll_table *table);

struct notification {
	struct kobject object;
	struct doorbell doorbell;
};

/* With one reference, which a capability is to take over.  -ENOMEM. */
int notification_create(struct notification **out) __must_check;
/* That of a notification or a ring; NULL: the object has none. */
struct doorbell *doorbell_of(struct kobject *object);

void notification_init(void);
