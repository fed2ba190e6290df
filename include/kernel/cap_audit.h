/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The audit trail of capabilities, for those who show it.  Each kind of event has a ring of its own, so that
 * none washes out another; cap_audit() in <kernel/cap.h> writes.
 */
#pragma once

#include <kernel/cap.h>

struct audit_record {
	uint64_t time_ns; /* monotonic */
	uint64_t object;  /* its number; 0: none */
	int32_t pid;      /* 0: the kernel itself */
	uint32_t uid;     /* whose it is */
	uint32_t dropped; /* of the process's, in the second that it was heard of last */
	uint16_t tag;     /* the first bits of the capability's tag */
	uint8_t type;     /* enum object_type */
	uint8_t event;    /* enum cap_event */
	char comm[16];    /* ends with NUL, as the next */
	char what[24];
};

/* Where a reader is; starts as zeros. */
struct cap_audit_reader {
	uint64_t next[CAP_EVENTS];
};

/* The oldest record that was not read yet, of any kind, by time.  False: that was all. */
bool cap_audit_next(struct cap_audit_reader *reader, struct audit_record *out);
/* How many events of a kind came too fast and were only counted. */
uint64_t cap_audit_dropped(enum cap_event event);
const char *cap_event_name(enum cap_event event);

/* Fill in pid, uid and comm of who runs; what it leaves is the kernel's.  Provided by kernel/proc; any
 * context. */
extern void (*cap_audit_who)(struct audit_record *r);
