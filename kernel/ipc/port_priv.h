/* SPDX-License-Identifier: BSD-2-Clause */
/* Ports inside: steps that sending, receiving and calling share.  All _locked ones: port.lock. */
#pragma once

#include <kernel/ipc.h>

/* Can the waiting receiver take it?  Into registers goes nothing but a few bytes. */
bool parcel_fits_receiver(const struct parcel *parcel, const struct receiver *r);

/* Bring a new parcel into the port: to a receiver, to the queue, or behind the senders that are blocked,
 * as `sender`, which is not yet waiting.  -EAGAIN: there is no place and `sender` is NULL. */
int port_admit_locked(struct port *port, struct parcel *parcel, struct sender *sender) __must_check;
/* The oldest parcel, whoever has it; NULL: none. */
struct parcel *port_oldest_locked(const struct port *port);
/* Take the oldest one out, for a thread of `table` that runs now. */
struct parcel *port_take_locked(struct port *port, struct cap_table *table);
/* Take out one that nobody has received: from the queue, or from the blocked sender. */
void port_withdraw_locked(struct port *port, struct parcel *parcel, struct sender *sender);
/* Sleep until *state, one of the enums of a waiter, is above `last`.  0, -ETIMEDOUT, -EINTR. */
int port_wait_locked(struct port *port, const uint32_t *state, uint32_t last,
		     uint64_t deadline_ns) __must_check;

/* The parcel is a server's, a thread `task` of `table`. */
void call_received_locked(struct parcel *parcel, struct task *task, const struct cap_table *table);
/* The next call from slot *at on is over, with nobody to answer; false: there is none. */
bool call_break_next_locked(struct port *port, uint32_t *at);
/* Those that a process received which is no more. */
void calls_break_of(struct port *port, const struct cap_table *table);

/* What a parcel carries beside its contents (parcel_caps.c): take from the sender's table, -EFAULT,
 * -EINVAL, -EBADF, -EPERM, -EMLINK, -ENOMEM; give to the receiver's, -EFAULT; drop what is left. */
int parcel_take_caps(struct parcel *parcel, const struct message *m, struct cap_table *table) __must_check;
int parcel_give_caps(struct parcel *parcel, struct message *m, struct cap_table *table) __must_check;
void parcel_drop_caps(struct parcel *parcel);

void port_init(void);
void parcel_init(void);
